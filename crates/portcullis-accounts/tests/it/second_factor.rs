//! Second factors: codes of an app, recovery codes, and sign-ins in two steps.

use crate::cast::{ALICE, Cast, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{
    Accounts, Enrolment, Error, Event, Limit, Limits, MailKind, Secret, SignIn, SignInOutcome, Token,
    store::{MemoryStore, Stores},
};
use portcullis_core::Principal;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// The code of an app that has the secret of this enrolment.
fn app(enrolment: &Enrolment, cast: &Cast) -> String {
    totp_rs::Totp::from_url(enrolment.uri.expose()).unwrap().generate(cast.seconds()).to_string()
}

async fn who(cast: &Cast, sign_in: &SignIn) -> Principal {
    cast.by_access(&sign_in.tokens.access).await.unwrap()
}

/// Alice with a second factor, her secret, and her recovery codes.
async fn with_factor(cast: &Cast) -> (Principal, Enrolment, Vec<Token>) {
    let alice = who(cast, &cast.signed_in(ALICE).await).await;
    let enrolment = cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await.unwrap();
    let codes = cast.accounts.confirm_totp(&alice, &app(&enrolment, cast)).await.unwrap();
    cast.pass(30);
    (alice, enrolment, codes)
}

async fn attempt(cast: &Cast) -> Token {
    match cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap() {
        SignInOutcome::SecondFactor(token) => token,
        outcome => panic!("signed in with the password alone: {outcome:?}"),
    }
}

async fn second(cast: &Cast, token: &Token, code: &str) -> Result<SignIn, Error> {
    cast.accounts.second_factor(token.expose(), code, &client()).await
}

#[tokio::test]
async fn a_sign_in_needs_the_code_of_the_app() {
    let cast = cast();
    let (alice, enrolment, codes) = with_factor(&cast).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(cast.accounts.totp(&alice).await.unwrap().unwrap().recovery_codes, 10);
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::FactorAdded);
    let token = attempt(&cast).await;
    assert_eq!(code(second(&cast, &token, "000000").await), "invalid_code");
    let sign_in = second(&cast, &token, &app(&enrolment, &cast)).await.unwrap();
    assert_eq!(sign_in.tokens.session.methods, ["pwd", "otp", "mfa"]);
    let alice = who(&cast, &sign_in).await;
    let claims: &serde_json::Value = alice.claims().unwrap();
    assert_eq!(claims["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
    assert_eq!(code(second(&cast, &token, &app(&enrolment, &cast)).await), "invalid_token", "an attempt ends once");
    assert!(cast.refresh(sign_in.tokens.refresh.expose()).await.is_ok());
    // A caller that does not ask is not signed in.
    let outcome = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    assert_eq!(code(outcome.signed_in()), "second_factor_required");
}

#[tokio::test]
async fn each_step_is_used_once() {
    let cast = cast();
    let alice = who(&cast, &cast.signed_in(ALICE).await).await;
    let enrolment = cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await.unwrap();
    let first = app(&enrolment, &cast);
    cast.accounts.confirm_totp(&alice, &first).await.unwrap();
    let token = attempt(&cast).await;
    assert_eq!(code(second(&cast, &token, &first).await), "invalid_code", "the code that confirmed");
    cast.pass(30);
    let now = app(&enrolment, &cast);
    assert!(second(&cast, &token, &now).await.is_ok());
    assert_eq!(code(second(&cast, &attempt(&cast).await, &now).await), "invalid_code", "the code of another sign-in");
    // Sixteen attempts at once with one code.
    cast.pass(30);
    let now = app(&enrolment, &cast);
    let mut tokens = Vec::new();
    for _ in 0..9 {
        tokens.push(attempt(&cast).await);
    }
    let at_once = futures_util::future::join_all(tokens.iter().map(|token| second(&cast, token, &now))).await;
    assert_eq!(at_once.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn an_attempt_ends_after_five_wrong_codes_and_after_five_minutes() {
    let cast = built(|builder| builder.limits(Limits::dangerous_unlimited()));
    let (_, enrolment, _) = with_factor(&cast).await;
    let [tried, kept, late] = [attempt(&cast).await, attempt(&cast).await, attempt(&cast).await];
    for _ in 0..5 {
        assert_eq!(code(second(&cast, &tried, "000000").await), "invalid_code");
    }
    assert_eq!(code(second(&cast, &tried, &app(&enrolment, &cast)).await), "invalid_token");
    for _ in 0..4 {
        assert_eq!(code(second(&cast, &kept, "000000").await), "invalid_code");
    }
    assert!(second(&cast, &kept, &app(&enrolment, &cast)).await.is_ok());
    cast.pass(300);
    assert_eq!(code(second(&cast, &late, &app(&enrolment, &cast)).await), "invalid_token");
    assert_eq!(code(second(&cast, &Token::new("made-up"), "000000").await), "invalid_token");
}

#[tokio::test]
async fn wrong_codes_are_limited_over_all_attempts() {
    let limits = Limits::new().codes_per_account(Limit::new(3, Duration::from_secs(60)));
    let cast = built(|builder| builder.limits(limits));
    let (_, enrolment, codes) = with_factor(&cast).await;
    for _ in 0..3 {
        assert_eq!(code(second(&cast, &attempt(&cast).await, "000000").await), "invalid_code");
    }
    let token = attempt(&cast).await;
    assert_eq!(code(second(&cast, &token, &app(&enrolment, &cast)).await), "rate_limited");
    assert_eq!(code(second(&cast, &token, codes[0].expose()).await), "rate_limited");
    cast.pass(60);
    assert!(second(&cast, &token, &app(&enrolment, &cast)).await.is_ok(), "the attempt is still there");
}

#[tokio::test]
async fn recovery_codes_sign_in_once_each() {
    let cast = cast();
    let (alice, enrolment, codes) = with_factor(&cast).await;
    let typed = codes[0].expose().to_uppercase().replace('-', " ");
    let sign_in = second(&cast, &attempt(&cast).await, &typed).await.unwrap();
    assert_eq!(sign_in.tokens.session.methods, ["pwd", "recovery", "mfa"]);
    assert_eq!(code(second(&cast, &attempt(&cast).await, codes[0].expose()).await), "invalid_code");
    assert_eq!(cast.accounts.totp(&alice).await.unwrap().unwrap().recovery_codes, 9);
    // A reset of the password loses none of them.
    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    cast.accounts.reset_password(cast.token(ALICE).expose(), PASSWORD).await.unwrap();
    assert!(second(&cast, &attempt(&cast).await, codes[1].expose()).await.is_ok());
    let new = cast.accounts.renew_recovery_codes(&alice, &app(&enrolment, &cast)).await.unwrap();
    assert_eq!(code(second(&cast, &attempt(&cast).await, codes[2].expose()).await), "invalid_code");
    assert!(second(&cast, &attempt(&cast).await, new[2].expose()).await.is_ok());
    // Those of another user are of no use.
    let bob = "bob@example.com";
    let other = who(&cast, &cast.signed_in(bob).await).await;
    let theirs = cast.accounts.enrol_totp(&other, Some(PASSWORD)).await.unwrap();
    cast.accounts.confirm_totp(&other, &app(&theirs, &cast)).await.unwrap();
    let SignInOutcome::SecondFactor(token) = cast.accounts.sign_in(bob, PASSWORD, &client()).await.unwrap() else {
        panic!("signed in with the password alone")
    };
    assert_eq!(code(second(&cast, &token, new[3].expose()).await), "invalid_code");
}

#[tokio::test]
async fn an_enrolment_needs_a_proof_and_asks_nobody_before_it_is_confirmed() {
    let cast = cast();
    let alice = who(&cast, &cast.signed_in(ALICE).await).await;
    assert_eq!(code(cast.accounts.enrol_totp(&alice, Some(OTHER)).await), "invalid_credentials");
    let first = cast.accounts.enrol_totp(&alice, None).await.unwrap();
    cast.pass(601);
    assert_eq!(code(cast.accounts.enrol_totp(&alice, None).await), "insufficient_user_authentication");
    let enrolment = cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await.unwrap();
    assert_eq!(code(cast.accounts.confirm_totp(&alice, &app(&first, &cast)).await), "invalid_code", "replaced");
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().is_ok());
    assert_eq!(cast.accounts.totp(&alice).await.unwrap(), None);
    assert_eq!(code(cast.accounts.remove_totp(&alice, "000000").await), "not_found");
    cast.accounts.confirm_totp(&alice, &app(&enrolment, &cast)).await.unwrap();
    assert_eq!(code(cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await), "factor_exists");
    assert_eq!(code(cast.accounts.confirm_totp(&alice, &app(&enrolment, &cast)).await), "not_found");
    assert!(enrolment.uri.expose().starts_with("otpauth://totp/shop%2Etest:alice%40example%2Ecom?secret="));
}

#[tokio::test]
async fn removing_needs_a_code_or_an_administrator() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = events.clone();
    let cast = built(|builder| {
        builder.on_event(move |event, _| {
            if let Event::FactorChanged { is_set, .. } = event {
                kept.lock().unwrap().push(*is_set);
            }
        })
    });
    let (alice, enrolment, codes) = with_factor(&cast).await;
    assert_eq!(code(cast.accounts.remove_totp(&alice, "000000").await), "invalid_code");
    cast.accounts.remove_totp(&alice, codes[0].expose()).await.unwrap();
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::FactorRemoved);
    let sign_in = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    assert_eq!(code(cast.accounts.renew_recovery_codes(&alice, &app(&enrolment, &cast)).await), "not_found");
    let alice = who(&cast, &sign_in).await;
    let again = cast.accounts.enrol_totp(&alice, Some(PASSWORD)).await.unwrap();
    cast.accounts.confirm_totp(&alice, &app(&again, &cast)).await.unwrap();
    let admin = cast.accounts.admin_as("support");
    admin.remove_factor(&sign_in.user.id).await.unwrap();
    assert_eq!(code(admin.remove_factor(&sign_in.user.id).await), "not_found");
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().is_ok());
    assert_eq!(*events.lock().unwrap(), [true, false, true, false]);
}

