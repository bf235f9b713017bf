//! Policies about the sign-in, by the tokens of accounts.

use crate::cast::{ALICE, Cast, PASSWORD, cast, client};
use bytes::Bytes;
use http::Request;
use portcullis_accounts::{Call, SignInOutcome, Tokens};
use portcullis_core::{
    Principal, PrincipalKind,
    policy::{Policy, factor, minutes, signed_in_within},
};

const RECENT: &dyn Policy = &signed_in_within(minutes(20));
const OTP: &dyn Policy = &factor("otp");

async fn answer(cast: &Cast, who: Principal, policy: &'static dyn Policy) -> String {
    let gate = cast.gate.acting_as(who);
    let head = Call::new(gate.clone(), Request::new(Bytes::new()));
    let (plan, who) = (gate.plan(policy).unwrap(), gate.establish(&head).await);
    let found = gate.authorize(&who, &plan, &head).await;
    found.map_or_else(|error| format!("{} {}", error.status(), error.code()), |_| "200".to_owned())
}

/// By the access token, and by a session that is looked up.
async fn both(cast: &Cast, tokens: &Tokens, policy: &'static dyn Policy) -> String {
    let by_access = answer(cast, cast.by_access(&tokens.access).await.unwrap(), policy).await;
    let by_session = answer(cast, cast.by_session(&tokens.refresh).await.unwrap(), policy).await;
    assert_eq!(by_access, by_session);
    by_access
}

const STEP_UP: &str = "401 insufficient_user_authentication";

#[tokio::test]
async fn a_refresh_does_not_make_a_sign_in_recent() {
    let cast = cast();
    let tokens = cast.signed_in(ALICE).await.tokens;
    cast.pass(600);
    assert_eq!(both(&cast, &tokens, RECENT).await, "200");
    cast.pass(600);
    let refreshed = cast.refresh(tokens.refresh.expose()).await.unwrap();
    assert_eq!(both(&cast, &refreshed, RECENT).await, "200", "twenty minutes");
    cast.pass(1);
    let refreshed = cast.refresh(refreshed.refresh.expose()).await.unwrap();
    assert_eq!(both(&cast, &refreshed, RECENT).await, STEP_UP);
    let again = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    assert_eq!(both(&cast, &again.tokens, RECENT).await, "200");
}

#[tokio::test]
async fn a_second_factor_counts_where_it_was_used() {
    let cast = cast();
    let by_password = cast.signed_in(ALICE).await.tokens;
    assert_eq!(both(&cast, &by_password, OTP).await, STEP_UP);
    let alice = cast.by_access(&by_password.access).await.unwrap();
    let enrolment = cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await.unwrap();
    let code = || totp_rs::Totp::from_url(enrolment.uri.expose()).unwrap().generate(cast.seconds()).to_string();
    cast.accounts.confirm_totp(&alice, &code()).await.unwrap();
    cast.pass(30);
    let outcome = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    let SignInOutcome::SecondFactor(token) = outcome else { panic!("signed in with the password alone") };
    let by_code = cast.accounts.second_factor(token.expose(), &code(), &client()).await.unwrap().tokens;
    assert_eq!(both(&cast, &by_code, OTP).await, "200");
    let refreshed = cast.refresh(by_code.refresh.expose()).await.unwrap();
    assert_eq!(both(&cast, &refreshed, OTP).await, "200");
    // A key of hers signed in by nothing.
    let key = alice.with_kind(PrincipalKind::Key);
    assert_eq!(answer(&cast, key.clone(), OTP).await, "403 user_required");
    assert_eq!(answer(&cast, key, RECENT).await, "403 user_required");
}
