//! What an OpenAPI document says about guarded routes, and that guards answer nothing else.

use portcullis_core::{
    Error, Gate, Membership, Principal, RequestHead, RoleHierarchy, Scheme, SharedSecret, Standing,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use portcullis_web::{Book, Table};
use serde_json::{Value, json};
use std::borrow::Cow;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, OpenApi, PathItem, PathsBuilder, ResponseBuilder, path::OperationBuilder,
};

#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        match (id, who.id().subject()) {
            (7, _) => Err(Error::new(portcullis_core::ErrorKind::Unavailable, "the store is down")),
            (9, _) => Ok(Standing::missing()),
            (_, "bob") => Ok(Some("viewer").into()),
            _ => Ok(Standing::stranger()),
        }
    }
}

struct Head(Option<&'static str>, &'static str);

impl RequestHead for Head {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.0.iter().filter(|_| name == "authorization").for_each(|value| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.iter().for_each(|value| see("authorization", value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(Some(self.1.into()))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(vec!["id".into()])
    }
}

fn gate() -> Gate {
    let secret = SharedSecret::new("sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).cookie("__Host-session").bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync"))
        .roles(RoleHierarchy::ranked(["viewer", "manager"]).unwrap())
        .membership("project", Projects)
        .build()
        .unwrap()
}

fn policies() -> Vec<Box<dyn Policy>> {
    let on = |name| role(name).on("project", path("id"));
    vec![
        Box::new(authenticated()),
        Box::new(visitors(role("viewer"))),
        Box::new(staff()),
        Box::new(via("sync")),
        Box::new(any((via("sync"), staff()))),
        Box::new(all((scope("read"), not(role("viewer"))))),
        Box::new(on("viewer")),
        Box::new(any((staff(), on("manager").hidden()))),
        Box::new(hidden(role("manager"))),
        Box::new(also_via("sync", claim("mfa"))),
    ]
}

fn document(operations: &[(HttpMethod, &str)]) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for (method, path) in operations {
        let operation = OperationBuilder::new().response("200", ResponseBuilder::new().description("fine"));
        paths = paths.path(*path, PathItem::new(method.clone(), operation));
    }
    OpenApi::new(InfoBuilder::new().title("test").version("1").build(), paths)
}

fn table(gate: &Gate, routes: Vec<(Option<&'static str>, &str, Box<dyn Policy>)>) -> Table {
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    for (method, path, policy) in routes {
        book.add(gate, &gate.plan(policy).unwrap(), method, path);
    }
    book.table()
}

fn statuses(operation: &Value) -> Vec<&str> {
    operation["responses"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn operations_get_the_security_of_their_routes() {
    let routes: Vec<(Option<&'static str>, &str, Box<dyn Policy>)> = vec![
        (Some("GET"), "/news", Box::new(anyone())),
        (Some("GET"), "/feed", Box::new(visitors(role("viewer")))),
        (Some("GET"), "/files/{id:\\d{2}}/{*rest}", Box::new(role("viewer").on("project", path("id")).hidden())),
        (None, "/roles", Box::new(via("sync"))),
    ];
    let mut api = document(&[
        (HttpMethod::Get, "/news"),
        (HttpMethod::Get, "/feed"),
        (HttpMethod::Get, "/files/{id}/{rest}"),
        (HttpMethod::Put, "/roles"),
    ]);
    let gaps = table(&gate(), routes).openapi(&mut api);
    assert!(gaps.is_empty(), "{gaps}");
    let text = api.to_json().unwrap();
    assert_eq!(serde_json::from_str::<OpenApi>(&text).unwrap().to_json().unwrap(), text);
    let json: Value = serde_json::from_str(&text).unwrap();
    let schemes = &json["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"], json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}));
    assert_eq!(schemes["cookie___Host-session"]["in"], "cookie");
    assert_eq!((&schemes["sync"]["in"], &schemes["sync"]["name"]), (&json!("header"), &json!("x-sync")));

    let news = &json["paths"]["/news"]["get"];
    assert_eq!((&news["security"], statuses(news)), (&json!([]), vec!["200"]));
    let people = json!([{"cookie___Host-session": []}, {"bearer": []}]);
    let file = &json["paths"]["/files/{id}/{rest}"]["get"];
    assert_eq!((&file["security"], statuses(file)), (&people, vec!["200", "400", "401", "403", "404", "503"]));
    assert!(file["responses"]["401"]["headers"]["WWW-Authenticate"].is_object());
    assert!(file["responses"]["403"]["content"]["application/problem+json"].is_object());
    assert_eq!(file["responses"]["404"]["content"], Value::Null);
    let roles = &json["paths"]["/roles"]["put"];
    assert_eq!((&roles["security"], &roles["responses"]["404"]), (&json!([{"sync": []}]), &Value::Null));
    // A visitor is asked about by the policy, and denied.
    assert_eq!(json["paths"]["/feed"]["get"]["security"], people);
}

