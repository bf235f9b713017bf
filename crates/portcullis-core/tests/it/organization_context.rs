//! Signed organization contexts.

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{policy::*, testing::*, *};
use proptest::prelude::*;
use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

const SECRET: &str = "the secret of these tests, of 32 bytes or more";
const OTHER: &str = "another secret of these tests, also of 32 bytes";
const HEADER: &str = "x-org-context";

/// The organization and its version, or the status and code of the error.
type Chosen = Result<Option<(String, Option<u64>)>, (u16, String)>;

/// The current version for everybody, and how often it was asked.
#[derive(Debug, Clone)]
struct Versions(Arc<Mutex<Current>>);

type Current = (Result<Option<u64>, ErrorKind>, usize);

impl Versions {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((Ok(Some(1)), 0))))
    }

    fn now(&self, version: Result<Option<u64>, ErrorKind>) {
        self.0.lock().unwrap().0 = version;
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl OrganizationVersions for Versions {
    async fn version(&self, _: &Principal, _: &str) -> Result<Option<u64>, Error> {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        state.0.map_err(|kind| Error::new(kind, "the version is not known"))
    }
}

#[derive(Debug)]
struct Members;

impl Membership for Members {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        Ok(if (who.id().subject(), id.as_str()) == ("alice", "o-1") {
            Standing::role("owner")
        } else {
            Standing::stranger()
        })
    }
}

struct Rig {
    issuer: TestIssuer,
    contexts: OrganizationContext,
    versions: Versions,
    gate: Gate,
}

impl Rig {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let (issuer, versions) = (TestIssuer::new(), Versions::new());
        let contexts = OrganizationContext::new(SECRET, versions.clone()).unwrap();
        let builder = Gate::builder()
            .scheme(Scheme::new(issuer.verifier()).bearer())
            .roles(RoleHierarchy::ranked(["viewer", "owner"]).unwrap())
            .membership("organization", Members)
            .organization_context(HEADER, contexts.clone());
        Self { gate: settings(builder).build().unwrap(), issuer, contexts, versions }
    }

    fn token(&self, name: &str) -> String {
        self.issuer.token(name).sign()
    }

    fn issue(&self, name: &str, organization: &str, version: u64) -> String {
        self.contexts.issue(&of(name), organization, version).unwrap()
    }

    fn answer(&self, head: &Head) -> Chosen {
        chosen(&self.gate, head)
    }

    /// The answer to alice with this context.
    fn alice(&self, context: &str) -> Chosen {
        self.answer(&Head::new().bearer(&self.token("alice")).header(HEADER, context))
    }
}

fn of(name: &str) -> Principal {
    acting_as(name).with_issuer("https://issuer.test")
}

fn chosen(gate: &Gate, head: &Head) -> Chosen {
    let who = gate.establish(head).now_or_never().unwrap();
    let principal = who.principal().map_err(|error| (error.status(), error.code().to_owned()))?;
    Ok(principal.organization().map(|organization| (organization.to_owned(), principal.organization_version())))
}

fn refused() -> Chosen {
    Err((401, "invalid_context".to_owned()))
}

fn entered(organization: &str, version: u64) -> Chosen {
    Ok(Some((organization.to_owned(), Some(version))))
}

/// So that a change of the format shows.
#[test]
fn the_text_of_a_context() {
    let rig = Rig::new();
    let context = rig.issue("alice", "o-1", 1);
    let expiry = rig.issuer.clock().seconds() + 300;
    let (signed, signature) = context.rsplit_once('.').unwrap();
    assert_eq!((signed, signature.len()), (format!("oc1.{expiry}.1.by0x").as_str(), 43));
    assert_eq!(signature, "3-h8Lg6VU2wxhN0WvgpkbJM940hKvVyoppZSv7T0rHY");
}

