//! What the application is told, and what it is not.

use crate::cast::{ALICE, Cast, OTHER, PASSWORD, built, client, code};
use portcullis_accounts::{AccountsBuilder, Event, Proof, SessionRules};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    #[track_caller]
    fn assert(&self, names: &[&str]) {
        let heard = self.take();
        assert_eq!(heard.iter().map(Event::name).collect::<Vec<_>>(), names);
    }
}

fn listening(with: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> (Cast, Heard) {
    let heard = Heard::default();
    let to = heard.clone();
    let cast = built(|builder| with(builder.on_event(move |event, _| to.0.lock().unwrap().push(event.clone()))));
    (cast, heard)
}

#[tokio::test]
async fn sign_up_and_sign_in() {
    let (cast, heard) = listening(|builder| builder);
    cast.sign_up(ALICE).await.unwrap();
    heard.assert(&["signed_up"]);
    // The address is taken, which the caller does not learn.
    cast.sign_up(ALICE).await.unwrap();
    assert!(cast.sign_up("no address").await.is_err());
    heard.assert(&[]);

    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "email_unconfirmed");
    assert_eq!(code(cast.accounts.sign_in(ALICE, OTHER, &client()).await), "invalid_credentials");
    assert_eq!(code(cast.accounts.sign_in("bob@example.com", OTHER, &client()).await), "invalid_credentials");
    let refused = heard.take().into_iter().map(|event| match event {
        Event::SignInFailed { user, code, .. } => (user.is_some(), code),
        other => panic!("{other:?}"),
    });
    let expected = [(true, "email_unconfirmed"), (true, "invalid_credentials"), (false, "invalid_credentials")];
    assert_eq!(refused.collect::<Vec<_>>(), expected.map(|(known, code)| (known, code.to_owned())));
}

#[tokio::test]
async fn confirmation_and_reset() {
    let (cast, heard) = listening(|builder| builder);
    cast.sign_up(ALICE).await.unwrap();
    assert!(cast.accounts.confirm_email("made-up", Proof::Password(PASSWORD)).await.is_err());
    heard.assert(&["signed_up"]);
    let link = cast.token(ALICE);
    cast.accounts.confirm_email(link.expose(), Proof::Password(PASSWORD)).await.unwrap();
    assert!(cast.accounts.confirm_email(link.expose(), Proof::Password(PASSWORD)).await.is_err());
    heard.assert(&["email_confirmed"]);
    cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    heard.assert(&["signed_in"]);

    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    heard.assert(&[]);
    cast.accounts.reset_password(cast.token(ALICE).expose(), OTHER).await.unwrap();
    heard.assert(&["password_changed", "session_ended"]);
}

#[tokio::test]
async fn links_that_sign_in() {
    let (cast, heard) = listening(|builder| builder.magic_links());
    assert!(cast.accounts.sign_in_with_link("made-up", &client()).await.is_err());
    heard.assert(&["sign_in_failed"]);
    cast.accounts.send_magic_link(ALICE, &client()).await.unwrap();
    heard.assert(&[]);
    let link = cast.token(ALICE);
    cast.accounts.sign_in_with_link(link.expose(), &client()).await.unwrap();
    heard.assert(&["signed_up", "email_confirmed", "signed_in"]);
    assert!(cast.accounts.sign_in_with_link(link.expose(), &client()).await.is_err());
    heard.assert(&["sign_in_failed"]);
}

#[tokio::test]
async fn changes_of_a_signed_in_user() {
    let (cast, heard) = listening(|builder| builder);
    let first = cast.signed_in(ALICE).await;
    let alice = cast.by_access(&first.tokens.access).await.unwrap();
    heard.take();
    assert!(cast.accounts.change_password(&alice, OTHER, PASSWORD, &client()).await.is_err());
    heard.assert(&[]);
    let tokens = cast.accounts.change_password(&alice, PASSWORD, OTHER, &client()).await.unwrap();
    heard.assert(&["password_changed", "session_ended", "signed_in"]);

    let alice = cast.by_access(&tokens.access).await.unwrap();
    let new = "alice@example.org";
    cast.accounts.request_email_change(&alice, OTHER, new, &client()).await.unwrap();
    heard.assert(&[]);
    cast.accounts.confirm_email_change(cast.token(new).expose()).await.unwrap();
    heard.assert(&["email_changed"]);

    cast.accounts.sign_out(tokens.refresh.expose()).await.unwrap();
    cast.accounts.sign_out(tokens.refresh.expose()).await.unwrap();
    heard.assert(&["session_ended"]);

    let admin = cast.accounts.admin_as("job");
    admin.disable(&first.user.id, true).await.unwrap();
    let [Event::Administered { actor, what: "disable", whom }] = &heard.take()[..] else { panic!("no event") };
    assert_eq!((&**actor, whom), ("job", &first.user.id));
    assert!(admin.approve(&portcullis_accounts::UserId::new("nobody")).await.is_err());
    heard.assert(&[]);
}

