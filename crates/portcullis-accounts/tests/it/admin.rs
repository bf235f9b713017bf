//! What administrators do, and what they leave behind.

use crate::cast::{ALICE, Cast, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{
    By, Event, MailKind, Organizations, UserId,
    store::{MemoryStore, Page},
};
use portcullis_core::{ApiKeys, Credential, CredentialSource, KeyScopes, MemoryKeys, NewKey, Scheme};
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

#[tokio::test]
async fn lists_have_pages() {
    let (cast, done) = listening();
    let admin = cast.accounts.admin_as("job");
    assert_eq!((admin.count().await.unwrap(), admin.users(Page::first(9)).await.unwrap().len()), (0, 0));
    for name in ["alice", "bob", "carol"] {
        admin.create(&format!("{name}@example.com"), Some(PASSWORD)).await.unwrap();
        cast.pass(1);
    }
    let names = |users: &[portcullis_accounts::User]| {
        users.iter().map(|user| user.email.as_str().split('@').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = admin.users(Page::first(2)).await.unwrap();
    assert_eq!(names(&first), ["carol", "bob"]);
    assert_eq!(names(&admin.users(Page::after(&first[1], 2)).await.unwrap()), ["alice"]);
    assert_eq!(admin.count().await.unwrap(), 3);
    // To read is no change.
    assert_eq!(done.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn who_is_deleted_leaves_nothing_that_works() {
    let keys = ApiKeys::new("shop", MemoryKeys::new()).unwrap();
    let organizations = Organizations::new(crate::cast::ISSUER, MemoryStore::new());
    let events = Arc::new(Mutex::new(Vec::new()));
    let (given, of_accounts, to) = (organizations.clone(), keys.clone(), events.clone());
    let cast = built(|builder| {
        builder.keys(of_accounts).organizations(given).on_event(move |event, _| to.lock().unwrap().push(event.name()))
    });
    let (alice, bob) = (cast.signed_in(ALICE).await, cast.signed_in("bob@example.com").await);
    let who = cast.by_access(&alice.tokens.access).await.unwrap();
    // Without a directory, which would refuse it as well.
    let gate = portcullis_core::Gate::builder()
        .scheme(Scheme::new(keys).header("x-api-key"))
        .clock(cast.clock.clone())
        .build()
        .unwrap();
    let key = cast.accounts.add_key(&who, NewKey::new("import", KeyScopes::new(["kb:read"]).unwrap())).await.unwrap();
    let by_key = async || {
        let credential = Credential::new(key.expose().to_owned(), CredentialSource::header("x-api-key"));
        gate.authenticate(credential).await.principal().is_ok()
    };
    let acme = organizations.create("Acme", "acme", &alice.user.id).await.unwrap().id;
    let beta = organizations.create("Beta", "beta", &bob.user.id).await.unwrap().id;
    organizations.add_member(&beta, &alice.user.id, "admin", By::Service).await.unwrap();
    let admin = cast.accounts.admin_as("job");
    events.lock().unwrap().clear();

    // Refused, and nothing has changed.
    assert_eq!(code(admin.delete(&alice.user.id).await), "last_owner");
    assert!(by_key().await && cast.by_access(&alice.tokens.access).await.is_ok());
    assert!(organizations.member(&beta, &alice.user.id).await.unwrap().is_some());
    assert!(events.lock().unwrap().is_empty());

    organizations.add_member(&acme, &bob.user.id, "owner", By::Service).await.unwrap();
    events.lock().unwrap().clear();
    admin.delete(&alice.user.id).await.unwrap();
    // She leaves two organizations.
    assert_eq!(*events.lock().unwrap(), ["session_ended", "member_changed", "member_changed", "administered"]);
    assert!(!by_key().await);
    assert!(cast.by_access(&alice.tokens.access).await.is_err());
    assert!(cast.refresh(alice.tokens.refresh.expose()).await.is_err());
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert!(organizations.of(&alice.user.id).await.unwrap().is_empty());
    assert_eq!(code(admin.user(&alice.user.id).await), "not_found");
    assert_eq!(code(admin.delete(&alice.user.id).await), "not_found");

    // Others are as they were, and the address is free.
    assert!(cast.by_access(&bob.tokens.access).await.is_ok());
    assert_eq!(organizations.of(&bob.user.id).await.unwrap().len(), 2);
    assert_ne!(cast.signed_in(ALICE).await.user.id, alice.user.id);
}
