//! Claims as Directus 10 to 12 write them, with made-up values.

use crate::tokens::now;
use portcullis_core::{
    Algorithm, Credential, CredentialSource, Error, ErrorKind, Principal, Verifier,
    testing::{FixedClock, SigningKey},
};
use portcullis_providers::directus::{Directus, SESSION_COOKIE};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

const NOW: u64 = 1_795_353_900;
const SECRET: &str = "the SECRET of a Directus instance that there is not";

fn directus() -> Directus {
    Directus::new(SECRET).unwrap().clock(FixedClock::at(NOW))
}

/// A token of a user in `json` mode on Directus 11, with these members instead of or beside its own.
fn token(changes: Value) -> String {
    let mut claims = json!({
        "id": "0a1b2c3d-0000-4000-8000-000000000001", "role": "0a1b2c3d-0000-4000-8000-000000000003",
        "app_access": true, "admin_access": false, "iat": NOW - 81, "exp": NOW + 819, "iss": "directus",
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap();
    key.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

fn authenticate(directus: &Directus, token: &str) -> Result<Principal, Error> {
    let credential = Credential::new(token, CredentialSource::cookie(SESSION_COOKIE));
    now(Verifier::from(directus.clone()).authenticate(&credential))
}

#[test]
fn a_user_with_everything_that_the_token_says() {
    #[derive(Deserialize)]
    struct Mine {
        app_access: bool,
        session: Option<String>,
    }
    let principal = authenticate(&directus(), &token(json!({ "session": "s".repeat(64) }))).unwrap();
    assert_eq!(principal.id().subject(), "0a1b2c3d-0000-4000-8000-000000000001");
    assert_eq!(principal.issuer(), Some("directus"));
    let roles: Vec<_> = principal.roles().iter().map(|role| role.as_str()).collect();
    assert_eq!(roles, ["0a1b2c3d-0000-4000-8000-000000000003"]);
    assert!(!principal.is_staff());
    assert_eq!(principal.expires_at(), Some(UNIX_EPOCH + Duration::from_secs(NOW + 819)));
    let mine: &Mine = principal.claims().unwrap();
    assert!(mine.app_access && mine.session.as_ref().is_some_and(|session| session.len() == 64));
    // A user without a role, and a token of another mode.
    let principal = authenticate(&directus(), &token(json!({ "role": null }))).unwrap();
    assert!(principal.roles().is_empty() && principal.claims::<Mine>().unwrap().session.is_none());
}

#[test]
fn numbers_are_flags_and_texts_are_not() {
    // Directus 10 on SQLite writes 1 and 0.
    for (flag, is_staff) in [(json!(1), true), (json!(true), true), (json!(0), false), (json!("true"), false)] {
        let token = token(json!({ "admin_access": flag, "app_access": 1 }));
        assert_eq!(authenticate(&directus(), &token).unwrap().is_staff(), is_staff, "{flag}");
    }
}

#[test]
fn options_loosen_what_they_name_and_nothing_else() {
    type Loosen = fn(Directus) -> Directus;
    let late = json!({ "exp": NOW - 5 });
    let options: [(&str, Loosen, Value); 4] = [
        ("any issuer", Directus::dangerous_any_issuer, json!({ "iss": "other" })),
        ("issued in the future", Directus::dangerous_issued_in_future, json!({ "iat": NOW + 5000 })),
        ("any audience", |directus| directus.dangerous_any_audience().unwrap(), json!({ "aud": "x" })),
        ("leeway", |directus| directus.leeway(Duration::from_secs(10)).unwrap(), late),
    ];
    for (what, loosen, _) in &options {
        let loosened = loosen(directus());
        assert!(loosened.verify(&token(json!({}))).is_ok(), "{what}");
        for (other, _, changes) in &options {
            let accepted = loosened.verify(&token(changes.clone())).is_ok();
            assert_eq!(accepted, what == other, "{what} and a token for {other}");
            assert!(directus().verify(&token(changes.clone())).is_err(), "{other}");
        }
    }
    let too_much = directus().leeway(Duration::from_secs(301)).unwrap_err();
    assert_eq!(too_much.kind(), ErrorKind::Misconfigured);
}

#[test]
fn secrets_are_checked_when_the_service_starts() {
    assert!(Directus::new("xy".repeat(16)).is_ok() && Directus::new("x".repeat(31)).is_err());
    assert!(
        Directus::dangerous_any_hmac("xy".repeat(32)).is_ok() && Directus::dangerous_any_hmac("x".repeat(63)).is_err()
    );
    assert!(Directus::dangerous_short_secret("x").is_ok() && Directus::dangerous_short_secret("").is_err());
    assert!(!format!("{:?}", directus()).contains("SECRET of a Directus"));
}
