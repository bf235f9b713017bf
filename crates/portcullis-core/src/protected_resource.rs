//! What a client reads to find out where it gets a token for this service.

use crate::{
    error::{Error, quote},
    rights::is_word,
};
use serde_json::{Map, Value};
use std::net::Ipv6Addr;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a service tells clients that have no token yet: the metadata of a protected resource (RFC 9728).
///
/// Set it by [`GateBuilder::protected_resource`](crate::GateBuilder::protected_resource), and serve the metadata by
/// `Routes::resource_metadata` of the adapters.
///
/// ```
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
/// use portcullis_core::ProtectedResource;
///
/// # fn main() -> Result<(), Error> {
/// let resource = ProtectedResource::new("https://api.example.com/mcp")?.name("Orders")?;
/// assert_eq!(resource.metadata_path(), "/.well-known/oauth-protected-resource/mcp");
///
/// let gate = builder()?.protected_resource(resource).build()?;
/// let resource = gate.protected_resource().ok_or_else(|| Error::missing("resource"))?;
/// assert_eq!(
///     resource.metadata(["orders:read"]),
///     concat!(
///         r#"{"authorization_servers":["https://issuer.test"],"#,
///         r#""bearer_methods_supported":["header"],"resource":"https://api.example.com/mcp","#,
///         r#""resource_name":"Orders","scopes_supported":["orders:read"]}"#
///     )
/// );
///
/// assert!(ProtectedResource::new("http://api.example.com").is_err());
/// assert!(ProtectedResource::new("https://api.example.com/mcp?tenant=1").is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    resource: String,
    /// How long the part before the path is.
    origin: usize,
    metadata_path: String,
    authorization_servers: Vec<String>,
    bearer_methods: Vec<&'static str>,
    /// The algorithms of proofs, and whether each token needs one.
    dpop: Option<(String, bool)>,
    scopes: Option<Vec<String>>,
    name: Option<String>,
    documentation: Option<String>,
}

impl ProtectedResource {
    /// A resource with this address, which clients ask a token for (RFC 8707) and compare letter by letter.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no HTTPS address in normal form: a host in lower
    /// case, no user name, no query, no fragment, and a path of letters, digits and `-._~`. HTTP is possible for `localhost`
    /// and addresses of loopback, for development.
    pub fn new(resource: impl Into<String>) -> Result<Self, Error> {
        let resource = resource.into();
        let (origin, path) =
            split(&resource).map_err(|problem| refused("the protected resource", &resource, problem))?;
        let inner = path.strip_prefix('/').unwrap_or(path);
        let segments = inner.strip_suffix('/').unwrap_or(inner).split('/');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(is_plain);
        if !inner.is_empty() && !segments.clone().all(is_segment) {
            let problem =
                "its path needs segments of letters, digits and `-._~`, and it can have no query and no fragment";
            return Err(refused("the protected resource", &resource, problem));
        }
        // RFC 9728, section 3.1: between the host and the path.
        let metadata_path = if inner.is_empty() { WELL_KNOWN.to_owned() } else { format!("{WELL_KNOWN}/{inner}") };
        let origin = origin.len();
        Ok(Self {
            resource,
            origin,
            metadata_path,
            authorization_servers: Vec::new(),
            bearer_methods: Vec::new(),
            dpop: None,
            scopes: None,
            name: None,
            documentation: None,
        })
    }

    /// The servers where a client gets a token, by their issuer identifiers. By default the names of the issuers whose bearer
    /// tokens the gate accepts, if they are such addresses.
    ///
    /// ```
    /// use portcullis_core::ProtectedResource;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let resource = || ProtectedResource::new("https://api.example.com");
    /// assert!(resource()?.authorization_servers(["https://id.example.com"]).is_ok());
    /// assert!(resource()?.authorization_servers(["id.example.com"]).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if there is none, or one is no HTTPS address without a query
    /// and a fragment (RFC 8414, section 2).
    pub fn authorization_servers<S: Into<String>>(
        mut self,
        issuers: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        self.authorization_servers = issuers.into_iter().map(Into::into).collect();
        if self.authorization_servers.is_empty() {
            return Err(Error::misconfigured("a list of authorization servers that is empty"));
        }
        let check =
            |server: &String| is_issuer(server).map_err(|problem| refused("the authorization server", server, problem));
        self.authorization_servers.iter().try_for_each(check)?;
        Ok(self)
    }

