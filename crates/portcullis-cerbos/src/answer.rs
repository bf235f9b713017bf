//! What Cerbos answers.

use crate::request::resource;
use portcullis_core::{EngineRequest, Error, ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt};

#[derive(Deserialize)]
struct Checked {
    results: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    resource: Named,
    actions: Effects,
    #[serde(default)]
    validation_errors: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Named {
    kind: String,
    id: String,
}

/// The effect of each action. Serde takes the last of two members of one name in a map, and here both are refused.
struct Effects(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Effects {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Effects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the effects of actions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Effects, A::Error> {
                let mut effects = BTreeMap::new();
                while let Some((action, effect)) = map.next_entry()? {
                    if effects.insert(action, effect).is_some() {
                        return Err(A::Error::custom("an action with two effects"));
                    }
                }
                Ok(Effects(effects))
            }
        }
        from.deserialize_map(Unique)
    }
}

fn unreadable(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, detail)
}

/// Whether each of these is allowed, in their order.
pub(crate) fn read(body: &[u8], requests: &[EngineRequest]) -> Result<Vec<bool>, Error> {
    let checked: Checked = serde_json::from_slice(body)
        .map_err(|cause| unreadable("the answer of Cerbos cannot be read").with_cause(cause))?;
    if checked.results.len() != requests.len() {
        return Err(unreadable("Cerbos answered another number of questions than it was asked"));
    }
    checked.results.iter().zip(requests).map(|(answer, request)| allows(answer, request)).collect()
}

fn allows(answer: &Answer, request: &EngineRequest) -> Result<bool, Error> {
    if (answer.resource.kind.as_str(), answer.resource.id.as_str()) != resource(request) {
        return Err(unreadable("Cerbos answered about another resource than it was asked"));
    }
    let effect = answer.actions.0.get(request.action()).map(String::as_str);
    if answer.actions.0.len() != 1 {
        return Err(unreadable("Cerbos answered about other actions than it was asked"));
    }
    match effect {
        Some("EFFECT_ALLOW") if answer.validation_errors.is_empty() => Ok(true),
        Some("EFFECT_ALLOW" | "EFFECT_DENY") => {
            if !answer.validation_errors.is_empty() {
                let (kind, action) = (answer.resource.kind.as_str(), request.action());
                tracing::warn!(target: "portcullis", kind, action, "a resource or principal does not fit the schemas of Cerbos");
            }
            Ok(false)
        }
        _ => Err(unreadable("Cerbos answered with an effect that is neither an allow nor a deny")),
    }
}
