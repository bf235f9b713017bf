//! What administrators do, and what they leave behind.

use crate::cast::{ALICE, Cast, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{Event, MailKind, UserId};
use std::sync::{Arc, Mutex};

type Done = Arc<Mutex<Vec<(String, &'static str)>>>;

fn listening() -> (Cast, Done) {
    let done = Done::default();
    let to = done.clone();
    let cast = built(|builder| {
        builder.without_sign_up().approval().on_event(move |event, _| {
            if let Event::Administered { actor, what, .. } = event {
                to.lock().unwrap().push((actor.clone(), what));
            }
        })
    });
    (cast, done)
}

#[tokio::test]
async fn an_account_with_a_password_can_sign_in_at_once() {
    let (cast, done) = listening();
    let admin = cast.accounts.admin_as("import");
    assert_eq!(code(admin.create("no address", Some(PASSWORD)).await), "invalid_email");
    assert_eq!(code(admin.create(ALICE, Some("weak")).await), "password_rejected");
    assert!(done.lock().unwrap().is_empty());
    let user = admin.create(ALICE, Some(PASSWORD)).await.unwrap();
    assert_eq!(code(admin.create(ALICE, Some(OTHER)).await), "email_taken");
    assert_eq!(*done.lock().unwrap(), [("import".to_owned(), "create")]);
    assert!(cast.mailbox.mails().is_empty());
    assert_eq!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().user.id, user.id);
    assert_eq!(code(cast.accounts.sign_in(ALICE, OTHER, &client()).await), "invalid_credentials");
}

#[tokio::test]
async fn an_account_without_one_begins_with_a_link() {
    let (cast, _) = listening();
    let user = cast.accounts.admin_as("import").create(ALICE, None).await.unwrap();
    assert!(user.email_confirmed_at.is_none() && user.password_hash.is_none());
    assert_eq!(code(cast.accounts.sign_in(ALICE, "", &client()).await), "invalid_credentials");
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::Reset);
    cast.accounts.reset_password(cast.token(ALICE).expose(), PASSWORD).await.unwrap();
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}

#[tokio::test]
async fn what_tokens_contain_ends_sessions_when_it_changes() {
    let cast = cast();
    let user = cast.signed_in(ALICE).await.user.id;
    let admin = cast.accounts.admin_as("job");
    let session = async || cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;

    let tokens = session().await;
    assert!(admin.set_staff(&user, true).await.unwrap().is_staff);
    assert!(cast.by_access(&tokens.access).await.is_err());
    let tokens = session().await;
    assert!(cast.by_access(&tokens.access).await.unwrap().is_staff());

    admin.end_sessions(&user).await.unwrap();
    assert!(cast.by_access(&tokens.access).await.is_err());
    assert_eq!(code(cast.refresh(tokens.refresh.expose()).await), "session_ended");

    let tokens = session().await;
    assert_eq!(code(admin.set_password(&user, "weak").await), "password_rejected");
    assert!(cast.by_access(&tokens.access).await.is_ok());
    admin.set_password(&user, OTHER).await.unwrap();
    assert!(cast.by_access(&tokens.access).await.is_err());
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::PasswordChanged);

    assert_eq!(admin.user(&user).await.unwrap().id, user);
    let nobody = UserId::new("nobody");
    assert_eq!(code(admin.user(&nobody).await), "not_found");
    assert_eq!(code(admin.set_staff(&nobody, true).await), "not_found");
    assert_eq!(code(admin.end_sessions(&nobody).await), "not_found");
}
