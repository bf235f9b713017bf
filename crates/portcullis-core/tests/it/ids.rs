//! The ids of principals, sessions and tokens: what is the same, and how it is written.

use futures_util::FutureExt;
use portcullis_core::{
    ClaimMap, Credential, CredentialSource, ErrorKind, Jwt, Principal, PrincipalId, PrincipalKind, SessionId, TokenId,
    testing::{TestIssuer, acting_as},
};
use std::{collections::HashSet, fmt::Display, str::FromStr};

const ISSUERS: [&str; 9] =
    ["", "https://id.example.com", "a|b", "a%7Cb", "a%b", "%", "|", "%257C", "https://id.example.com/t%7C1|x"];
const NAMES: [&str; 8] = ["alice", "", "a|b", "auth0|alice", "%7C", "a@b.test", "|", "\u{e9}\n"];

/// Every value is another text, and each is read again as what it was.
fn round<T: Display + FromStr<Err = portcullis_core::Error> + Eq + std::hash::Hash>(all: Vec<T>) {
    let texts: HashSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), all.len(), "{texts:?}");
    for id in &all {
        assert!(id.to_string().parse::<T>().unwrap() == *id, "{id}");
    }
    let count = all.len();
    assert_eq!(all.into_iter().collect::<HashSet<T>>().len(), count);
}

#[test]
fn written_and_read_again() {
    let pairs = || ISSUERS.into_iter().flat_map(|issuer| NAMES.map(|name| (issuer, name)));
    let kinds = [PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Key];
    let of = |(issuer, name)| kinds.map(|kind| PrincipalId::new(kind, name).with_issuer(issuer));
    round(pairs().flat_map(of).collect());
    round(pairs().map(|(issuer, id)| SessionId::new(id).with_issuer(issuer)).collect());
    round(pairs().map(|(issuer, id)| TokenId::new(id).with_issuer(issuer)).collect());
}

#[test]
fn how_they_are_written() {
    let alice = acting_as("auth0|alice").with_issuer("https://id.example.com").with_session("s").with_token_id("t");
    assert_eq!(alice.id().to_string(), "user|https://id.example.com|auth0|alice");
    assert_eq!(alice.session().unwrap().to_string(), "https://id.example.com|s");
    assert_eq!(alice.token_id().unwrap().to_string(), "https://id.example.com|t");
    let odd = Principal::new(PrincipalKind::Key, "k").with_issuer("50%|");
    assert_eq!(odd.id().to_string(), "key|50%25%7C|k");
    assert_eq!(Principal::new(PrincipalKind::Service, "sync").id().to_string(), "service||sync");
}

/// A text that could be another one's is none.
#[test]
fn what_is_no_id() {
    for text in ["", "alice", "user", "user|alice", "User|i|a", " user|i|a", "robot|i|a", "user|a%b|x", "user|a%7cb|x"]
    {
        let error = text.parse::<PrincipalId>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text}");
        assert!(text.is_empty() || !error.to_string().contains("alice"), "{error}");
    }
    for text in ["", "s", "a%b|s", "a%7cb|s", "%|s"] {
        assert!(text.parse::<SessionId>().is_err() && text.parse::<TokenId>().is_err(), "{text}");
    }
}

#[test]
fn kind_issuer_and_subject_tell_principals_apart() {
    let user = |subject: &str| Principal::new(PrincipalKind::User, subject);
    let all = [
        user("alice"),
        user("alice").with_issuer("https://a.test"),
        user("alice").with_issuer("https://b.test"),
        user("Alice").with_issuer("https://a.test"),
        Principal::new(PrincipalKind::Service, "alice").with_issuer("https://a.test"),
        user("https://a.test").with_issuer("alice"),
        user("https://a.test|alice"),
    ];
    assert_eq!(all.iter().map(Principal::id).collect::<HashSet<_>>().len(), all.len());
    let more = user("alice").with_issuer("https://a.test").with_role("owner").with_session("s").with_staff(true);
    assert_eq!(more.id(), all[1].id(), "whatever else is known of it");
    assert_eq!(user("alice").with_issuer("").id(), all[0].id(), "an issuer has a name");
    assert_eq!((all[0].issuer(), all[0].id().issuer(), all[1].id().issuer()), (None, None, Some("https://a.test")));
}

#[test]
fn sessions_and_tokens_are_those_of_their_issuer() {
    let alice = acting_as("alice").with_session("s").with_token_id("t");
    let hers = alice.clone().with_issuer("https://a.test");
    assert_ne!(alice.session(), hers.session());
    assert_eq!(hers.session(), Some(SessionId::new("s").with_issuer("https://a.test")));
    assert_eq!(hers.token_id(), Some(TokenId::new("t").with_issuer("https://a.test")));
    assert_eq!(hers.session().unwrap().issuer(), Some("https://a.test"));
    assert_eq!((acting_as("bob").session(), acting_as("bob").token_id()), (None, None));
}

#[test]
fn what_is_shown_for_logs() {
    let alice = acting_as("a@b.test").with_issuer("https://a.test").with_session("secret").with_token_id("id");
    assert_eq!(format!("{:?}", alice.id()), "User of `https://a.test`");
    assert_eq!(format!("{alice:?}"), "Principal(User of `https://a.test`, ..)");
    assert_eq!(format!("{:?}", alice.session().unwrap()), "SessionId of `https://a.test`");
    assert_eq!(format!("{:?}", alice.token_id().unwrap()), "TokenId of `https://a.test`");
    assert_eq!(format!("{:?}", acting_as("a@b.test")), "Principal(User, ..)");
}

/// A principal of a token reads its names where they stand in the claims. Whoever keeps an id keeps only that.
#[test]
fn of_a_token() {
    let map = ClaimMap::new().organization("org").unwrap();
    let tester = TestIssuer::new();
    let verifier = Jwt::new(tester.issuer().claim_map(map)).clock(tester.clock());
    for name in ["alice", "a", "a|b", "\u{e9}\n", "\"", "\\u0061"] {
        let token = tester.token(name).claim("sid", name).claim("org", name).sign();
        let credential = Credential::new(token, CredentialSource::bearer());
        let principal = verifier.authenticate(&credential).now_or_never().unwrap().unwrap();
        let expected = PrincipalId::new(PrincipalKind::User, name).with_issuer("https://issuer.test");
        let (kept, changed) = (principal.id().clone(), principal.clone().with_role("viewer"));
        assert_eq!((principal.organization(), changed.organization()), (Some(name), Some(name)));
        assert_eq!(principal.session(), Some(SessionId::new(name).with_issuer("https://issuer.test")));
        assert_eq!(changed.session(), principal.session());
        assert_eq!([principal.id(), changed.id()], [&expected, &expected]);
        drop((principal, changed));
        assert_eq!((kept.subject(), &kept), (name, &expected));
        assert_ne!(kept, PrincipalId::new(PrincipalKind::User, format!("{name} ")).with_issuer("https://issuer.test"));
        assert!(HashSet::from([expected]).contains(&kept));
    }
}
