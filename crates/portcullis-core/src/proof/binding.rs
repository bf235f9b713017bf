//! What a token is bound to.

use crate::{claims::Claims, principal::Principal};

/// The keys that a token is bound to, by its claim `cnf` (RFC 7800, section 3.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The thumbprint of a key (`jkt`, RFC 9449, section 6.1). Empty if it is no text, which no key has.
    pub(crate) key: Option<String>,
    /// The thumbprint of a client's certificate (`x5t#S256`, RFC 8705, section 3.1). Empty likewise.
    pub(crate) certificate: Option<String>,
}

impl Binding {
    /// Of the token of this principal. Without claims it is bound to nothing. If the token and the answer of its issuer differ,
    /// it is bound to what no caller has.
    pub(crate) fn of(principal: &Principal) -> Self {
        let claims = || principal.each_description().filter_map(Principal::token_claims);
        let member = |name: &str| {
            let all = claims().filter_map(|claims| confirmation(claims, name));
            all.reduce(|one, other| if one == other { one } else { String::new() })
        };
        Self { key: member("jkt"), certificate: member("x5t#S256") }
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A `cnf` that is not an object names no key that a caller could have, so it stands for all of them.
fn confirmation(claims: &Claims, name: &str) -> Option<String> {
    let cnf = claims.at("cnf").filter(|cnf| !cnf.is_null())?;
    match cnf.members() {
        None => Some(String::new()),
        Some(_) => Some(cnf.member(name)?.as_str().unwrap_or_default().into_owned()),
    }
}
