//! Where credentials are read: absent, refused and present never collapse into each other.

use crate::head::Head;
use portcullis_core::{Authenticator, Credential, Error, ErrorKind, Gate, GateBuilder, Principal, Scheme};

/// What a gate read: nothing, this text, or why not.
pub type Read = Result<Option<&'static str>, (ErrorKind, &'static str)>;

pub const ABSENT: Read = Ok(None);
pub const UNUSABLE: Read = Err((ErrorKind::Invalid, "invalid_token"));
pub const MALFORMED: Read = Err((ErrorKind::Malformed, "invalid_request"));
pub const CONFLICT: Read = Err((ErrorKind::Malformed, "conflicting_credentials"));

pub const fn text(text: &'static str) -> Read {
    Ok(Some(text))
}

/// Knows no credential: here it only matters what is read.
#[derive(Debug)]
struct Nobody;

impl Authenticator for Nobody {
    async fn authenticate(&self, _: &Credential<'_>) -> Result<Principal, Error> {
        Err(Error::new(ErrorKind::Unrecognized, "nobody is known here"))
    }
}

/// A gate of one scheme with these sources.
pub fn gate(sources: impl FnOnce(Scheme) -> Scheme) -> Gate {
    gate_with(sources, |gate| gate)
}

/// The same, with more said of the gate.
pub fn gate_with(sources: impl FnOnce(Scheme) -> Scheme, parts: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    parts(Gate::builder().scheme(sources(Scheme::new(Nobody)))).build().unwrap()
}

/// Reads every head with the gate and compares what came of it, kind and code and status.
pub fn check<'a>(gate: &Gate, rows: impl IntoIterator<Item = (&'a str, Head, Read)>) {
    for (what, head, expected) in rows {
        let read = gate.read(&head);
        let found = match &read {
            Ok(credential) => Ok(credential.as_ref().map(Credential::expose)),
            Err(error) => Err((error.kind(), error.code())),
        };
        assert_eq!(found, expected, "{what}");
        if let Err(error) = read {
            assert_eq!(error.status(), if expected == UNUSABLE { 401 } else { 400 }, "{what}");
            assert!(
                error.credential_source().is_some() || expected == CONFLICT,
                "{what}: the log would not know where"
            );
        }
    }
}

pub fn authorization(value: impl AsRef<[u8]>) -> Head {
    Head::new().header("authorization", value)
}

