//! Which credential opens which route, on every framework alike.

use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, Principal, PrincipalKind, Requirement, Scheme, SharedSecret,
    policy::*,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::task::yield_now;

/// The credential is the name, and every look at one is counted.
#[derive(Debug, Clone)]
pub struct Callers {
    waits: bool,
    asked: Arc<AtomicUsize>,
}

impl Authenticator for Callers {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        self.asked.fetch_add(1, Relaxed);
        if self.waits {
            yield_now().await;
            yield_now().await;
        }
        let caller = |name: &str| Principal::new(PrincipalKind::User, name);
        match credential.expose() {
            "staff" => Ok(caller("staff").with_staff(true)),
            "reader" => Ok(caller("reader").with_scope("read")),
            "alice" => Ok(caller("alice")),
            _ => Err(Error::new(ErrorKind::Invalid, "no caller has this name")),
        }
    }
}

/// People by the bearer header, keys and a secret by names.
#[derive(Debug)]
pub struct Wired {
    pub gate: Gate,
    people: Callers,
    keys: Callers,
}

impl Wired {
    /// Gates whose verifiers answer at once, and later.
    pub fn both() -> [Self; 2] {
        [false, true].map(|waits| {
            let [people, keys] = [(); 2].map(|()| Callers { waits, asked: Arc::default() });
            let secret = SharedSecret::new("role-sync", SECRET).unwrap();
            let gate = Gate::builder()
                .scheme(Scheme::new(people.clone()).bearer())
                .scheme(Scheme::named("sync", secret).header("x-sync"))
                .scheme(Scheme::named("key", keys.clone()).header("x-key"));
            Self { gate: gate.build().unwrap(), people, keys }
        })
    }

    /// How often people and keys were asked about since the last time.
    pub fn asked(&self) -> [usize; 2] {
        [&self.people, &self.keys].map(|callers| callers.asked.swap(0, Relaxed))
    }
}

macro_rules! requirements {
    ($($name:ident = $policy:expr;)*) => {$(
        #[derive(Debug)]
        pub struct $name;
        impl Requirement for $name {
            const POLICY: &'static dyn Policy = &$policy;
        }
    )*};
}
requirements! {
    Anybody = authenticated();
    BySync = via("sync");
    ByKey = via("key");
    AlsoKey = also_via("key", authenticated());
    Either = any((via("key").and(scope("read")), staff()));
}

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";
const SYNC: (&str, &str) = ("x-sync", SECRET);
const ALICE: (&str, &str) = ("authorization", "Bearer alice");
const STAFF: (&str, &str) = ("authorization", "Bearer staff");
const BROKEN: (&str, &str) = ("authorization", "Bearer broken");
const READER: (&str, &str) = ("x-key", "reader");

