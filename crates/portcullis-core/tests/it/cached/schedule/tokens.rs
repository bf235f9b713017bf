//! Tokens of every kind.

use super::random::one_of;
use crate::cached::keys::{name, signed_with};
use portcullis_core::{Algorithm, testing::SigningKey};
use proptest::prelude::*;

/// Secrets at hand, of two issuers; keys at hand, a key set at an address, keys that are discovered, and one whom nobody knows.
pub(super) const SECRETS: &str = "https://secrets.test";
pub(super) const OTHERS: &str = "https://others.test";
pub(super) const AT_HAND: &str = "https://at-hand.test";
pub(super) const FETCHED: &str = "https://fetched.test";
pub(super) const FOUND: &str = "https://found.test";
pub(super) const UNKNOWN: &str = "https://unknown.test";

/// What a token says of a time, in seconds from now.
type Time = Option<i64>;

#[derive(Debug, Clone)]
pub(super) struct Minted {
    pub(super) issuer: &'static str,
    by: By,
    expires: Time,
    starts: Time,
    issued: Time,
    who: u8,
    flaw: Flaw,
}

#[derive(Debug, Clone)]
enum By {
    /// One of the keys that are published, or else at hand.
    Published(usize),
    /// A key under its own name, published or not.
    Number(u8),
    /// A key under the name of another.
    Named(u8, u8),
    Unnamed(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    Audience,
    Tenant,
    Forbidden,
    Type,
    Algorithm,
    Subject,
    /// None at all: the token is long.
    Long,
}

/// A token that was made once, and the times when something about it changes, in seconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) issuer: &'static str,
    pub(super) id: String,
    pub(super) who: u8,
    pub(super) times: Vec<u64>,
}

/// The secret number `n`.
pub(super) fn secret(n: u8) -> SigningKey {
    SigningKey::secret(Algorithm::Hs256, [n; 32]).unwrap()
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        20 => (0..4_usize).prop_map(By::Published),
        3 => (1..8_u8).prop_map(By::Number),
        1 => (1..8_u8, 1..8_u8).prop_map(|(n, other)| By::Named(n, other)),
        1 => (1..8_u8).prop_map(By::Unnamed),
    ]
}

pub(super) fn minted() -> impl Strategy<Value = Minted> {
    let issuer = one_of(&[(4, SECRETS), (2, OTHERS), (4, AT_HAND), (8, FETCHED), (6, FOUND), (1, UNKNOWN)]);
    let expires = one_of(&[(16, Some(600)), (2, Some(40_000)), (3, Some(3)), (3, Some(30)), (1, Some(-10)), (1, None)]);
    let starts = one_of(&[(16, None), (2, Some(-10)), (1, Some(4)), (1, Some(40))]);
    let issued = one_of(&[(6, Some(0)), (10, Some(-15)), (1, None), (1, Some(-200)), (1, Some(4))]);
    let rare = [Flaw::Audience, Flaw::Tenant, Flaw::Forbidden, Flaw::Type, Flaw::Algorithm, Flaw::Subject, Flaw::Long];
    let flaw = one_of(&[&[(30, Flaw::None), (1, Flaw::Long)][..], &rare.map(|flaw| (1, flaw))].concat());
    (issuer, by(), expires, starts, issued, 0..3_u8, flaw).prop_map(
        |(issuer, by, expires, starts, issued, who, flaw)| Minted { issuer, by, expires, starts, issued, who, flaw },
    )
}

impl Minted {
    /// The token, made at this second, the `n`th of all, while these keys are published.
    pub(super) fn token(&self, now: u64, n: usize, published: &[(String, u8)]) -> Token {
        let id = format!("t{n}");
        let time = |time: Time| time.map(|time| now.saturating_add_signed(time));
        let mut claims = format!(
            r#"{{"iss":"{}","jti":"{id}","sid":{who},"roles":["r{who}"],"scope":"a{who} b","auth_time":{n}"#,
            self.issuer,
            who = self.who,
        );
        let mut add = |member: &str| claims.push_str(&format!(",{member}"));
        add(if self.flaw == Flaw::Audience { r#""aud":"others""# } else { r#""aud":["test","x"]"# });
        add(if self.flaw == Flaw::Tenant { r#""tenant":"t2""# } else { r#""tenant":"t1""# });
        if self.flaw != Flaw::Subject {
            add(&format!(r#""sub":"s{}""#, self.who));
        }
        if self.flaw == Flaw::Forbidden {
            add(r#""forbidden":null"#);
        }
        if self.flaw == Flaw::Long {
            add(&format!(r#""long":"{}""#, "x".repeat(900)));
        }
        for (claim, time) in [("exp", time(self.expires)), ("nbf", time(self.starts)), ("iat", time(self.issued))] {
            if let Some(time) = time {
                add(&format!(r#""{claim}":{time}"#));
            }
        }
        claims.push('}');
        let times = [self.expires, self.starts, self.issued].into_iter().filter_map(time).collect();
        Token { text: self.sign(&claims, published), issuer: self.issuer, id, who: self.who, times }
    }

    fn sign(&self, claims: &str, published: &[(String, u8)]) -> String {
        let (kid, n) = match self.by {
            By::Published(place) if !published.is_empty() => {
                let (kid, n) = &published[place % published.len()];
                (Some(kid.clone()), *n)
            }
            By::Published(place) => (None, place as u8 + 1),
            By::Number(n) => (Some(name(n)), n),
            By::Named(n, other) => (Some(name(other)), n),
            By::Unnamed(n) => (None, n),
        };
        let algorithm = match (matches!(self.issuer, SECRETS | OTHERS), self.flaw == Flaw::Algorithm) {
            (true, false) => "HS256",
            (true, true) => "HS512",
            (false, false) => "EdDSA",
            (false, true) => "ES256",
        };
        let kid = kid.map(|kid| format!(r#","kid":"{kid}""#)).unwrap_or_default();
        let kind = if self.flaw == Flaw::Type { "logout+jwt" } else { "JWT" };
        let header = format!(r#"{{"alg":"{algorithm}","typ":"{kind}"{kid}}}"#);
        match self.issuer {
            SECRETS | OTHERS => secret(n).sign(&header, claims),
            _ => signed_with(n, &header, claims),
        }
    }
}