#[test]
fn bearer_is_a_scheme_then_spaces_then_one_token() {
    let gate = gate(Scheme::bearer);
    let rows: &[(&[u8], Read)] = &[
        (b"Bearer abc", text("abc")),
        (b"bearer abc", text("abc")),
        (b"BEARER abc", text("abc")),
        (b"bEaReR abc", text("abc")),
        // RFC 9110, section 11.4: 1*SP. White space around the value is not part of it.
        (b"Bearer    abc", text("abc")),
        (b"Bearer abc   ", text("abc")),
        (b"Bearer abc\t", text("abc")),
        (b"  Bearer abc", text("abc")),
        (b"Bearer\tabc", UNUSABLE),
        (b"Bearer \tabc", UNUSABLE),
        (b"Bearer\xa0abc", UNUSABLE),
        (b"Bearer\x0cabc", UNUSABLE),
        // Section 11.2: token68.
        (b"Bearer AZaz09-._~+/", text("AZaz09-._~+/")),
        (b"Bearer abc==", text("abc==")),
        (b"Bearer a=b", UNUSABLE),
        (b"Bearer =abc", UNUSABLE),
        (b"Bearer ====", UNUSABLE),
        (b"Bearer \"abc\"", UNUSABLE),
        (b"Bearer abc def", UNUSABLE),
        (b"Bearer abc, Bearer def", UNUSABLE),
        (b"Bearer abc,Basic eA==", UNUSABLE),
        (b"Bearer token=abc", UNUSABLE),
        (b"Bearer Bearer abc", UNUSABLE),
        (b"Bearer ab\0c", UNUSABLE),
        (b"Bearer ab\nc", UNUSABLE),
        (b"Bearer ab\xffc", UNUSABLE),
        (b"Bearer \xc3\xa9", UNUSABLE),
        (b"Bearer \x0c", UNUSABLE),
        // Present and without a token is not absent.
        (b"Bearer", UNUSABLE),
        (b"bearer", UNUSABLE),
        (b"Bearer   ", UNUSABLE),
        // Other schemes are somebody else's.
        (b"Basic dXNlcjpwYXNz", ABSENT),
        (b"Basic", ABSENT),
        (b"Digest username=\"bearer\", uri=\"/\"", ABSENT),
        (b"Basic Bearer abc", ABSENT),
        (b"Bearerabc", ABSENT),
        (b"Bearer2 abc", ABSENT),
        (b"X-Bearer abc", ABSENT),
        (b"abc.def.ghi", ABSENT),
        (b"", ABSENT),
        (b"   ", ABSENT),
        // No scheme at all.
        (b"Bearer,abc", UNUSABLE),
        (b"Bearer:abc", UNUSABLE),
        (b"Bearer=abc", UNUSABLE),
        (b"\"Bearer\" abc", UNUSABLE),
        (b"=", UNUSABLE),
        (b"\0", UNUSABLE),
        (b"\xff\xfe Bearer abc", UNUSABLE),
        (b"B\xc3\xa9arer abc", UNUSABLE),
    ];
    check(
        &gate,
        rows.iter()
            .map(|(value, expected)| (&*value.escape_ascii().to_string().leak(), authorization(value), *expected)),
    );
    check(&gate, [("no header", Head::new(), ABSENT)]);
}

#[test]
fn one_authorization_header() {
    let gate = gate(Scheme::bearer);
    let two = |first: &str, second: &str| authorization(first).header("authorization", second);
    check(
        &gate,
        [
            ("two", two("Bearer abc", "Bearer def"), MALFORMED),
            ("the same twice", two("Bearer abc", "Bearer abc"), MALFORMED),
            ("another scheme first", two("Basic eA==", "Bearer abc"), MALFORMED),
            ("another scheme second", two("Bearer abc", "Basic eA=="), MALFORMED),
            ("two of another scheme", two("Basic eA==", "Basic eQ=="), MALFORMED),
            ("an empty one", two("", "Bearer abc"), MALFORMED),
            (
                "proxy-authorization is not it",
                authorization("Bearer abc").header("proxy-authorization", "Bearer def"),
                text("abc"),
            ),
        ],
    );
}