#[tokio::test]
async fn the_second_step_asks_whether_the_user_may_sign_in() {
    let cast = cast();
    let (_, enrolment, _) = with_factor(&cast).await;
    let before = attempt(&cast).await;
    let user = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await;
    assert!(matches!(user, Ok(SignInOutcome::SecondFactor(_))));
    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    let user = cast.accounts.reset_password(cast.token(ALICE).expose(), PASSWORD).await.unwrap();
    assert_eq!(code(second(&cast, &before, &app(&enrolment, &cast)).await), "invalid_token", "a new password");
    let before = attempt(&cast).await;
    cast.accounts.admin_as("test").disable(&user.id, true).await.unwrap();
    assert_eq!(code(second(&cast, &before, &app(&enrolment, &cast)).await), "invalid_token");
}

#[tokio::test]
async fn links_ask_for_it_and_a_new_password_keeps_it() {
    let cast = built(|builder| builder.magic_links());
    let (_, enrolment, _) = with_factor(&cast).await;
    cast.accounts.send_magic_link(ALICE, &client()).await.unwrap();
    let outcome = cast.accounts.sign_in_with_link(cast.token(ALICE).expose(), &client()).await.unwrap();
    let SignInOutcome::SecondFactor(token) = outcome else { panic!("signed in with the link alone") };
    let sign_in = second(&cast, &token, &app(&enrolment, &cast)).await.unwrap();
    assert_eq!(sign_in.tokens.session.methods, ["link", "otp", "mfa"]);
    let tokens = cast.accounts.change_password(&who(&cast, &sign_in).await, PASSWORD, OTHER, &client()).await.unwrap();
    assert_eq!(tokens.session.methods, ["link", "otp", "mfa"]);
}

