//! What Cerbos is asked.

use crate::attributes::Attributes;
use portcullis_core::{EngineRequest, EngineResource, Error, ErrorKind, Principal as Caller};
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

/// Which policies are asked, and the attributes that the service adds.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) version: String,
    pub(crate) scope: String,
    pub(crate) of_principal: Attributes<Caller>,
    pub(crate) of_resource: Attributes<EngineResource>,
}

/// The kind and identifier that Cerbos gets.
pub(crate) fn resource(request: &EngineRequest) -> (&str, &str) {
    request.resource().map_or(("service", "-"), |resource| (resource.kind(), resource.id()))
}

/// The body that asks about all of these, which are of the same principal.
pub(crate) fn body(requests: &[EngineRequest], settings: &Settings) -> Result<String, Error> {
    let Some(first) = requests.first() else { return Err(Error::new(ErrorKind::Misconfigured, "nothing to ask")) };
    let (who, id) = (first.principal(), first.principal().id());
    let (policy_version, scope) = (settings.version.as_str(), settings.scope.as_str());
    let roles = who.roles().iter().map(|role| role.as_str()).chain([EVERY_CALLER]).collect();
    let ours = [("issuer", id.issuer().map(Value::from)), ("kind", Some(format!("{:?}", id.kind()).into()))];
    let attr = settings.of_principal.of(who, ours)?;
    let principal = Principal { id: id.subject(), roles, attr, policy_version, scope };
    let entry = |request| {
        let (kind, id) = resource(request);
        let attr = request.resource().map(|on| {
            let held = on.standing().and_then(|standing| standing.held());
            settings.of_resource.of(on, [("role", held.map(|role| role.as_str().into()))])
        });
        let attr = attr.transpose()?.unwrap_or_default();
        Ok(Entry { actions: [request.action()], resource: Resource { kind, id, attr, policy_version, scope } })
    };
    let resources = requests.iter().map(entry).collect::<Result<_, Error>>()?;
    serde_json::to_string(&Check { principal, resources })
        .map_err(|cause| Error::new(ErrorKind::Misconfigured, "the request to Cerbos is no JSON").with_cause(cause))
}
