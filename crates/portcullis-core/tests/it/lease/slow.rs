//! Connections while whoever is asked takes long to answer, or never does.

use super::{Ending, lease, seconds};
use crate::{
    fresh::{active, upstream::Upstream},
    head::Head,
    tokens::ISSUER,
};
use futures_util::FutureExt;
use portcullis_core::{Audience, ErrorKind, Gate, Introspection, Issuer, Lease, RevocationList, Scheme, SessionId};
use std::time::{Duration, SystemTime};

/// A connection of a token that its issuer is asked about every time, good for so many seconds from now.
fn open(upstream: &Upstream, revocations: &RevocationList, good_for: i64) -> Lease {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let exp = now.checked_add_signed(good_for).unwrap();
    upstream.says(active("alice", &format!(r#","sid":"hers","exp":{exp}"#)));
    let issuer = Issuer::without_keys(ISSUER, Audience::is("test")).unwrap();
    let asking = Introspection::new(issuer, "https://issuer.test/introspect", upstream.clone()).unwrap();
    let asking = asking.remember(Duration::ZERO, Duration::ZERO);
    let gate = Gate::builder().scheme(Scheme::new(asking).bearer()).revocations(revocations.clone()).build().unwrap();
    lease(&gate, "abc").unwrap()
}

#[test]
fn what_is_revoked_ends_at_once_though_the_issuer_is_slow() {
    let (upstream, revocations) = (Upstream::saying(""), RevocationList::new(seconds(900)));
    let mut ending = Ending::of(&open(&upstream, &revocations, 3600));
    assert_eq!(ending.now(), None);
    upstream.holds(true);
    assert_eq!(ending.after_sleep(), None, "the issuer is being asked");
    revocations.end_session(&SessionId::new("another").with_issuer(ISSUER));
    assert_eq!(ending.now(), None, "not for what is not hers");
    revocations.end_session(&SessionId::new("hers").with_issuer(ISSUER));
    assert_eq!(ending.now(), Some(ErrorKind::Invalid), "it waits for the issuer, which may never answer");
}

/// Whoever never answers cannot say either: there is a sleep beside every wait, and it is an end to it.
#[test]
fn an_issuer_that_never_answers_is_an_outage() {
    let (upstream, revocations) = (Upstream::saying(""), RevocationList::new(seconds(900)));
    let mut ending = Ending::of(&open(&upstream, &revocations, 3600));
    assert_eq!(ending.now(), None);
    upstream.holds(true);
    let mut slept = Duration::ZERO;
    let why = loop {
        slept += ending.sleeps.last();
        assert!(slept <= seconds(3600), "it does not end by the expiry");
        let sleeps = ending.sleeps.asked().len();
        if let Some(why) = ending.after_sleep() {
            break why;
        }
        assert!(ending.sleeps.asked().len() > sleeps, "it waits for the issuer, and for nothing else");
    };
    assert_eq!(why, ErrorKind::Unavailable);
}

/// The credential was taken out of the request after it had been looked at: what is to be asked about is not known then.
#[test]
fn a_request_without_its_credential_opens_no_connection_that_never_ends() {
    let upstream = Upstream::saying(active("alice", ""));
    let issuer = Issuer::without_keys(ISSUER, Audience::is("test")).unwrap();
    let asking = Introspection::new(issuer, "https://issuer.test/introspect", upstream).unwrap();
    let gate = Gate::builder().scheme(Scheme::new(asking).bearer()).build().unwrap();
    let head = Head::new().bearer("abc");
    let who = gate.establish(&head).now_or_never().unwrap();
    assert!(who.lease(None, &head).is_ok());
    let refused = who.lease(None, &Head::new()).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Misconfigured), "a lease that nothing ends");
}
