//! A gate, and all that it has to do with.

use super::{gates::Parts, seams::Script, setup::Setup, told::Told};
use crate::{
    cached::{
        seconds,
        web::{Client, Web},
    },
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Answer, Authentication, Credential, CredentialSource, Gate, Plan, Principal, RevocationList, TokenCache,
    policy::authenticated, testing::FixedClock,
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    mem, ptr,
};

/// A request to a route, the `number`th of all.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) head: Head,
    /// There is nothing but the text.
    pub(super) is_bare: bool,
    pub(super) fresh: Option<u64>,
}

/// What came of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    number: usize,
    pub(super) at_once: bool,
    pub(super) told: Told,
}

pub(super) struct Side {
    pub(super) gate: Gate,
    plan: Plan,
    pub(super) client: Client,
    pub(super) own: Script,
    pub(super) store: Script,
    pub(super) list: RevocationList,
    waiting: Vec<(Request, Answer<'static, Authentication>)>,
    outcomes: Vec<Outcome>,
    /// Who came with a token last.
    last: HashMap<String, Principal>,
    /// How often nothing was verified anew.
    pub(super) hits: usize,
    /// How often somebody was refused for whom that was so.
    pub(super) turned: usize,
    found_again: HashSet<String>,
}

impl Side {
    pub(super) fn new(setup: &Setup, web: &Web, clock: &FixedClock, cache: Option<TokenCache>) -> Self {
        let client = Client::of(web);
        let client = if setup.in_send { client.answering_in_send() } else { client };
        let (own, store) = (Script::default(), Script::default());
        let list = crate::revocations::by(clock, RevocationList::new(seconds(3600)));
        let gate = setup.gate(&Parts { client: &client, clock, own: &own, store: &store, list: &list });
        let gate = cache.into_iter().fold(gate, |gate, size| gate.cache(size)).build().unwrap();
        let (waiting, outcomes, last) = (Vec::new(), Vec::new(), HashMap::new());
        let plan = gate.plan(authenticated()).unwrap();
        Self {
            gate,
            plan,
            client,
            own,
            store,
            list,
            waiting,
            outcomes,
            last,
            hits: 0,
            turned: 0,
            found_again: HashSet::new(),
        }
    }

    pub(super) fn ask(&mut self, request: &Request) {
        let max_age = request.fresh.map(seconds);
        let answer = match (request.is_bare, self.gate.read(&request.head)) {
            (true, _) => self.gate.authenticate(Credential::new(&request.text, CredentialSource::bearer())),
            // No route of a gate that only verifies can ask for what is fresh. Who authenticates without a route can.
            (false, Ok(Some(credential))) if max_age.is_some() => {
                self.gate.authenticate(credential.with_max_age(max_age))
            }
            (false, _) => self.gate.establish_for(&self.plan, &request.head),
        };
        match answer.ready() {
            Ok(who) => self.tell(request, true, &who),
            Err(waiting) => self.waiting.push((request.clone(), waiting)),
        }
    }

    /// Looks after all who wait.
    pub(super) fn poll(&mut self) {
        for (request, mut waiting) in mem::take(&mut self.waiting) {
            match (&mut waiting).now_or_never() {
                Some(who) => self.tell(&request, false, &who),
                None => self.waiting.push((request, waiting)),
            }
        }
    }

    fn tell(&mut self, request: &Request, at_once: bool, who: &Authentication) {
        let told = Told::of(&self.gate, who, &self.plan, &request.head);
        self.outcomes.push(Outcome { number: request.number, at_once, told });
        if who.visitor().is_err() && request.fresh.is_none() && self.found_again.remove(&request.text) {
            self.turned += 1;
        }
        let Ok(Some(principal)) = who.visitor() else { return };
        let Ok(view) = principal.claims::<Value>() else { return };
        let last = self.last.insert(request.text.clone(), principal.clone());
        let is_hit = last.is_some_and(|last| ptr::eq(last.claims::<Value>().unwrap(), view));
        if is_hit {
            self.hits += 1;
            self.found_again.insert(request.text.clone());
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn take_outcomes(&mut self) -> Vec<Outcome> {
        mem::take(&mut self.outcomes)
    }
}