/// A path, the headers of a request, the status, the caller or the code of the refusal, and how often people and keys are
/// asked about.
pub type Row = (&'static str, &'static [(&'static str, &'static str)], u16, &'static str, [usize; 2]);

const MISSING: &str = "credential_missing";

/// Routes with a guard, and a handler that asks for whoever makes the request: `/anybody`, `/sync`, `/also-key`, `/either`.
pub const GUARDS: [Row; 29] = [
    ("/anybody", &[], 401, MISSING, [0, 0]),
    ("/anybody", &[ALICE], 200, "alice", [1, 0]),
    ("/anybody", &[SYNC], 401, MISSING, [0, 0]),
    ("/anybody", &[READER], 401, MISSING, [0, 0]),
    ("/anybody", &[SYNC, ALICE, READER], 200, "alice", [1, 0]),
    ("/anybody", &[("authorization", "Bearer pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")], 401, "invalid_token", [1, 0]),
    ("/sync", &[], 401, MISSING, [0, 0]),
    ("/sync", &[SYNC], 200, "role-sync", [0, 0]),
    ("/sync", &[("x-sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3F")], 401, "invalid_token", [0, 0]),
    ("/sync", &[("authorization", "Bearer pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E")], 401, MISSING, [0, 0]),
    ("/sync", &[("x-key", SECRET)], 401, MISSING, [0, 0]),
    ("/sync", &[ALICE], 401, MISSING, [0, 0]),
    ("/sync", &[SYNC, ALICE], 200, "role-sync", [0, 0]),
    ("/sync", &[SYNC, BROKEN], 200, "role-sync", [0, 0]),
    ("/also-key", &[], 401, MISSING, [0, 0]),
    ("/also-key", &[READER], 200, "reader", [0, 1]),
    ("/also-key", &[ALICE], 200, "alice", [1, 0]),
    ("/also-key", &[READER, ALICE], 200, "alice", [1, 0]),
    ("/also-key", &[READER, BROKEN], 401, "invalid_token", [1, 0]),
    ("/also-key", &[("x-key", "broken")], 401, "invalid_token", [0, 1]),
    ("/also-key", &[SYNC], 401, MISSING, [0, 0]),
    ("/either", &[], 401, MISSING, [0, 0]),
    ("/either", &[READER], 200, "reader", [0, 1]),
    ("/either", &[STAFF], 200, "staff", [1, 0]),
    // A key is let in by what the policy asks of keys, also if it is one of staff.
    ("/either", &[("x-key", "staff")], 403, "insufficient_scope", [0, 1]),
    ("/either", &[("authorization", "Bearer reader")], 403, "staff_required", [1, 0]),
    ("/either", &[ALICE], 403, "staff_required", [1, 0]),
    ("/either", &[READER, ALICE], 403, "staff_required", [1, 0]),
    ("/either", &[SYNC], 401, MISSING, [0, 0]),
];

/// What a handler takes behind a guard. `/open` is public and takes `BySync`, `/open/key` takes `ByKey`, `/open/order` somebody
/// and then `BySync`, `/open/maybe` perhaps `BySync` and then somebody; `/sync/anybody` takes `Anybody` behind `via("sync")`,
/// `/also-key/key` takes somebody, `ByKey` and somebody again.
pub const HANDLERS: [Row; 20] = [
    ("/open", &[], 401, MISSING, [0, 0]),
    ("/open", &[ALICE], 401, MISSING, [0, 0]),
    ("/open", &[SYNC], 200, "role-sync", [0, 0]),
    ("/open", &[SYNC, ALICE], 200, "role-sync", [0, 0]),
    ("/open/key", &[READER], 200, "reader", [0, 1]),
    ("/open/key", &[ALICE], 401, MISSING, [0, 0]),
    // A request has one caller for each gate.
    ("/open/order", &[ALICE], 401, MISSING, [1, 0]),
    ("/open/order", &[SYNC, ALICE], 401, MISSING, [1, 0]),
    ("/open/order", &[SYNC], 401, MISSING, [0, 0]),
    ("/open/maybe", &[SYNC], 200, "role-sync", [0, 0]),
    ("/open/maybe", &[SYNC, ALICE], 200, "role-sync", [0, 0]),
    // Where nobody was found, the other schemes are read.
    ("/open/maybe", &[ALICE], 200, "alice", [1, 0]),
    ("/open/maybe", &[], 401, MISSING, [0, 0]),
    ("/sync/anybody", &[SYNC], 401, MISSING, [0, 0]),
    ("/sync/anybody", &[SYNC, ALICE], 401, MISSING, [0, 0]),
    ("/sync/anybody", &[ALICE], 401, MISSING, [0, 0]),
    ("/also-key/key", &[READER], 200, "reader", [0, 1]),
    ("/also-key/key", &[("x-key", "broken")], 401, "invalid_token", [0, 1]),
    ("/also-key/key", &[ALICE], 401, MISSING, [1, 0]),
    ("/also-key/key", &[READER, ALICE], 401, MISSING, [1, 0]),
];

/// Compares an answer with its row.
pub fn compare(wired: &Wired, row: Row, status: u16, body: &str) {
    let (_, _, expected, said, asked) = row;
    let code = format!("\"code\":\"{said}\"");
    let told = if status == 200 { body == said } else { body.contains(&code) };
    assert!(status == expected && told, "{row:?}: {status} {body} ({wired:?})");
    assert_eq!(wired.asked(), asked, "{row:?} ({wired:?})");
}
