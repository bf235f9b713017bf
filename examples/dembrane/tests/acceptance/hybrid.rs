//! With an instance to ask: what it knows and the secret does not.

use crate::service::*;
use portcullis::{
    Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply, WhoAmI, providers::directus::SESSION_COOKIE,
};
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// An instance that knows these tokens, whose user each one is and whether that is an administrator.
#[derive(Debug, Clone, Default)]
struct Instance(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    known: Vec<(String, &'static str, bool)>,
    asked: usize,
    is_down: bool,
}

impl HttpClient for Instance {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let mut state = self.0.lock().unwrap_or_else(|error| panic!("{error}"));
        state.asked += 1;
        let shown = |token: &str| request.headers().any(|(_, value)| value == format!("Bearer {token}"));
        let (status, body) = match state.known.iter().find(|(token, ..)| shown(token)) {
            Some((_, id, _)) if request.url().contains("/users/me") => (200, json!({ "data": { "id": id } })),
            Some((.., is_admin)) => (200, json!({ "data": { "admin_access": is_admin } })),
            None => (401, json!({ "errors": [] })),
        };
        let is_down = state.is_down;
        drop(state);
        reply.give(match is_down {
            true => Err(Error::new(ErrorKind::Unavailable, "connection refused")),
            false => Ok(HttpResponse::new(status, body.to_string())),
        });
    }
}

impl Instance {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(|error| panic!("{error}")))
    }

    fn knows(&self, token: &str, id: &'static str, is_admin: bool) {
        self.change(|state| state.known.push((token.to_owned(), id, is_admin)));
    }

    fn asked(&self) -> usize {
        self.change(|state| state.asked)
    }

    fn hybrid(&self) -> WhoAmI {
        directus().hybrid("https://directus.test", self.clone()).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Case 27: the original documents it, and refuses them.
#[tokio::test]
async fn static_tokens() {
    let instance = Instance::default();
    instance.knows("static-token-of-u9", "u9", false);
    let service = Service::with(instance.hybrid(), SESSION_COOKIE);
    service.passes("u9", &[bearer("static-token-of-u9")]).await;
    service.passes("u9", &[cookie("static-token-of-u9")]).await;
    assert_eq!(instance.asked(), 2, "one token, on two frameworks and in two places");
    service.refuses(&[bearer("static-token-of-nobody")]).await;
    Service::new().refuses(&[bearer("static-token-of-u9")]).await;
}

/// Case 28: the original lets them in until they expire.
#[tokio::test]
async fn sessions_that_have_ended() {
    let (live, dead) = (token(json!({ "session": "live" })), token(json!({ "session": "dead" })));
    let instance = Instance::default();
    instance.knows(&live, "u1", false);
    let service = Service::with(instance.hybrid(), SESSION_COOKIE);
    for present in [bearer, cookie] {
        service.passes("u1", &[present(&live)]).await;
        service.refuses(&[present(&dead)]).await;
        Service::new().passes("u1", &[present(&dead)]).await;
    }
    // A logout is noticed when what is remembered is ten seconds old.
    instance.change(|state| state.known.clear());
    service.clock.advance(Duration::from_secs(9));
    service.passes("u1", &[cookie(&live)]).await;
    service.clock.advance(Duration::from_secs(1));
    service.refuses(&[cookie(&live)]).await;
}

/// Who is staff, Directus says, of whoever it is asked about.
#[tokio::test]
async fn staff_of_a_session() {
    let session = |admin: bool| token(json!({ "admin_access": admin, "session": format!("of {admin}") }));
    let instance = Instance::default();
    instance.knows(&session(true), "u1", false);
    instance.knows(&session(false), "u1", true);
    let service = Service::with(instance.hybrid(), SESSION_COOKIE);
    assert_eq!(service.ask("/api/v2/admin/stats", &[cookie(&session(true))]).await.0, 403);
    assert_eq!(service.ask("/api/v2/admin/stats", &[cookie(&session(false))]).await.0, 200);
    let demoted = Service::new().ask("/api/v2/admin/stats", &[cookie(&session(true))]).await;
    assert_eq!(demoted.0, 200, "by the secret alone it stays so until the token expires");
}

#[tokio::test]
async fn who_needs_not_be_asked_about() {
    let instance = Instance::default();
    instance.change(|state| state.is_down = true);
    let service = Service::with(instance.hybrid(), SESSION_COOKIE);
    let session = token(json!({ "session": "s" }));
    service.passes("u1", &[bearer(&token(json!({})))]).await;
    service.refuses(&[bearer(&format!("{session}x"))]).await;
    service.refuses(&[]).await;
    assert_eq!(service.ask("/api/participant/projects/p1", &[cookie("opaque")]).await.0, 200);
    assert_eq!(instance.asked(), 0);
    for unknown in [&session, "opaque"] {
        let answer = service.ask("/api/v2/me", &[cookie(unknown)]).await;
        assert_eq!(answer, (503, json!({ "detail": "Service Unavailable" })));
    }
    assert_eq!(instance.asked(), 2, "once about each, and not again while it fails");
}