#[tokio::test]
async fn a_replay_says_how_late_and_from_where() {
    let rules = SessionRules::new().grace(Duration::from_secs(10));
    let (cast, heard) = listening(|builder| builder.sessions(rules));
    let home = client().with_user_agent("home");
    cast.signed_in(ALICE).await;
    let first = cast.accounts.sign_in(ALICE, PASSWORD, &home).await.unwrap().signed_in().unwrap().tokens;
    heard.take();
    cast.refresh(first.refresh.expose()).await.unwrap();
    assert!(cast.refresh("made-up").await.is_err());
    heard.assert(&[]);

    cast.pass(7);
    let away = client().with_user_agent("away").with_device("a secret of the browser");
    cast.accounts.refresh(first.refresh.expose(), &away).await.unwrap();
    let events = heard.take();
    let [Event::RefreshReplayed { session, late, signed_in_at, client, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((session, *late), (&first.session.id, Duration::from_secs(7)));
    assert_eq!((signed_in_at.user_agent.as_deref(), client.user_agent.as_deref()), (Some("home"), Some("away")));
    assert_eq!(client.device, None);

    cast.pass(4);
    assert_eq!(code(cast.accounts.refresh(first.refresh.expose(), &away).await), "session_reused");
    assert_eq!(code(cast.accounts.refresh(first.refresh.expose(), &away).await), "session_ended");
    heard.assert(&["refresh_reused", "session_ended"]);
}

#[tokio::test]
async fn a_lost_answer() {
    let (cast, heard) = listening(|builder| builder.sessions(SessionRules::new().answers_may_be_lost()));
    let first = cast.signed_in(ALICE).await.tokens;
    cast.refresh(first.refresh.expose()).await.unwrap();
    heard.take();
    cast.pass(60);
    cast.refresh(first.refresh.expose()).await.unwrap();
    heard.assert(&["answer_lost"]);
}

#[tokio::test]
async fn events_contain_no_secret() {
    let (cast, heard) = listening(|builder| builder);
    let sign_in = cast.signed_in(ALICE).await;
    let link = cast.token(ALICE);
    let from = client().with_device(&*sign_in.device);
    let next = cast.accounts.sign_in(ALICE, PASSWORD, &from).await.unwrap().signed_in().unwrap();
    assert!(cast.accounts.sign_in(ALICE, OTHER, &from).await.is_err());
    cast.accounts.refresh(next.tokens.refresh.expose(), &from).await.unwrap();
    cast.accounts.refresh(next.tokens.refresh.expose(), &from).await.unwrap();
    let told = heard.take();
    assert!(told.len() >= 5, "{told:?}");
    // Also what `Debug` of a client leaves out.
    let clients = told.iter().filter_map(|event| match event {
        Event::SignedIn { client, .. } | Event::SignInFailed { client, .. } => client.device.clone(),
        Event::RefreshReplayed { client, signed_in_at, .. } => client.device.clone().or(signed_in_at.device.clone()),
        _ => None,
    });
    assert_eq!(clients.count(), 0);
    let told = format!("{told:?}");
    let tokens = [&sign_in.tokens, &next.tokens].map(|tokens| [tokens.access.expose(), tokens.refresh.expose()]);
    for secret in tokens.into_iter().flatten().chain([ALICE, PASSWORD, OTHER, link.expose(), &sign_in.device]) {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn a_panic_of_the_application_refuses_nobody() {
    let cast = built(|builder| builder.on_event(|_, _| panic!("the application's audit table is full")));
    let tokens = cast.signed_in(ALICE).await.tokens;
    assert!(cast.refresh(tokens.refresh.expose()).await.is_ok());
    cast.accounts.sign_out(tokens.refresh.expose()).await.unwrap();
    assert!(cast.by_access(&tokens.access).await.is_err());
}
