//! Sessions of Stytch.

use crate::{gate::Head, shapes::*, tokens::now};
use portcullis_core::{
    Algorithm, Error, ErrorKind, Gate, Jwt, Membership, Principal, RoleHierarchy, Scheme, Standing,
    policy::{permission, query},
    testing::TestIssuer,
};
use portcullis_providers::stytch;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

fn refused(changes: Value) -> Option<ErrorKind> {
    of("Stytch, consumer").enter(changes).err().map(|error| error.kind())
}

fn until(end: Value) -> Value {
    json!({ "https://stytch.com/session": { "id": "session-test-1", "expires_at": end } })
}

/// A time in RFC 3339, this long after the clock of the tests.
fn at(offset: i64) -> String {
    let now = of("Stytch, consumer").tester().clock().seconds();
    let time = time::OffsetDateTime::from_unix_timestamp(i64::try_from(now).unwrap() + offset).unwrap();
    let (date, hour) = (time.date(), time.time());
    format!(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        hour.hour(),
        hour.minute(),
        hour.second()
    )
}

/// Case 150: the end of the session inside.
#[test]
fn a_token_ends_with_its_session() {
    let shape = of("Stytch, consumer");
    let clock = shape.tester().clock();
    let end = |changes: Value| shape.enter(changes).map(|principal| principal.expires_at().unwrap());
    let after = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(clock.seconds() + seconds);
    assert_eq!(end(until(json!(null))).unwrap(), after(300));
    assert_eq!(end(until(json!(at(3600)))).unwrap(), after(300));
    assert_eq!(end(until(json!(at(60)))).unwrap(), after(60));
    assert_eq!(end(until(json!(at(0)))).unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(end(until(json!("soon"))).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(end(until(json!(7))).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(refused(json!({ "https://stytch.com/session": null })), Some(ErrorKind::Invalid));
}

/// The same for a token that is remembered.
#[test]
fn a_remembered_token_ends_with_its_session() {
    let shape = of("Stytch, consumer");
    let tester = shape.tester();
    let verifier = (shape.verifier)(Published::by(shape, &tester)).unwrap();
    let gate = Gate::builder().clock(tester.clock()).scheme(Scheme::new(verifier).bearer()).build().unwrap();
    let head = Head::bearer(&shape.token(&tester, &until(json!(at(60)))).sign());
    let kind = || now(gate.establish(&head)).principal().err().map(|error| error.kind());
    assert_eq!((kind(), kind()), (None, None));
    tester.clock().advance(Duration::from_secs(59));
    assert_eq!(kind(), None);
    tester.clock().advance(Duration::from_secs(1));
    assert_eq!((kind(), kind()), (Some(ErrorKind::Expired), Some(ErrorKind::Expired)));
}

/// Case 150: the rest.
#[test]
fn audience_issuer_and_algorithm_are_those_of_the_project() {
    let shape = of("Stytch, consumer");
    assert_eq!(refused(json!({ "aud": ["another", PROJECT] })), None);
    assert_eq!(refused(json!({ "aud": PROJECT })), None);
    assert_eq!(refused(json!({ "iss": "stytch.com/another" })), Some(ErrorKind::Unrecognized));
    assert_eq!(refused(json!({ "iss": "https://login.example.com" })), Some(ErrorKind::Unrecognized));
    let principal = shape.enter(json!({ "plan": "gold" })).unwrap();
    assert_eq!(principal.token_claims().unwrap().get::<String>("plan").unwrap().as_deref(), Some("gold"));
    assert_eq!(principal.session().unwrap().id(), "session-test-1");

    // a domain of one's own is another name of the same issuer
    let tester = shape.tester();
    let issuer = stytch::sessions(PROJECT, tester.signing_key().key()).unwrap();
    let verifier = Jwt::new(issuer.clone().also_called("https://login.example.com").unwrap()).clock(tester.clock());
    let token = shape.token(&tester, &json!({ "iss": "https://login.example.com" })).sign();
    let principal = crate::tokens::enter(&verifier, &token).unwrap();
    assert_eq!(principal.issuer(), Some(shape.issuer));

    let secret = TestIssuer::with_algorithm(Algorithm::Hs256).named(shape.issuer);
    let verifier = Jwt::new(issuer.clone()).clock(tester.clock());
    assert_eq!(verifier.verify(&shape.token(&secret, &json!({})).sign()).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(verifier.verify(&shape.token(&tester, &json!({})).sign()).is_ok());
    let stale = Jwt::new(issuer.max_token_age(Duration::ZERO)).clock(tester.clock());
    assert_eq!(stale.verify(&shape.token(&tester, &json!({})).sign()).unwrap_err().kind(), ErrorKind::Expired);
}

/// What a member is in an organization: its roles there, and nothing elsewhere.
#[derive(Debug)]
struct Members;

impl Membership for Members {
    type Id = String;

    async fn standing(&self, who: &Principal, organization: &String) -> Result<Standing, Error> {
        let role = who.roles().iter().find(|role| role.as_str() == "editor");
        Ok(role.filter(|_| who.organization() == Some(organization)).cloned().into())
    }
}

/// Case 151.
#[test]
fn a_member_has_rights_in_its_own_organization() {
    let shape = of("Stytch, B2B");
    let tester = shape.tester();
    let verifier = (shape.verifier)(Published::by(shape, &tester)).unwrap();
    let roles = RoleHierarchy::builder().role("editor", []).permits("editor", ["documents:*"]).build().unwrap();
    let gate = Gate::builder().clock(tester.clock()).scheme(Scheme::new(verifier).bearer());
    let gate = gate.roles_on("organization", roles).membership("organization", Members);
    let gate = gate.permissions(["documents:read", "documents:write", "images:read"]).build().unwrap();
    let allows = |name: &'static str, of: &str| {
        let organization = json!({ "https://stytch.com/organization": { "organization_id": of } });
        let head = Head::bearer(&shape.token(&tester, &organization).sign()).at("organization-live-1");
        let plan = gate.plan(permission(name).on("organization", query("organization"))).unwrap();
        let established = now(gate.establish_for(&plan, &head));
        now(gate.authorize(&established, &plan, &head)).map(drop).map_err(|error| error.code().to_owned())
    };
    for name in ["documents:read", "documents:write"] {
        assert_eq!(allows(name, "organization-live-1"), Ok(()), "{name}");
        assert_eq!(allows(name, "organization-live-2"), Err("not_a_member".to_owned()), "{name}");
    }
    assert_eq!(allows("images:read", "organization-live-1"), Err("permission_required".to_owned()));

    let member = shape.enter(json!({})).unwrap();
    assert_eq!(member.organization(), Some("organization-live-1"));
    assert_eq!(member.roles(), ["stytch_member".into(), "editor".into()]);
    for organization in [json!(null), json!({}), json!({ "slug": "acme" }), json!({ "organization_id": "" })] {
        let changes = json!({ "https://stytch.com/organization": organization });
        assert_eq!(shape.enter(changes).unwrap_err().kind(), ErrorKind::Invalid, "{organization}");
    }
}

#[test]
fn projects_that_are_none_are_errors_at_start() {
    let key = of("Stytch, B2B").tester().signing_key().key();
    for wrong in [
        "",
        "project-test-",
        "project-prod-11111111-1111-4111-8111-111111111111",
        "project-test-1/../x",
        "11111111-1111-4111-8111-111111111111",
        "project-test-11111111-1111-4111-8111-11111111111G",
    ] {
        assert!(stytch::sessions(wrong, key.clone()).is_err(), "{wrong}");
        assert!(stytch::keys(wrong, TestIssuer::new()).is_err() && stytch::b2b_keys(wrong, TestIssuer::new()).is_err());
    }
    assert!(stytch::sessions(PROJECT, key).is_ok());
}
