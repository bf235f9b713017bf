//! What Cedar gets of a request.

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, Schema};
use portcullis_core::{EngineRequest, EngineResource, Error, ErrorKind, Principal, PrincipalKind};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{HashMap, HashSet},
    error,
    sync::Arc,
};

type Of<T> = Arc<dyn Fn(&T) -> Result<Value, Error> + Send + Sync>;

/// How entities are made.
#[derive(Clone, Default)]
pub(crate) struct Naming {
    /// With `::` at its end, or empty.
    pub(crate) namespace: String,
    pub(crate) of_principal: Option<Of<Principal>>,
    pub(crate) of_resource: Option<Of<EngineResource>>,
}

/// Returns an object of attributes.
pub(crate) fn attributes<T, A: Serialize>(
    of: impl Fn(&T) -> Result<A, Error> + Send + Sync + 'static,
) -> Option<Of<T>> {
    Some(Arc::new(move |about| {
        serde_json::to_value(of(about)?).map_err(|cause| wrong("attributes for Cedar cannot be serialized", cause))
    }))
}

pub(crate) fn wrong(detail: &str, cause: impl error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Misconfigured, detail.to_owned()).with_cause(cause)
}

impl Naming {
    /// The question in Cedar's words, and the entities that it is about.
    pub(crate) fn ask(&self, asked: &EngineRequest, schema: Option<&Schema>) -> Result<(Request, Entities), Error> {
        let (caller, on) = (asked.principal(), asked.resource());
        let kind = match caller.id().kind() {
            PrincipalKind::User => "User",
            PrincipalKind::Service => "Service",
            PrincipalKind::Key => "Key",
            _ => return Err(Error::new(ErrorKind::Misconfigured, "Cedar has no type for this kind of principal")),
        };
        let principal = self.uid(kind, &caller.id().to_string())?;
        let roles = caller.roles().iter().map(|role| self.uid("Role", role.as_str()));
        let roles = roles.collect::<Result<HashSet<_>, Error>>()?;
        let resource = match on {
            Some(on) => self.uid(&type_of(on.kind())?, on.id())?,
            None => self.uid("Application", "application")?,
        };
        let held = on.and_then(|on| on.standing()?.held());
        let context = held.map_or_else(|| json!({}), |role| json!({ "role": role.as_str() }));

        let action = self.uid("Action", asked.action())?;
        let context = Context::from_json_value(context, schema.map(|schema| (schema, &action)))
            .map_err(|cause| wrong("the context does not fit the schema of Cedar", cause))?;
        let (who, what) = (principal.clone(), resource.clone());
        let request = Request::new(who, action, what, context, schema)
            .map_err(|cause| wrong("the question does not fit the schema of Cedar", cause))?;

        let of_principal = self.of_principal.as_ref().map(|of| of(caller)).transpose()?;
        let of_resource = self.of_resource.as_ref().zip(on).map(|(of, on)| of(on)).transpose()?;
        let entities = [entity(principal, of_principal, roles)?, entity(resource, of_resource, HashSet::new())?];
        let entities = Entities::from_entities(entities, schema)
            .map_err(|cause| wrong("the principal or the resource does not fit the schema of Cedar", cause))?;
        Ok((request, entities))
    }

    /// An identifier from its parts: nothing in `id` has a meaning.
    fn uid(&self, name: &str, id: &str) -> Result<EntityUid, Error> {
        let name: EntityTypeName = format!("{}{name}", self.namespace)
            .parse()
            .map_err(|cause| wrong(&format!("`{name}` cannot be a type in Cedar"), cause))?;
        Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
    }
}

/// The types that are no kind of resources: a resource could be taken for a caller, or for no resource.
const OURS: [&str; 6] = ["User", "Service", "Key", "Role", "Action", "Application"];

/// The type of a kind of resources: `tile_set` is `TileSet`.
fn type_of(kind: &str) -> Result<String, Error> {
    let refused = |why| {
        let detail = format!("the kind `{kind}` cannot be a type in Cedar: {why}");
        Err(Error::new(ErrorKind::Misconfigured, detail))
    };
    let is_word = |word: &str| word.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !kind.starts_with(|letter: char| letter.is_ascii_alphabetic()) || !kind.split(['_', '-']).all(is_word) {
        return refused("it needs letters, digits, `_` and `-` alone");
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    let name: String = kind.split(['_', '-']).map(capital).collect();
    if OURS.contains(&name.as_str()) { refused("callers, roles or actions have this type") } else { Ok(name) }
}

fn entity(uid: EntityUid, attributes: Option<Value>, parents: HashSet<EntityUid>) -> Result<Entity, Error> {
    let attributes = match attributes {
        None => Map::new(),
        Some(Value::Object(attributes)) => attributes,
        Some(_) => return Err(Error::new(ErrorKind::Misconfigured, "attributes for Cedar are an object")),
    };
    if attributes.is_empty() {
        return Entity::new(uid, HashMap::new(), parents).map_err(|cause| wrong("attributes for Cedar", cause));
    }
    let name = |uid: &EntityUid| json!({ "type": uid.type_name().to_string(), "id": uid.id().unescaped() });
    let parents: Vec<Value> = parents.iter().map(name).collect();
    let entity = json!({ "uid": name(&uid), "attrs": attributes, "parents": parents });
    Entity::from_json_value(entity, None).map_err(|cause| wrong("attributes that Cedar cannot read", cause))
}
