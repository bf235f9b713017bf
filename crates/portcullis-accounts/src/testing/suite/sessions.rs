use super::{Opened, Passed, at, digest, fresh, second, session};
use crate::{
    client::Client,
    id::{OrganizationId, SessionId, UserId},
    secret::Token,
    session::{Session, SessionRules},
    store::{Ending, RefreshRow, SessionStore},
};
use std::time::SystemTime;

pub(super) async fn open(store: &dyn SessionStore) {
    let client = |address: &str| Client::at(fresh(address.parse()));
    let sessions = [
        session(),
        Session {
            stamp: i64::MAX,
            methods: vec!["pwd".into(), "otp".into(), "mfa".into()],
            organization: Some(OrganizationId::new("Ö'\"; --")),
            client: client("192.0.2.7").with_user_agent("Mozilla/5.0 (\"'\\; 🦀 ß) \u{202e}"),
            created_at: at(1),
            used_at: at(2),
            not_after: at(4),
            ..session()
        },
        Session { methods: Vec::new(), client: client("2001:db8::7"), ..session() },
        // Before 1970, and far ahead.
        Session {
            created_at: SystemTime::UNIX_EPOCH - std::time::Duration::from_millis(1),
            not_after: second(100 * 366 * 86_400),
            ..session()
        },
    ];
    for session in sessions {
        let opened = Opened::with(store, SessionRules::new(), session.clone()).await;
        assert_eq!(opened.now().await, session, "a session is read as it was opened");
    }
    // Anything can stand in a path.
    for unknown in ["0", "", "\0", "'; --", "🦀"] {
        assert_eq!(store.session(&SessionId::new(unknown)).await.passed(), None, "no session is called {unknown:?}");
    }
}

pub(super) async fn tokens(store: &dyn SessionStore) {
    let found = async |token: &Token| store.session_of(&digest(token)).await.passed();
    assert_eq!(found(&fresh(Token::fresh())).await, None, "an unknown token");
    let opened = Opened::with(store, SessionRules::new().answers_may_be_lost(), session()).await;
    let mut session = opened.session.clone();
    let live = RefreshRow::live(at(0), session.not_after);
    assert_eq!(found(&opened.first).await, Some((session.clone(), live.clone())), "a live token");

    let lost = opened.next(&opened.first, at(7)).await;
    session.used_at = at(7);
    let rotated = RefreshRow { rotated_at: Some(at(7)), successor: Some(digest(&lost)), ..live };
    assert_eq!(found(&opened.first).await, Some((session.clone(), rotated.clone())), "a token that was exchanged");
    let live = RefreshRow::live(at(7), session.not_after);
    assert_eq!(found(&lost).await, Some((session.clone(), live.clone())), "its successor");

    let next = opened.next(&opened.first, second(60)).await;
    session.used_at = second(60);
    let again = RefreshRow { rotated_at: Some(second(60)), attempt: 1, successor: Some(digest(&next)), ..rotated };
    assert_eq!(found(&opened.first).await, Some((session.clone(), again)), "a token whose successor was lost");
    let superseded = RefreshRow { is_superseded: true, ..live };
    assert_eq!(found(&lost).await, Some((session.clone(), superseded)), "a superseded token");

    store.end(Ending::One(&session.id), second(61)).await.passed();
    session.ended_at = Some(second(61));
    let live = RefreshRow::live(second(60), session.not_after);
    assert_eq!(found(&next).await, Some((session, live)), "a token of a session that was ended");
}

pub(super) async fn touch(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let touch = async |token: &Token, now, expires_at| store.touch(&digest(token), now, expires_at).await.passed();
    touch(&opened.first, at(5), at(1000)).await;
    assert_eq!(opened.now().await, Session { used_at: at(5), ..opened.session.clone() }, "only `used_at` changes");
    assert!(opened.is_live(&opened.first, at(999)).await, "a token that was touched");
    assert!(!opened.is_live(&opened.first, at(1000)).await, "a token expires when it was said to");
    touch(&opened.first, at(6), second(60)).await;
    assert!(opened.is_live(&opened.first, at(59_999)).await, "a token that was touched again");

    let next = opened.next(&opened.first, at(7)).await;
    touch(&opened.first, at(8), second(7200)).await;
    touch(&fresh(Token::fresh()), at(8), second(7200)).await;
    assert_eq!(opened.now().await.used_at, at(7), "a token that is not live touches nothing");
    assert!(!opened.is_live(&opened.first, at(8)).await, "a token that was exchanged does not live again");
    assert!(opened.is_live(&next, at(8)).await, "its successor lives on");
}

async fn ended_by(store: &dyn SessionStore, which: Ending<'_>, now: SystemTime) -> Vec<Session> {
    let mut ended = store.end(which, now).await.passed();
    ended.sort_by(|one, other| one.id.cmp(&other.id));
    ended
}

pub(super) async fn organization(store: &dyn SessionStore) {
    let opened = Opened::new(store, SessionRules::new()).await;
    let other = Opened::new(store, SessionRules::new()).await;
    let acme = OrganizationId::new("acme");
    for organization in [Some(&acme), None, Some(&acme)] {
        assert!(store.set_organization(&opened.session.id, organization).await.passed());
        assert_eq!(opened.now().await.organization.as_ref(), organization);
    }
    opened.next(&opened.first, second(1)).await;
    assert_eq!(opened.now().await.organization, Some(acme.clone()), "it survives a refresh");
    assert_eq!(other.now().await.organization, None, "other sessions have their own");
    assert!(!store.set_organization(&SessionId::new("none"), Some(&acme)).await.passed(), "no session");
}

