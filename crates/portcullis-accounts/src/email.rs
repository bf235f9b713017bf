//! E-mail addresses.

use crate::error::Error;
use std::{fmt, str::FromStr};

/// An e-mail address, which names an account: ASCII, `local@domain`, in lower case, without quotes and comments.
///
/// Dots and tags of the local part are kept, since what they mean is up to its provider. The same rule applies wherever an
/// address is read. `Debug` shows the domain and the first letter.
///
/// ```
/// use portcullis_accounts::EmailAddress;
///
/// # fn main() -> Result<(), portcullis_accounts::Error> {
/// let address: EmailAddress = " Alice.Doe+news@Example.COM ".parse()?;
/// assert_eq!(address.as_str(), "alice.doe+news@example.com");
/// for wrong in ["alice", "alice@localhost", "\"a\"@example.com", "a@b@c.com", "älice@b.com"] {
///     assert!(wrong.parse::<EmailAddress>().is_err());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = Error;

    /// # Errors
    /// [`Error::InvalidEmail`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim_matches([' ', '\t']);
        // Lengths of RFC 5321, section 4.5.3.1.
        match text.rsplit_once('@') {
            Some((local, domain)) if text.len() <= 254 && is_local(local) && is_domain(domain) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(Error::InvalidEmail),
        }
    }
}

/// A dot-atom (RFC 5322, section 3.2.3).
fn is_local(local: &str) -> bool {
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
}

/// A name of two labels or more.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.split_once('@').unwrap_or_default();
        write!(f, "{}…@{domain}", local.chars().next().unwrap_or('?'))
    }
}
