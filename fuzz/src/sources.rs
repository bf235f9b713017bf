//! Where credentials are read: each source beside a second reading of its RFC, and all of them together.

use crate::request::{Everybody, Request, form};
use portcullis_core::{Cookies, CredentialSource, ErrorKind, Gate, GateBuilder, RequestHead, Scheme};
use std::sync::LazyLock;

/// What is read: nothing, a credential, or why it cannot be.
type Found = Result<Option<String>, ErrorKind>;

const COOKIE: &str = "__Host-session";
const PREFIX: &str = "s:";
const PARAMETER: &str = "access_token";
const WS_PARAMETER: &str = "ws token";

/// `Authorization: Bearer …` against RFC 6750, section 2.1.
pub fn bearer(data: &[u8]) -> bool {
    let head = Request::read(data);
    let found = read(&GATES.bearer, &head);
    assert_eq!(found, expected_bearer(&head), "{head:?}");
    assert_order(&head);
    matches!(found, Ok(Some(_)))
}

/// A cookie against RFC 6265bis, section 5.8.3, over all lines of the header; also as one behind a prefix, and as one that a
/// function reads.
pub fn cookie(data: &[u8]) -> bool {
    let head = Request::read(data);
    let (found, prefixed) = (read(&GATES.cookie, &head), read(&GATES.prefixed, &head));
    assert_eq!(found, expected_cookie(&head, ""), "{head:?}");
    assert_eq!(prefixed, expected_cookie(&head, PREFIX), "{head:?}");
    assert_eq!(read(&GATES.put_together, &head), found, "{head:?}");
    assert_order(&head);
    matches!(found, Ok(Some(_))) || matches!(prefixed, Ok(Some(_)))
}

/// A query parameter, and that none comes with a bearer header.
pub fn query(data: &[u8]) -> bool {
    let head = Request::read(data);
    let found = read(&GATES.query, &head);
    assert_eq!(found, expected_query(&head, PARAMETER), "{head:?}");
    assert_order(&head);
    matches!(found, Ok(Some(_)))
}

/// What is read from upgrades only: the subprotocol after `bearer`, and a query parameter.
pub fn websocket(data: &[u8]) -> bool {
    let head = Request::read(data);
    let (protocol, parameter) = (read(&GATES.protocol, &head), read(&GATES.ws_query, &head));
    if head.is_websocket() {
        assert_eq!(protocol, expected_protocol(&head), "{head:?}");
        assert_eq!(parameter, expected_query(&head, WS_PARAMETER), "{head:?}");
    } else {
        assert_eq!((&protocol, &parameter), (&Ok(None), &Ok(None)), "{head:?}");
    }
    assert_order(&head);
    matches!(protocol, Ok(Some(_))) || matches!(parameter, Ok(Some(_)))
}

struct Gates {
    cookie: Gate,
    prefixed: Gate,
    put_together: Gate,
    bearer: Gate,
    header: Gate,
    query: Gate,
    protocol: Gate,
    ws_query: Gate,
    /// All of them, in this order.
    all: Gate,
    strict: Gate,
}

static GATES: LazyLock<Gates> = LazyLock::new(|| {
    let sources = [
        CredentialSource::cookie(COOKIE),
        CredentialSource::bearer(),
        CredentialSource::header("X-Api-Key"),
        CredentialSource::query(PARAMETER),
        CredentialSource::websocket_protocol(),
        CredentialSource::websocket_query(WS_PARAMETER),
    ];
    let build = |builder: GateBuilder| builder.build().expect("the gate is sound");
    let of = |scheme: Scheme| Gate::builder().scheme(scheme).dangerous_allow_cross_origin();
    let all = || of(sources.iter().cloned().fold(Scheme::new(Everybody), Scheme::source));
    let single = |source: CredentialSource| build(of(Scheme::new(Everybody).source(source)));
    let [cookie, bearer, header, query, protocol, ws_query] = sources.clone().map(single);
    let prefixed = single(CredentialSource::cookie(COOKIE).prefix(PREFIX));
    let read = |cookies: &Cookies<'_>| Ok(cookies.get(COOKIE)?.map(str::to_owned));
    let put_together = single(CredentialSource::cookies("session", read));
    let (all, strict) = (build(all()), build(all().reject_conflicts()));
    Gates { cookie, prefixed, put_together, bearer, header, query, protocol, ws_query, all, strict }
});

fn read(gate: &Gate, head: &Request) -> Found {
    let found = gate.read(head);
    found.map(|found| found.map(|found| found.expose().to_owned())).map_err(|error| error.kind())
}

/// What is read is visible ASCII, and who is established by it is who presents it.
fn assert_established(gate: &Gate, head: &Request, found: &Found) {
    if let Ok(Some(text)) = found {
        assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?} of {head:?}");
    }
    let who = gate.establish(head).ready().expect("nothing has to wait");
    let visitor = who.visitor().map(|visitor| visitor.map(|visitor| visitor.id().subject().to_owned()));
    assert_eq!(visitor.map_err(|error| error.kind()), *found, "{head:?}");
    if let Err(error) = who.principal() {
        let _ = gate.refuse(&error);
        assert_eq!(error.challenge(None).is_some(), matches!(error.status(), 400 | 401), "{error} of {head:?}");
    }
}

