//! A row of the table: a request, and the whole answer to it.

use crate::{cast, proofs::Proof, sites::Site};

/// What is sent, whatever the framework.
#[derive(Debug, Clone)]
pub struct Request {
    pub site: Site,
    pub method: &'static str,
    pub path: String,
    /// Values are bytes, because attackers send those.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: String,
    /// Made when it is sent.
    pub proof: Option<Proof>,
}

/// What comes back, whatever the framework. Header names are in lower case, and sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What has to come back: the status, the headers that are ours, and the body.
#[derive(Debug, Clone)]
pub struct Expected {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub request: Request,
    pub expected: Expected,
}

pub fn row(name: impl Into<String>, request: Request, expected: Expected) -> Row {
    Row { name: name.into(), request, expected }
}

pub fn ask(method: &'static str, path: impl Into<String>) -> Request {
    let host = ("host", b"api.example.com".to_vec());
    Request { site: Site::Every, method, path: path.into(), headers: vec![host], body: String::new(), proof: None }
}

pub fn get(path: impl Into<String>) -> Request {
    ask("GET", path)
}

pub fn post(path: impl Into<String>) -> Request {
    ask("POST", path)
}

impl Request {
    pub fn at(mut self, site: Site) -> Self {
        self.site = site;
        self
    }

    /// With one more line of this header.
    pub fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With this host instead of `api.example.com`.
    pub fn host(mut self, host: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "host");
        if host.is_empty() { self } else { self.header("host", host) }
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn cookie(self, token: &str) -> Self {
        self.header("cookie", format!("session={token}"))
    }

    /// With a token behind `DPoP`, and a proof for this request.
    pub fn dpop(self, token: &str) -> Self {
        let proof = Some(Proof::new(self.method, &self.path, token));
        Self { proof, ..self.header("authorization", format!("DPoP {token}")) }
    }

    /// With another proof.
    pub fn proving(mut self, change: impl FnOnce(&mut Proof)) -> Self {
        if let Some(proof) = &mut self.proof {
            change(proof);
        }
        self
    }

    /// As it is sent now.
    pub fn made(mut self) -> Self {
        match self.proof.take() {
            Some(proof) => self.header("dpop", proof.made()),
            None => self,
        }
    }

    /// With one more parameter in the query, encoded already.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.path += if self.path.contains('?') { "&" } else { "?" };
        self.path += &format!("{name}={value}");
        self
    }

    /// A good token about somebody, in the bearer header.
    pub fn by(self, subject: &str) -> Self {
        self.bearer(&cast::token(subject))
    }

    /// With this body, which says that it is JSON.
    pub fn json(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self.header("content-type", "application/json") }
    }

    /// Asks for a WebSocket.
    pub fn upgrade(self) -> Self {
        self.header("connection", "Upgrade").header("upgrade", "websocket")
    }
}

