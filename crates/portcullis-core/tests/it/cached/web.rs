//! What issuers publish, and a client that asks them when it is told to.

use super::keys::set;
use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    /// It answers with 503.
    Down,
    Unreachable,
    /// It answers with something that is no key set.
    Babbling,
    /// It answers with a set without keys.
    Empty,
}

/// A key set, as an issuer publishes it.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Names, and numbers of keys.
    pub(super) keys: Vec<(String, u8)>,
    /// Part of the ETag; none without.
    pub(super) tag: Option<u8>,
    pub(super) max_age: Option<u64>,
    pub(super) health: Health,
}

impl Page {
    pub(super) fn of(keys: &[(&str, u8)]) -> Self {
        let keys = keys.iter().map(|(kid, n)| ((*kid).to_owned(), *n)).collect();
        Self { keys, tag: None, max_age: Some(100), health: Health::Well }
    }

    fn answer(&self, known: Option<&str>) -> Result<HttpResponse, Error> {
        match self.health {
            Health::Well => {}
            Health::Down => return Ok(HttpResponse::new(503, "")),
            Health::Unreachable => return Err(Error::new(ErrorKind::Unavailable, "no connection")),
            Health::Babbling => return Ok(HttpResponse::new(200, "<html>")),
            Health::Empty => return Ok(HttpResponse::new(200, r#"{"keys":[]}"#)),
        }
        let etag = self.tag.map(|tag| format!("\"{tag} {:?}\"", self.keys));
        let answer = match etag.is_some() && etag.as_deref() == known {
            true => HttpResponse::new(304, ""),
            false => HttpResponse::new(200, set(self.keys.iter().map(|(kid, n)| (kid.as_str(), *n)))),
        };
        let answer = etag.into_iter().fold(answer, |answer, etag| answer.with_header("etag", etag));
        let control = self.max_age.map(|age| format!("max-age={age}"));
        Ok(control.into_iter().fold(answer, |answer, control| answer.with_header("cache-control", control)))
    }
}

/// Key sets by the names of their issuers, each at `/keys` below it. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Web(Arc<Mutex<BTreeMap<String, Page>>>);

impl Web {
    pub(super) fn publish(&self, issuer: &str, page: Page) {
        self.0.lock().unwrap().insert(issuer.to_owned(), page);
    }

    pub(super) fn page(&self, issuer: &str) -> Page {
        self.0.lock().unwrap()[issuer].clone()
    }

    pub(super) fn change(&self, issuer: &str, change: impl FnOnce(&mut Page)) {
        change(self.0.lock().unwrap().get_mut(issuer).unwrap());
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let pages = self.0.lock().unwrap();
        let (issuer, page) = pages.iter().find(|(issuer, _)| request.url().starts_with(*issuer)).unwrap();
        if request.url().ends_with("/keys") {
            let known = request.headers().find_map(|(name, value)| (name == "if-none-match").then_some(value));
            return page.answer(known);
        }
        match page.health {
            Health::Well => {
                let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/keys"}}"#);
                Ok(HttpResponse::new(200, document))
            }
            _ => page.answer(None),
        }
    }
}

/// Asks what is published at the time of the answer, and answers when it is told to. Clones are the same client.
#[derive(Clone)]
pub(super) struct Client {
    web: Web,
    /// Whether answers are there before `send` returns.
    in_send: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
    kept: Arc<Mutex<VecDeque<(HttpRequest, Reply)>>>,
}

impl Client {
    pub(super) fn of(web: &Web) -> Self {
        Self { web: web.clone(), in_send: Arc::default(), asked: Arc::default(), kept: Arc::default() }
    }

    pub(super) fn answering_in_send(self) -> Self {
        self.in_send.store(true, SeqCst);
        self
    }

    /// Every request so far: its address, and all that it says.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Answers the request that waits longest, if one does.
    pub(super) fn answer_next(&self) -> bool {
        let next = self.kept.lock().unwrap().pop_front();
        next.map(|(request, reply)| reply.give(self.web.answer(&request))).is_some()
    }

    /// Answers all, and those that come of it.
    pub(super) fn answer_all(&self) {
        while self.answer_next() {}
    }

    /// Leaves the request that waits longest without an answer, if one does.
    pub(super) fn drop_next(&self) {
        let next = self.kept.lock().unwrap().pop_front();
        drop(next);
    }
}

impl HttpClient for Client {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let headers: Vec<String> = request.headers().map(|(name, value)| format!("{name}: {value}")).collect();
        self.asked.lock().unwrap().push(format!("{} {} {headers:?}", request.method(), request.url()));
        match self.in_send.load(SeqCst) {
            true => reply.give(self.web.answer(&request)),
            false => self.kept.lock().unwrap().push_back((request, reply)),
        }
    }

    /// Where the answer comes in `send`, a thread that sets the clock on meanwhile makes it no late one.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(if self.in_send.load(SeqCst) { 24 * 3600 } else { 6 })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client(..)")
    }
}
