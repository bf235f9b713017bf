//! An issuer without a network, and asking without waiting for it.

use portcullis_core::{Answer, HttpClient, HttpRequest, HttpResponse, Reply};
use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

/// Gives its answers one after the other, each at once, and the last one ever after. Clones write down together what
/// they are asked.
#[derive(Debug, Clone)]
pub(crate) struct Scripted(Arc<Script>);

#[derive(Debug)]
struct Script {
    answers: Vec<HttpResponse>,
    asked: Mutex<Vec<HttpRequest>>,
}

impl Scripted {
    /// Answers with these bodies under the status 200.
    pub(crate) fn new(bodies: &[&[u8]]) -> Self {
        let answers = bodies.iter().map(|body| HttpResponse::new(200, *body)).collect();
        Self(Arc::new(Script { answers, asked: Mutex::default() }))
    }

    /// What it was asked so far: method, address and body.
    pub(crate) fn asked(&self) -> Vec<[String; 3]> {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().map(|request| [request.method(), request.url(), request.body()].map(str::to_owned)).collect()
    }
}

impl HttpClient for Scripted {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let place = {
            let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(request);
            asked.len().min(self.0.answers.len()) - 1
        };
        reply.give(Ok(self.0.answers[place].clone()));
    }
}

/// The value of an answer that has to wait for nobody but a [`Scripted`] client.
pub(crate) fn at_once<T: Unpin>(answer: Answer<'_, T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for an answer that was given"),
    }
}
