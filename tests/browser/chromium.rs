//! Chromium, without a driver: it opens a page, and the page does the rest.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

/// A running browser with a profile of its own. Both end with it.
pub struct Chromium {
    child: Child,
    profile: PathBuf,
}

impl Chromium {
    pub fn open(url: &str, flags: &[String]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let profile = env::temp_dir().join(format!("portcullis-browser-{}-{number}", std::process::id()));
        // Or it sends no cookies to other sites from within a page. Not every browser is as careful.
        fs::create_dir_all(profile.join("Default")).unwrap();
        let preferences = r#"{"profile":{"cookie_controls_mode":0,"block_third_party_cookies":false}}"#;
        fs::write(profile.join("Default/Preferences"), preferences).unwrap();
        let program = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
        let child = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
            ])
            // The pages open others without a click.
            .arg("--disable-popup-blocking")
            // Hosts that are no loopback names: on those, plain HTTP is no secure context.
            .arg("--host-resolver-rules=MAP *.test 127.0.0.1")
            .arg("--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable")
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(flags)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            let _ = fs::remove_dir_all(&profile);
            panic!("install chromium, or name it in CHROMIUM ({error})")
        });
        Self { child, profile }
    }

    /// Once it ends by itself, as it does after a screenshot.
    pub fn wait(&mut self) {
        self.child.wait().unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked to end, it waits for its helpers; killed, it leaves them behind, and they go on writing to the profile.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let is_over = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)));
        for _ in 0..100 {
            if is_over(&mut self.child) {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
