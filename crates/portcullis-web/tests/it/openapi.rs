//! What an OpenAPI document says about guarded routes, and that guards answer nothing else.

use futures_util::FutureExt;
use portcullis_core::{
    Account, Directory, Engine, EngineRequest, Error, ErrorKind, Gate, GateBuilder, Membership, Plan, Principal,
    RequestHead, RoleHierarchy, Scheme, SharedSecret, Standing, SuperuserScope,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use portcullis_web::{Book, Table};
use proptest::prelude::{Just, ProptestConfig, Strategy, TestCaseError, prop, prop_assert, prop_oneof, proptest};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};
use utoipa::openapi::{
    HttpMethod, InfoBuilder, OpenApi, PathItem, PathsBuilder, ResponseBuilder, path::OperationBuilder,
};

#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        match (id, who.id().subject()) {
            (7, _) => Err(Error::new(ErrorKind::Unavailable, "the store is down")),
            (9, _) => Ok(Standing::missing()),
            (_, "bob") => Ok(Some("viewer").into()),
            _ => Ok(Standing::stranger()),
        }
    }
}

/// A header, and the parameter of the path.
struct Head<'h>(Option<(&'h str, &'h str)>, &'h str);

impl RequestHead for Head<'_> {
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
        self.0.iter().filter(|(own, _)| name == *own).for_each(|(_, value)| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.iter().for_each(|(name, value)| see(name, value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(Some(self.1.into()))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(vec!["id".into()])
    }
}

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

fn gate() -> Gate {
    builder().build().unwrap()
}

fn builder() -> GateBuilder {
    let secret = SharedSecret::new("sync", SECRET).unwrap();
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).cookie("__Host-session").bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync"))
        .roles(RoleHierarchy::ranked(["viewer", "manager"]).unwrap())
        .membership("project", Projects)
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
    let (gate, mut seen) = (gate(), BTreeSet::new());
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
            for credential in
                [None, Some(("authorization", "Bearer forged")), Some(("authorization", "Bearer two words"))]
            {
                for id in ["1", "7", "9", "x"] {
                    let head = Head(credential, id);
                    let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
                    let answer = gate.authorize(&who, &plan, &head).now_or_never().unwrap();
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

#[test]
fn two_security_schemes_never_have_one_name() {
    let issuer = |name: &str| TestIssuer::new().named(format!("https://{name}.test")).verifier();
    let named = |name, header| {
        let scheme = Scheme::named(name, issuer(name)).header(header);
        Gate::builder().scheme(Scheme::new(issuer("plain")).bearer()).scheme(scheme).build().unwrap()
    };
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer("a")).bearer())
        .scheme(Scheme::named("x key", issuer("b")).header("x-key"))
        .scheme(Scheme::named("x_key", issuer("c")).header("x-other-key"))
        .scheme(Scheme::named("x/key", issuer("d")).cookie("key").cookie("k!y").cookie("k_y"))
        .scheme(Scheme::named("bearer", issuer("e")).header("x-bearer"))
        .build()
        .unwrap();
    let all = || also_via("x key", also_via("x_key", also_via("x/key", also_via("bearer", authenticated()))));
    // Other gates: the same scheme elsewhere, and the same scheme at the same place.
    let (elsewhere, same) = (named("x key", "x-third-key"), named("x key", "x-key"));
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    book.add(&gate, &gate.plan(all()).unwrap(), Some("GET"), "/all");
    book.add(&gate, &gate.plan(via("x_key")).unwrap(), Some("GET"), "/other");
    book.add(&elsewhere, &elsewhere.plan(via("x key")).unwrap(), Some("GET"), "/elsewhere");
    book.add(&same, &same.plan(via("x key")).unwrap(), Some("GET"), "/same");
    let paths = ["/all", "/other", "/elsewhere", "/same"];
    let mut api = document(&paths.map(|path| (HttpMethod::Get, path)));
    let gaps = book.table().openapi(&mut api);
    assert!(gaps.is_empty(), "{gaps}");
    let once = api.to_json().unwrap();
    _ = book.table().openapi(&mut api);
    assert_eq!(api.to_json().unwrap(), once);

    let json: Value = serde_json::from_str(&once).unwrap();
    let schemes = json["components"]["securitySchemes"].as_object().unwrap();
    let places = schemes.iter().map(|(key, scheme)| (key.as_str(), scheme["name"].as_str().unwrap_or("bearer")));
    let expected = [
        ("bearer", "bearer"),
        ("bearer_2", "x-bearer"),
        ("x_key", "x-key"),
        ("x_key_2", "x-other-key"),
        ("x_key_3", "x-third-key"),
        ("x_key_cookie_k_y", "k!y"),
        ("x_key_cookie_k_y_2", "k_y"),
        ("x_key_cookie_key", "key"),
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
    let security = |path: &str| json["paths"][path]["get"]["security"].as_array().unwrap().len();
    assert_eq!(paths.map(security), [7, 1, 1, 1]);
    assert_eq!(json["paths"]["/other"]["get"]["security"], json!([{"x_key_2": []}]));
    assert_eq!(json["paths"]["/elsewhere"]["get"]["security"], json!([{"x_key_3": []}]));
    assert_eq!(json["paths"]["/same"]["get"]["security"], json!([{"x_key": []}]));
}

/// Allows reading, cannot decide about 7 nor about dave, and denies everything else.
#[derive(Debug)]
struct Reads;

impl Engine for Reads {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        match (request.resource().map(|on| on.id()), request.principal().id().subject()) {
            (Some("7"), _) | (_, "dave") => Err(Error::new(ErrorKind::Unavailable, "the engine is down")),
            _ => Ok(request.action() == "read"),
        }
    }
}

#[derive(Debug)]
struct Users;

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        match who.id().subject() {
            "mallory" => Err(Error::no_account()),
            "down" => Err(Error::new(ErrorKind::Unavailable, "the directory is down")),
            name => Ok(Account::new(name.to_owned())),
        }
    }
}