pub(super) async fn end(store: &dyn SessionStore) {
    let user = fresh(UserId::fresh(at(0)));
    let open = async || {
        let session = Session { user: user.clone(), ..session() };
        Opened::with(store, SessionRules::new(), session).await
    };
    let ended = |opened: &Opened<'_>, now| Session { ended_at: Some(now), ..opened.session.clone() };

    let (one, other) = (open().await, open().await);
    assert_eq!(ended_by(store, Ending::One(&one.session.id), at(10)).await, [ended(&one, at(10))], "this session");
    assert_eq!(one.now().await, ended(&one, at(10)), "a session that was ended");
    assert_eq!(other.now().await, other.session, "another session of the user");
    assert_eq!(ended_by(store, Ending::One(&one.session.id), at(11)).await, [], "a session ends once");
    assert_eq!(one.now().await.ended_at, Some(at(10)), "the first time stays");
    assert_eq!(ended_by(store, Ending::One(&SessionId::new("0")), at(11)).await, [], "no session has the identifier 0");

    let stranger = fresh(UserId::fresh(at(0)));
    assert_eq!(
        ended_by(store, Ending::OneOf(&stranger, &other.session.id), at(12)).await,
        [],
        "a session of somebody else"
    );
    assert_eq!(other.now().await, other.session, "a session that somebody else wanted to end");
    assert_eq!(
        ended_by(store, Ending::OneOf(&user, &other.session.id), at(12)).await,
        [ended(&other, at(12))],
        "one's own session"
    );

    // By a live token, by one that was exchanged, and by one that has expired.
    let live = open().await;
    assert_eq!(
        ended_by(store, Ending::OfToken(&digest(&live.first)), at(13)).await,
        [ended(&live, at(13))],
        "of a live token"
    );
    let exchanged = open().await;
    let next = exchanged.next(&exchanged.first, at(1)).await;
    let expected = Session { used_at: at(1), ..ended(&exchanged, at(14)) };
    assert_eq!(
        ended_by(store, Ending::OfToken(&digest(&exchanged.first)), at(14)).await,
        [expected],
        "of an exchanged token"
    );
    assert!(!exchanged.is_live(&next, at(14)).await, "its successor is of no use");
    let expired = Session { user: user.clone(), ..session() };
    let token = fresh(Token::fresh());
    store.open(expired.clone(), digest(&token), at(1)).await.passed();
    let expected = Session { ended_at: Some(at(15)), ..expired };
    assert_eq!(ended_by(store, Ending::OfToken(&digest(&token)), at(15)).await, [expected], "of an expired token");
    let unknown = digest(&fresh(Token::fresh()));
    assert_eq!(ended_by(store, Ending::OfToken(&unknown), at(15)).await, [], "of an unknown token");

    let somebody = Opened::new(store, SessionRules::new()).await;
    let mut all = [open().await, open().await, open().await];
    all.sort_by(|one, other| one.session.id.cmp(&other.session.id));
    let expected: Vec<Session> = all.iter().map(|opened| ended(opened, at(16))).collect();
    assert_eq!(ended_by(store, Ending::OfUser(&user), at(16)).await, expected, "the open sessions of a user");
    assert_eq!(ended_by(store, Ending::OfUser(&user), at(17)).await, [], "they end once");
    assert_eq!(somebody.now().await, somebody.session, "a session of another user");
}

pub(super) async fn lists(store: &dyn SessionStore) {
    let user = fresh(UserId::fresh(at(0)));
    let open = async |created_at, not_after| {
        let session = Session { user: user.clone(), created_at, not_after, ..session() };
        store.open(session.clone(), digest(&fresh(Token::fresh())), not_after).await.passed();
        session
    };
    let sessions = async |now| store.sessions(&user, now).await.passed();
    assert_eq!(sessions(at(0)).await, [], "a user without sessions");
    let oldest = open(at(1), second(30)).await;
    let newest = open(at(3), second(3600)).await;
    let twins = [open(at(2), second(3600)).await, open(at(2), second(3600)).await];
    let [low, high] = if twins[0].id < twins[1].id {
        twins
    } else {
        let [one, other] = twins;
        [other, one]
    };
    Opened::new(store, SessionRules::new()).await;
    let all = [newest.clone(), high.clone(), low.clone(), oldest.clone()];
    assert_eq!(sessions(at(29_999)).await, all, "open sessions, newest first");
    assert_eq!(sessions(second(30)).await, all[..3], "one has expired");
    store.end(Ending::One(&high.id), at(50)).await.passed();
    assert_eq!(sessions(at(51)).await, [newest.clone(), low.clone(), oldest.clone()], "one was ended");

    store.end(Ending::One(&low.id), at(60)).await.passed();
    let ended = async |since| {
        let mut ended = store.ended_since(since).await.passed();
        ended.retain(|session| session.user == user);
        ended.sort_by_key(|session| session.ended_at);
        ended
    };
    let (high, low) = (Session { ended_at: Some(at(50)), ..high }, Session { ended_at: Some(at(60)), ..low });
    assert_eq!(ended(at(50)).await, [high, low.clone()], "ended at this time or later");
    assert_eq!(ended(at(51)).await, [low], "ended later");
    assert_eq!(ended(at(61)).await, [], "nothing ended since");
}
