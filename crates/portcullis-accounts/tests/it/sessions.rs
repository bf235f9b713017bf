//! Refresh, sign-out, the list of sessions, and other instances.

use crate::cast::{ALICE, PASSWORD, built, cast, client, code};
use portcullis_accounts::{
    EndedSessions, RefreshFormat, SessionId, SessionRules,
    store::{StoreError, StoreResult},
};
use portcullis_core::Error as CoreError;
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn kind<T: std::fmt::Debug>(result: Result<T, CoreError>) -> String {
    result.expect_err("refused").code().to_owned()
}

#[tokio::test]
async fn a_refresh_exchanges_the_token() {
    let cast = cast();
    let first = cast.signed_in(ALICE).await.tokens;
    cast.pass(899);
    assert!(cast.by_access(&first.access).await.is_ok());
    cast.pass(1);
    assert_eq!(kind(cast.by_access(&first.access).await), "token_expired");
    let second = cast.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(second.session.id, first.session.id);
    assert_eq!(second.session.not_after, first.session.not_after);
    assert_eq!(second.expires_in, seconds(900));
    assert_eq!(second.refresh_expires_in, seconds(30 * 86_400 - 900));
    assert!(cast.by_access(&second.access).await.is_ok());

    // Two tabs: the same successor.
    let again = cast.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    let third = cast.refresh(second.refresh.expose()).await.unwrap();
    let late = cast.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(late.refresh.expose(), third.refresh.expose());
}

#[tokio::test]
async fn a_token_that_is_used_again_ends_its_session() {
    let cast = cast();
    let (stolen, other) = (cast.signed_in(ALICE).await.tokens, cast.accounts.sign_in(ALICE, PASSWORD, &client()).await);
    let next = cast.refresh(stolen.refresh.expose()).await.unwrap();
    cast.pass(31);
    assert_eq!(code(cast.refresh(stolen.refresh.expose()).await), "session_reused");
    assert_eq!(code(cast.refresh(next.refresh.expose()).await), "session_ended");
    assert!(cast.by_access(&next.access).await.is_err());
    assert!(cast.by_session(&next.refresh).await.is_err());
    // Other sessions of the user go on.
    let other = other.unwrap().signed_in().unwrap().tokens;
    assert!(cast.by_access(&other.access).await.is_ok());
    assert!(cast.refresh(other.refresh.expose()).await.is_ok());
}

#[tokio::test]
async fn without_a_grace_the_second_use_ends_the_session() {
    let cast = built(|builder| builder.sessions(SessionRules::new().grace(Duration::ZERO)));
    let first = cast.signed_in(ALICE).await.tokens;
    let next = cast.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(code(cast.refresh(first.refresh.expose()).await), "session_reused");
    assert_eq!(code(cast.refresh(next.refresh.expose()).await), "session_ended");
}

#[tokio::test]
async fn a_kept_family_survives_the_second_use() {
    let cast = built(|builder| builder.sessions(SessionRules::new().grace(seconds(10)).dangerous_keep_family()));
    let first = cast.signed_in(ALICE).await.tokens;
    let next = cast.refresh(first.refresh.expose()).await.unwrap();
    cast.pass(10);
    assert!(cast.refresh(first.refresh.expose()).await.is_ok());
    cast.pass(1);
    assert_eq!(code(cast.refresh(first.refresh.expose()).await), "session_reused");
    assert!(cast.refresh(next.refresh.expose()).await.is_ok());
}

#[tokio::test]
async fn sessions_end_by_time() {
    let cast = built(|builder| builder.sessions(SessionRules::new().life(seconds(7200)).idle(seconds(3600))));
    let first = cast.signed_in(ALICE).await.tokens;
    assert_eq!(first.refresh_expires_in, seconds(3600));
    cast.pass(3599);
    let second = cast.refresh(first.refresh.expose()).await.unwrap();
    assert_eq!(second.refresh_expires_in, seconds(3600));
    cast.pass(3600);
    assert_eq!(code(cast.refresh(second.refresh.expose()).await), "session_expired");

    let life = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;
    cast.pass(3000);
    let life = cast.refresh(life.refresh.expose()).await.unwrap();
    cast.pass(3000);
    let life = cast.refresh(life.refresh.expose()).await.unwrap();
    assert_eq!(life.refresh_expires_in, seconds(1200));
    cast.pass(1200);
    assert_eq!(code(cast.refresh(life.refresh.expose()).await), "session_expired");
}

