//! What Cerbos is asked.

use portcullis_core::{EngineRequest, Error, ErrorKind, PrincipalId};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The role of every caller: Cerbos refuses a principal without roles.
const EVERY_CALLER: &str = "user";

#[derive(Serialize)]
struct Check<'a> {
    principal: Principal<'a>,
    resources: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Principal<'a> {
    id: &'a str,
    roles: BTreeSet<&'a str>,
    attr: Map<String, Value>,
    #[serde(skip_serializing_if = "str::is_empty")]
    policy_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    actions: [&'a str; 1],
    resource: Resource<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    kind: &'a str,
    id: &'a str,
    attr: Map<String, Value>,
    #[serde(skip_serializing_if = "str::is_empty")]
    policy_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// The version and the scope of the policies that are asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    pub(crate) version: String,
    pub(crate) scope: String,
}

/// The kind and identifier that Cerbos gets.
pub(crate) fn resource(request: &EngineRequest) -> (&str, &str) {
    request.resource().map_or(("service", "-"), |resource| (resource.kind(), resource.id()))
}

/// The body that asks about all of these, which are of the same principal.
pub(crate) fn body(requests: &[EngineRequest], policies: &Policies) -> Result<String, Error> {
    let Some(first) = requests.first() else { return Err(Error::new(ErrorKind::Misconfigured, "nothing to ask")) };
    let who = first.principal();
    let id: &PrincipalId = who.id();
    let issuer = id.issuer().map(|issuer| ("issuer".to_owned(), issuer.into()));
    let kind = ("kind".to_owned(), format!("{:?}", id.kind()).into());
    let (policy_version, scope) = (policies.version.as_str(), policies.scope.as_str());
    let roles = who.roles().iter().map(|role| role.as_str()).chain([EVERY_CALLER]).collect();
    let attr = issuer.into_iter().chain([kind]).collect();
    let principal = Principal { id: id.subject(), roles, attr, policy_version, scope };
    let entry = |request| {
        let (kind, id) = resource(request);
        let held = request.resource().and_then(|resource| resource.standing()?.held());
        let attr = held.map(|role| ("role".to_owned(), role.as_str().into())).into_iter().collect();
        Entry { actions: [request.action()], resource: Resource { kind, id, attr, policy_version, scope } }
    };
    serde_json::to_string(&Check { principal, resources: requests.iter().map(entry).collect() })
        .map_err(|cause| Error::new(ErrorKind::Misconfigured, "the request to Cerbos is no JSON").with_cause(cause))
}
