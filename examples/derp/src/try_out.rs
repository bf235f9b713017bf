//! Not part of the service: lines for people to paste.

use std::net::SocketAddr;

/// Lines to paste, from sign-up to sign-out. The expected status follows the `#`.
#[must_use]
pub fn lines(address: SocketAddr) -> String {
    include_str!("lines.txt").trim_end().replace("localhost:3000", &format!("localhost:{}", address.port()))
}