fn any_policy() -> impl Strategy<Value = Arc<dyn Policy>> {
    fn shared(policy: impl Policy + 'static) -> Arc<dyn Policy> {
        Arc::new(policy)
    }
    let leaf = prop_oneof![
        Just(shared(authenticated())),
        Just(shared(staff())),
        Just(shared(role("viewer"))),
        Just(shared(scope("read"))),
        Just(shared(claim("mfa"))),
        Just(shared(when("paid", |question| question.principal().id().subject() == "bob"))),
        Just(shared(via("sync"))),
        Just(shared(role("viewer").on("project", path("id")))),
        Just(shared(role("manager").on("project", path("id")).hidden())),
        Just(shared(engine("pdp", "read"))),
        Just(shared(engine("pdp", "write").on("project", path("id")))),
        Just(shared(engine("pdp", "read").on("invoice", path("id")))),
    ];
    leaf.prop_recursive(3, 10, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| shared(all(parts))),
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| shared(any(parts))),
            part.clone().prop_map(|part| shared(not(part))),
            part.clone().prop_map(|part| shared(hidden(part))),
            part.clone().prop_map(|part| shared(visitors(part))),
            part.clone().prop_map(|part| shared(also_via("sync", part))),
            part.clone().prop_map(|part| shared(via("sync").and(part))),
            part.prop_map(|part| shared(without_baseline(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_policy_a_document_says_who_is_let_in_and_how_others_are_refused(policy in any_policy(), settings in 0..8_u8) {
        let has = |bit: u8| settings & bit > 0;
        let gate = builder().engine("pdp", Reads);
        let gate = if has(1) { gate.directory(Users) } else { gate };
        let gate = if has(2) { gate.baseline(scope("read")) } else { gate };
        let gate = if has(4) { gate.superuser(claim("root"), SuperuserScope::every_role_and_permission()) } else { gate };
        let gate = gate.build().unwrap();
        // What can let nobody in is found when the route is added.
        let Ok(plan) = gate.plan(policy) else { return Ok(()) };
        let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
        book.add(&gate, &plan, Some("GET"), "/projects/{id}");
        let mut api = document(&[(HttpMethod::Get, "/projects/{id}")]);
        let gaps = book.table().openapi(&mut api);
        prop_assert!(gaps.is_empty(), "{gaps}");
        let json = serde_json::to_value(&api).unwrap();
        let operation = &json["paths"]["/projects/{id}"]["get"];
        for requirement in operation["security"].as_array().unwrap() {
            for name in requirement.as_object().unwrap().keys() {
                prop_assert!(json["components"]["securitySchemes"].get(name).is_some(), "{name}");
            }
        }

        let (issuer, other) = (TestIssuer::new(), TestIssuer::new().named("https://other.test"));
        let tokens = [
            issuer.token("alice"),
            issuer.token("bob").scope("read").role("viewer"),
            issuer.token("carol").scope("read").role("manager").staff(),
            issuer.token("dave").scope("read").claim("mfa", true),
            issuer.token("root").claim("root", true),
            issuer.token("mallory").scope("read"),
            issuer.token("down").scope("read"),
            issuer.token("alice").expired_for(Duration::from_secs(3600)),
            other.token("alice"),
        ];
        let tokens = tokens.map(|token| token.sign());
        let bearers = tokens.iter().map(|token| format!("Bearer {token}"));
        let bearers: Vec<_> = bearers.chain(["Bearer forged".to_owned(), "Bearer two words".to_owned()]).collect();
        let cookies: Vec<_> = tokens.iter().map(|token| format!("__Host-session={token}")).collect();
        let bearers = bearers.iter().map(|value| ("bearer", "authorization", value.as_str()));
        let cookies = cookies.iter().map(|value| ("cookie___Host-session", "cookie", value.as_str()));
        let secrets = [SECRET, "wrong"].map(|value| ("sync", "x-sync", value));
        let carried: Vec<_> = bearers.chain(cookies).chain(secrets).map(Some).chain([None]).collect();
        for credential in carried {
            for id in ["1", "7", "9", "x"] {
                let head = Head(credential.map(|(_, header, value)| (header, value)), id);
                assert_is_documented(&gate, &plan, operation, credential.map(|(scheme, ..)| scheme), &head)?;
            }
        }
    }
}

/// The answer to this request is in the description of the operation, and so is the scheme that lets its caller in.
fn assert_is_documented(
    gate: &Gate,
    plan: &Plan,
    operation: &Value,
    scheme: Option<&str>,
    head: &Head<'_>,
) -> Result<(), TestCaseError> {
    let who = gate.establish_for(plan, head).now_or_never().unwrap();
    match gate.authorize(&who, plan, head).now_or_never().unwrap() {
        Ok(_) => {
            // A credential of a scheme that is not accepted counts as absent.
            let security = operation["security"].as_array().unwrap();
            let has = |name: &str| security.iter().any(|requirement| requirement.get(name).is_some());
            let is_open = security.is_empty() || security.contains(&json!({}));
            prop_assert!(is_open || scheme.is_some_and(has), "{scheme:?} lets in: {operation}");
        }
        Err(error) => {
            let status = error.status().to_string();
            let response = operation["responses"].get(&status);
            prop_assert!(response.is_some(), "{error:?} {operation}");
            let says = response.unwrap()["description"].as_str().unwrap();
            let code = error.code();
            prop_assert!(status == "404" || says.contains(code), "{code}: {says}, by {}", plan.description());
        }
    }
    Ok(())
}
