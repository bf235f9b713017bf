//! The ways in. Each of them builds every site, from the one list of places.

pub mod actix;
pub mod axum;
pub mod tower;

use crate::row::{Answer, Request};
use portcullis::Gate;
use std::{future::Future, pin::Pin};

pub type Local<T> = Pin<Box<dyn Future<Output = T>>>;

/// A site that is up: requests in, answers out.
pub type Serve = Box<dyn Fn(Request) -> Local<Answer>>;

/// How a handler is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    AxumExtractor,
    AxumLayer,
    AxumRoutes,
    TowerLayer,
    ActixExtractor,
    ActixMiddleware,
    ActixRoutes,
}

/// What stands outermost. Neither of them changes what is answered, unless nobody has looked. The gates that they are of
/// have a cache, which does not change it either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    Nothing,
    EnforceAndScrub,
    /// For `Routes` only: see `cors.rs`.
    Cors,
}

impl Way {
    pub fn serve(self, gate: Gate, outside: Outside) -> Local<Serve> {
        match self {
            Self::AxumExtractor => axum::extractors(gate, outside),
            Self::AxumLayer => axum::layers(gate, outside),
            Self::AxumRoutes => axum::routes(gate, outside),
            Self::TowerLayer => tower::layers(gate, outside),
            Self::ActixExtractor => actix::extractors(gate, outside),
            Self::ActixMiddleware => actix::middleware(gate, outside),
            Self::ActixRoutes => actix::routes(gate, outside),
        }
    }
}

impl Answer {
    /// As HTTP/1 has it: nothing is sent after the head of an answer to HEAD, and the server says itself that what is
    /// empty is empty.
    fn on_the_wire(method: &str, status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let body = if method == "HEAD" { "" } else { std::str::from_utf8(body).unwrap() };
        let says_nothing = ("content-length".to_owned(), "0".to_owned());
        let mut headers: Vec<_> = headers.into_iter().filter(|header| *header != says_nothing).collect();
        headers.sort();
        Self { status, headers, body: body.to_owned() }
    }
}
