//! A Redis of this run, to stop and to start it.

use crate::Anyhow;
use std::process::{Command, Stdio};

pub struct Redis {
    pub url: String,
}

impl Redis {
    const PORT: &str = "18477";

    pub fn start() -> Anyhow<Self> {
        Self::script("down")?;
        let lines = Self::script("up")?;
        let url = lines.lines().find_map(|line| line.strip_prefix("REDIS_URL="));
        Ok(Self { url: url.ok_or("the server has no address")?.to_owned() })
    }

    /// What it knew is lost.
    pub fn stop(&self) -> Anyhow {
        Self::script("down").map(drop)
    }

    pub fn start_again(&self) -> Anyhow {
        Self::script("up").map(drop)
    }

    fn script(command: &str) -> Anyhow<String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/redis.sh");
        let ran = Command::new(script).arg(command).env("PORT", Self::PORT).stderr(Stdio::inherit()).output()?;
        match ran.status.success() {
            true => Ok(String::from_utf8(ran.stdout)?),
            false => Err(format!("`{script} {command}`: {}", ran.status).into()),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = Self::script("down");
    }
}