#[tokio::test]
async fn secrets_are_sealed_and_move_to_a_new_key() {
    let (old, new) = ("a-secret-of-at-least-thirty-two-bytes", "another-secret-of-thirty-two-bytes-or-more");
    let stores = Stores::from(MemoryStore::new());
    let mut cast = cast();
    let with = |secret: Secret, clock| {
        let builder = Accounts::builder(crate::cast::ISSUER, secret, stores.clone()).argon2(64, 1, 1).clock(clock);
        builder.dangerous_without_confirmation().build().unwrap()
    };
    cast.accounts = with(Secret::new(old).unwrap(), cast.clock.clone());
    cast.gate = crate::cast::gate(&cast.accounts, &cast.clock, |gate| gate);
    let sign_in = cast.sign_up(ALICE).await.unwrap().unwrap();
    let alice = who(&cast, &sign_in).await;
    let enrolment = cast.accounts.enrol_totp(&alice, None).await.unwrap();
    cast.accounts.confirm_totp(&alice, &app(&enrolment, &cast)).await.unwrap();
    let sealed = async || stores.sessions().factor(&sign_in.user.id).await.unwrap().unwrap().sealed;
    let before = sealed().await;
    cast.pass(30);
    // Both are known, and the new one signs: the next code moves the secret.
    cast.accounts = with(Secret::new(new).unwrap().also(old).unwrap(), cast.clock.clone());
    second(&cast, &attempt(&cast).await, &app(&enrolment, &cast)).await.unwrap();
    assert_ne!(sealed().await, before);
    cast.pass(30);
    cast.accounts = with(Secret::new(new).unwrap(), cast.clock.clone());
    second(&cast, &attempt(&cast).await, &app(&enrolment, &cast)).await.unwrap();
    cast.pass(30);
    cast.accounts = with(Secret::new(old).unwrap(), cast.clock.clone());
    assert_eq!(code(second(&cast, &attempt(&cast).await, &app(&enrolment, &cast)).await), "invalid_code");
}
