//! A Directus by script: what it knows of tokens, what it answers about them, as Directus 11.13 to 12.3 were measured, and
//! what it was asked.

use crate::tokens::{NOW, SECRET};
use portcullis_core::{Error, HttpClient, HttpRequest, HttpResponse, Reply, WhoAmI, testing::FixedClock};
use portcullis_providers::directus::Directus;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

pub const URL: &str = "https://directus.test";

pub const ME: &str = "/users/me?fields=id,role,status";
pub const GLOBALS: &str = "/policies/me/globals";

/// What it answers at its two addresses.
#[derive(Clone)]
pub struct Standing {
    pub me: (u16, Value),
    pub globals: (u16, Value),
}

fn fault(status: u16, code: &str) -> (u16, Value) {
    (status, json!({ "errors": [{ "message": "…", "extensions": { "code": code } }] }))
}

impl Standing {
    fn of(me: Value, globals: Value) -> Self {
        Self { me: (200, json!({ "data": me })), globals: (200, json!({ "data": globals })) }
    }

    pub fn user(id: &str, is_admin: bool) -> Self {
        let globals = json!({ "app_access": true, "admin_access": is_admin, "enforce_tfa": false });
        Self::of(json!({ "id": id, "role": "r1", "status": "active" }), globals)
    }

    /// With these in place of what `/users/me` says.
    pub fn but(self, me: Value) -> Self {
        Self { me: (200, json!({ "data": me })), ..self }
    }

    pub fn refused(status: u16, code: &str) -> Self {
        Self { me: fault(status, code), globals: fault(status, code) }
    }

    /// An unknown static token, or a session that has ended.
    pub fn unknown() -> Self {
        Self::refused(401, "INVALID_CREDENTIALS")
    }

    /// A share is no user, and has rights to nothing but itself.
    pub fn share() -> Self {
        Self::of(json!({ "share": "h1" }), json!({ "app_access": false }))
    }

    /// A user without a row is known by what the token says.
    pub fn deleted(id: &str, was_admin: bool) -> Self {
        Self::user(id, was_admin).but(json!({ "id": id }))
    }

    /// Directus 10 has no address for what is true of a user by all their policies.
    pub fn version_10(id: &str) -> Self {
        Self { globals: fault(404, "ROUTE_NOT_FOUND"), ..Self::user(id, true) }
    }

    pub fn fails(status: u16, code: &str) -> Self {
        Self::refused(status, code)
    }
}

#[derive(Default)]
struct State {
    known: BTreeMap<String, Standing>,
    asked: Vec<String>,
    down: Option<Error>,
}

/// An instance, and the client that asks it.
#[derive(Clone, Default)]
pub struct Instance(Arc<Mutex<State>>);

impl Instance {
    /// One that knows this token.
    pub fn knowing(token: &str, standing: Standing) -> Self {
        Self::default().and(token, standing)
    }

    pub fn and(self, token: &str, standing: Standing) -> Self {
        self.0.lock().unwrap().known.insert(token.to_owned(), standing);
        self
    }

    /// It cannot be reached, until it can.
    pub fn goes_down(&self, why: impl Into<Option<Error>>) {
        self.0.lock().unwrap().down = why.into();
    }

    /// How many requests it had.
    pub fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    /// The addresses that were asked, in order.
    pub fn addresses(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    pub fn local() -> Directus {
        Directus::new(SECRET).unwrap().clock(FixedClock::at(NOW))
    }

    pub fn hybrid(&self) -> WhoAmI {
        Self::local().hybrid(URL, self.clone()).unwrap()
    }

    pub fn introspect(&self) -> WhoAmI {
        Directus::introspect(URL, self.clone()).unwrap().clock(FixedClock::at(NOW))
    }
}

impl HttpClient for Instance {
    /// Asserts that the token is shown as Directus wants it, and nowhere else: with two of them it answers 400.
    fn send(&self, request: HttpRequest, reply: Reply) {
        let headers: BTreeMap<&str, &str> = request.headers().collect();
        let token = headers["authorization"].strip_prefix("Bearer ").unwrap();
        assert_eq!((request.method(), request.body(), request.headers().count()), ("GET", "", 2));
        assert_eq!(headers["accept"], "application/json");
        assert!(!request.url().contains(token) && !request.url().contains("access_token"));
        let answer = {
            let mut state = self.0.lock().unwrap();
            state.asked.push(request.url().to_owned());
            let standing = state.known.get(token).cloned().unwrap_or_else(Standing::unknown);
            let (status, body) = if request.url().ends_with(ME) { standing.me } else { standing.globals };
            state.down.clone().map_or_else(|| Ok(HttpResponse::new(status, body.to_string())), Err)
        };
        reply.give(answer);
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance")
    }
}
