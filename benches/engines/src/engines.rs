//! The same question to policy engines, each with its rules loaded and as cheap a call as it has.

use crate::{
    case::Operation,
    policy::{permission_of, role_of},
};
use casbin::{CachedEnforcer, CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi, RbacApi};
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use futures_util::FutureExt;
use gatehouse::{EvaluationSession, PermissionChecker, PolicyDomain, RbacPolicy};
use std::{collections::HashMap, fmt::Write, str::FromStr};

pub(crate) fn operations(size: usize) -> Vec<Operation> {
    vec![gatehouse(size), casbin_cached(size), casbin(size), cedar(size)]
}

const USER: &str = "alice";
const READ: &str = "read";

/// One policy by roles, whose resources say which role they need.
fn gatehouse(size: usize) -> Operation {
    struct Documents;

    impl PolicyDomain for Documents {
        type Subject = Vec<String>;
        type Action = ();
        type Resource = String;
        type Context = ();
    }
    let needed: HashMap<String, String> = (0..size).map(|place| (permission_of(place), role_of(place))).collect();
    let mut checker = PermissionChecker::<Documents>::new();
    checker.add_policy(RbacPolicy::<Documents, _, _>::new(
        move |(): &(), document: &String| needed.get(document).cloned().into_iter().collect(),
        |roles: &Vec<String>| roles.clone(),
    ));
    let (session, roles, document) = (EvaluationSession::empty(), vec![role_of(size / 2)], permission_of(size / 2));
    Operation::new("gatehouse", move || {
        let checked = checker.bind(&session, &roles, &(), &()).check(&document).now_or_never();
        assert!(checked.expect("nobody is waited for").is_granted());
    })
}

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

macro_rules! enforcer {
    ($kind:ty, $size:expr) => {
        async {
            let model = DefaultModel::from_str(MODEL).await.expect("the model is sound");
            let mut enforcer = <$kind>::new(model, MemoryAdapter::default()).await.expect("it is in memory");
            let rules = (0..$size).map(|place| vec![role_of(place), permission_of(place), READ.to_owned()]);
            enforcer.add_policies(rules.collect()).await.expect("the rules are sound");
            enforcer.add_role_for_user(USER, &role_of($size / 2), None).await.expect("the role is there");
            enforcer
        }
        .now_or_never()
        .expect("nobody is waited for")
    };
}

fn casbin(size: usize) -> Operation {
    let (enforcer, document) = (enforcer!(Enforcer, size), permission_of(size / 2));
    Operation::new("casbin", move || assert!(enforcer.enforce((USER, document.as_str(), READ)).expect("it decides")))
}

/// An answer that its cache has.
fn casbin_cached(size: usize) -> Operation {
    let (enforcer, document) = (enforcer!(CachedEnforcer, size), permission_of(size / 2));
    Operation::new("casbin, cached", move || {
        assert!(enforcer.enforce((USER, document.as_str(), READ)).expect("it decides"));
    })
}

/// With the request and the entities made beforehand.
fn cedar(size: usize) -> Operation {
    let rules = (0..size).fold(String::new(), |mut rules, place| {
        let (role, document) = (role_of(place), permission_of(place));
        let rule = writeln!(
            rules,
            "permit(principal in Role::\"{role}\", action == Action::\"{READ}\", resource == Document::\"{document}\");"
        );
        rule.expect("a text takes it");
        rules
    });
    let policies = PolicySet::from_str(&rules).expect("the rules are sound");
    let (role, document) = (role_of(size / 2), permission_of(size / 2));
    let entities = serde_json::json!([
        {"uid": {"type": "User", "id": USER}, "attrs": {}, "parents": [{"type": "Role", "id": role}]},
        {"uid": {"type": "Role", "id": role}, "attrs": {}, "parents": []},
        {"uid": {"type": "Document", "id": document}, "attrs": {}, "parents": []},
    ]);
    let entities = Entities::from_json_value(entities, None).expect("the entities are sound");
    let uid = |kind: &str, id: &str| EntityUid::from_str(&format!("{kind}::\"{id}\"")).expect("it is an identifier");
    let (user, action, document) = (uid("User", USER), uid("Action", READ), uid("Document", &document));
    let request = Request::new(user, action, document, Context::empty(), None).expect("there is no schema");
    let authorizer = Authorizer::new();
    Operation::new("cedar-policy", move || {
        assert_eq!(authorizer.is_authorized(&request, &policies, &entities).decision(), Decision::Allow);
    })
}
