//! What the live runs share.

use std::{env, error, time::Duration};
use ureq::Agent;

pub type Anyhow<T = ()> = Result<T, Box<dyn error::Error>>;

/// What the script of a server printed.
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("`{name}` is not set; the `up` of a script in `tests/servers` prints it"))
}

pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build().into()
}
