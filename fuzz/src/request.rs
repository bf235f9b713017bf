use portcullis_core::{Authenticator, Credential, Error, Principal, PrincipalKind, RequestHead};
use std::borrow::Cow;

/// A request's head, read from bytes that look like one: a line `METHOD /path?query`, then a line for each header. The
/// header `:authority` is the authority of the target. Values keep every byte but the line break.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    path: String,
    pub(crate) query: Option<String>,
    pub(crate) authority: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn read(data: &[u8]) -> Self {
        let mut lines = data.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let (method, target) = first.split_once(' ').unwrap_or((&first, "/"));
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut read = Self { method: method.into(), path: path.into(), query, authority: None, headers: Vec::new() };
        for line in lines {
            let skip = usize::from(line.starts_with(b":"));
            let Some(colon) = line.iter().skip(skip).position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon + skip);
            let value = value[1..].strip_prefix(b" ").unwrap_or(&value[1..]);
            match String::from_utf8_lossy(name).to_ascii_lowercase() {
                name if name == ":authority" => read.authority = Some(String::from_utf8_lossy(value).into_owned()),
                name => read.headers.push((name, value.to_vec())),
            }
        }
        read
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let of_name = self.headers.iter().filter(|(found, _)| found == name);
        of_name.map(|(_, value)| &value[..]).collect()
    }

    pub(crate) fn is_websocket(&self) -> bool {
        let asks = |value: &[u8]| String::from_utf8_lossy(value).to_ascii_lowercase().contains("websocket");
        self.method == "CONNECT" || self.all("upgrade").into_iter().any(asks)
    }
}

impl RequestHead for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(found, _)| found == name).for_each(|(_, value)| see(value));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| see(name, value));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}

/// Believes everybody: whoever presents something is the principal of that name.
#[derive(Debug)]
pub(crate) struct Everybody;

impl Authenticator for Everybody {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        Ok(Principal::new(PrincipalKind::User, credential.expose()))
    }
}

/// The pairs of a query, decoded as a form (URL standard, section 5.1).
pub(crate) fn form(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

fn plain(text: &str) -> String {
    let hex = |digit: Option<&u8>| digit.and_then(|digit| char::from(*digit).to_digit(16));
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let (decoded, length) = match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
            (b'+', ..) => (b' ', 1),
            _ => (*byte, 1),
        };
        out.push(decoded);
        at += length;
    }
    String::from_utf8_lossy(&out).into_owned()
}