/// A page that a server renders: the refresh token itself, in a cookie.
#[tokio::test]
async fn a_session_is_found_by_its_token() {
    let cast = built(|builder| builder.sessions(SessionRules::new().idle(seconds(3600))));
    let sign_in = cast.signed_in(ALICE).await;
    let token = &sign_in.tokens.refresh;
    for _ in 0..3 {
        cast.pass(3599);
        let alice = cast.by_session(token).await.unwrap();
        assert_eq!(alice.account::<portcullis_accounts::User>().unwrap().id, sign_in.user.id);
        assert_eq!(alice.session().unwrap().id(), sign_in.tokens.session.id.as_str());
    }
    cast.pass(3600);
    assert_eq!(kind(cast.by_session(token).await), "session_expired");

    let sign_in = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    cast.accounts.sign_out(sign_in.tokens.refresh.expose()).await.unwrap();
    assert_eq!(kind(cast.by_session(&sign_in.tokens.refresh).await), "session_ended");
    assert!(cast.by_session(&portcullis_accounts::Token::new("made-up")).await.is_err());
    // An access token is no session.
    assert!(cast.by_session(&sign_in.tokens.access).await.is_err());
}

#[tokio::test]
async fn sign_out_is_at_once_and_no_error() {
    let cast = cast();
    let tokens = cast.signed_in(ALICE).await.tokens;
    let other = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;
    let next = cast.refresh(tokens.refresh.expose()).await.unwrap();
    // Also by a token that was exchanged.
    cast.accounts.sign_out(tokens.refresh.expose()).await.unwrap();
    for token in [&tokens.access, &next.access] {
        assert_eq!(kind(cast.by_access(token).await), "invalid_token");
    }
    assert_eq!(code(cast.refresh(next.refresh.expose()).await), "session_ended");
    assert!(cast.by_access(&other.access).await.is_ok());
    for nothing in ["", "made-up", tokens.refresh.expose()] {
        cast.accounts.sign_out(nothing).await.unwrap();
    }
}

#[tokio::test]
async fn users_see_and_end_their_own_sessions() {
    let cast = cast();
    let (first, bob) = (cast.signed_in(ALICE).await, cast.signed_in("bob@example.com").await);
    cast.pass(60);
    let second =
        cast.accounts.sign_in(ALICE, PASSWORD, &client().with_user_agent("curl/8")).await.unwrap().signed_in().unwrap();
    let alice = cast.by_access(&first.tokens.access).await.unwrap();
    let sessions = cast.accounts.sessions(&alice).await.unwrap();
    let ids: Vec<&SessionId> = sessions.iter().map(|session| &session.id).collect();
    assert_eq!(ids, [&second.tokens.session.id, &first.tokens.session.id]);
    assert_eq!(sessions[0].client.user_agent.as_deref(), Some("curl/8"));

    for foreign in [&bob.tokens.session.id, &SessionId::new("made-up")] {
        assert_eq!(code(cast.accounts.end_session(&alice, foreign).await), "not_found");
    }
    assert!(cast.by_access(&bob.tokens.access).await.is_ok());
    cast.accounts.end_session(&alice, &second.tokens.session.id).await.unwrap();
    assert!(cast.by_access(&second.tokens.access).await.is_err());
    assert_eq!(code(cast.accounts.end_session(&alice, &second.tokens.session.id).await), "not_found");
    assert_eq!(cast.accounts.sign_out_everywhere(&alice).await.unwrap(), 1);
    assert!(cast.by_access(&first.tokens.access).await.is_err());
    assert!(cast.by_access(&bob.tokens.access).await.is_ok());
}

#[tokio::test]
async fn refreshes_of_a_session_are_limited() {
    let cast = cast();
    let tokens = cast.signed_in(ALICE).await.tokens;
    for _ in 0..60 {
        cast.refresh(tokens.refresh.expose()).await.unwrap();
    }
    assert_eq!(code(cast.refresh(tokens.refresh.expose()).await), "rate_limited");
    let other = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;
    assert!(cast.refresh(other.refresh.expose()).await.is_ok());
}

#[tokio::test]
async fn refresh_tokens_can_be_jwts() {
    let cast = built(|builder| builder.sessions(SessionRules::new().format(RefreshFormat::Jwt)));
    let tokens = cast.signed_in(ALICE).await.tokens;
    assert_eq!(tokens.refresh.expose().split('.').count(), 3);
    let next = cast.refresh(tokens.refresh.expose()).await.unwrap();
    for wrong in [tokens.access.expose(), "a.b.c", "", &tokens.refresh.expose()[..60]] {
        assert_eq!(code(cast.refresh(wrong).await), "invalid_refresh_token");
    }
    // A refresh token is no access token.
    assert!(cast.by_access(&next.refresh).await.is_err());
    cast.pass(31 * 86_400);
    assert_eq!(code(cast.refresh(next.refresh.expose()).await), "session_expired");
    cast.accounts.sign_out(next.refresh.expose()).await.unwrap();
}