#[test]
fn it_chooses_the_organization_for_its_principal_alone() {
    let rig = Rig::new();
    let (token, context) = (rig.token("alice"), rig.issue("alice", "o-1", 1));
    assert_eq!(rig.alice(&context), entered("o-1", 1));
    assert_eq!(rig.answer(&Head::new().bearer(&token)), Ok(None), "no header, no organization");
    assert_eq!(rig.answer(&Head::new().header(HEADER, &context)), Err((401, "credential_missing".into())));
    let bob = Head::new().bearer(&rig.token("bob")).header(HEADER, &context);
    assert_eq!(rig.answer(&bob), refused());
    // The same subject elsewhere, and as a key or a service, is somebody else.
    let others = [
        acting_as("alice"),
        acting_as("alice").with_issuer("https://other.test"),
        Principal::new(PrincipalKind::Key, "alice").with_issuer("https://issuer.test"),
        Principal::new(PrincipalKind::Service, "alice").with_issuer("https://issuer.test"),
    ];
    for other in others {
        let acting = rig.gate.acting_as(other);
        assert_eq!(chosen(&acting, &Head::new().header(HEADER, &context)), refused());
    }
    let acting = rig.gate.acting_as(of("alice"));
    assert_eq!(chosen(&acting, &Head::new().header(HEADER, &context)), entered("o-1", 1));
}

#[test]
fn policies_ask_the_membership_for_the_role_there() {
    let rig = Rig::new();
    let plan = rig.gate.plan(role("owner").on("organization", organization())).unwrap();
    let answer = |name: &str, organization: &str| {
        let context = rig.issue(name, organization, 1);
        let head = Head::new().bearer(&rig.token(name)).header(HEADER, context);
        let who = rig.gate.establish_for(&plan, &head).now_or_never().unwrap();
        let decided = rig.gate.authorize(&who, &plan, &head).now_or_never().unwrap();
        decided.map(drop).map_err(|error| error.code().to_owned())
    };
    assert_eq!(answer("alice", "o-1"), Ok(()));
    assert_eq!(answer("alice", "o-2"), Err("not_a_member".into()));
    assert_eq!(answer("bob", "o-1"), Err("not_a_member".into()));
}

#[test]
fn it_expires() {
    let rig = Rig::new();
    let token = rig.issuer.token("alice").expires_in(Duration::from_secs(3600)).sign();
    let context = rig.issue("alice", "o-1", 1);
    let head = Head::new().bearer(&token).header(HEADER, context);
    rig.issuer.clock().advance(Duration::from_secs(299));
    assert_eq!(rig.answer(&head), entered("o-1", 1));
    rig.issuer.clock().advance(Duration::from_secs(1));
    assert_eq!(rig.answer(&head), refused());
    assert_eq!(rig.answer(&Head::new().bearer(&token)), Ok(None), "the token goes on");

    let minute = rig.contexts.clone().lifetime(Duration::from_secs(60)).issue(&of("alice"), "o-1", 1).unwrap();
    let head = Head::new().bearer(&token).header(HEADER, minute);
    rig.issuer.clock().advance(Duration::from_secs(59));
    assert_eq!(rig.answer(&head), entered("o-1", 1));
    rig.issuer.clock().advance(Duration::from_secs(1));
    assert_eq!(rig.answer(&head), refused());
}

#[test]
fn an_outdated_version_is_refused() {
    let rig = Rig::new();
    let context = rig.issue("alice", "o-1", 3);
    for (version, expected) in [
        (Ok(Some(2)), entered("o-1", 3)), // a replica that is behind
        (Ok(Some(3)), entered("o-1", 3)),
        (Ok(Some(4)), refused()),
        (Ok(None), refused()),
        (Err(ErrorKind::Unavailable), Err((503, "unavailable".into()))),
        (Err(ErrorKind::Invalid), Err((503, "unavailable".into()))),
        (Err(ErrorKind::Misconfigured), Err((500, "misconfigured".into()))),
    ] {
        rig.versions.now(version);
        assert_eq!(rig.alice(&context), expected, "{version:?}");
    }
    let asked = rig.versions.asked();
    assert_eq!(rig.alice("oc1.x"), refused());
    assert_eq!(rig.versions.asked(), asked, "nobody is asked about what is not signed");
}

#[test]
fn offline_nobody_is_asked() {
    let issuer = TestIssuer::new();
    let contexts = OrganizationContext::offline(SECRET).unwrap();
    let scheme = Scheme::new(issuer.verifier()).bearer();
    let gate = Gate::builder().scheme(scheme).organization_context(HEADER, contexts.clone()).build().unwrap();
    let head = |name, context: String| Head::new().bearer(&issuer.token(name).sign()).header(HEADER, context);
    let context = contexts.issue(&of("alice"), "o-1", 7).unwrap();
    assert_eq!(chosen(&gate, &head("alice", context.clone())), entered("o-1", 7));
    assert_eq!(chosen(&gate, &head("bob", context)), refused());
}

