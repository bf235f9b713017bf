//! Tokens in the shapes of Amazon Cognito.

use portcullis_core::{
    Algorithm, Error, ErrorKind, Jwt, PrincipalKind, Verifier,
    testing::{TestIssuer, TestToken},
};
use portcullis_providers::cognito;
use serde_json::{Value, json};
use std::time::Duration;

const POOL: &str = "eu-central-1_AbCdEf123";

fn tester(pool: &str) -> TestIssuer {
    let region = pool.split('_').next().unwrap();
    let name = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    TestIssuer::with_algorithm(Algorithm::Rs256).named(name)
}

fn access(tester: &TestIssuer) -> TestToken<'_> {
    let token = tester.token("alice").without("aud").claim("client_id", "web").claim("token_use", "access");
    let token = token.claim("scope", "openid orders/read").claim("version", 2).claim("username", "alice");
    token.claim("origin_jti", "login-1").claim("jti", "token-1").claim("cognito:groups", json!(["admins", "staff"]))
}

fn id(tester: &TestIssuer) -> TestToken<'_> {
    let token = tester.token("alice").claim("aud", "web").claim("token_use", "id").claim("at_hash", "aGFzaA");
    token.claim("cognito:username", "alice").claim("email_verified", true).claim("custom:plan", "gold")
}

fn on_clock(tester: &TestIssuer, issuer: Result<portcullis_core::Issuer, Error>) -> Jwt {
    Jwt::new(issuer.unwrap()).clock(tester.clock())
}

fn accepts_access(tester: &TestIssuer) -> Jwt {
    on_clock(tester, cognito::access_tokens(POOL, ["web", "mobile"], tester.signing_key().key()))
}

fn accepts_id(tester: &TestIssuer) -> Jwt {
    on_clock(tester, cognito::id_tokens(POOL, ["web", "mobile"], tester.signing_key().key()))
}

fn kind(verifier: &Jwt, token: TestToken<'_>) -> Option<ErrorKind> {
    verifier.verify(&token.sign()).err().map(|error| error.kind())
}

/// Case 136.
#[test]
fn an_access_token_has_its_groups_as_roles() {
    let tester = tester(POOL);
    let verifier: Verifier = accepts_access(&tester).into();
    let principal = crate::tokens::enter(&verifier, &access(&tester).sign()).unwrap();
    let roles: Vec<&str> = principal.roles().iter().map(|role| role.as_str()).collect();
    assert_eq!(roles, ["admins", "staff"]);
    let without = crate::tokens::enter(&verifier, &access(&tester).without("cognito:groups").sign()).unwrap();
    assert!(without.roles().is_empty());
}

/// The client-credentials grant: the app client is the subject.
#[test]
fn a_program_is_no_user() {
    let tester = tester(POOL);
    let verifier: Verifier = accepts_access(&tester).into();
    let kind = |token: TestToken<'_>| crate::tokens::enter(&verifier, &token.sign()).unwrap().kind();
    assert_eq!(kind(access(&tester)), PrincipalKind::User);
    assert_eq!(kind(access(&tester).claim("sub", "web")), PrincipalKind::Service);
    assert_eq!(kind(access(&tester).claim("sub", "mobile")), PrincipalKind::User, "another client");
}

/// Case 137.
#[test]
fn the_kind_of_token_is_the_one_that_was_chosen() {
    let tester = tester(POOL);
    assert_eq!(kind(&accepts_access(&tester), access(&tester)), None);
    assert_eq!(kind(&accepts_access(&tester), id(&tester)), Some(ErrorKind::Invalid));
    assert_eq!(kind(&accepts_id(&tester), id(&tester)), None);
    assert_eq!(kind(&accepts_id(&tester), access(&tester)), Some(ErrorKind::Invalid));
    // The kind counts, even where the client is named as in the other one.
    assert_eq!(kind(&accepts_access(&tester), access(&tester).claim("token_use", "id")), Some(ErrorKind::Invalid));
    assert_eq!(kind(&accepts_id(&tester), id(&tester).claim("token_use", "access")), Some(ErrorKind::Invalid));
}

