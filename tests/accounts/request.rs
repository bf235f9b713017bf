//! A request, and its answer, of no framework.

use serde_json::Value;
use std::net::IpAddr;

#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub peer: Option<IpAddr>,
    /// Whether the body comes in pieces, without a `Content-Length`.
    pub is_chunked: bool,
}

pub fn get(path: &str) -> Request {
    request("GET", path)
}

/// A POST without a body.
pub fn empty_post(path: &str) -> Request {
    request("POST", path)
}

pub fn post(path: &str, body: Value) -> Request {
    empty_post(path).header("content-type", "application/json").body(body.to_string())
}

pub fn delete(path: &str) -> Request {
    request("DELETE", path)
}

pub fn request(method: &'static str, path: &str) -> Request {
    let headers = vec![("host".to_owned(), b"shop.test".to_vec())];
    let peer = Some("192.0.2.1".parse().unwrap());
    Request { method, path: path.to_owned(), headers, body: Vec::new(), peer, is_chunked: false }
}

impl Request {
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn chunked(self) -> Self {
        Self { is_chunked: true, ..self }
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// As a page of the service makes it.
    pub fn in_browser(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    pub fn peer(self, address: &str) -> Self {
        Self { peer: Some(address.parse().unwrap()), ..self }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Without those that depend on the framework.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The headers, as `Debug` of the framework shows them.
    pub debug: String,
}

impl Answer {
    /// The body, or `null` if it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name).into_iter();
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
    }

    /// Status and code, as in `403 cross_origin`; the status alone where there is no code.
    pub fn code(&self) -> String {
        match self.json().get("code").and_then(Value::as_str) {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }

    /// A text member of the body.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let json = self.json();
        json.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {}", self.body)).to_owned()
    }

    /// The value of a cookie that it sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let values = self.all("set-cookie").into_iter();
        let mut pairs = values.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// The same with a placeholder for each random value.
    pub fn without_random(&self) -> Self {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), without_random(value))).collect();
        Self { status: self.status, headers, body: without_random(&self.body), debug: String::new() }
    }
}

/// Tokens, and identifiers, are the only texts so long without a space. Cookies of flows have random names. Recovery codes are four times four characters.
pub fn without_random(text: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_.%".contains(character);
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|character| !is_part(character)).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        let part = &rest[start..end];
        let is_code = part.len() == 19 && part.split('-').all(|four| four.len() == 4);
        let is_flow = part.starts_with("__Host-flow-");
        out.push_str(if part.len() >= 32 || is_code || is_flow { "<random>" } else { part });
        rest = &rest[end..];
    }
    out + rest
}