    /// The scopes that clients can ask for. By default those that the policies of the gate's routes name, apart from what is
    /// below `hidden` and `not`.
    ///
    /// ```
    /// use portcullis_core::ProtectedResource;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let resource = || ProtectedResource::new("https://api.example.com");
    /// let metadata = resource()?.scopes(["orders:read"])?.metadata(["of-a-route"]);
    /// assert!(metadata.contains(r#""scopes_supported":["orders:read"]"#));
    /// assert!(resource()?.scopes(["orders read"]).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if one is not a scope (RFC 6749, section 3.3).
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if let Some(wrong) = scopes.iter().find(|scope| scope.is_empty() || !is_word(scope.as_bytes())) {
            return Err(refused("the scope", wrong, "it is a word, without quotes or backslashes"));
        }
        self.scopes = Some(scopes);
        Ok(self)
    }

    /// The name that a client shows to its user.
    ///
    /// ```
    /// use portcullis_core::ProtectedResource;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let resource = || ProtectedResource::new("https://api.example.com");
    /// assert!(resource()?.name("Orders of Example").is_ok());
    /// assert!(resource()?.name(" ").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is blank or has control characters.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(refused("the name of the protected resource", &name, "it is blank or has control characters"));
        }
        self.name = Some(name);
        Ok(self)
    }

    /// A page for developers of clients.
    ///
    /// ```
    /// use portcullis_core::ProtectedResource;
    ///
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// let resource = || ProtectedResource::new("https://api.example.com");
    /// assert!(resource()?.documentation("https://docs.example.com/api?v=2").is_ok());
    /// assert!(resource()?.documentation("javascript:alert(1)").is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if it is no HTTPS address.
    pub fn documentation(mut self, url: impl Into<String>) -> Result<Self, Error> {
        let url = url.into();
        split(&url).map_err(|problem| refused("the documentation", &url, problem))?;
        self.documentation = Some(url);
        Ok(self)
    }

    /// The path at which the metadata has to be served. It is always at the root of the host.
    #[must_use]
    pub fn metadata_path(&self) -> &str {
        &self.metadata_path
    }

    /// The metadata as JSON (RFC 9728, section 2). The scopes are those of the routes, and do not count if some are
    /// [set](Self::scopes).
    #[must_use]
    pub fn metadata<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> String {
        let scopes = match &self.scopes {
            Some(scopes) => scopes.clone(),
            None => scopes.into_iter().map(str::to_owned).collect(),
        };
        let mut metadata = Map::new();
        metadata.insert("resource".to_owned(), self.resource.as_str().into());
        let mut list = |name: &str, values: Vec<String>| {
            // Section 3.2: what is empty is left out.
            if !values.is_empty() {
                metadata.insert(name.to_owned(), values.into());
            }
        };
        list("authorization_servers", self.authorization_servers.clone());
        list("scopes_supported", scopes);
        list("bearer_methods_supported", self.bearer_methods.iter().map(|method| (*method).to_owned()).collect());
        if let Some((algorithms, is_required)) = &self.dpop {
            list("dpop_signing_alg_values_supported", algorithms.split_whitespace().map(str::to_owned).collect());
            metadata.insert("dpop_bound_access_tokens_required".to_owned(), (*is_required).into());
        }
        let texts = [("resource_name", &self.name), ("resource_documentation", &self.documentation)];
        for (name, text) in texts {
            metadata.extend(text.as_deref().map(|text| (name.to_owned(), Value::from(text))));
        }
        Value::Object(metadata).to_string()
    }

    /// The parameter of challenges (RFC 9728, section 5.1).
    pub(crate) fn challenge(&self) -> String {
        let origin = self.resource.get(..self.origin).unwrap_or_default();
        format!("resource_metadata=\"{origin}{}\"", self.metadata_path)
    }

    /// Completes it with what the gate knows.
    ///
    /// # Errors
    /// If no authorization server is known.
    pub(crate) fn settle<'n>(
        &mut self,
        issuers: impl Iterator<Item = &'n str>,
        bearer_methods: Vec<&'static str>,
        dpop: Option<(String, bool)>,
    ) -> Result<(), Error> {
        (self.bearer_methods, self.dpop) = (bearer_methods, dpop);
        if self.authorization_servers.is_empty() {
            for issuer in issuers.filter(|issuer| is_issuer(issuer).is_ok()) {
                if !self.authorization_servers.iter().any(|known| known == issuer) {
                    self.authorization_servers.push(issuer.to_owned());
                }
            }
        }
        if self.authorization_servers.is_empty() {
            return Err(Error::misconfigured(
                "the protected resource has no authorization server, since no issuer of a bearer token is named by an HTTPS \
                 address; name one by `ProtectedResource::authorization_servers`",
            ));
        }
        Ok(())
    }
}

fn refused(what: &str, value: &str, problem: &str) -> Error {
    Error::misconfigured(format!("{what} cannot be {}: {problem}", quote(value)))
}

fn is_issuer(url: &str) -> Result<(), &'static str> {
    let (_, path) = split(url)?;
    if path.contains(['?', '#']) { Err("it can have no query and no fragment") } else { Ok(()) }
}

/// The origin and the rest of an HTTPS address whose origin is in normal form.
fn split(url: &str) -> Result<(&str, &str), &'static str> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>`{}|^".contains(&byte)) {
        return Err("it has characters that no address has");
    }
    let (scheme, rest) = url.split_once("://").ok_or("it is no HTTPS address")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let is_v6 = authority.starts_with('[');
    let (host, port) = match authority.rsplit_once(':').filter(|(host, _)| !is_v6 || host.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::parse::<Ipv6Addr>);
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    let is_host = match &v6 {
        Some(address) => address.is_ok(),
        None => !host.is_empty() && host.bytes().all(is_letter),
    };
    let default = if scheme == "https" { "443" } else { "80" };
    // A sign is a number in Rust.
    let is_port = |port: &str| port != default && !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match scheme {
        _ if !is_host => Err("it needs a host in lower case, and no user name"),
        _ if !port.is_none_or(is_port) => Err("its port is not valid, or the default port, which clients leave out"),
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err("it is no HTTPS address"),
    }?;
    let origin = url.len().saturating_sub(rest.len()).saturating_add(end);
    url.split_at_checked(origin).ok_or("it is no HTTPS address")
}