#[test]
fn malformed_ones_are_refused() {
    let rig = Rig::new();
    let context = rig.issue("alice", "o-1", 1);
    let (signed, signature) = context.rsplit_once('.').unwrap();
    let longer = format!("{signed}.x.{signature}");
    for text in
        ["", " ", ".", "....", "x", signed, signature, &longer, &context.replace("oc1", "oc2"), &format!("{context}=")]
    {
        assert_eq!(rig.alice(text), refused(), "{text}");
    }
    let token = rig.token("alice");
    let twice = Head::new().bearer(&token).header(HEADER, &context).header(HEADER, &context);
    assert_eq!(rig.answer(&twice), Err((400, "invalid_request".into())));
    let no_text = Head::new().bearer(&token).header(HEADER, [0xff, 0xfe]);
    assert_eq!(rig.answer(&no_text), Err((400, "invalid_request".into())));
    assert_eq!(rig.answer(&Head::new().bearer("forged").header(HEADER, &context)), Err((401, "invalid_token".into())));
    assert!(rig.contexts.issue(&of("alice"), "", 1).is_err());
}

#[test]
fn secrets_are_changed_without_a_gap() {
    let rig = Rig::with(|builder| builder);
    let (former, current) = (rig.contexts.clone(), OrganizationContext::new(OTHER, rig.versions.clone()).unwrap());
    let current = current.also(SECRET).unwrap();
    let scheme = Scheme::new(rig.issuer.verifier()).bearer();
    let gate = Gate::builder().scheme(scheme).organization_context(HEADER, current.clone()).build().unwrap();
    let head = |contexts: &OrganizationContext| {
        let context = contexts.issue(&of("alice"), "o-1", 1).unwrap();
        Head::new().bearer(&rig.token("alice")).header(HEADER, context)
    };
    assert_eq!(chosen(&gate, &head(&former)), entered("o-1", 1));
    assert_eq!(chosen(&gate, &head(&current)), entered("o-1", 1));
    assert_eq!(rig.answer(&head(&current)), refused(), "the other one knows only its own");
}