impl Expected {
    fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(found, _)| *found != name);
        self.headers.push((name, value.into()));
        self
    }

    /// As every refusal is sent: for no cache.
    fn refused(status: u16) -> Self {
        Self::new(status).header("cache-control", "no-store")
    }

    fn problem(self, title: &str, code: Option<&str>) -> Self {
        let code = code.map_or_else(String::new, |code| format!(r#""code":"{code}","#));
        let body = format!(r#"{{{code}"status":{},"title":"{title}"}}"#, self.status);
        Self { body, ..self.header("content-type", "application/problem+json") }
    }

    fn challenge(self, challenge: &str) -> Self {
        self.header("www-authenticate", challenge)
    }

    pub fn is_challenge(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == "www-authenticate")
    }

    /// As for an unknown path, by default or by the renderer of the site `Rendered`. A handler's 404 with a code is not.
    pub fn is_hidden(&self) -> bool {
        self.status == 404 && [not_found(), detail(404, "not_found")].iter().any(|hidden| hidden.body == self.body)
    }

    /// The same to a HEAD.
    pub fn without_body(self) -> Self {
        Self { body: String::new(), ..self }
    }
}

/// The handler was reached and says this.
pub fn ok(body: &str) -> Expected {
    Expected { body: body.to_owned(), ..Expected::new(200) }
}

/// 401: `credential_missing`, `invalid_token`, `token_expired`, `user_not_found` or `wrong_password` of a handler.
pub fn unauthorized(code: &str) -> Expected {
    let challenge = match code {
        "credential_missing" | "user_not_found" | "wrong_password" => "Bearer",
        "invalid_token" => r#"Bearer error="invalid_token", error_description="the token is not valid""#,
        "token_expired" => r#"Bearer error="invalid_token", error_description="the token has expired""#,
        other => panic!("no 401 has the code {other}"),
    };
    Expected::refused(401).challenge(challenge).problem("Unauthorized", Some(code))
}

/// 401: the caller has to sign in again, by `otp` and within five minutes (RFC 9470).
pub fn step_up(scheme: &str) -> Expected {
    let code = "insufficient_user_authentication";
    let description = "a more recent or a stronger sign-in is required";
    let challenge =
        format!(r#"{scheme} error="{code}", error_description="{description}", acr_values="otp", max_age="300""#);
    let body = format!(r#"{{"acr_values":"otp","code":"{code}","max_age":300,"status":401,"title":"Unauthorized"}}"#);
    Expected { body, ..Expected::refused(401).challenge(&challenge).problem("Unauthorized", None) }
}

/// What a gate with DPoP takes.
pub const ALGORITHMS: &str = r#"algs="ES256 EdDSA ES384 PS256 RS256""#;

/// 401: a token that is bound to a key, without a valid proof of the key.
pub fn unproven() -> Expected {
    let challenge = format!(r#"DPoP error="invalid_dpop_proof", {ALGORITHMS}"#);
    Expected::refused(401).challenge(&challenge).problem("Unauthorized", Some("invalid_dpop_proof"))
}

/// 400: credentials, or what a policy needs, are there in a way that may not be.
pub fn malformed(code: &str) -> Expected {
    unidentified(code).challenge(r#"Bearer error="invalid_request""#)
}

/// 400: what names a resource is missing or wrong, whatever the credentials are.
pub fn unidentified(code: &str) -> Expected {
    Expected::refused(400).problem("Bad Request", Some(code))
}

pub fn forbidden(code: &str) -> Expected {
    Expected::refused(403).problem("Forbidden", Some(code))
}

pub fn insufficient_scope(scope: &str) -> Expected {
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
    forbidden("insufficient_scope").challenge(&challenge)
}

/// A handler rejects the request, for a reason of its own.
pub fn rejected(status: u16, title: &str, code: &str) -> Expected {
    Expected::refused(status).problem(title, Some(code))
}

/// As for an unknown path.
pub fn not_found() -> Expected {
    Expected::refused(404)
}

/// Of a handler that asks nobody.
pub fn gone() -> Expected {
    Expected::new(410)
}

/// Of a handler that cannot read the body.
pub fn unreadable() -> Expected {
    Expected::new(400)
}

/// Of the framework, behind the guard: nothing of ours.
pub fn method_not_allowed() -> Expected {
    Expected::new(405)
}

pub fn unavailable(retry_after: impl Into<Option<u32>>) -> Expected {
    let expected = Expected::refused(503).problem("Service Unavailable", Some("unavailable"));
    match retry_after.into() {
        Some(seconds) => expected.header("retry-after", seconds.to_string()),
        None => expected,
    }
}

/// A mistake of ours is told to nobody, not even by its code.
pub fn misconfigured() -> Expected {
    Expected::refused(500).problem("Internal Server Error", None)
}

/// What the renderer of the site `Rendered` makes of an error with this code.
pub fn detail(status: u16, code: &str) -> Expected {
    let body = format!(r#"{{"detail":"{code}"}}"#);
    Expected { body, ..Expected::refused(status) }.header("content-type", "application/json")
}

impl Answer {
    /// What differs from the answer that has to come, in words; `None` if nothing does.
    pub fn differs_from(&self, expected: &Expected, method: &str) -> Option<String> {
        const OURS: [&str; 4] = ["www-authenticate", "retry-after", "cache-control", "content-type"];
        const THEIRS: [&str; 2] = ["content-length", "allow"];
        // A handler's media type is its own.
        let ours = |name: &str| OURS.contains(&name) && !(self.status == 200 && name == "content-type");
        let mut wanted = expected.headers.clone();
        wanted.sort();
        let mut found = self.headers.iter().filter(|(name, _)| ours(name)).map(|(name, value)| (name.as_str(), value));
        let headers_fit = wanted.iter().map(|(name, value)| (*name, value)).eq(found.by_ref());
        let known = |name: &str| OURS.contains(&name) || THEIRS.contains(&name);
        let length = self.headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.clone());
        let length_fits = length.is_none_or(|length| method == "HEAD" || length == self.body.len().to_string());
        let fits = self.status == expected.status
            && self.body == expected.body
            && headers_fit
            && length_fits
            && self.headers.iter().all(|(name, _)| known(name));
        (!fits).then(|| {
            let got = format!("{} {:?} {:?}", self.status, self.headers, self.body);
            format!("got {got}, expected {} {wanted:?} {:?}", expected.status, expected.body)
        })
    }
}
