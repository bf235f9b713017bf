//! Confirmation of addresses: what counts as a proof, and what strangers do not gain by it.

use crate::cast::{ALICE, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{MailKind, Proof};

#[tokio::test]
async fn the_session_of_the_sign_up_is_a_proof() {
    let cast = built(|builder| builder.sign_in_unconfirmed());
    let sign_in = cast.sign_up(ALICE).await.unwrap().unwrap();
    let alice = cast.by_access(&sign_in.tokens.access).await.unwrap();
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "email_unconfirmed");
    let user = cast.accounts.confirm_email(cast.token(ALICE).expose(), Proof::Session(&alice)).await.unwrap();
    assert!(user.email_confirmed_at.is_some() && user.password_hash.is_some());
    assert!(cast.refresh(sign_in.tokens.refresh.expose()).await.is_ok());
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}

#[tokio::test]
async fn without_a_proof_the_password_and_all_sessions_go() {
    let cast = built(|builder| builder.sign_in_unconfirmed());
    let stranger = cast.sign_up(ALICE).await.unwrap().unwrap();
    let mallory = cast.sign_up("mallory@example.com").await.unwrap().unwrap();
    let mallory = cast.by_access(&mallory.tokens.access).await.unwrap();
    let user = cast.accounts.confirm_email(cast.token(ALICE).expose(), Proof::Session(&mallory)).await.unwrap();
    assert!(user.email_confirmed_at.is_some() && user.password_hash.is_none());
    assert_eq!(code(cast.refresh(stranger.tokens.refresh.expose()).await), "session_ended");
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
}

#[tokio::test]
async fn another_password_replaces_that_of_the_sign_up() {
    let cast = built(|builder| builder.sign_in_unconfirmed());
    let stranger = cast.sign_up(ALICE).await.unwrap().unwrap();
    let token = cast.token(ALICE);
    // A password that is not accepted leaves the link valid.
    assert_eq!(code(cast.accounts.confirm_email(token.expose(), Proof::Password("short")).await), "password_rejected");
    cast.accounts.confirm_email(token.expose(), Proof::Password(OTHER)).await.unwrap();
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());
    assert_eq!(code(cast.refresh(stranger.tokens.refresh.expose()).await), "session_ended");
}

#[tokio::test]
async fn the_link_alone_is_a_proof_only_where_the_service_says_so() {
    let cast = built(|builder| builder.dangerous_confirm_with_link_alone());
    cast.sign_up(ALICE).await.unwrap();
    let user = cast.accounts.confirm_email(cast.token(ALICE).expose(), Proof::Nothing).await.unwrap();
    assert!(user.password_hash.is_some());
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}

#[tokio::test]
async fn a_link_is_sent_again_to_who_waits_for_it() {
    let cast = cast();
    cast.sign_up(ALICE).await.unwrap();
    let first = cast.token(ALICE);
    cast.accounts.resend_confirmation(ALICE, &client()).await.unwrap();
    cast.accounts.resend_confirmation("nobody@example.com", &client()).await.unwrap();
    assert!(cast.mailbox.last_to("nobody@example.com").is_none());
    // The earlier link is not valid any more.
    assert_eq!(code(cast.accounts.confirm_email(first.expose(), Proof::Password(PASSWORD)).await), "invalid_token");
    cast.accounts.confirm_email(cast.token(ALICE).expose(), Proof::Password(PASSWORD)).await.unwrap();
    let sent = cast.mailbox.mails().len();
    cast.accounts.resend_confirmation(ALICE, &client()).await.unwrap();
    assert_eq!(cast.mailbox.mails().len(), sent, "confirmed already");
    assert_eq!(code(cast.accounts.resend_confirmation(ALICE, &client()).await), "rate_limited");
    assert_eq!(code(cast.accounts.resend_confirmation("no address", &client()).await), "invalid_email");
}

#[tokio::test]
async fn links_end_and_are_for_one_purpose() {
    let cast = cast();
    cast.sign_up(ALICE).await.unwrap();
    let confirm = cast.token(ALICE);
    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    let reset = cast.token(ALICE);
    assert_eq!(code(cast.accounts.confirm_email(reset.expose(), Proof::Nothing).await), "invalid_token");
    assert_eq!(code(cast.accounts.reset_password(confirm.expose(), OTHER).await), "invalid_token");
    assert_eq!(code(cast.accounts.approve_with_link(confirm.expose()).await), "invalid_token");
    cast.pass(3599);
    cast.accounts.reset_password(reset.expose(), OTHER).await.unwrap();
    // The reset has confirmed the address and outdated the link that was sent before.
    assert_eq!(code(cast.accounts.confirm_email(confirm.expose(), Proof::Password(OTHER)).await), "invalid_token");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());

    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    let reset = cast.token(ALICE);
    cast.pass(3600);
    assert_eq!(code(cast.accounts.reset_password(reset.expose(), PASSWORD).await), "invalid_token");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());
}

#[tokio::test]
async fn a_new_address_confirms_itself() {
    let cast = cast();
    let alice = cast.signed_in(ALICE).await;
    let bob = cast.signed_in("bob@example.com").await;
    let who = cast.by_access(&alice.tokens.access).await.unwrap();
    let change =
        async |password: &str, email: &str| cast.accounts.request_email_change(&who, password, email, &client()).await;
    assert_eq!(code(change("wrong", "new@example.com").await), "invalid_credentials");
    assert_eq!(code(change(PASSWORD, "new").await), "invalid_email");
    change(PASSWORD, "New@example.com").await.unwrap();
    assert_eq!(cast.mailbox.last_to("new@example.com").unwrap().kind, MailKind::EmailChange);
    let token = cast.token("new@example.com");
    let user = cast.accounts.confirm_email_change(token.expose()).await.unwrap();
    assert_eq!((user.email.as_str(), &user.id), ("new@example.com", &alice.user.id));
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::EmailChanged);
    assert_eq!(code(cast.accounts.confirm_email_change(token.expose()).await), "invalid_token");
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");

    // Whether an address is taken shows only to who proves that it is theirs.
    change(PASSWORD, bob.user.email.as_str()).await.unwrap();
    assert_eq!(code(cast.accounts.confirm_email_change(cast.token("bob@example.com").expose()).await), "email_taken");
}

/// A link that was sent to an address which the user no longer has.
#[tokio::test]
async fn a_reset_of_an_earlier_address_is_not_valid() {
    let cast = cast();
    let alice = cast.signed_in(ALICE).await;
    let who = cast.by_access(&alice.tokens.access).await.unwrap();
    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    let reset = cast.token(ALICE);
    cast.accounts.request_email_change(&who, PASSWORD, "new@example.com", &client()).await.unwrap();
    cast.accounts.confirm_email_change(cast.token("new@example.com").expose()).await.unwrap();
    assert_eq!(code(cast.accounts.reset_password(reset.expose(), OTHER).await), "invalid_token");
    assert!(cast.accounts.sign_in("new@example.com", PASSWORD, &client()).await.is_ok());
}
