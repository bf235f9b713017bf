//! The security of an OpenAPI document, from the policies of routes.

use super::{Row, Table, path::plain, row::REST};
use portcullis_core::{CredentialSource, Forecast, Holder, Refusal, Scheme};
use std::{collections::BTreeMap, fmt};
use utoipa::openapi::{
    OpenApi, Response,
    path::{Operation, PathItem},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

impl Table {
    /// Completes an OpenAPI document with what the guards of the routes require and answer.
    ///
    /// - Each scheme of the gates becomes a security scheme: under its name, or named after what it reads. A named scheme with
    ///   several sources becomes one for each of them. What OpenAPI allows in no name becomes `_`, and where two would then have
    ///   one name, the second is numbered, as in `x_key_2`.
    /// - Each operation of a route gets `security`: the accepted schemes as alternatives, and none if the route is public. This
    ///   replaces what the document says there.
    /// - Each operation gets a response for each status with which its guard can refuse: see
    ///   [`Gate::refusals`](portcullis_core::Gate::refusals). A response that is there already is not changed.
    ///
    /// What handlers ask by extractors is not known here. The policies themselves are not published.
    pub fn openapi(&self, document: &mut OpenApi) -> OpenApiGaps {
        let components = document.components.get_or_insert_default();
        let mut names = Names::default();
        for scheme in self.rows().flat_map(|row| row.gate().schemes()) {
            for source in scheme.sources() {
                let known = components.security_schemes.entry(names.name(scheme, source));
                known.or_insert_with(|| security_scheme(scheme, source));
            }
        }
        let mut gaps = OpenApiGaps::default();
        let mut described: Vec<&Row> = Vec::new();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                match self.answering(method, path) {
                    Some(row) => {
                        describe(row, operation, &mut names);
                        described.push(row);
                    }
                    None => gaps.operations.push(format!("{method} {path}")),
                }
            }
        }
        let is_described = |row: &Row| described.iter().any(|other| std::ptr::eq(*other, row));
        let routes = self.rows().filter(|row| !row.path().ends_with(REST) && !is_described(row));
        gaps.routes.extend(routes.map(ToString::to_string));
        gaps
    }

    /// The route of an operation: that of its method, or that of all methods.
    fn answering(&self, method: &str, path: &str) -> Option<&Row> {
        let path = plain(path);
        let at_path = || self.rows().filter(|row| plain(row.path()) == path);
        at_path().find(|row| row.method() == Some(method)).or_else(|| at_path().find(|row| row.method().is_none()))
    }
}

/// Where a table of routes and an OpenAPI document differ: see [`Table::openapi`].
///
/// A test asserts that there are none: `assert!(gaps.is_empty(), "{gaps}")`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "an operation that is no route of the table may be unguarded"]
pub struct OpenApiGaps {
    operations: Vec<String>,
    routes: Vec<String>,
}

impl OpenApiGaps {
    /// The operations that are no routes of the table, as `GET /path`. Nothing was changed about them. They may be unguarded.
    #[must_use]
    pub fn operations(&self) -> &[String] {
        &self.operations
    }

    /// The routes that the document does not have, as `GET /path`. Services and fallbacks are left out.
    #[must_use]
    pub fn routes(&self) -> &[String] {
        &self.routes
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.routes.is_empty()
    }
}

