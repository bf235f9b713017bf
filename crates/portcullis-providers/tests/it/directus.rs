//! Claims as Directus 10 to 12 write them, with made-up values.

use crate::tokens::{enter, now};
use portcullis_core::{
    Algorithm, Credential, CredentialSource, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Principal, Reply,
    Verifier, WhoAmI,
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

/// Answers `/users/me` with these rows, by token, whatever fields are asked for.
#[derive(Debug, Clone)]
struct Rows {
    fields: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

impl HttpClient for Rows {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let shown = |token: &str| request.headers().any(|(_, value)| value == format!("Bearer {token}"));
        let row = self.rows.iter().find(|(token, _)| shown(token)).map(|(_, row)| row);
        let is_asked = request.url() == format!("https://directus.test/users/me?fields={}", self.fields);
        reply.give(Ok(match row.filter(|_| is_asked) {
            Some(row) => HttpResponse::new(200, format!(r#"{{"data":{row}}}"#)),
            None => HttpResponse::new(401, r#"{"errors":[{"extensions":{"code":"INVALID_CREDENTIALS"}}]}"#),
        }));
    }
}

/// The subject and the staff flag, or the status of the refusal.
fn standing(on: &WhoAmI, token: &str) -> Result<(String, bool), u16> {
    let principal = enter(on, token).map_err(|error| error.status())?;
    Ok((principal.id().subject().to_owned(), principal.is_staff()))
}

#[test]
fn version_10_says_it_in_the_role() {
    let rows = Rows {
        fields: "id,role.id,role.admin_access,status",
        rows: &[
            ("admin", r#"{"id":"u1","status":"active","role":{"id":"r1","admin_access":true}}"#),
            ("number", r#"{"id":"u1","role":{"id":"r1","admin_access":1}}"#),
            ("member", r#"{"id":"u2","status":"active","role":{"id":"r2","admin_access":false}}"#),
            ("text", r#"{"id":"u3","role":{"id":"r2","admin_access":"true"}}"#),
            ("unreadable", r#"{"id":"u4"}"#),
            ("no-role", r#"{"id":"u5","role":null}"#),
            ("suspended", r#"{"id":"u6","status":"suspended","role":{"id":"r1","admin_access":true}}"#),
            ("share", r#"{"share":"s1"}"#),
        ],
    };
    let directus = Directus::introspect_v10("https://directus.test/", rows).unwrap();
    let user = |id: &str, is_admin| Ok((id.to_owned(), is_admin));
    assert_eq!(standing(&directus, "admin"), user("u1", true));
    assert_eq!(standing(&directus, "number"), user("u1", true));
    assert_eq!(standing(&directus, "member"), user("u2", false));
    assert_eq!(standing(&directus, "text"), user("u3", false));
    assert_eq!(standing(&directus, "unreadable"), user("u4", false));
    assert_eq!(standing(&directus, "no-role"), user("u5", false));
    for refused in ["suspended", "share", "unknown"] {
        assert_eq!(standing(&directus, refused), Err(401), "{refused}");
    }
    assert_eq!(enter(&directus, "admin").unwrap().roles(), ["r1".into()]);
}

/// Case 110.
#[test]
fn a_role_is_that_of_administrators_by_its_name_only_where_that_is_chosen() {
    let rows = Rows {
        fields: "id,role.name,status",
        rows: &[
            ("admin", r#"{"id":"u1","role":{"name":"Administrator"}}"#),
            ("lower", r#"{"id":"u2","role":{"name":"administrator"}}"#),
            ("editor", r#"{"id":"u3","role":{"name":"Editor"}}"#),
            ("nameless", r#"{"id":"u4","role":"r1"}"#),
            ("none", r#"{"id":"u5"}"#),
            ("suspended", r#"{"id":"u6","status":"suspended","role":{"name":"Administrator"}}"#),
        ],
    };
    let by_name = Directus::dangerous_staff_by_role_name("https://directus.test", "Administrator", rows).unwrap();
    assert_eq!(standing(&by_name, "admin"), Ok(("u1".to_owned(), true)));
    for (token, id) in [("lower", "u2"), ("editor", "u3"), ("nameless", "u4"), ("none", "u5")] {
        assert_eq!(standing(&by_name, token), Ok((id.to_owned(), false)), "{token}");
    }
    assert_eq!(standing(&by_name, "suspended"), Err(401));

    // Without it the name says nothing.
    let rows = Rows {
        fields: "id,role.id,role.admin_access,status",
        rows: &[("admin", r#"{"id":"u1","role":{"name":"Administrator"}}"#)],
    };
    let by_flag = Directus::introspect_v10("https://directus.test", rows.clone()).unwrap();
    assert_eq!(standing(&by_flag, "admin"), Ok(("u1".to_owned(), false)));
    assert!(Directus::dangerous_staff_by_role_name("https://directus.test", "", rows).is_err());
}
