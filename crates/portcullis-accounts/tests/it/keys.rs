//! API keys of users: who makes them, and whom they are refused with.

use crate::cast::{ALICE, Cast, built, cast, code};
use bytes::Bytes;
use http::{Request, Response};
use portcullis_accounts::{Accounts, Call, Event, MailKind};
use portcullis_core::{
    ApiKeys, Credential, CredentialSource, Error as CoreError, Gate, KeyScopes, MemoryKeys, NewKey, Principal,
    PrincipalKind, Scheme,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const NOW: u64 = 1_800_000_000;

struct World {
    cast: Cast,
    gate: Gate,
    events: Arc<Mutex<Vec<String>>>,
}

fn world() -> World {
    let keys = ApiKeys::new("shop", MemoryKeys::new()).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let (of_accounts, to) = (keys.clone(), events.clone());
    let cast = built(|builder| {
        builder.keys(of_accounts).on_event(move |event, _| {
            if let Event::KeyAdded { key, .. } | Event::KeyWithdrawn { key, .. } = event {
                to.lock().unwrap().push(format!("{} {key}", event.name()));
            }
        })
    });
    // Without a name, so that keys count on every route: the endpoints refuse them all the same.
    let scheme = Scheme::new(keys).header("x-api-key");
    let gate = crate::cast::gate(&cast.accounts, &cast.clock, |gate| gate.scheme(scheme));
    World { cast, gate, events }
}

async fn send(
    accounts: &Accounts,
    gate: &Gate,
    who: &Principal,
    (method, path, body): (&str, &str, Value),
) -> Result<Response<Bytes>, CoreError> {
    let endpoints = accounts.endpoints();
    let is_meant = |shape: &str| match shape.strip_suffix("{id}") {
        Some(before) => path.starts_with(before) && path.len() > before.len(),
        None => path == shape,
    };
    let mut list = endpoints.list(gate)?;
    let endpoint = list.find(|endpoint| endpoint.method() == method && is_meant(endpoint.path()));
    let request = Request::builder().method(method).uri(format!("/auth/{path}"));
    let request = request.header("content-type", "application/json").body(body.to_string().into()).unwrap();
    let call = Call::new(gate.clone(), request).with_caller(Ok(Some(who.clone())));
    let call = call.with_param("id", path.rsplit('/').next().unwrap());
    endpoints.answer(endpoint.ok_or_else(|| CoreError::rejected(404, "no_endpoint"))?, call).await
}

impl World {
    async fn send(&self, who: &Principal, method: &str, path: &str, body: Value) -> Result<(u16, Value), String> {
        let answer = send(&self.cast.accounts, &self.gate, who, (method, path, body)).await;
        let answer = answer.map_err(|error| format!("{} {}", error.status(), error.code()))?;
        Ok((answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default()))
    }

    async fn user(&self, email: &str) -> Principal {
        let access = self.cast.signed_in(email).await.tokens.access;
        self.cast.by_access(&access).await.unwrap()
    }

    async fn by_key(&self, text: &str) -> Result<Principal, CoreError> {
        let credential = Credential::new(text.to_owned(), CredentialSource::header("x-api-key"));
        self.gate.authenticate(credential).await.principal().cloned()
    }
}

#[tokio::test]
async fn a_user_makes_lists_and_withdraws_keys() {
    let world = world();
    let (alice, bob) = (world.user(ALICE).await, world.user("bob@example.com").await);
    let body = json!({ "name": "import", "scopes": ["kb:read"], "expires_at": NOW + 60 });
    let (status, made) = world.send(&alice, "POST", "keys", body).await.unwrap();
    let (text, id) = (made["text"].as_str().unwrap(), made["key"]["id"].as_str().unwrap());
    assert_eq!(status, 201);
    assert_eq!(made["key"]["expires_at"], json!(NOW + 60));
    let who = world.by_key(text).await.unwrap();
    assert_eq!((who.kind(), who.id().subject()), (PrincipalKind::Key, alice.id().subject()));

    // The text is shown once.
    let (status, list) = world.send(&alice, "GET", "keys", json!(null)).await.unwrap();
    assert_eq!((status, &list["keys"][0]), (200, &made["key"]));
    assert!(!list.to_string().contains(text));
    assert_eq!(world.send(&bob, "GET", "keys", json!(null)).await, Ok((200, json!({ "keys": [] }))));

    let path = format!("keys/{id}");
    assert_eq!(world.send(&bob, "DELETE", &path, json!(null)).await.unwrap_err().split(' ').next(), Some("404"));
    assert!(world.by_key(text).await.is_ok());
    assert_eq!(world.send(&alice, "DELETE", &path, json!(null)).await, Ok((204, Value::Null)));
    assert_eq!(world.by_key(text).await.unwrap_err().code(), "invalid_key");
    assert!(world.send(&alice, "DELETE", &path, json!(null)).await.is_err());
    assert_eq!(*world.events.lock().unwrap(), [format!("key_added {id}"), format!("key_withdrawn {id}")]);
}

#[tokio::test]
async fn what_a_body_asks_for_is_checked() {
    let world = world();
    let alice = world.user(ALICE).await;
    let refused = async |body: Value| world.send(&alice, "POST", "keys", body).await.unwrap_err();
    let past = json!({ "name": "import", "scopes": ["kb:read"], "expires_at": NOW });
    assert_eq!(refused(past).await, "400 invalid_expiry");
    for scopes in [json!([]), json!(["*"]), json!(["two words"])] {
        assert_eq!(refused(json!({ "name": "import", "scopes": scopes })).await, "400 invalid_scope");
    }
    let long = "n".repeat(256);
    for body in
        [json!({}), json!({ "name": "", "scopes": ["kb:read"] }), json!({ "name": long, "scopes": ["kb:read"] })]
    {
        assert_eq!(refused(body).await, "400 invalid_request");
    }
    let ends_never = json!({ "name": "import", "scopes": ["kb:read"], "expires_at": u64::MAX });
    assert!(refused(ends_never).await.starts_with("400 "));
    assert!(world.events.lock().unwrap().is_empty());
    let body = json!({ "name": "import", "scopes": ["kb:read"] });
    assert!(world.send(&alice, "POST", "keys", body).await.is_ok());
}

#[tokio::test]
async fn a_key_makes_no_keys() {
    let world = world();
    let alice = world.user(ALICE).await;
    let all = NewKey::new("all", KeyScopes::all_rights());
    let key = world.cast.accounts.add_key(&alice, all.clone()).await.unwrap();
    let by_key = world.by_key(key.expose()).await.unwrap();
    let body = json!({ "name": "another", "scopes": ["kb:read"] });
    let path = format!("keys/{}", key.row().id);
    for (method, path, body) in [("POST", "keys", body), ("GET", "keys", json!(null)), ("DELETE", &path, json!(null))] {
        assert_eq!(world.send(&by_key, method, path, body).await, Err("403 not_for_keys".to_owned()), "{method}");
    }
    // Neither does a caller of another issuer, who is no user of these accounts.
    let stranger = Principal::new(PrincipalKind::User, alice.id().subject()).with_issuer("https://elsewhere.test");
    assert_eq!(code(world.cast.accounts.add_key(&stranger, all).await), "not_found");
    assert_eq!(world.events.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_keys_of_a_disabled_user_are_refused() {
    let world = world();
    let alice = world.user(ALICE).await;
    let new = NewKey::new("all", KeyScopes::all_rights());
    let key = world.cast.accounts.add_key(&alice, new.clone()).await.unwrap();
    assert!(world.by_key(key.expose()).await.is_ok());
    let id = portcullis_accounts::UserId::new(alice.id().subject());
    let admin = world.cast.accounts.admin_as("job");
    admin.disable(&id, true).await.unwrap();
    assert!(world.by_key(key.expose()).await.is_err());
    assert_eq!(code(world.cast.accounts.add_key(&alice, new).await), "account_disabled");
    admin.disable(&id, false).await.unwrap();
    assert!(world.by_key(key.expose()).await.is_ok());
}

#[tokio::test]
async fn without_keys_there_are_no_endpoints() {
    let cast = cast();
    let access = cast.signed_in(ALICE).await.tokens.access;
    let alice = cast.by_access(&access).await.unwrap();
    assert_eq!(code(cast.accounts.keys(&alice).await), "not_enabled");
    let refused = send(&cast.accounts, &cast.gate, &alice, ("GET", "keys", json!(null))).await.unwrap_err();
    assert_eq!(refused.code(), "no_endpoint");
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::Confirm);
}