/// Another instance on the same store hears of a sign-out.
#[tokio::test]
async fn other_instances_follow() {
    use portcullis_accounts::{Accounts, Links, Secret, store::MemoryStore, store::Stores, testing::Mailbox};
    use portcullis_core::{Credential, CredentialSource, Gate};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let stores = Stores::from(MemoryStore::new());
    let instance = || {
        let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").unwrap();
        let accounts = Accounts::builder("shop", secret, stores.clone())
            .dangerous_without_confirmation()
            .argon2(64, 1, 1)
            .mailer(Mailbox::new(), Links::below("https://app.shop.test"))
            .build()
            .unwrap();
        let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build().unwrap();
        (accounts, gate)
    };
    let ((here, _), (there, gate)) = (instance(), instance());
    let form = portcullis_accounts::SignUp { email: ALICE, password: PASSWORD, ..Default::default() };
    let tokens = here.sign_up(form, &client()).await.unwrap().unwrap().tokens;
    let is_accepted = async || {
        let credential = Credential::new(tokens.access.expose().to_owned(), CredentialSource::bearer());
        gate.authenticate(credential).await.principal().is_ok()
    };
    let rounds = AtomicUsize::new(0);
    let follow = there.follow(Duration::from_secs(1), |_| {
        let round = rounds.fetch_add(1, SeqCst);
        let (here, is_accepted, tokens) = (&here, &is_accepted, &tokens);
        async move {
            match round {
                0 => {
                    assert!(is_accepted().await);
                    here.sign_out(tokens.refresh.expose()).await.unwrap();
                    assert!(is_accepted().await, "not heard of yet");
                }
                _ => std::future::pending().await,
            }
        }
    });
    let heard = async {
        while is_accepted().await || rounds.load(SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = follow => unreachable!(),
        () = heard => {}
    }
}

/// What instances tell each other, without a store between them.
#[derive(Debug, Clone, Default)]
struct Told {
    waiting: Arc<Mutex<Vec<SessionId>>>,
    is_away: Arc<AtomicBool>,
}

impl Told {
    fn sessions(&self) -> StoreResult<MutexGuard<'_, Vec<SessionId>>> {
        let is_away = self.is_away.load(SeqCst);
        if is_away { Err(StoreError::new("telling", std::fmt::Error)) } else { Ok(self.waiting.lock().unwrap()) }
    }
}

#[async_trait::async_trait]
impl EndedSessions for Told {
    async fn publish(&self, ended: &[SessionId]) -> StoreResult<()> {
        self.sessions()?.extend_from_slice(ended);
        Ok(())
    }

    async fn next(&self) -> StoreResult<Vec<SessionId>> {
        tokio::task::yield_now().await;
        Ok(std::mem::take(&mut *self.sessions()?))
    }
}

/// Another instance hears of a sign-out before it asks the store again; and if that way fails, the sign-out does not.
#[tokio::test]
async fn other_instances_are_told() {
    let told = Told::default();
    let cast = built(|builder| builder.ended_sessions(told.clone()));
    let again = async || cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;
    let (first, second) = (cast.signed_in(ALICE).await.tokens, again().await);
    let never = |_| std::future::pending();
    tokio::select! {
        () = cast.accounts.follow(seconds(1), never) => unreachable!(),
        result = async {
            told.waiting.lock().unwrap().push(first.session.id.clone());
            while cast.by_access(&first.access).await.is_ok() {
                tokio::task::yield_now().await;
            }
            cast.by_access(&second.access).await
        } => assert!(result.is_ok(), "it has not ended"),
    }
    cast.accounts.sign_out(second.refresh.expose()).await.unwrap();
    assert_eq!(*told.waiting.lock().unwrap(), std::slice::from_ref(&second.session.id));

    told.is_away.store(true, SeqCst);
    let third = again().await;
    cast.accounts.sign_out(third.refresh.expose()).await.unwrap();
    assert!(cast.by_access(&third.access).await.is_err());
    assert_eq!(told.waiting.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_over_is_purged() {
    let cast = cast();
    let tokens = cast.signed_in(ALICE).await.tokens;
    let ended = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap().tokens;
    cast.accounts.sign_out(ended.refresh.expose()).await.unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(cast.clock.seconds());
    assert_eq!(cast.accounts.purge(now - seconds(3600)).await.unwrap(), 0);
    cast.pass(2 * 86_400);
    let now = now + seconds(2 * 86_400);
    assert_eq!(cast.accounts.purge(now - seconds(86_400)).await.unwrap(), 1);
    assert_eq!(code(cast.refresh(ended.refresh.expose()).await), "invalid_refresh_token");
    assert!(cast.refresh(tokens.refresh.expose()).await.is_ok());
}
