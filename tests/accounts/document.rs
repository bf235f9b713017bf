//! What the OpenAPI document says of requests and answers.

use crate::request::{Answer, Request};
use serde_json::Value;

/// The document of a service.
pub struct Document(Value);

impl Document {
    pub fn of(api: &impl serde::Serialize) -> Self {
        Self(serde_json::to_value(api).unwrap())
    }

    /// Asserts that the document describes an answer, and the body of a request that was accepted.
    #[track_caller]
    pub fn assert_describes(&self, request: &Request, answer: &Answer) {
        let path = request.path.split('?').next().unwrap();
        let method = request.method.to_ascii_lowercase();
        let Some(operation) = self.template(path).and_then(|path| self.0["paths"][path].get(&method)) else {
            let is_refused = matches!(answer.status, 401 | 404 | 405);
            assert!(is_refused || path == "/orders", "{method} {path} is not in the document: {answer:?}");
            return;
        };
        let described = &operation["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{method} {path} answers {}, which is not in the document", answer.status);
        if answer.status < 400 && answer.status != 204 {
            let schema = &described["content"]["application/json"]["schema"];
            fits(schema, &answer.json(), &format!("the answer of {method} {path}"));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if answer.status < 400 && body.is_object() {
            // A member that the application allows, as in a sign-up, is described by the application.
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            required(schema, &body, &format!("the body of {method} {path}"));
        }
    }

    /// The path of the document that matches, one without parameters first.
    fn template(&self, path: &str) -> Option<&str> {
        let is_parameter = |part: &str| part.starts_with('{');
        let matches = |known: &str| {
            let parts: Vec<&str> = path.split('/').collect();
            let known: Vec<&str> = known.split('/').collect();
            parts.len() == known.len()
                && known.iter().zip(&parts).all(|(known, part)| is_parameter(known) || known == part)
        };
        let mut found: Vec<&str> = self.0["paths"].as_object()?.keys().map(String::as_str).collect();
        found.retain(|known| matches(known));
        found.into_iter().min_by_key(|known| known.split('/').filter(|part| is_parameter(part)).count())
    }
}

/// Asserts that a body has what the schema requires, and nothing that it does not name.
#[track_caller]
fn fits(schema: &Value, body: &Value, what: &str) {
    match (schema["type"].as_str(), body) {
        (Some("object"), Value::Object(members)) => {
            required(schema, body, what);
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                let member = &schema["properties"][name];
                assert!(member.is_object(), "{what} has `{name}`, which is not in the document");
                fits(member, value, &format!("{what}, `{name}`"));
            }
        }
        (Some("array"), Value::Array(items)) => items.iter().for_each(|item| fits(&schema["items"], item, what)),
        (Some("string"), Value::String(_))
        | (Some("integer"), Value::Number(_))
        | (Some("boolean"), Value::Bool(_)) => {}
        (None, _) => {}
        (kind, _) => panic!("{what} is {body}, and not {kind:?}"),
    }
}

#[track_caller]
fn required(schema: &Value, body: &Value, what: &str) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(body.get(name).is_some_and(|member| !member.is_null()), "{what} has no `{name}`: {body}");
    }
}
