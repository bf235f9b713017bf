//! Which credential reaches which verifier, and on which routes it counts.

mod accepted;
mod apart;
mod reading;
mod refused;

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Principal, PrincipalKind, Scheme, policy::Policy,
};
use std::sync::{Arc, Mutex};

/// Knows credentials like `key.alice` if it is called `key`, and writes down all that it is shown.
#[derive(Debug, Clone)]
struct Knows {
    name: &'static str,
    shown: Arc<Mutex<Vec<String>>>,
}

impl Knows {
    fn new(name: &'static str) -> Self {
        Self { name, shown: Arc::default() }
    }

    fn shown(&self) -> Vec<String> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }
}

impl Authenticator for Knows {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let text = credential.expose();
        self.shown.lock().unwrap().push(text.to_owned());
        match text.split_once('.') {
            Some((name, "bad")) if name == self.name => Err(Error::new(ErrorKind::Invalid, "not valid")),
            Some((name, who)) if name == self.name => {
                Ok(Principal::new(PrincipalKind::User, who).with_issuer(self.name).with_staff(who == "staff"))
            }
            _ => Err(Error::new(ErrorKind::Unrecognized, "of another kind")),
        }
    }
}

fn built(gate: GateBuilder) -> Gate {
    gate.build().unwrap()
}

/// The status with which a route of this policy answers, or who was let in.
fn answer(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Result<String, u16> {
    let plan = gate.plan(policy).unwrap();
    let who = gate.establish_for(&plan, head).now_or_never().unwrap();
    let access = gate.authorize(&who, &plan, head).now_or_never().unwrap();
    access.and_then(|_| who.principal().map(|principal| principal.id().to_string())).map_err(|error| error.status())
}

/// People by bearer header, a key by a header of its own, a service by another.
fn three() -> (Gate, [Knows; 3]) {
    let all = [Knows::new("token"), Knows::new("key"), Knows::new("sync")];
    let [token, key, sync] = all.clone();
    let gate = Gate::builder()
        .scheme(Scheme::new(token).cookie("session").bearer())
        .scheme(Scheme::named("key", key).header("x-api-key"))
        .scheme(Scheme::named("sync", sync).header("x-sync"));
    (built(gate), all)
}
