//! A service by script: it notes what it is asked and answers at once, when the test says so, or never.

use super::{ALICE, ME, NO_RIGHTS};
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub type Answered = Result<HttpResponse, Error>;

/// What becomes of a request.
type Script = Arc<dyn Fn(&HttpRequest) -> Answered + Send + Sync>;

#[derive(Clone)]
enum Mode {
    AtOnce(Script),
    /// When the test says so, if ever.
    Later,
    /// The reply is dropped.
    Drops,
}

struct State {
    mode: Mode,
    asked: Vec<HttpRequest>,
    kept: Vec<(HttpRequest, Reply)>,
}

#[derive(Clone)]
pub struct Service(Arc<Mutex<State>>);

pub fn ok(body: impl Into<Vec<u8>>) -> Answered {
    Ok(HttpResponse::new(200, body))
}

pub fn status(status: u16) -> Answered {
    Ok(HttpResponse::new(status, ALICE))
}

pub fn outage() -> Answered {
    Err(Error::new(ErrorKind::Unavailable, "connection refused"))
}

/// The values of a header.
pub fn header(request: &HttpRequest, name: &str) -> Vec<String> {
    request.headers().filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).collect()
}

/// The token that a request shows.
fn token_in(request: &HttpRequest) -> String {
    let [value] = &header(request, "authorization")[..] else { panic!("not one authorization header") };
    value.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

impl Service {
    fn new(mode: Mode) -> Self {
        Self(Arc::new(Mutex::new(State { mode, asked: Vec::new(), kept: Vec::new() })))
    }

    pub fn answering(script: impl Fn(&HttpRequest) -> Answered + Send + Sync + 'static) -> Self {
        Self::new(Mode::AtOnce(Arc::new(script)))
    }

    /// Answers this at the first address, and that at any other.
    pub fn saying(first: Answered, second: Answered) -> Self {
        Self::answering(move |request| if request.url() == ME { first.clone() } else { second.clone() })
    }

    /// Knows Alice by every token.
    pub fn of_alice() -> Self {
        Self::saying(ok(ALICE), ok(NO_RIGHTS))
    }

    pub fn later() -> Self {
        Self::new(Mode::Later)
    }

    pub fn dropping() -> Self {
        Self::new(Mode::Drops)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on like that one.
    pub fn become_like(&self, other: &Self) {
        let mode = other.state().mode.clone();
        self.state().mode = mode;
    }

    /// How many requests there were.
    pub fn asked(&self) -> usize {
        self.state().asked.len()
    }

    /// The addresses that were asked, in order.
    pub fn addresses(&self) -> Vec<String> {
        self.state().asked.iter().map(|request| request.url().to_owned()).collect()
    }

    pub fn last(&self) -> HttpRequest {
        self.state().asked.last().cloned().unwrap()
    }

    /// Answers the oldest request with this token.
    pub fn answer(&self, token: &str, answer: Answered) {
        self.take(token).give(answer);
    }

    /// The reply to the oldest request with this token, to be used or dropped.
    pub fn take(&self, token: &str) -> Reply {
        let mut state = self.state();
        let place = state.kept.iter().position(|(kept, _)| token_in(kept) == token).expect("such a request");
        state.kept.remove(place).1
    }

    /// How many requests wait for an answer.
    pub fn under_way(&self) -> usize {
        self.state().kept.len()
    }

    /// How many hold on to this service, the caller included.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl HttpClient for Service {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mode = {
            let mut state = self.state();
            state.asked.push(request.clone());
            assert!(state.asked.len() < 100_000, "it is asked without end");
            state.mode.clone()
        };
        match mode {
            Mode::AtOnce(script) => reply.give(script(&request)),
            Mode::Later => self.state().kept.push((request, reply)),
            Mode::Drops => drop(reply),
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}
