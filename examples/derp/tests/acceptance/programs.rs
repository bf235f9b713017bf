//! The programs themselves, and what their README says.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
};

const PROGRAMS: [&str; 2] = [env!("CARGO_BIN_EXE_derp"), env!("CARGO_BIN_EXE_derp-actix")];

/// A folder of its own, which ends with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, program: &str, address: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).env("ADDRESS", address).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sign_in(folder: &Folder, program: &str) -> String {
    status(folder.command(program, "127.0.0.1:0"), "POST /auth/sign-in")
}

/// The status of a request to a program that is started for it.
fn status(mut program: Command, what: &str) -> String {
    let mut running = program.spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.into_iter().find(|line| line.starts_with("A page ") || line.starts_with("listening "));
    let status = address.and_then(|line| {
        let address = line.rsplit_once("http://")?.1.trim_end_matches('/').replace("localhost", "127.0.0.1");
        let body = r#"{"email":"alice@example.com","password":"correct horse battery"}"#;
        let mut stream = TcpStream::connect(address).ok()?;
        write!(
            stream,
            "{what} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer[9..12].to_owned())
    });
    running.kill().and_then(|()| running.wait()).unwrap();
    status.unwrap_or_default()
}

#[test]
fn programs_keep_their_database_and_their_secret() {
    for program in PROGRAMS {
        let folder = Folder::new("kept");
        assert_eq!(sign_in(&folder, program), "401", "{program}");
        let secret = fs::read_to_string(folder.0.join("derp.secret")).unwrap();
        assert!(secret.len() == 43 && folder.0.join("derp.db").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fs::metadata(folder.0.join("derp.secret")).unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(sign_in(&folder, program), "401", "{program}");
        assert_eq!(fs::read_to_string(folder.0.join("derp.secret")).unwrap(), secret);
        // A secret that is too short is no secret.
        fs::write(folder.0.join("derp.secret"), "short").unwrap();
        let refused = folder.command(program, "127.0.0.1:0").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("32 bytes"), "{said}");
    }
}

#[test]
fn printed_mails_are_for_this_machine_only() {
    for program in PROGRAMS {
        let folder = Folder::new("refused");
        let refused = folder.command(program, "0.0.0.0:0").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("127.0.0.1"), "{said}");
        assert!(!folder.0.join("derp.db").exists(), "no database was made");
    }
}

/// Settings of a hosted backend: the same routes, but no accounts. The database has organizations, and the secret signs contexts.
#[test]
fn settings_choose_the_backend() {
    for program in PROGRAMS {
        let folder = Folder::new("hosted");
        let hosted = |settings: &str| {
            let mut command = folder.command(program, "127.0.0.1:0");
            let settings = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(settings);
            command.env("SETTINGS", settings).env("CLERK_PUBLISHABLE_KEY", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k");
            command
        };
        let clerk = || {
            let mut command = hosted("clerk.toml");
            command.env("CLERK_SECRET_KEY", "sk_test_1");
            command
        };
        assert_eq!(status(clerk(), "GET /me"), "401", "{program}");
        assert_eq!(status(clerk(), "POST /auth/sign-in"), "404", "{program}");
        assert_eq!(status(clerk(), "POST /organizations"), "401", "{program}");
        assert!(folder.0.join("derp.secret").exists() && folder.0.join("derp.db").exists());
        let mut short = clerk();
        let refused = short.env("DERP_SECRET", "short").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("32 bytes"), "{said}");
        for (settings, named) in [("clerk.toml", "$CLERK_SECRET_KEY"), ("none.toml", "none.toml")] {
            let refused = hosted(settings).output().unwrap();
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && said.contains(named), "{said}");
        }
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for program in PROGRAMS {
        for address in [&*taken, "nonsense"] {
            let refused = Folder::new("taken").command(program, address).output().unwrap();
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && said.contains(address) && said.contains("ADDRESS"), "{said}");
        }
    }
}

/// The README has the lines that the program prints.
#[test]
fn the_lines_to_paste() {
    let readme = include_str!("../../README.md");
    let printed = derp::try_out::lines(([127, 0, 0, 1], 3000).into());
    let lines = |text: &str| -> Vec<String> {
        let is_code = |line: &&str| ["curl ", "export ", "tokens()"].iter().any(|start| line.starts_with(start));
        text.lines().filter(is_code).map(str::to_owned).collect()
    };
    assert_eq!(lines(readme), lines(&printed));
    assert!(printed.lines().all(|line| line.chars().count() <= 110), "{printed}");
}