/// Signed with the bare secret, as a token would be.
#[test]
fn a_signature_of_another_use_of_the_secret_is_none() {
    let rig = Rig::new();
    let context = rig.issue("alice", "o-1", 1);
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap();
    let (signed, _) = context.rsplit_once('.').unwrap();
    let token = key.sign(r#"{"alg":"HS256"}"#, "{}");
    let signature = token.rsplit_once('.').unwrap().1;
    assert_eq!(rig.alice(&format!("{signed}.{signature}")), refused());
    assert_eq!(rig.alice(&token), refused());
}

#[test]
fn a_credential_of_one_organization_never_gets_into_another() {
    let rig = Rig::new();
    let within = |organization: &str, context: &str| {
        let acting = rig.gate.acting_as(of("alice").with_organization(organization));
        chosen(&acting, &Head::new().header(HEADER, context))
    };
    let context = rig.issue("alice", "o-1", 1);
    assert_eq!(within("o-1", &context), entered("o-1", 1));
    assert_eq!(within("o-2", &context), refused());
}

/// The choice is the request's, and the token is cached without it.
#[test]
fn it_is_never_cached_with_the_token() {
    let rig = Rig::with(|builder| builder.cache(TokenCache::new(10)));
    let token = rig.token("alice");
    let with = |context: &str| Head::new().bearer(&token).header(HEADER, context);
    for _ in 0..2 {
        assert_eq!(rig.answer(&Head::new().bearer(&token)), Ok(None));
        assert_eq!(rig.answer(&with(&rig.issue("alice", "o-1", 1))), entered("o-1", 1));
        assert_eq!(rig.answer(&with(&rig.issue("alice", "o-2", 1))), entered("o-2", 1));
        assert_eq!(rig.answer(&with(&rig.issue("bob", "o-1", 1))), refused());
    }
}

#[test]
fn a_connection_keeps_the_organization_that_it_began_with() {
    for is_removed in [false, true] {
        let rig = Rig::new();
        let plan = rig.gate.plan(role("owner").on("organization", organization())).unwrap();
        let token = rig.issuer.token("alice").expires_in(Duration::from_secs(7200)).sign();
        let head = Head::new().bearer(&token).header(HEADER, rig.issue("alice", "o-1", 1));
        let who = rig.gate.establish_for(&plan, &head).now_or_never().unwrap();
        let lease = who.lease(Some(&plan), &head).unwrap();
        let caller = who.caller(&head).unwrap();
        assert_eq!(lease.principal().organization(), Some("o-1"));
        assert_eq!(caller.principal().organization(), Some("o-1"));
        assert!(caller.require(role("owner").on("organization", organization())).now_or_never().unwrap().is_ok());
        // The context expires, and another member comes or alice is removed.
        rig.versions.now(Ok((!is_removed).then_some(2)));
        let clock = rig.issuer.clock();
        let start = clock.seconds();
        let sleep = {
            let clock = clock.clone();
            move |time| {
                clock.advance(time);
                ready(())
            }
        };
        let error = lease.watch(sleep).now_or_never().expect("an end");
        let passed = clock.seconds() - start;
        if is_removed {
            assert_eq!(error.code(), "invalid_context");
            assert!(passed <= 10, "it took {passed} s");
        } else {
            assert_eq!(error.code(), "token_expired");
            assert!(passed >= 7200, "{passed}");
        }
    }
}

#[test]
fn the_header_is_kept_out_of_logs() {
    let rig = Rig::new();
    let head = Head::new();
    assert!(rig.gate.scrubber(&head).is_sensitive(HEADER));
    assert!(!rig.gate.scrubber(&head).is_sensitive("x-other"));
    let shown = format!("{:?} {:?}", rig.contexts, rig.gate.scrubber(&head));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn what_cannot_work_is_found_at_the_start() {
    let scheme = || Scheme::new(TestIssuer::new().verifier()).bearer().header("x-token");
    let contexts = || OrganizationContext::offline(SECRET).unwrap();
    let built = |header: &str| Gate::builder().scheme(scheme()).organization_context(header, contexts()).build();
    assert!(built("X-Org-Context").is_ok());
    for header in ["", "x org", "x-org:", "authorization", "cookie", "x-token", "X-Token"] {
        let error = built(header).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{header}");
    }
    let twice = Gate::builder().scheme(scheme()).organization_context(HEADER, contexts());
    let twice = twice.dangerous_unexpiring_context(HEADER, UnexpiringContext::new("x").unwrap());
    assert!(twice.build().is_err());
    let used = contexts();
    assert!(used.issue(&of("alice"), "o-1", 1).is_ok());
    let error = Gate::builder().scheme(scheme()).organization_context(HEADER, used).build().unwrap_err();
    assert!(error.to_string().contains("another clock"), "{error}");
    for secret in ["", "of thirty-one bytes, one short."] {
        assert!(OrganizationContext::offline(secret).is_err(), "{secret}");
        assert!(contexts().also(secret).is_err(), "{secret}");
    }
}

mod unexpiring {
    use super::*;

    const VECTOR: &str = "o-1:owner:df3145c7b6558a04282ad5d59b3d9536362939bfcacec5a02a8583f6fb40e7e0";

    fn gate(contexts: UnexpiringContext) -> Gate {
        let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
        let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
        Gate::builder().scheme(scheme).roles(roles).dangerous_unexpiring_context(HEADER, contexts).build().unwrap()
    }

    fn contexts() -> UnexpiringContext {
        UnexpiringContext::new("client-secret").unwrap()
    }

    fn organization(principal: Principal, context: impl AsRef<[u8]>) -> Option<String> {
        let gate = gate(contexts()).acting_as(principal);
        let head = Head::new().header(HEADER, context);
        chosen(&gate, &head).unwrap().map(|(organization, version)| {
            assert_eq!(version, None);
            organization
        })
    }

    #[test]
    fn the_vector() {
        assert_eq!(contexts().sign("u-1", "o-1", "owner").unwrap(), VECTOR);
        assert_eq!(organization(acting_as("u-1"), VECTOR).as_deref(), Some("o-1"));
        assert_eq!(organization(acting_as("u-2"), VECTOR), None);
    }

    #[test]
    fn whatever_is_wrong_is_ignored() {
        let upper = VECTOR.to_uppercase().replace("O-1:OWNER", "o-1:owner");
        let longer = format!("{VECTOR}00");
        let zz = VECTOR.replace("df31", "zz31");
        for text in
            ["", "o-1:owner", "o-1", ":::", &upper, &longer, &zz, &VECTOR[..70], &VECTOR.replace("owner", "admin")]
        {
            assert_eq!(organization(acting_as("u-1"), text), None, "{text}");
        }
        assert_eq!(organization(acting_as("u-1"), [0xff]), None);
        // The organization of the credential stays.
        assert_eq!(organization(acting_as("u-1").with_organization("o-9"), VECTOR).as_deref(), Some("o-9"));
        let gate = gate(contexts()).acting_as(acting_as("u-1"));
        let twice = Head::new().header(HEADER, VECTOR).header(HEADER, VECTOR);
        assert_eq!(chosen(&gate, &twice), Ok(None));
    }

    /// `u:o` with `r` and `u` with `o:r` would have one signature.
    #[test]
    fn a_colon_is_refused_at_signing_and_means_nothing() {
        for (subject, organization, role) in
            [("u:1", "o", "r"), ("u", "o:1", "r"), ("u", "o", "r:1"), ("", "o", "r"), ("u", "", "r"), ("u", "o", "")]
        {
            assert!(contexts().sign(subject, organization, role).is_err(), "{subject} {organization} {role}");
        }
        let context = contexts().sign("u", "o", "r").unwrap();
        assert_eq!(organization(acting_as("u"), &context).as_deref(), Some("o"));
        let signature = context.rsplit_once(':').unwrap().1;
        assert_eq!(organization(acting_as("u:o"), format!("r::{signature}")), None);
        assert!(UnexpiringContext::new(" ").is_err());
    }

    #[test]
    fn the_role_counts_only_where_it_is_trusted() {
        let passes = |contexts: UnexpiringContext| {
            let gate = gate(contexts).acting_as(acting_as("u-1"));
            let plan = gate.plan(role("owner")).unwrap();
            let head = Head::new().header(HEADER, VECTOR);
            let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
            gate.authorize(&who, &plan, &head).now_or_never().unwrap().is_ok()
        };
        assert!(passes(contexts().dangerous_trust_role()));
        assert!(!passes(contexts()));
    }
}

proptest! {
    /// Any other text is refused, but for white space around it.
    #[test]
    fn no_changed_context_is_accepted(place in 0..150_usize, byte in 33..127_u8, kind in 0..3) {
        let rig = Rig::new();
        let context = rig.issue("alice", "o-1", 1);
        let mut changed = context.clone().into_bytes();
        let place = place % changed.len();
        match kind {
            0 => changed[place] = byte,
            1 => changed.insert(place, byte),
            _ => drop(changed.remove(place)),
        }
        let changed = String::from_utf8(changed).unwrap();
        let expected = if changed == context { entered("o-1", 1) } else { refused() };
        prop_assert_eq!(rig.alice(&changed), expected);
    }

    /// Fields cannot be shifted into each other.
    #[test]
    fn no_context_is_that_of_another_principal_or_organization(
        one in "[a-c.|]{1,4}", other in "[a-c.|]{1,4}", first in "[a-c.|]{1,4}", second in "[a-c.|]{1,4}",
    ) {
        let contexts = OrganizationContext::offline(SECRET).unwrap();
        let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
        let gate = Gate::builder().scheme(scheme).organization_context(HEADER, contexts.clone()).build().unwrap();
        let [of_one, of_other] = [(&one, &first), (&other, &second)]
            .map(|(name, organization)| contexts.issue(&acting_as(name), organization, 1).unwrap());
        let as_one = |context: &str| chosen(&gate.acting_as(acting_as(&one)), &Head::new().header(HEADER, context));
        prop_assert_eq!(as_one(&of_one), entered(&first, 1));
        prop_assert_eq!(as_one(&of_other), if one == other { entered(&second, 1) } else { refused() });
    }
}
