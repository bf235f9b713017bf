//! Tokens for requests to other services.

mod client_credentials;
mod exchange;
mod kept;

use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
use std::sync::{Arc, Mutex};

/// A token endpoint that answers when the test says so, and a record of what it was asked.
#[derive(Debug, Clone, Default)]
pub struct Endpoint(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    requests: Vec<HttpRequest>,
    open: Vec<Reply>,
    next: Vec<HttpResponse>,
}

impl Endpoint {
    /// One that gives these answers at once, and afterwards none.
    pub fn with(answers: impl IntoIterator<Item = HttpResponse>) -> Self {
        let endpoint = Self::default();
        endpoint.0.lock().unwrap().next.extend(answers);
        endpoint
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    pub fn last(&self) -> HttpRequest {
        self.0.lock().unwrap().requests.last().unwrap().clone()
    }

    /// Answers the oldest request that waits.
    pub fn answer(&self, answer: HttpResponse) {
        let reply = self.0.lock().unwrap().open.remove(0);
        reply.give(Ok(answer));
    }

    /// Drops the oldest request that waits.
    pub fn drop_one(&self) {
        let reply = self.0.lock().unwrap().open.remove(0);
        drop(reply);
    }
}

impl HttpClient for Endpoint {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut asked = self.0.lock().unwrap();
        asked.requests.push(request);
        if asked.next.is_empty() {
            asked.open.push(reply);
            return;
        }
        let answer = asked.next.remove(0);
        drop(asked);
        reply.give(Ok(answer));
    }
}

pub fn token(token: &str, expires_in: u64) -> HttpResponse {
    let body = format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{expires_in}}}"#);
    HttpResponse::new(200, body)
}