/// Case 138.
#[test]
fn other_clients_and_other_pools_are_refused() {
    let tester = tester(POOL);
    let verifier = accepts_access(&tester);
    assert_eq!(kind(&verifier, access(&tester).claim("client_id", "mobile")), None);
    assert_eq!(kind(&verifier, access(&tester).claim("client_id", "other")), Some(ErrorKind::Invalid));
    assert_eq!(kind(&accepts_id(&tester), id(&tester).claim("aud", "other")), Some(ErrorKind::Invalid));
    for pool in ["eu-central-1_Other", "us-east-1_AbCdEf123"] {
        let other = self::tester(pool);
        assert_eq!(kind(&verifier, access(&other)), Some(ErrorKind::Unrecognized), "{pool}");
    }
}

#[test]
fn two_pools_are_told_apart() {
    let (one, other) = (tester(POOL), tester("us-east-1_Other"));
    let second = cognito::access_tokens("us-east-1_Other", ["app"], other.signing_key().key()).unwrap();
    let both = accepts_access(&one).issuer(second).unwrap();
    assert_eq!(kind(&both, access(&one)), None);
    assert_eq!(kind(&both, access(&other).claim("client_id", "app")), None);
    // The client of one pool is not a client of the other.
    assert_eq!(kind(&both, access(&one).claim("client_id", "app")), Some(ErrorKind::Invalid));
    assert_eq!(kind(&both, access(&other)), Some(ErrorKind::Invalid));
}

#[test]
fn an_expired_token_and_a_forged_one_are_refused() {
    let tester = tester(POOL);
    let verifier = accepts_access(&tester);
    let expired = access(&tester).expired_for(Duration::from_secs(1));
    assert_eq!(kind(&verifier, expired), Some(ErrorKind::Expired));
    // signed with another algorithm, and with the signature of another token
    let ecdsa =
        TestIssuer::new().named(cognito::access_tokens(POOL, ["web"], tester.signing_key().key()).unwrap().name());
    assert_eq!(kind(&verifier, access(&ecdsa)), Some(ErrorKind::Invalid));
    let (good, more) = (access(&tester).sign(), access(&tester).claim("cognito:groups", json!(["root"])).sign());
    let signature = good.rsplit_once('.').unwrap().1;
    let forged = format!("{}.{signature}", more.rsplit_once('.').unwrap().0);
    assert!(verifier.verify(&good).is_ok() && verifier.verify(&more).is_ok());
    assert_eq!(verifier.verify(&forged).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn claims_of_another_type_are_refused() {
    let tester = tester(POOL);
    let hostile =
        [Value::Null, json!(1), json!(true), json!({}), json!([]), json!([["web"]]), json!(""), json!(" web")];
    for value in hostile {
        for claim in ["client_id", "token_use", "sub"] {
            let token = access(&tester).claim(claim, value.clone()).sign();
            let verifier: Verifier = accepts_access(&tester).into();
            let is_name = claim == "sub" && value == " web";
            assert_eq!(crate::tokens::enter(&verifier, &token).is_ok(), is_name, "{claim}: {value}");
        }
    }
    for claim in ["client_id", "token_use"] {
        assert_eq!(kind(&accepts_access(&tester), access(&tester).without(claim)), Some(ErrorKind::Invalid));
    }
}

#[test]
fn settings_that_cannot_work_are_errors_at_start() {
    let key = tester(POOL).signing_key().key();
    let works = |pool: &str, clients: &[&str]| {
        let access = cognito::access_tokens(pool, clients.iter().copied(), key.clone());
        let id = cognito::id_tokens(pool, clients.iter().copied(), key.clone());
        assert_eq!(access.is_ok(), id.is_ok());
        access.is_ok()
    };
    for pool in [POOL, "us-gov-west-1_a", "ap-southeast-2_0Z"] {
        assert!(works(pool, &["web"]), "{pool}");
    }
    for pool in
        ["", "_", "eu-central-1", "eu-central-1_", "_Abc", "eu_Abc", "eu-central-1_Abc/..", "e.x/-a-1_Abc", "eu--1_Abc"]
    {
        assert!(!works(pool, &["web"]), "{pool}");
    }
    assert!(!works(POOL, &[]));
    assert!(!works(POOL, &["web", ""]));
    let ecdsa = TestIssuer::new().signing_key().key();
    assert!(cognito::access_tokens(POOL, ["web"], ecdsa).is_err());
}
