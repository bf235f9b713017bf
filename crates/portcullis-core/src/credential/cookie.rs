//! Cookies, read as bytes from all `Cookie` lines of a request.

use super::value::{trim, visible};
use crate::{
    error::{Error, ErrorKind},
    head::RequestHead,
};
use std::{
    fmt,
    hash::{Hash, Hasher},
};

/// Longer cookie text is refused unread. Browsers send a fraction of it.
const MAX_BYTES: usize = 64 * 1024;

/// The value of the cookie with exactly this name (RFC 6265bis, section 5.8.3). HTTP/2 may split the header into crumbs
/// (RFC 9113, section 8.2.3), so all lines are read together. Parsed here and as bytes, for two reasons: another
/// application's cookie that is not UTF-8 must not matter, and a second cookie of the same name must matter if its value
/// differs.
pub(super) fn read<'h>(head: &'h dyn RequestHead, name: &str) -> Result<Option<&'h [u8]>, Error> {
    let (mut value, mut is_ambiguous, mut bytes) = (None, false, 0_usize);
    head.each_header("cookie", &mut |line: &'h [u8]| {
        bytes = bytes.saturating_add(line.len());
        if bytes > MAX_BYTES {
            return;
        }
        for pair in line.split(|byte| *byte == b';') {
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
            let (found, rest) = pair.split_at_checked(equals).unwrap_or((pair, b""));
            if trim(found) != name.as_bytes() {
                continue;
            }
            // An empty one counts as absent: some servers log out by emptying it, for the host or for the domain.
            let Some(found) = rest.get(1..).map(without_quotes).filter(|found| !found.is_empty()) else { continue };
            is_ambiguous |= value.is_some_and(|earlier| earlier != found);
            value = Some(found);
        }
    });
    if bytes > MAX_BYTES {
        return Err(Error::new(ErrorKind::Malformed, "more than 64 KiB of cookies"));
    }
    if is_ambiguous {
        let detail = format!(
            "the cookie `{name}` is present twice with different values, as when one is set for the domain and one for the \
             host; set it in one place only, under a name that begins with `__Host-`, which no other host can set"
        );
        return Err(Error::new(ErrorKind::Malformed, detail));
    }
    Ok(value)
}

fn without_quotes(value: &[u8]) -> &[u8] {
    let value = trim(value);
    let inside = value.strip_prefix(b"\"").and_then(|inside| inside.strip_suffix(b"\""));
    inside.map_or(value, trim)
}

/// The cookies of a request, for [`CredentialSource::cookies`](super::CredentialSource::cookies).
///
/// A function over them says which cookies make a credential, and `Ok(None)` if there is none. It refuses what it cannot read,
/// rather than passing it on as absent:
///
/// ```
/// use portcullis_core::{
///     Cookies, CredentialSource, Error, ErrorKind, Gate, Scheme, testing::TestIssuer,
/// };
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
///
/// /// `session` says in how many cookies the token is:
/// /// `session=2; session.0=eyJh; session.1=bGci`.
/// fn counted(cookies: &Cookies<'_>) -> Result<Option<String>, Error> {
///     let Some(count) = cookies.get("session")? else { return Ok(None) };
///     let count: u8 = count
///         .parse()
///         .map_err(|_| Error::new(ErrorKind::Invalid, "`session` is not a count"))?;
///     let mut token = String::new();
///     for place in 0..count {
///         let chunk = cookies.get(&format!("session.{place}"))?;
///         token.push_str(chunk.ok_or_else(|| {
///             Error::new(ErrorKind::Invalid, "a part of the session is missing")
///         })?);
///     }
///     Ok(Some(token))
/// }
///
/// # fn main() -> Result<(), Error> {
/// let scheme = Scheme::new(TestIssuer::new().verifier())
///     .source(CredentialSource::cookies("session", counted));
/// let gate = Gate::builder().scheme(scheme).build()?;
/// let complete = get("/").header("cookie", "session=2; session.0=eyJh; session.1=bGci");
/// assert_eq!(
///     gate.read(&complete)?.map(|read| read.expose().to_owned()).as_deref(),
///     Some("eyJhbGci")
/// );
///
/// let torn = get("/").header("cookie", "session=2; session.0=eyJh");
/// assert!(gate.read(&torn).is_err_and(|error| error.kind() == ErrorKind::Invalid));
/// # Ok(()) }
/// ```
pub struct Cookies<'h> {
    pub(super) head: &'h dyn RequestHead,
}

impl<'h> Cookies<'h> {
    /// The value of a cookie, if it is present and not empty.
    ///
    /// # Errors
    /// As [`CredentialSource::cookie`](super::CredentialSource::cookie) refuses it: [`ErrorKind::Malformed`] if it is present
    /// twice with different values, [`ErrorKind::Invalid`] if it has characters that no credential has.
    pub fn get(&self, name: &str) -> Result<Option<&'h str>, Error> {
        read(self.head, name)?.map(visible).transpose()
    }
}

impl fmt::Debug for Cookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies(..)")
    }
}

/// The function that puts cookies together. Sources with the same name are the same source.
#[derive(Clone)]
pub(super) struct ReadCookies(pub(super) fn(&Cookies<'_>) -> Result<Option<String>, Error>);

impl PartialEq for ReadCookies {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReadCookies {}

impl Hash for ReadCookies {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