#[test]
fn a_cookie_has_one_value() {
    let gate = gate(|scheme| scheme.cookie("session"));
    let cookie = |line: &str| Head::new().header("cookie", line);
    let lines = |first: &str, second: &str| cookie(first).header("cookie", second);
    check(
        &gate,
        [
            ("alone", cookie("session=abc"), text("abc")),
            ("among others", cookie("a=1; session=abc; b=2"), text("abc")),
            ("without spaces", cookie("a=1;session=abc;b=2"), text("abc")),
            ("empty pairs", cookie(";; ;session=abc;;"), text("abc")),
            ("padded", cookie("session= abc "), text("abc")),
            ("quoted", cookie("session=\"abc\""), text("abc")),
            ("half quoted", cookie("session=\"abc"), text("\"abc")),
            ("one quote", cookie("session=\""), text("\"")),
            ("equals signs", cookie("session=a=b=="), text("a=b==")),
            ("punctuation", cookie("session=a,b|c%20"), text("a,b|c%20")),
            // Servers log out by emptying.
            ("empty", cookie("session="), ABSENT),
            ("blank", cookie("session=   "), ABSENT),
            ("quoted and empty", cookie("session=\"\""), ABSENT),
            ("quoted and blank", cookie("session=\"  \""), ABSENT),
            ("no cookie at all", Head::new(), ABSENT),
            ("an empty header", cookie(""), ABSENT),
            // Different ones are how a neighbouring host tosses its own cookie in.
            ("twice in a line", cookie("session=abc; session=def"), MALFORMED),
            ("twice across lines", lines("session=abc", "session=def"), MALFORMED),
            ("twice, in another case", cookie("session=abc; session=ABC"), MALFORMED),
            ("twice, one longer", cookie("session=abc; session=abcd"), MALFORMED),
            ("three times, the first differs", cookie("session=def; session=abc; session=abc"), MALFORMED),
            ("three times, the last differs", cookie("session=abc; session=; session=def"), MALFORMED),
            // One for the domain and one for the host, and nothing is ambiguous.
            ("twice and equal", cookie("session=abc; session=abc"), text("abc")),
            ("twice across lines and equal", lines("session=abc", "session=abc"), text("abc")),
            ("twice and equal but for quotes", cookie("session=abc; session=\" abc \""), text("abc")),
            ("twice, the first empty", cookie("session=; session=abc"), text("abc")),
            ("twice, the second empty", cookie("session=abc; session="), text("abc")),
            ("twice, one a pair of quotes", cookie("session=abc; session=\"\""), text("abc")),
            ("twice, one blank, across lines", lines("session=  ", "session=abc"), text("abc")),
            ("three times and equal", cookie("session=abc; session=abc; session=abc"), text("abc")),
            ("twice, both empty", cookie("session=; session="), ABSENT),
            ("twice and equal, and unusable", cookie("session=a b; session=a b"), UNUSABLE),
            // RFC 9113, section 8.2.3.
            ("crumbs", lines("a=1", "session=abc").header("cookie", "b=2"), text("abc")),
            // A name alone has no value, and a value alone no name.
            ("without equals", cookie("session"), ABSENT),
            ("without equals, then with", cookie("session; session=abc"), text("abc")),
            ("nameless", cookie("=session=abc"), ABSENT),
            ("nameless beside it", cookie("=session=def; session=abc"), text("abc")),
            // The name is compared byte by byte.
            ("other case", cookie("Session=abc; SESSION=def"), ABSENT),
            ("other case beside it", cookie("Session=def; session=abc"), text("abc")),
            ("name as suffix", cookie("xsession=abc; __Host-session=def; my.session=g"), ABSENT),
            ("name as prefix", cookie("session2=abc; session.=def; session_=g"), ABSENT),
            ("a space inside the name", cookie("ses sion=abc"), ABSENT),
            ("a quoted name", cookie("\"session\"=abc"), ABSENT),
            ("an attribute of old", cookie("$Version=1; session=abc; $Path=/"), text("abc")),
            ("in another's value", cookie("a=session=abc"), ABSENT),
            ("commas do not separate", cookie("a=1,session=abc"), ABSENT),
            // What no credential has.
            ("a space inside", cookie("session=a b"), UNUSABLE),
            ("a quoted space", cookie("session=\"Bearer abc\""), UNUSABLE),
        ],
    );
}

