//! The clock of a gate is that of all of its parts.

use crate::{
    fresh::{active, upstream::Upstream},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Audience, Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Introspection, Issuer, Jwt, Principal,
    RevocationList, Scheme, SystemClock, Verifier, WhoAmI,
    testing::{FixedClock, TestIssuer},
};
use std::{sync::Arc, time::Duration};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn by(verifier: impl Into<Verifier>) -> GateBuilder {
    Gate::builder().scheme(Scheme::new(verifier).bearer())
}

fn status(gate: &Gate, token: &str) -> u16 {
    let who = gate.establish(&Head::new().bearer(token)).now_or_never().expect("an answer at once");
    who.principal().map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn a_gate_without_a_clock_goes_by_that_of_a_test_issuer() {
    let issuer = TestIssuer::new();
    let list = RevocationList::new(minutes(1));
    let gate = by(issuer.verifier()).revocations(list.clone()).build().unwrap();
    let token = issuer.token("alice").sign();
    let revoked = issuer.token("bob").claim("jti", "1").sign();
    assert_eq!((status(&gate, &token), status(&gate, &revoked)), (200, 200));
    // The list too: an entry ends when its time has passed here.
    list.revoke_token(&portcullis_core::TokenId::new("1").with_issuer("https://issuer.test"));
    assert_eq!((status(&gate, &token), status(&gate, &revoked)), (200, 401));
    issuer.clock().advance(Duration::from_secs(61));
    assert_eq!((status(&gate, &token), status(&gate, &revoked)), (200, 200));
    issuer.clock().advance(minutes(5));
    assert_eq!((status(&gate, &token), status(&gate, &revoked)), (401, 401));
}

/// What verifies goes by the clock of its gate, whatever it was given itself.
#[test]
fn the_clock_of_the_gate_counts_for_every_verifier() {
    let (issuer, late) = (TestIssuer::new(), FixedClock::at(TestIssuer::new().clock().seconds() + 3600));
    let expires = issuer.clock().seconds() + 300;
    let upstream = Upstream::saying(active("alice", &format!(r#","exp":{expires}"#)));
    let asked = || Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let introspection = || Introspection::new(asked(), "https://issuer.test/i", upstream.clone()).unwrap();
    let who_am_i = || WhoAmI::new(asked(), "https://issuer.test/me", upstream.clone()).unwrap();
    let hybrid = || Introspection::new(issuer.issuer(), "https://issuer.test/i", upstream.clone()).unwrap();
    let token = issuer.token("alice").sign();
    let on_time: [(&str, Verifier); 4] = [
        (&token, issuer.verifier().into()),
        (&token, hybrid().clock(issuer.clock()).into()),
        ("opaque", introspection().clock(issuer.clock()).into()),
        ("opaque", who_am_i().clock(issuer.clock()).into()),
    ];
    for (token, verifier) in on_time {
        assert_eq!(status(&by(verifier.clone()).build().unwrap(), token), 200, "{verifier:?}");
        assert_eq!(status(&by(verifier.clone()).clock(late.clone()).build().unwrap(), token), 401, "{verifier:?}");
        assert_eq!(status(&by(verifier.clone()).clock(SystemClock::default()).build().unwrap(), token), 401);
        let credential = Credential::new(token, portcullis_core::CredentialSource::bearer());
        assert!(verifier.authenticate(&credential).now_or_never().unwrap().is_ok(), "it stays as it is without a gate");
    }
    // One that was given none goes by the gate's too.
    assert_eq!(status(&by(Jwt::new(issuer.issuer())).clock(issuer.clock()).build().unwrap(), &token), 200);
    assert_eq!(status(&by(Jwt::new(issuer.issuer())).build().unwrap(), &token), 401, "the system's");
}

/// Of several that were given clocks the first one counts.
#[test]
fn verifiers_of_one_gate_have_one_clock() {
    let (first, second) = (TestIssuer::new(), TestIssuer::new().named("https://second.test"));
    let gate = by(first.verifier()).scheme(Scheme::new(second.verifier()).bearer()).build().unwrap();
    let token = second.token("alice").sign();
    second.clock().advance(minutes(10));
    assert_eq!(status(&gate, &token), 200);
    first.clock().advance(minutes(10));
    assert_eq!(status(&gate, &token), 401);
}

/// No gate reaches into it, so what it is around keeps its own time.
#[test]
fn an_authenticator_keeps_its_own_time() {
    #[derive(Debug)]
    struct Around(Jwt);
    impl Authenticator for Around {
        async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
            self.0.authenticate(credential).await
        }
    }
    let issuer = TestIssuer::new();
    let gate = by(Around(issuer.verifier())).clock(SystemClock::default()).build().unwrap();
    assert_eq!(status(&gate, &issuer.token("alice").sign()), 200);
    issuer.clock().advance(minutes(10));
    assert_eq!(status(&gate, &issuer.token("alice").expired_for(minutes(1)).sign()), 401);
}

#[test]
fn a_list_of_two_gates_has_one_clock() {
    let issuer = TestIssuer::new();
    let list = || RevocationList::new(minutes(1));
    let plain = || by(Jwt::new(issuer.issuer()));
    let is_refused = |gate: GateBuilder| {
        let Err(error) = gate.build() else { return false };
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("share one clock"), "{error}");
        true
    };
    let shared = list();
    assert!(!is_refused(plain().clock(issuer.clock()).revocations(shared.clone())));
    assert!(!is_refused(by(issuer.verifier()).revocations(shared.clone())), "clones of one clock are the same");
    assert!(is_refused(plain().revocations(shared.clone())));
    assert!(is_refused(by(TestIssuer::new().verifier()).revocations(shared)));
    // One that was used before goes by the system's.
    let used = list();
    used.end_session(&portcullis_core::SessionId::new("1"));
    assert!(is_refused(by(issuer.verifier()).revocations(used.clone())));
    assert!(!is_refused(plain().revocations(used)));
    // A clock of the application's own is the same as long as it is one `Arc`.
    let own: Arc<dyn portcullis_core::Clock> = Arc::new(Twelve);
    let shared = list();
    assert!(!is_refused(plain().clock(own.clone()).revocations(shared.clone())));
    assert!(!is_refused(plain().clock(own).revocations(shared.clone())));
    assert!(is_refused(plain().clock(Twelve).revocations(shared)));
    assert!(plain().clock(Twelve).clock(Twelve).build().is_err(), "called twice");
}

#[derive(Debug)]
struct Twelve;

impl portcullis_core::Clock for Twelve {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(12)
    }
}