#[test]
fn what_is_documented_already_is_not_changed() {
    let mut api = document(&[(HttpMethod::Get, "/me")]);
    let own = ResponseBuilder::new().description("sign in first");
    let operation = OperationBuilder::new().response("401", own);
    api.paths.paths.insert("/me".to_owned(), PathItem::new(HttpMethod::Get, operation));
    let gaps = table(&gate(), vec![(Some("GET"), "/me", Box::new(staff()))]).openapi(&mut api);
    assert!(gaps.is_empty(), "{gaps}");
    let json = serde_json::to_value(&api).unwrap();
    let responses = &json["paths"]["/me"]["get"]["responses"];
    assert_eq!(responses["401"], json!({"description": "sign in first"}));
    assert!(responses["403"]["description"].as_str().unwrap().contains("staff_required"));
}

#[test]
fn gaps_name_both_sides() {
    let routes: Vec<(Option<&'static str>, &str, Box<dyn Policy>)> =
        vec![(Some("GET"), "/a", Box::new(staff())), (Some("PUT"), "/a", Box::new(staff()))];
    let mut api = document(&[(HttpMethod::Get, "/a"), (HttpMethod::Get, "/b")]);
    let gaps = table(&gate(), routes).openapi(&mut api);
    assert_eq!((gaps.operations(), gaps.routes()), (&["GET /b".to_owned()][..], &["PUT /a".to_owned()][..]));
    assert!(!gaps.is_empty());
    assert_eq!(gaps.to_string(), "`GET /b` is no route of the table\n`PUT /a` is not in the document");
    assert_eq!(serde_json::to_value(&api).unwrap()["paths"]["/b"]["get"]["security"], Value::Null);
}

#[test]
fn guards_answer_nothing_that_is_not_documented() {
    let (gate, mut seen) = (gate(), std::collections::BTreeSet::new());
    let acting = ["alice", "bob"].map(|name| gate.acting_as(acting_as(name)));
    let callers = [gate.clone()].into_iter().chain(acting).chain([
        gate.acting_as(acting_as("carol").with_role("viewer")),
        gate.acting_as(acting_as("dave").with_staff(true)),
        gate.acting_via("sync", acting_as("sync")),
    ]);
    for gate in callers {
        for policy in policies() {
            let plan = gate.plan(policy).unwrap();
            let documented = gate.refusals(&plan);
            for credential in [None, Some("Bearer forged"), Some("Bearer two words")] {
                for id in ["1", "7", "9", "x"] {
                    let head = Head(credential, id);
                    let now = |future| futures_util::FutureExt::now_or_never(future).unwrap();
                    let who = now(gate.establish_for(&plan, &head));
                    let answer = futures_util::FutureExt::now_or_never(gate.authorize(&who, &plan, &head)).unwrap();
                    let Err(error) = answer else { continue };
                    let words = plan.description();
                    let is_there = documented.iter().any(|(_, refusal)| refusal.status() == error.status());
                    assert!(is_there, "{} {} by {words}", error.status(), error.code());
                    seen.insert(error.status());
                }
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [400, 401, 403, 404, 503]);
}
