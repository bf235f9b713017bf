//! A server that a run has for itself, started by its script.

use crate::Anyhow;
use std::process::{Command, Stdio};

/// It goes when the run is over.
pub struct OwnServer {
    script: String,
    port: &'static str,
    pub url: String,
}

impl OwnServer {
    /// Starts it without the data of an earlier run. The script prints its address as this variable.
    pub fn start(script: &str, port: &'static str, variable: &str) -> Anyhow<Self> {
        let script = format!("{}/servers/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut server = Self { script, port, url: String::new() };
        server.run("down")?;
        let printed = server.run("up")?;
        let mut lines = printed.lines().filter_map(|line| line.split_once('='));
        let url = lines.find_map(|(name, url)| (name == variable).then(|| url.to_owned()));
        server.url = url.ok_or("the server has no address")?;
        Ok(server)
    }

    /// Runs the script with a command such as `up`, and returns what it prints.
    pub fn run(&self, command: &str) -> Anyhow<String> {
        let mut script = Command::new(&self.script);
        let ran = script.arg(command).env("PORT", self.port).stderr(Stdio::inherit()).output()?;
        match ran.status.success() {
            true => Ok(String::from_utf8(ran.stdout)?),
            false => Err(format!("`{} {command}`: {}", self.script, ran.status).into()),
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.run("down");
    }
}
