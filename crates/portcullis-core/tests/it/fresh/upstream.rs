//! An issuer that is asked, by script: it counts the questions and answers at once, when the test says so, or never.

use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

struct State {
    /// None while it is down.
    says: Option<String>,
    holds: bool,
    asked: Vec<HttpRequest>,
    held: VecDeque<Reply>,
}

/// Clones are one issuer.
#[derive(Clone)]
pub struct Upstream(Arc<Mutex<State>>);

fn answer(says: Option<&str>) -> Result<HttpResponse, Error> {
    says.map(|says| HttpResponse::new(200, says)).ok_or_else(|| Error::new(ErrorKind::Unavailable, "no connection"))
}

impl Upstream {
    /// Answers at once, with 200 and this.
    pub fn saying(says: impl Into<String>) -> Self {
        let says = Some(says.into());
        Self(Arc::new(Mutex::new(State { says, holds: false, asked: Vec::new(), held: VecDeque::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says this from now on.
    pub fn says(&self, says: impl Into<String>) {
        self.state().says = Some(says.into());
    }

    /// Fails from now on.
    pub fn goes_down(&self) {
        self.state().says = None;
    }

    /// Keeps questions until [`answers`](Self::answers), or answers them at once again.
    pub fn holds(&self, holds: bool) {
        self.state().holds = holds;
    }

    /// Answers the question that was held longest, as it would answer now; tells whether there was one.
    pub fn answers(&self) -> bool {
        let mut state = self.state();
        let (held, says) = (state.held.pop_front(), state.says.clone());
        drop(state);
        held.map(|reply| reply.give(answer(says.as_deref()))).is_some()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state().asked.len()
    }
}

impl HttpClient for Upstream {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut state = self.state();
        state.asked.push(request);
        assert!(state.asked.len() < 10_000, "it is asked without end");
        if state.holds {
            return state.held.push_back(reply);
        }
        let says = state.says.clone();
        drop(state);
        reply.give(answer(says.as_deref()));
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstream")
    }
}
