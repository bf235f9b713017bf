//! The secret of the programs.

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{
    env, error,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
};

const FILE: &str = "derp.secret";

/// The variable `DERP_SECRET`, or else the secret in the current folder, which is made at the first start.
///
/// A secret in the source would be everybody's: with it, anyone who reaches the service signs tokens for any user. A new one at
/// each start would sign everybody out. It is not in the database either, so that a copy of the database has no tokens in it.
///
/// # Errors
/// If the file can be neither read nor written.
pub fn find() -> Result<String, Box<dyn error::Error>> {
    if let Ok(secret) = env::var("DERP_SECRET") {
        return Ok(secret);
    }
    match fs::read_to_string(FILE) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return Ok(found?),
    }
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| "the operating system returned no random bytes")?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let mut file = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.write(true).create_new(true).open(FILE)?.write_all(secret.as_bytes())?;
    Ok(secret)
}
