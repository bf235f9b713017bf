//! An issuer's HTTP side that does as it is told.

use futures_channel::oneshot::{Sender, channel};
use portcullis_core::{Answer, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What happens to a request.
#[derive(Debug, Clone)]
pub(super) enum Does {
    /// It is answered in `send`.
    Give(HttpResponse),
    /// It fails in `send`: no connection.
    Fail,
    /// Its reply is dropped in `send`.
    Drop,
    /// It waits until the test answers, or for ever.
    Keep,
    Panic,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    /// What the next requests get, before `does`.
    next: VecDeque<Does>,
    kept: VecDeque<Reply>,
    sleeping: Vec<(Duration, Sender<()>)>,
}

/// Clones are the same issuer.
#[derive(Clone)]
pub(super) struct Scripted {
    does: Arc<Mutex<Does>>,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    pub(super) fn new(does: Does) -> Self {
        Self { does: Arc::new(Mutex::new(does)), state: Arc::default() }
    }

    /// What every request gets from now on.
    pub(super) fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// What the next requests get, before what every request gets.
    pub(super) fn next(&self, does: impl IntoIterator<Item = Does>) {
        self.state.lock().unwrap().next.extend(does);
    }

    /// Answers the request that waits longest.
    pub(super) fn answer_next(&self, answer: HttpResponse) {
        self.kept().give(Ok(answer));
    }

    /// Fails the request that waits longest.
    pub(super) fn fail_next(&self) {
        self.kept().give(Err(refused()));
    }

    /// Drops the request that waits longest.
    pub(super) fn drop_next(&self) {
        drop(self.kept());
    }

    pub(super) fn kept(&self) -> Reply {
        self.state.lock().unwrap().kept.pop_front().expect("a request that waits")
    }

    /// How many wait to be answered.
    pub(super) fn waiting(&self) -> usize {
        self.state.lock().unwrap().kept.len()
    }

    /// For how long somebody sleeps.
    pub(super) fn sleeping(&self) -> Vec<Duration> {
        self.state.lock().unwrap().sleeping.iter().map(|(time, _)| *time).collect()
    }

    /// The sleep of all of them is over.
    pub(super) fn wake(&self) {
        self.state.lock().unwrap().sleeping.clear();
    }

    /// How many requests there were.
    pub(super) fn count(&self) -> usize {
        self.state.lock().unwrap().asked.len()
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.url).collect()
    }

    /// A header of the last request.
    pub(super) fn last_header(&self, name: &str) -> Option<String> {
        let headers = self.asked().pop().expect("a request").headers;
        headers.into_iter().find_map(|(found, value)| (found == name).then_some(value))
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::Unavailable, "no connection")
}

impl HttpClient for Scripted {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let asked = Asked {
            method: request.method().to_owned(),
            url: request.url().to_owned(),
            headers,
            body: request.body().to_owned(),
        };
        let mut state = self.state.lock().unwrap();
        state.asked.push(asked);
        let does = state.next.pop_front().unwrap_or_else(|| self.does.lock().unwrap().clone());
        if let Does::Keep = does {
            state.kept.push_back(reply);
            return;
        }
        // An answer may bring the next request.
        drop(state);
        match does {
            Does::Give(answer) => reply.give(Ok(answer)),
            Does::Fail => reply.give(Err(refused())),
            Does::Drop | Does::Keep => drop(reply),
            Does::Panic => panic!("the client has a bug"),
        }
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        let (wake, woken) = channel();
        self.state.lock().unwrap().sleeping.push((time, wake));
        Answer::later(async move {
            let _ = woken.await;
        })
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted(..)")
    }
}