/// The first source in which something is present decides, and with `reject_conflicts` the others agree.
fn assert_order(head: &Request) {
    let parameters = [read(&GATES.query, head), read(&GATES.ws_query, head)];
    let [query, ws_query] = parameters.clone();
    let (bearer, header) = (read(&GATES.bearer, head), read(&GATES.header, head));
    let single = [read(&GATES.cookie, head), bearer, header, query, read(&GATES.protocol, head), ws_query];
    let (all, strict) = (read(&GATES.all, head), read(&GATES.strict, head));
    assert_established(&GATES.all, head, &all);
    if parameters.contains(&Err(ErrorKind::Malformed)) {
        assert_eq!((&all, &strict), (&Err(ErrorKind::Malformed), &Err(ErrorKind::Malformed)), "{head:?}");
        return;
    }
    let first = single.iter().find(|found| **found != Ok(None)).cloned().unwrap_or(Ok(None));
    assert_eq!(all, first, "{head:?}");
    let mut agreed: Found = Ok(None);
    for found in single {
        agreed = match (agreed, found) {
            (Ok(Some(one)), Ok(Some(other))) if one != other => Err(ErrorKind::Malformed),
            (Ok(None), found) | (Ok(Some(_)), found @ Err(_)) => found,
            (agreed, _) => agreed,
        };
    }
    assert_eq!(strict, agreed, "{head:?}");
}

const SPACE: [char; 2] = [' ', '\t'];

fn expected_bearer(head: &Request) -> Found {
    let [line] = head.all("authorization")[..] else {
        return if head.all("authorization").is_empty() { Ok(None) } else { Err(ErrorKind::Malformed) };
    };
    // Whatever is not ASCII is neither a scheme nor a token, so it does not matter how it is replaced.
    let line = String::from_utf8_lossy(line);
    let line = line.trim_matches(SPACE);
    if line.is_empty() {
        return Ok(None);
    }
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if scheme.is_empty() || !scheme.chars().all(is_tchar) {
        return Err(ErrorKind::Invalid);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let is_good = !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    if is_good { Ok(Some(token.to_owned())) } else { Err(ErrorKind::Invalid) }
}

fn expected_cookie(head: &Request, prefix: &str) -> Found {
    let lines = head.all("cookie");
    if lines.iter().map(|line| line.len()).sum::<usize>() > 64 * 1024 {
        return Err(ErrorKind::Malformed);
    }
    // As one line, and each byte as a character: bytes that are not ASCII stay apart from each other.
    let line: String = lines.join(&b"; "[..]).into_iter().map(char::from).collect();
    let pairs = line.split(';').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(name, _)| name.trim_matches(SPACE) == COOKIE).map(|(_, value)| {
        let value = value.trim_matches(SPACE);
        let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        if quoted { &value[1..value.len() - 1] } else { value }.trim_matches(SPACE)
    });
    let mut values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    values.dedup();
    match values[..] {
        [] => Ok(None),
        [value] => match value.strip_prefix(prefix).map(|rest| rest.trim_matches(SPACE)) {
            None | Some("") => Ok(None),
            Some(rest) if rest.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(rest.to_owned())),
            Some(_) => Err(ErrorKind::Invalid),
        },
        _ => Err(ErrorKind::Malformed),
    }
}

fn expected_query(head: &Request, name: &str) -> Found {
    let pairs = form(head.query().unwrap_or_default());
    let values: Vec<String> = pairs.into_iter().filter(|(found, _)| found == name).map(|(_, value)| value).collect();
    match &values[..] {
        [] => Ok(None),
        [value] if value.is_empty() => Ok(None),
        [_] if expected_bearer(head) != Ok(None) => Err(ErrorKind::Malformed),
        [value] if value.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(value.clone())),
        [_] => Err(ErrorKind::Invalid),
        _ => Err(ErrorKind::Malformed),
    }
}

fn expected_protocol(head: &Request) -> Found {
    let lines = head.all("sec-websocket-protocol").join(&b","[..]);
    // Whatever is not ASCII is in no credential, so it does not matter how it is replaced.
    let lines = String::from_utf8_lossy(&lines);
    let mut names = lines.split(',').map(|name| name.trim_matches(SPACE));
    let mut tokens = Vec::new();
    while let Some(name) = names.next() {
        if name == "bearer" {
            tokens.push(names.next().unwrap_or_default());
        }
    }
    match tokens[..] {
        [] => Ok(None),
        [token] if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(token.to_owned())),
        [_] => Err(ErrorKind::Invalid),
        _ => Err(ErrorKind::Malformed),
    }
}