impl fmt::Display for OpenApiGaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.operations.iter().map(|operation| format!("`{operation}` is no route of the table"));
        let routes = self.routes.iter().map(|route| format!("`{route}` is not in the document"));
        f.write_str(&operations.chain(routes).collect::<Vec<_>>().join("\n"))
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("OPTIONS", &mut item.options),
        ("HEAD", &mut item.head),
        ("PATCH", &mut item.patch),
        ("TRACE", &mut item.trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn describe(row: &Row, operation: &mut Operation, names: &mut Names) {
    let mut security: Vec<SecurityRequirement> = Vec::new();
    for scheme in row.gate().schemes_for(row.plan()) {
        for source in scheme.sources() {
            let requirement = SecurityRequirement::new(names.name(scheme, source), [""; 0]);
            if !security.contains(&requirement) {
                security.push(requirement);
            }
        }
    }
    // An empty requirement: no credential is needed.
    if !row.is_public() && row.plan().forecast(&Holder::Visitor) != Forecast::Deny {
        security.push(SecurityRequirement::default());
    }
    operation.security = Some(security);
    let mut by_status: BTreeMap<u16, Vec<(String, Refusal)>> = BTreeMap::new();
    for (code, refusal) in row.gate().refusals(row.plan()) {
        by_status.entry(refusal.status()).or_default().push((code, refusal));
    }
    for (status, refusals) in by_status {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| response(status, &refusals).into());
    }
}

fn response(status: u16, refusals: &[(String, Refusal)]) -> Response {
    let codes: Vec<&str> = refusals.iter().map(|(code, _)| code.as_str()).collect();
    // A hidden denial shows no code.
    let mut response = Response::new(match status {
        404 => "There is nothing here for the caller.".to_owned(),
        _ => format!("Refused: {}.", codes.join(", ")),
    });
    for (name, value) in refusals.iter().flat_map(|(_, refusal)| refusal.headers()) {
        match name {
            "content-type" => {
                response.content.entry(value.to_owned()).or_default();
            }
            "www-authenticate" => {
                response.headers.entry("WWW-Authenticate".to_owned()).or_default();
            }
            _ => {}
        }
    }
    response
}

/// The keys of the security schemes in a document: one for each scheme's name and place in a request.
#[derive(Default)]
struct Names(Vec<(Option<&'static str>, String, String)>);

impl Names {
    /// The same key each time for the same, and for nothing else.
    fn name(&mut self, scheme: &Scheme, source: &CredentialSource) -> String {
        let place = match (source.cookie_name(), source.query_name(), source.header_name()) {
            (Some(name), ..) => format!("cookie_{name}"),
            (_, Some(name), _) => format!("query_{name}"),
            _ if source.is_dpop() => "dpop".to_owned(),
            (.., Some("authorization") | None) => "bearer".to_owned(),
            (.., Some(name)) => format!("header_{name}"),
        };
        let known = self.0.iter().find(|(name, read, _)| (*name, read) == (scheme.name(), &place));
        if let Some((.., key)) = known {
            return key.clone();
        }
        let key = match scheme.name() {
            Some(name) if scheme.sources().len() == 1 => name.to_owned(),
            Some(name) => format!("{name}_{place}"),
            None => place.clone(),
        };
        let mut key = key.replace(|found: char| !found.is_ascii_alphanumeric() && !matches!(found, '-' | '.'), "_");
        let plain = key.clone();
        for number in 2.. {
            if self.0.iter().all(|(.., taken)| *taken != key) {
                break;
            }
            key = format!("{plain}_{number}");
        }
        self.0.push((scheme.name(), place, key.clone()));
        key
    }
}

fn security_scheme(scheme: &Scheme, source: &CredentialSource) -> SecurityScheme {
    let value = |name: &str| ApiKeyValue::with_description(name, &source.to_string());
    match (source.cookie_name(), source.query_name(), source.header_name()) {
        (Some(name), ..) => SecurityScheme::ApiKey(ApiKey::Cookie(value(name))),
        (_, Some(name), _) => SecurityScheme::ApiKey(ApiKey::Query(value(name))),
        // OpenAPI has `http` with `scheme: dpop` for it, and the type of the document only a few schemes.
        _ if source.is_dpop() => SecurityScheme::ApiKey(ApiKey::Header(value("authorization"))),
        (.., Some("authorization") | None) => {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
            SecurityScheme::Http(if scheme.is_jwt() { bearer.bearer_format("JWT") } else { bearer }.build())
        }
        (.., Some(name)) => SecurityScheme::ApiKey(ApiKey::Header(value(name))),
    }
}
