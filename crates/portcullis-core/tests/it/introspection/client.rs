//! An issuer's endpoint by script: it notes what it is asked and answers at once, when the test says so, or never.

use super::OFTEN;
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub type Answered = Result<HttpResponse, Error>;

/// What becomes of a request with this token.
type Script = Arc<dyn Fn(&str) -> Answered + Send + Sync>;

#[derive(Clone)]
enum Mode {
    AtOnce(Script),
    /// When the test says so, if ever.
    Later,
    /// The reply is dropped.
    Drops,
    Panics,
}

struct State {
    mode: Mode,
    asked: Vec<HttpRequest>,
    kept: Vec<(String, Reply)>,
}

#[derive(Clone)]
pub struct Endpoint(Arc<Mutex<State>>);

pub fn ok(body: impl Into<Vec<u8>>) -> Answered {
    Ok(HttpResponse::new(200, body))
}

pub fn outage() -> Answered {
    Err(Error::new(ErrorKind::Unavailable, "connection refused"))
}

/// The token in a form, `%`-encoded or not.
fn token_in(request: &HttpRequest) -> String {
    let text = request.body().split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap() as u8;
        decoded.push(match byte {
            b'%' => digit() * 16 + digit(),
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).unwrap()
}

impl Endpoint {
    fn new(mode: Mode) -> Self {
        Self(Arc::new(Mutex::new(State { mode, asked: Vec::new(), kept: Vec::new() })))
    }

    pub fn answering(script: impl Fn(&str) -> Answered + Send + Sync + 'static) -> Self {
        Self::new(Mode::AtOnce(Arc::new(script)))
    }

    /// Answers at once, with 200 and this.
    pub fn saying(body: impl Into<String>) -> Self {
        let body = body.into();
        Self::answering(move |_| ok(body.clone()))
    }

    pub fn later() -> Self {
        Self::new(Mode::Later)
    }

    pub fn dropping() -> Self {
        Self::new(Mode::Drops)
    }

    pub fn panicking() -> Self {
        Self::new(Mode::Panics)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on like that one.
    pub fn become_like(&self, other: &Self) {
        let mode = other.state().mode.clone();
        self.state().mode = mode;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state().asked.len()
    }

    pub fn last(&self) -> HttpRequest {
        self.state().asked.last().cloned().unwrap()
    }

    /// The tokens that nothing was said about yet, in the order in which they were asked about.
    pub fn under_way(&self) -> Vec<String> {
        self.state().kept.iter().map(|(token, _)| token.clone()).collect()
    }

    /// Answers the oldest question about this token.
    pub fn answer(&self, token: &str, answer: Answered) {
        let reply = self.take(token);
        reply.give(answer);
    }

    /// The reply to the oldest question about this token, to be used or dropped.
    pub fn take(&self, token: &str) -> Reply {
        let mut state = self.state();
        let place = state.kept.iter().position(|(kept, _)| kept == token).expect("a question about this token");
        state.kept.remove(place).1
    }

    /// Answers everything that was asked, and tells how much that was.
    pub fn answer_all(&self, answer: &Answered) -> usize {
        let kept = mem::take(&mut self.state().kept);
        let many = kept.len();
        kept.into_iter().for_each(|(_, reply)| reply.give(answer.clone()));
        many
    }

    /// How many hold on to this endpoint, the caller included.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl HttpClient for Endpoint {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let token = token_in(&request);
        let mode = {
            let mut state = self.state();
            state.asked.push(request);
            assert!(state.asked.len() < OFTEN, "it is asked without end");
            state.mode.clone()
        };
        match mode {
            Mode::AtOnce(script) => reply.give(script(&token)),
            Mode::Later => self.state().kept.push((token, reply)),
            Mode::Drops => drop(reply),
            Mode::Panics => panic!("the client is broken"),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}
