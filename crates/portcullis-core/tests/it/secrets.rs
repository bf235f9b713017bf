//! Secrets that two services share.

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Credential, CredentialSource, Error, ErrorKind, Gate, Principal, PrincipalKind, Scheme, SharedSecret,
    testing::TestIssuer,
};

const FIRST: &str = "the first secret, of forty bytes or more!";
const SECOND: &str = "the second secret, of forty bytes or more";
/// One that every place can carry.
const VISIBLE: &str = "a-secret-that-two-services-know-of-well";

fn ask(secret: &SharedSecret, text: &str, source: CredentialSource) -> Result<Principal, Error> {
    secret.authenticate(&Credential::new(text, source)).now_or_never().expect("asks nobody")
}

fn knows(secret: &SharedSecret, text: &str) -> bool {
    match ask(secret, text, CredentialSource::bearer()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unrecognized, "left to the next scheme");
            assert_eq!(error.status(), 401);
            let shown = format!("{error} {error:?}");
            assert!(text.len() < 8 || !shown.contains(text), "{shown}");
            false
        }
    }
}

#[test]
fn the_service_is_the_principal() {
    let secret = SharedSecret::new("sync", FIRST).unwrap();
    let principal = ask(&secret, FIRST, CredentialSource::bearer()).unwrap();
    assert_eq!(principal.id().subject(), "sync");
    assert_eq!(principal.kind(), PrincipalKind::Service);
    assert!(principal.roles().is_empty() && !principal.is_staff() && principal.token_claims().is_none());

    let with_role = Principal::new(PrincipalKind::Key, "ci").with_role("deployer");
    let secret = SharedSecret::of(with_role, FIRST).unwrap();
    let principal = ask(&secret, FIRST, CredentialSource::bearer()).unwrap();
    assert_eq!((principal.id().subject(), principal.kind(), principal.roles().len()), ("ci", PrincipalKind::Key, 1));
}

#[test]
fn nearly_the_secret_is_not_the_secret() {
    let secret = SharedSecret::new("sync", FIRST).unwrap();
    assert!(knows(&secret, FIRST));
    let mut flipped = FIRST.as_bytes().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let others = [
        "",
        " ",
        &FIRST[..FIRST.len() - 1],
        &FIRST[1..],
        &format!("{FIRST} "),
        &format!(" {FIRST}"),
        &format!("{FIRST}\n"),
        &format!("{FIRST}\0"),
        &FIRST.to_uppercase(),
        &FIRST.repeat(2),
        &"x".repeat(1 << 20),
        str::from_utf8(&flipped).unwrap(),
        SECOND,
    ];
    for other in others {
        assert!(!knows(&secret, other), "{:.60?}", other);
    }
}

#[test]
fn empty_and_short_secrets_are_refused() {
    let blank = " ".repeat(40);
    let refused = |secret: Result<SharedSecret, Error>, why: &str| {
        let error = secret.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(why), "{error}");
    };
    assert!(SharedSecret::new("sync", "x".repeat(32)).is_ok());
    for (secret, why) in [
        ("", "this one has 0"),
        ("secret", "this one has 6"),
        (&"x".repeat(31), "this one has 31"),
        (&blank, "is empty"),
    ] {
        refused(SharedSecret::new("sync", secret), why);
        refused(SharedSecret::of(Principal::new(PrincipalKind::User, "x"), secret), why);
        refused(SharedSecret::new("sync", FIRST).unwrap().also(secret), why);
    }
    let short = || SharedSecret::new("sync", FIRST).unwrap();
    assert!(knows(&short().dangerous_short_secret("short").unwrap(), "short"));
    for blank in ["", " ", "\t\r\n", &blank] {
        refused(short().dangerous_short_secret(blank), "the shared secret is empty");
    }
}

#[test]
fn secrets_are_changed_without_a_gap() {
    let before = SharedSecret::new("sync", FIRST).unwrap();
    let between = SharedSecret::new("sync", SECOND).unwrap().also(FIRST).unwrap();
    let after = SharedSecret::new("sync", SECOND).unwrap();
    assert_eq!([&before, &between, &after].map(|secret| knows(secret, FIRST)), [true, true, false]);
    assert_eq!([&before, &between, &after].map(|secret| knows(secret, SECOND)), [false, true, true]);
    let three = between.also("a third secret, of forty bytes or more...").unwrap();
    assert!(
        knows(&three, FIRST) && knows(&three, SECOND) && knows(&three, "a third secret, of forty bytes or more...")
    );
    assert!(!knows(&three, &format!("{FIRST}{SECOND}")));
}

#[test]
fn only_where_it_belongs() {
    let tokens = TestIssuer::new();
    let gate = Gate::builder()
        .scheme(
            Scheme::new(tokens.verifier()).bearer().header("x-other").cookie("x-sync-secret").query("x-sync-secret"),
        )
        .scheme(Scheme::new(SharedSecret::new("sync", VISIBLE).unwrap()).header("x-sync-secret"))
        .build()
        .unwrap();
    let ask = |head: &Head| {
        let who = gate.establish(head).now_or_never().unwrap();
        who.principal().map(|principal| principal.id().subject().to_owned()).map_err(|error| error.kind())
    };
    assert_eq!(ask(&Head::of(&[("x-sync-secret", VISIBLE)])), Ok("sync".to_owned()));
    assert_eq!(ask(&Head::of(&[("X-Sync-Secret", VISIBLE)])), Ok("sync".to_owned()), "names of headers have no case");
    for elsewhere in [
        Head::new().bearer(VISIBLE),
        Head::of(&[("x-other", VISIBLE)]),
        Head::of(&[("cookie", &format!("x-sync-secret={VISIBLE}"))]),
        Head::new().query(&format!("x-sync-secret={VISIBLE}")),
    ] {
        assert_eq!(ask(&elsewhere), Err(ErrorKind::Unrecognized), "{elsewhere:?}");
    }
    let other = VISIBLE.to_uppercase();
    assert_eq!(ask(&Head::of(&[("x-sync-secret", &other)])), Err(ErrorKind::Unrecognized));
    // Nor does what the other scheme knows count there.
    let token = tokens.token("alice").sign();
    assert_eq!(ask(&Head::new().bearer(&token)), Ok("alice".to_owned()));
    assert_eq!(ask(&Head::of(&[("x-sync-secret", &token)])), Err(ErrorKind::Unrecognized));
}

#[test]
fn nothing_shows_it() {
    let secret = SharedSecret::new("sync", FIRST).unwrap().also(SECOND).unwrap();
    let shown = format!("{secret:?}");
    assert!(shown.contains("Fingerprint(..)") && !shown.contains("secret, of"), "{shown}");
    let credential = Credential::new(FIRST, CredentialSource::header("x-sync-secret"));
    assert!(!format!("{credential:?}").contains("first"), "{credential:?}");
    let error = SharedSecret::new("sync", "too short a secret").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("too short"), "{error:?}");
}
