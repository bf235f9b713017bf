//! Reset, and hashes that are made anew.

use crate::cast::{ALICE, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{
    Accounts, Links, MailKind, PasswordRules, Secret,
    store::{MemoryStore, Stores, UserKey},
    testing::Mailbox,
};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_reset_ends_all_sessions_and_is_used_once() {
    let cast = cast();
    let sign_in = cast.signed_in(ALICE).await;
    cast.accounts.request_reset("Alice@example.com", &client()).await.unwrap();
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::Reset);
    let token = cast.token(ALICE);
    assert_eq!(code(cast.accounts.reset_password(token.expose(), "weak").await), "password_rejected");
    cast.accounts.reset_password(token.expose(), OTHER).await.unwrap();
    assert_eq!(code(cast.accounts.reset_password(token.expose(), PASSWORD).await), "invalid_token");
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::PasswordChanged);
    assert!(cast.by_access(&sign_in.tokens.access).await.is_err());
    assert_eq!(code(cast.refresh(sign_in.tokens.refresh.expose()).await), "session_ended");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());
}

#[tokio::test]
async fn a_reset_for_nobody_sends_nothing() {
    let cast = cast();
    cast.accounts.request_reset("nobody@example.com", &client()).await.unwrap();
    assert!(cast.mailbox.mails().is_empty());
    for _ in 0..2 {
        cast.accounts.request_reset("nobody@example.com", &client()).await.unwrap();
    }
    // Counted like the requests for an address with an account.
    assert_eq!(code(cast.accounts.request_reset("nobody@example.com", &client()).await), "rate_limited");
}

#[tokio::test]
async fn rules_apply_where_a_password_is_set() {
    let cast = built(|builder| builder.passwords(PasswordRules::new().length(12, 128).max_run(2)));
    assert!(cast.sign_up(ALICE).await.is_ok());
    let form = portcullis_accounts::SignUp { email: ALICE, password: "aaabbbcccddd", ..Default::default() };
    assert_eq!(code(cast.accounts.sign_up(form, &client()).await), "password_rejected");
}

#[tokio::test]
async fn a_hash_with_other_costs_is_made_anew_at_sign_in() {
    let stores = Stores::from(MemoryStore::new());
    let with = |memory| {
        let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").unwrap();
        Accounts::builder("shop", secret, stores.clone())
            .dangerous_without_confirmation()
            .mailer(Mailbox::new(), Links::below("https://app.shop.test"))
            .argon2(memory, 1, 1)
            .legacy(|password, hash| Some(hash.strip_prefix("$plain$")? == password))
            .build()
            .unwrap()
    };
    let (old, new) = (with(64), with(128));
    let hash = async || {
        let email = ALICE.parse().unwrap();
        stores.users().find(UserKey::Email(&email)).await.unwrap().unwrap().password_hash.unwrap()
    };
    let form = portcullis_accounts::SignUp { email: ALICE, password: PASSWORD, ..Default::default() };
    let user = old.sign_up(form, &client()).await.unwrap().unwrap().user;
    let first = hash().await;
    assert!(first.contains("m=64"));
    assert_eq!(code(new.sign_in(ALICE, OTHER, &client()).await), "invalid_credentials");
    assert_eq!(hash().await, first);
    new.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    let second = hash().await;
    assert!(second.contains("m=128"));
    new.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    assert_eq!(hash().await, second);

    let foreign =
        portcullis_accounts::UserChange { password_hash: Some(Some(format!("$plain${OTHER}"))), ..Default::default() };
    stores.users().change(&user.id, foreign).await.unwrap();
    assert_eq!(code(new.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    new.sign_in(ALICE, OTHER, &client()).await.unwrap();
    assert!(hash().await.starts_with("$argon2id$"));
}

/// Of a database, too, which takes longer where it finds something.
#[tokio::test]
async fn a_link_that_is_asked_for_takes_the_same_time_for_everybody() {
    let cast = built(|builder| builder.magic_links());
    cast.signed_in(ALICE).await;
    for email in [ALICE, "nobody@example.com"] {
        for nth in 0..2 {
            let start = Instant::now();
            match nth {
                0 => cast.accounts.request_reset(email, &client()).await.unwrap(),
                _ => cast.accounts.send_magic_link(email, &client()).await.unwrap(),
            }
            assert!(start.elapsed() >= Duration::from_millis(50), "{email} {nth}");
        }
    }
}