/// The client is not at fault, so the log says who may be, and what helps.
#[test]
fn two_cookies_are_explained() {
    let gate = gate(|scheme| scheme.cookie("session"));
    let error = gate.read(&Head::new().header("cookie", "session=abc; session=def")).unwrap_err().to_string();
    for part in ["the cookie `session`", "different values", "for the domain", "for the host", "`__Host-`"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(!error.contains("abc") && !error.contains("def "), "{error}");
}

#[test]
fn a_cookie_name_is_exact_with_its_prefix() {
    let gate = gate(|scheme| scheme.cookie("__Host-session"));
    let cookie = |line: &[u8]| Head::new().header("cookie", line);
    check(
        &gate,
        [
            ("itself", cookie(b"__Host-session=abc"), text("abc")),
            ("without the prefix", cookie(b"session=abc; Host-session=def"), ABSENT),
            ("the prefix in another case", cookie(b"__host-session=abc; __HOST-session=def"), ABSENT),
            ("the other prefix", cookie(b"__Secure-session=abc"), ABSENT),
            // White space that browsers do not strip from a name, and a careless server would (RFC 6265bis, 5.6).
            ("a no-break space", cookie(b"\xc2\xa0__Host-session=evil; \xa0__Host-session=evil"), ABSENT),
            ("an en quad", cookie(b"\xe2\x80\x80__Host-session=evil"), ABSENT),
            ("a line separator", cookie(b"__Host-session\xe2\x80\xa8=evil; __Host-session=abc"), text("abc")),
            (
                "control bytes",
                cookie(b"\x0c__Host-session=evil; \0__Host-session=evil; \x0b__Host-session=evil"),
                ABSENT,
            ),
        ],
    );
}

#[test]
fn cookies_are_bytes() {
    let gate = gate(|scheme| scheme.cookie("directus_session_token"));
    let cookie = |line: &[u8]| Head::new().header("cookie", line);
    let neighbour = |bytes: usize| format!("directus_session_token=abc; a={}", "x".repeat(bytes)).into_bytes();
    let room = 64 * 1024 - neighbour(0).len();
    check(
        &gate,
        [
            ("a neighbour that is no UTF-8", cookie(b"a=\xff\xfe; directus_session_token=abc; \xff=\x01"), text("abc")),
            ("a value that is no UTF-8", cookie(b"directus_session_token=ab\xffc"), UNUSABLE),
            ("a value that is not ASCII", cookie("directus_session_token=é".as_bytes()), UNUSABLE),
            ("a control byte", cookie(b"directus_session_token=ab\x07c"), UNUSABLE),
            ("a tab", cookie(b"directus_session_token=ab\tc"), UNUSABLE),
            ("a delete", cookie(b"directus_session_token=ab\x7fc"), UNUSABLE),
            ("a prefix trick", cookie(b"xdirectus_session_token=evil"), ABSENT),
            ("a suffix trick", cookie(b"directus_session_tokenx=evil; directus_session_token[0]=evil"), ABSENT),
            ("64 KiB", cookie(&neighbour(room)), text("abc")),
            ("a byte more", cookie(&neighbour(room + 1)), MALFORMED),
            ("a byte more in another line", cookie(&neighbour(room)).header("cookie", "b"), MALFORMED),
            ("more of others alone", cookie(&vec![b'x'; 70_000]), MALFORMED),
        ],
    );
}

#[test]
fn a_header_of_any_name() {
    let gate = gate(|scheme| scheme.header("X-Api-Key"));
    let key = |value: &[u8]| Head::new().header("x-aPi-kEy", value);
    check(
        &gate,
        [
            ("once", key(b"abc"), text("abc")),
            ("padded", key(b" abc\t"), text("abc")),
            ("the whole value", key(b"a,b;c=\"d\""), text("a,b;c=\"d\"")),
            ("empty", key(b""), ABSENT),
            ("blank", key(b"  "), ABSENT),
            ("not there", Head::new().header("x-api-key2", "abc").header("api-key", "def"), ABSENT),
            ("twice", key(b"abc").header("x-api-key", "def"), MALFORMED),
            ("twice and equal", key(b"abc").header("x-api-key", "abc"), MALFORMED),
            ("twice, one empty", key(b"abc").header("x-api-key", ""), MALFORMED),
            ("a space inside", key(b"Bearer abc"), UNUSABLE),
            ("not ASCII", key("schlüssel".as_bytes()), UNUSABLE),
            ("no UTF-8", key(b"\xff"), UNUSABLE),
            ("a control byte", key(b"ab\x01c"), UNUSABLE),
        ],
    );
}
