//! What is sent, and what becomes of each answer.

use portcullis_cerbos::Cerbos;
use portcullis_core::{
    Account, Engine, EngineRequest, EngineResource, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Principal,
    PrincipalKind, Reply, ResourceRef, Standing,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Script = fn(&Value) -> Result<HttpResponse, Error>;

/// Answers by a function of the request's body, and notes the bodies.
#[derive(Clone)]
struct Scripted {
    answer: Script,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl HttpClient for Scripted {
    fn send(&self, request: HttpRequest, reply: Reply) {
        assert_eq!((request.method(), request.url()), ("POST", "https://cerbos.internal:3592/api/check/resources"));
        let body: Value = serde_json::from_str(request.body()).unwrap();
        self.sent.lock().unwrap().push(body.clone());
        reply.give((self.answer)(&body));
    }
}

fn cerbos(answer: Script) -> (Cerbos, Scripted) {
    let client = Scripted { answer, sent: Arc::default() };
    (Cerbos::new("https://cerbos.internal:3592/", client.clone()).unwrap(), client)
}

fn alice() -> Principal {
    Principal::new(PrincipalKind::User, "alice").with_issuer("https://id.example.com").with_role("editor")
}

fn read(id: u32) -> EngineRequest {
    EngineRequest::new(alice(), "read").on(EngineResource::new(ResourceRef::new("project", id.to_string())))
}

/// Allows resources with odd numbers.
fn odd(body: &Value) -> Result<HttpResponse, Error> {
    let results: Vec<Value> = body["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let is_odd = entry["resource"]["id"].as_str().unwrap().parse::<u32>().is_ok_and(|id| id % 2 == 1);
            let effect = if is_odd { "EFFECT_ALLOW" } else { "EFFECT_DENY" };
            json!({ "resource": entry["resource"], "actions": { entry["actions"][0].as_str().unwrap(): effect } })
        })
        .collect();
    Ok(HttpResponse::new(200, json!({ "results": results }).to_string()))
}

#[tokio::test]
async fn what_is_sent() {
    let (cerbos, client) = cerbos(odd);
    let cerbos = cerbos.policy_version("v2").scope("acme");
    let on = EngineResource::new(ResourceRef::new("project", "1")).with_standing(Standing::role("owner"));
    assert!(cerbos.allows(&EngineRequest::new(alice(), "read").on(on)).await.unwrap());
    assert!(!cerbos.allows(&read(2)).await.unwrap());
    let sent = client.sent.lock().unwrap();
    let principal = json!({
        "id": "alice", "roles": ["editor", "user"], "attr": { "issuer": "https://id.example.com", "kind": "User" },
        "policyVersion": "v2", "scope": "acme",
    });
    let resource =
        |id, attr: Value| json!({ "kind": "project", "id": id, "attr": attr, "policyVersion": "v2", "scope": "acme" });
    let entry = |resource: Value| json!({ "principal": principal, "resources": [{ "actions": ["read"], "resource": resource }] });
    assert_eq!(*sent, [entry(resource("1", json!({ "role": "owner" }))), entry(resource("2", json!({})))]);
}

struct User {
    department: &'static str,
}

struct Project(u64);

#[tokio::test]
async fn attributes_of_the_service_are_sent_beside_ours() {
    let (cerbos, client) = cerbos(odd);
    let cerbos = cerbos.principal_attr(|who| Ok(json!({ "department": who.account::<User>()?.department })));
    let cerbos = cerbos.resource_attr(|on| {
        let row = on.standing().and_then(|standing| standing.row::<Project>());
        Ok(std::collections::BTreeMap::from([("size", row.map(|project| project.0))]))
    });
    let alice = || alice().with_account(Account::new(User { department: "sales" }));
    let project = |id: &str, row| {
        let standing = Standing::role("owner").with(Project(row));
        EngineRequest::new(alice(), "read")
            .on(EngineResource::new(ResourceRef::new("project", id)).with_standing(standing))
    };
    assert_eq!(cerbos.allows_each(&[project("1", 7), project("2", 8)]).await.unwrap(), [true, false]);
    // Without a resource its function is not called.
    assert!(!cerbos.allows(&EngineRequest::new(alice(), "export")).await.unwrap());
    let attr = |body: &Value| (body["principal"]["attr"].clone(), body["resources"].as_array().unwrap().clone());
    let sent: Vec<(Value, Vec<Value>)> = client.sent.lock().unwrap().iter().map(attr).collect();
    let of_alice = json!({ "department": "sales", "issuer": "https://id.example.com", "kind": "User" });
    assert_eq!((&sent[0].0, &sent[1].0), (&of_alice, &of_alice));
    assert_eq!(sent[0].1[0]["resource"]["attr"], json!({ "role": "owner", "size": 7 }));
    assert_eq!(sent[0].1[1]["resource"]["attr"], json!({ "role": "owner", "size": 8 }));
    assert_eq!(sent[1].1[0]["resource"]["attr"], json!({}));
}

#[tokio::test]
async fn attributes_that_cannot_be_sent_are_errors_and_nothing_is_asked() {
    let bare = || EngineRequest::new(Principal::new(PrincipalKind::User, "alice"), "read");
    let on = |request: EngineRequest| request.on(EngineResource::new(ResourceRef::new("project", "1")));
    // Ours are never taken from the service, also where ours have no value: no issuer, and no role on the project.
    for wrong in [json!({ "issuer": "me" }), json!({ "kind": "Service" }), json!("text"), json!([1]), json!(null)] {
        let (cerbos, client) = cerbos(odd);
        let text = wrong.to_string();
        let error = cerbos.principal_attr(move |_| Ok(wrong.clone())).allows(&on(bare())).await.unwrap_err();
        assert_eq!((error.kind(), client.sent.lock().unwrap().len()), (ErrorKind::Misconfigured, 0), "{text}");
    }
    for (wrong, kind) in [
        (Ok(json!({ "role": "owner" })), ErrorKind::Misconfigured),
        (Ok(json!({ "role": null })), ErrorKind::Misconfigured),
        (Ok(json!(true)), ErrorKind::Misconfigured),
        (Err(Error::new(ErrorKind::Unavailable, "the database is down")), ErrorKind::Unavailable),
    ] {
        let (cerbos, client) = cerbos(odd);
        let cerbos = cerbos.resource_attr(move |_| wrong.clone());
        let error = cerbos.allows_each(&[on(bare()), on(bare())]).await.unwrap_err();
        assert_eq!((error.kind(), client.sent.lock().unwrap().len()), (kind, 0));
    }
    let (cerbos, _) = cerbos(odd);
    let cerbos = cerbos.principal_attr(|_| Ok(json!({ "role": "owner" }))).resource_attr(|_| Ok(json!({ "kind": 1 })));
    assert!(cerbos.allows(&on(bare())).await.unwrap(), "the names of the other side are free");
}

#[tokio::test]
async fn a_list_is_sent_in_pieces() {
    let (cerbos, client) = cerbos(odd);
    let requests: Vec<EngineRequest> = (0..120).map(read).collect();
    let allowed = cerbos.allows_each(&requests).await.unwrap();
    assert_eq!(allowed, (0..120).map(|id| id % 2 == 1).collect::<Vec<_>>());
    let sizes: Vec<usize> =
        client.sent.lock().unwrap().iter().map(|body| body["resources"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(cerbos.allows_each(&[]).await.unwrap(), [false; 0]);

    // Each principal has a request of its own.
    client.sent.lock().unwrap().clear();
    let bob = Principal::new(PrincipalKind::User, "bob");
    let of_bob = EngineRequest::new(bob, "read").on(EngineResource::new(ResourceRef::new("project", "3")));
    assert_eq!(cerbos.allows_each(&[read(1), of_bob, read(2)]).await.unwrap(), [true, true, false]);
    let ids: Vec<Value> = client.sent.lock().unwrap().iter().map(|body| body["principal"]["id"].clone()).collect();
    assert_eq!(ids, ["alice", "bob", "alice"]);
}

#[tokio::test]
async fn only_an_allow_of_what_was_asked_is_a_yes() {
    fn ok(body: &str) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::new(200, body))
    }
    const ONE: &str = r#"{"results":[{"resource":{"kind":"project","id":"1"},"actions":{"read":"EFFECT_ALLOW"}}]}"#;
    let (allowing, _) = cerbos(|_| ok(ONE));
    assert!(allowing.allows(&read(1)).await.unwrap());
    assert_eq!(allowing.allows(&read(2)).await.unwrap_err().status(), 503);
    assert_eq!(allowing.allows_each(&[read(1), read(1), read(1)]).await.unwrap_err().status(), 503);

    let unclear: [Script; 14] = [
        |_| ok(""),
        |_| ok("EFFECT_ALLOW"),
        |_| ok("{}"),
        |_| ok(r#"{"results":[]}"#),
        |_| ok(&ONE.replace("project", "invoice")),
        |_| ok(&ONE.replace("\"1\"", "1")),
        |_| ok(&ONE.replace("read", "write")),
        |_| ok(&ONE.replace("EFFECT_ALLOW", "EFFECT_UNSPECIFIED")),
        |_| ok(&ONE.replace("EFFECT_ALLOW", "effect_allow")),
        |_| ok(&ONE.replace(r#"{"read":"EFFECT_ALLOW"}"#, r#"{"read":"EFFECT_DENY","read":"EFFECT_ALLOW"}"#)),
        |_| ok(&ONE.replace(r#"{"read":"EFFECT_ALLOW"}"#, r#"{"read":"EFFECT_ALLOW","write":"EFFECT_ALLOW"}"#)),
        |_| Ok(HttpResponse::new(500, ONE)),
        |_| Ok(HttpResponse::new(302, ONE)),
        |_| Err(Error::new(ErrorKind::Unavailable, "it is down")),
    ];
    for (place, answer) in unclear.into_iter().enumerate() {
        let error = cerbos(answer).0.allows(&read(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{place}");
    }
    let (invalid, _) = cerbos(|_| Ok(HttpResponse::new(400, ONE)));
    assert_eq!(invalid.allows(&read(1)).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    let (denying, _) = cerbos(|_| ok(&ONE.replace("ALLOW", "DENY")));
    assert!(!denying.allows(&read(1)).await.unwrap());
    let (unfit, _) = cerbos(|_| ok(&ONE.replace("}]}", r#","validationErrors":[{"path":"/role"}]}]}"#)));
    assert!(!unfit.allows(&read(1)).await.unwrap());
}

#[test]
fn an_address_is_one() {
    let (_, client) = cerbos(odd);
    for wrong in
        ["", "cerbos:3592", "https://", "https:///", "https://user:word@cerbos", "https://cerbos?a", "https://a b"]
    {
        let error = Cerbos::new(wrong, client.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{wrong}");
        assert!(!error.to_string().contains("word"));
    }
    assert!(Cerbos::new("http://127.0.0.1:3592", client).is_ok());
}
