//! Where a token stands in a request is looked at each time, however well the token is known.

use super::*;

/// The text decides, wherever it stands. Where it stood is told anew, and looked at anew.
#[test]
fn from_another_source() {
    let rig = Rig::cached();
    rig.warm();
    let good = token(1, "good");
    let cookie = || Head::new().header("cookie", format!("session={good}"));
    let table = [
        (Head::new().bearer(&good), "bearer header"),
        (cookie(), "cookie `session`"),
        (cookie().method("POST").header("sec-fetch-site", "same-origin"), "cookie `session`"),
        (Head::new().header("authorization", format!("bEARER   {good} ")), "bearer header"),
    ];
    let first = rig.accepted(&good);
    for (head, source) in table {
        let who = rig.established(&head);
        assert!(share(&first, who.principal().unwrap()));
        assert_eq!(who.source().unwrap().to_string(), source);
    }
    let refused = [
        (cookie().method("POST").header("sec-fetch-site", "cross-site"), ErrorKind::CrossOrigin),
        (Head::new().bearer(&good).bearer(&good), ErrorKind::Malformed),
        (Head::new().header("authorization", format!("Bearer {good} {good}")), ErrorKind::Invalid),
        (Head::new().header("authorization", format!("Basic {good}")), ErrorKind::Missing),
        (Head::new().bearer(&good[..good.len() - 1]), ErrorKind::Invalid),
        (Head::new().bearer(&format!("{good}A")), ErrorKind::Invalid),
        (Head::new().bearer(&format!("{good}=")), ErrorKind::Invalid),
        (Head::new(), ErrorKind::Missing),
    ];
    for (head, kind) in refused {
        assert_eq!(rig.established(&head).principal().unwrap_err().kind(), kind, "{head:?}");
    }
}

/// What another site makes a browser send is refused before anything is looked at: not even keys that are due are fetched.
#[test]
fn another_site_makes_the_gate_ask_nobody() {
    for rig in [Rig::plain(), Rig::cached()] {
        rig.warm();
        let good = token(1, "good");
        rig.accepted(&good);
        let cookie = Head::new().header("cookie", format!("session={good}")).method("POST");
        for (late, count) in [(95, 2), (1000, 3)] {
            rig.advance(late);
            let who = rig.established(&cookie.clone().header("sec-fetch-site", "cross-site"));
            assert_eq!(who.principal().unwrap_err().kind(), ErrorKind::CrossOrigin);
            assert_eq!(rig.client.count(), count - 1);
            assert!(rig.established(&cookie.clone().header("sec-fetch-site", "same-origin")).principal().is_ok());
            assert_eq!(rig.client.count(), count);
        }
    }
}

#[test]
fn conflicts_are_refused_whatever_is_known() {
    let rig = Rig::of(|gate| gate.cache(roomy()).reject_conflicts());
    rig.warm();
    let (good, other) = (token(1, "good"), token(1, "other"));
    let first = rig.accepted(&good);
    let both = |cookie: &str| Head::new().bearer(&good).header("cookie", format!("session={cookie}"));
    assert!(share(&first, rig.established(&both(&good)).principal().unwrap()));
    let error = rig.established(&both(&other)).principal().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Malformed, "conflicting_credentials"));
}
