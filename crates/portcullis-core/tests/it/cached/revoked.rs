//! Revocations: they are asked about everybody, known or not.

use super::*;
use portcullis_core::{PrincipalId, PrincipalKind, RevocationList, Revocations, SessionId, TokenId};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::SystemTime,
};

/// A gate with a cache that knows the tokens `a`, `b` and `c`: of two sessions, and of two people at two times.
fn knowing(list: &RevocationList) -> (Rig, [String; 3]) {
    let rig = Rig::of(|gate| gate.cache(roomy()).revocations(list.clone()));
    rig.warm();
    let more = [("a", "s1", "alice", 0), ("b", "s1", "alice", 10), ("c", "s2", "bob", 0)];
    let tokens = more.map(|(jti, session, subject, issued)| {
        let more = format!(r#","sid":"{session}","iat":{}"#, NOW - 20 + issued);
        signed(1, "k1", &claims(jti, &more).replace("alice", subject))
    });
    for token in &tokens {
        assert!(share(&rig.accepted(token), &rig.accepted(token)));
    }
    (rig, tokens)
}

#[test]
fn what_is_revoked_is_refused_at_the_next_request() {
    type Revoke = fn(&RevocationList);
    let table: [(&str, Revoke, [bool; 3]); 6] = [
        ("a token", |list| list.revoke_token(&TokenId::new("a").with_issuer(ISSUER)), [false, true, true]),
        ("a session", |list| list.end_session(&SessionId::new("s1").with_issuer(ISSUER)), [false, false, true]),
        (
            "a person, until a time",
            |list| list.sign_out(&PrincipalId::new(PrincipalKind::User, "alice").with_issuer(ISSUER), at(NOW - 75)),
            [false, true, true],
        ),
        (
            "a person",
            |list| list.sign_out(&PrincipalId::new(PrincipalKind::User, "alice").with_issuer(ISSUER), at(NOW)),
            [false, false, true],
        ),
        (
            "another person",
            |list| list.sign_out(&PrincipalId::new(PrincipalKind::User, "bob").with_issuer(ISSUER), at(NOW)),
            [true, true, false],
        ),
        (
            "a token of another issuer",
            |list| list.revoke_token(&TokenId::new("a").with_issuer("https://other.test")),
            [true; 3],
        ),
    ];
    for (what, revoke, holds) in table {
        let list = RevocationList::new(seconds(3600));
        let (rig, tokens) = knowing(&list);
        revoke(&list);
        for (token, holds) in tokens.iter().zip(holds) {
            for _ in 0..2 {
                let found = rig.ask(token).map(drop).map_err(|error| (error.kind(), error.to_string()));
                let revoked = Err((ErrorKind::Invalid, "the credential was revoked".to_owned()));
                assert_eq!(found, if holds { Ok(()) } else { revoked }, "{what}");
            }
        }
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A store of the application's own.
#[derive(Debug, Default, Clone)]
struct Store {
    asked: Arc<AtomicUsize>,
    answers: Arc<Mutex<Option<Result<bool, ErrorKind>>>>,
    is_slow: bool,
}

impl Revocations for Store {
    async fn is_revoked(&self, _: &Principal) -> Result<bool, Error> {
        self.asked.fetch_add(1, SeqCst);
        if self.is_slow {
            tokio::task::yield_now().await;
        }
        self.answers.lock().unwrap().unwrap_or(Ok(false)).map_err(|kind| Error::new(kind, "no"))
    }
}

#[test]
fn a_store_is_asked_about_each_request() {
    for is_slow in [false, true] {
        let store = Store { is_slow, ..Store::default() };
        let rig = Rig::of(|gate| gate.cache(roomy()).revocations(store.clone()));
        rig.warm();
        let good = token(1, "good");
        let first = rig.accepted(&good);
        let before = store.asked.load(SeqCst);
        for _ in 0..5 {
            assert!(share(&first, &rig.accepted(&good)), "it is not verified again for that");
            rig.refused(&signed(9, "k1", &claims("good", "")));
        }
        assert_eq!(store.asked.load(SeqCst), before + 5, "about each that holds, and no other");
        let waits = rig.gate.establish(&Head::new().bearer(&good)).ready().is_err();
        assert_eq!(waits, is_slow);
        let table = [
            (Ok(true), Some(ErrorKind::Invalid)),
            (Err(ErrorKind::Unavailable), Some(ErrorKind::Unavailable)),
            (Err(ErrorKind::Denied), Some(ErrorKind::Unavailable)),
            (Ok(false), None),
        ];
        for (answer, want) in table {
            *store.answers.lock().unwrap() = Some(answer);
            assert_eq!(rig.ask(&good).err().map(|error| error.kind()), want);
        }
        assert!(share(&first, &rig.accepted(&good)), "what was not revoked after all is still known");
    }
}
