//! Credentials in the address, and what happens where several sources are read.

use crate::{
    head::Head,
    sources::{ABSENT, CONFLICT, MALFORMED, UNUSABLE, authorization, check, gate, gate_with, text},
};
use portcullis_core::{Credential, CredentialSource, ErrorKind, Gate, GateBuilder, Scheme, testing::TestIssuer};

fn query(query: &str) -> Head {
    Head::new().query(query)
}

fn cookie(line: &str) -> Head {
    Head::new().header("cookie", line)
}

#[test]
fn an_address_is_not_read_unless_named() {
    let everything_else = gate(|scheme| scheme.bearer().cookie("token").header("x-token"));
    check(
        &everything_else,
        [
            ("token", query("token=abc"), ABSENT),
            ("access_token", query("access_token=abc"), ABSENT),
            ("twice", query("access_token=abc&access_token=def"), ABSENT),
            ("beside a header", authorization("Bearer abc").query("access_token=def"), text("abc")),
        ],
    );
}

#[test]
fn a_query_parameter_has_one_value() {
    let gate = gate(|scheme| scheme.query("token"));
    check(
        &gate,
        [
            ("alone", query("token=abc"), text("abc")),
            ("among others", query("a=1&token=abc&b=2"), text("abc")),
            ("encoded", query("token=a%62c"), text("abc")),
            ("an encoded name", query("t%6fken=abc"), text("abc")),
            ("signs", query("token=a-b._~%2B%2F%3D="), text("a-b._~+/==")),
            ("no query", Head::new(), ABSENT),
            ("an empty query", query(""), ABSENT),
            ("empty", query("token="), ABSENT),
            ("without equals", query("token"), ABSENT),
            ("other case", query("Token=abc&TOKEN=def"), ABSENT),
            ("a name around it", query("xtoken=abc&token2=def&token[]=g"), ABSENT),
            ("a semicolon does not separate", query("a=1;token=abc"), ABSENT),
            ("a semicolon belongs to the value", query("token=abc;token=def"), text("abc;token=def")),
            ("in another's value", query("a=token=abc&next=%26token=abc"), ABSENT),
            ("in the fragment's place", query("a=1#token=abc"), ABSENT),
            ("twice", query("token=abc&token=def"), MALFORMED),
            ("twice and equal", query("token=abc&token=abc"), MALFORMED),
            ("twice, one empty", query("token=abc&token="), MALFORMED),
            ("twice, one name encoded", query("token=abc&%74oken=def"), MALFORMED),
            ("a space", query("token=a+c"), UNUSABLE),
            ("an encoded space", query("token=a%20c"), UNUSABLE),
            ("blank", query("token=%20"), UNUSABLE),
            ("a control byte", query("token=a%00c"), UNUSABLE),
            ("a line break", query("token=a%0d%0ac"), UNUSABLE),
            ("not ASCII", query("token=%C3%A9"), UNUSABLE),
            ("no UTF-8", query("token=%FF"), UNUSABLE),
            ("no encoding", query("token=a%zzc"), text("a%zzc")),
        ],
    );
}

/// RFC 6750, section 2: clients must not use more than one method in a request.
#[test]
fn header_and_address_together_are_refused() {
    for (what, gate) in [
        ("bearer first", gate(|scheme| scheme.bearer().query("token"))),
        ("query first", gate(|scheme| scheme.query("token").bearer())),
        ("the cookie before both", gate(|scheme| scheme.cookie("session").bearer().query("token"))),
        ("bearer is not even read", gate(|scheme| scheme.cookie("session").query("token"))),
    ] {
        let both = |header: &str| authorization(header).query("token=def");
        check(
            &gate,
            [
                (what, both("Bearer abc"), MALFORMED),
                (what, both("Bearer def"), MALFORMED),
                (what, both("Bearer abc").header("cookie", "session=ghi"), MALFORMED),
                (what, both("Bearer"), MALFORMED),
                (what, both("\u{ff}"), MALFORMED),
                (what, both("Bearer abc").header("authorization", "Bearer def"), MALFORMED),
                (what, authorization("Bearer abc").query("token=d&token=e"), MALFORMED),
                (what, authorization("Bearer abc").query("token=%20"), MALFORMED),
                // Another scheme is another client's business, and an empty parameter presents nothing.
                (what, both("Basic eA=="), text("def")),
                (what, both(""), text("def")),
                (what, query("token=def"), text("def")),
            ],
        );
    }
    let gate = gate(|scheme| scheme.bearer().query("token"));
    check(
        &gate,
        [
            ("an empty parameter", authorization("Bearer abc").query("token="), text("abc")),
            ("another parameter", authorization("Bearer abc").query("access_token=def"), text("abc")),
        ],
    );
}

#[test]
fn the_first_source_in_which_something_is_present_decides() {
    let cookie_first = gate(|scheme| scheme.cookie("session").bearer().header("x-key"));
    let bearer_first = gate(|scheme| scheme.bearer().header("x-key").cookie("session"));
    let both = |line: &str, header: &str| cookie(line).header("authorization", header);
    check(
        &cookie_first,
        [
            ("both", both("session=abc", "Bearer def"), text("abc")),
            ("the cookie alone", cookie("session=abc"), text("abc")),
            ("the header alone", authorization("Bearer def"), text("def")),
            ("the last alone", Head::of(&[("x-key", "ghi")]), text("ghi")),
            ("an empty cookie", both("session=", "Bearer def"), text("def")),
            ("neither", Head::new(), ABSENT),
            // What is present and does not hold is not skipped.
            ("a broken cookie", both("session=a b", "Bearer def"), UNUSABLE),
            ("two cookies", both("session=a; session=b", "Bearer def"), MALFORMED),
            ("a broken header after a good cookie", both("session=abc", "Bearer"), text("abc")),
            ("a broken header before a good key", authorization("Bearer").header("x-key", "ghi"), UNUSABLE),
            ("another scheme before a good key", authorization("Basic eA==").header("x-key", "ghi"), text("ghi")),
        ],
    );
    check(
        &bearer_first,
        [
            ("both", both("session=abc", "Bearer def"), text("def")),
            ("a broken header", both("session=abc", "Bearer a b"), UNUSABLE),
            ("a header without a token", both("session=abc", "Bearer"), UNUSABLE),
            ("two headers", both("session=abc", "Bearer d").header("authorization", "Bearer e"), MALFORMED),
            ("another scheme", both("session=abc", "Basic eA=="), text("abc")),
            ("a broken cookie after a good header", both("session=a b", "Bearer def"), text("def")),
            ("a broken key", cookie("session=abc").header("x-key", "a b"), UNUSABLE),
        ],
    );
}

#[test]
fn sources_that_disagree_can_be_refused() {
    let gate = gate_with(|scheme| scheme.cookie("session").bearer().header("x-key"), GateBuilder::reject_conflicts);
    let both = |line: &str, header: &str| cookie(line).header("authorization", header);
    check(
        &gate,
        [
            ("equal", both("session=abc", "Bearer abc"), text("abc")),
            ("equal but for the quotes", both("session=\"abc\"", "Bearer abc"), text("abc")),
            ("three equal", both("session=abc", "Bearer abc").header("x-key", "abc"), text("abc")),
            ("one", cookie("session=abc"), text("abc")),
            ("the last", Head::of(&[("x-key", "abc")]), text("abc")),
            ("one and an empty one", both("session=", "Bearer abc"), text("abc")),
            ("one and another scheme", both("session=abc", "Basic eA=="), text("abc")),
            ("neither", Head::new(), ABSENT),
            ("different", both("session=abc", "Bearer def"), CONFLICT),
            ("different in case", both("session=abc", "Bearer ABC"), CONFLICT),
            ("one a part of the other", both("session=abc", "Bearer abcd"), CONFLICT),
            ("the third differs", both("session=abc", "Bearer abc").header("x-key", "def"), CONFLICT),
            ("one is broken", both("session=abc", "Bearer"), UNUSABLE),
            ("one is there twice and equal", both("session=abc; session=abc", "Bearer abc"), text("abc")),
            ("one is there twice and equal, the other differs", both("session=abc; session=abc", "Bearer d"), CONFLICT),
            ("one is there twice, one of them empty", both("session=; session=abc", "Bearer abc"), text("abc")),
            ("one is there twice", both("session=abc; session=def", "Bearer abc"), MALFORMED),
        ],
    );
}

#[test]
fn a_credential_knows_where_it_was_read_and_shows_itself_nowhere() {
    let gate = gate(|scheme| scheme.cookie("session").header("X-Key").bearer().query("token"));
    for (head, source, shown) in [
        (cookie("session=s3cret"), CredentialSource::cookie("session"), "cookie `session`"),
        (Head::of(&[("x-key", "s3cret")]), CredentialSource::header("x-KEY"), "header `x-key`"),
        (authorization("Bearer s3cret"), CredentialSource::bearer(), "bearer header"),
        (query("token=s3cret"), CredentialSource::query("token"), "query parameter `token`"),
    ] {
        let read = gate.read(&head).unwrap().unwrap();
        assert_eq!((read.expose(), read.source()), ("s3cret", &source));
        assert_eq!(source.to_string(), shown);
        let copy: Credential<'static> = read.to_owned();
        assert_eq!((copy.expose(), copy.source()), ("s3cret", &source));
        assert_eq!(format!("{read:?} {copy:?}"), format!("Credential(.. from {shown}) Credential(.. from {shown})"));
    }
}

#[test]
fn names_that_no_request_has_fail_the_build() {
    type With = fn(Scheme) -> Scheme;
    let accepted: &[(&str, With)] = &[
        ("a prefixed cookie", |scheme| scheme.cookie("__Host-session")),
        ("a cookie of any token", |scheme| scheme.cookie("a.b!#$%&'*+-^_`|~9")),
        ("a header", |scheme| scheme.header("X-Api-Key")),
        ("a parameter", |scheme| scheme.query("access token[é]")),
        ("cookies of two cases", |scheme| scheme.cookie("session").cookie("Session")),
        ("one name in three places", |scheme| scheme.cookie("token").header("token").query("token").bearer()),
    ];
    let refused: &[(&str, With)] = &[
        ("no source", |scheme| scheme),
        ("a nameless cookie", |scheme| scheme.cookie("")),
        ("a cookie with equals", |scheme| scheme.cookie("a=b")),
        ("a cookie with a semicolon", |scheme| scheme.cookie("a;b")),
        ("a cookie with a space", |scheme| scheme.cookie("a b")),
        ("a cookie with a space after", |scheme| scheme.cookie("session ")),
        ("a quoted cookie", |scheme| scheme.cookie("\"session\"")),
        ("a cookie that is not ASCII", |scheme| scheme.cookie("sitzungsschlüssel")),
        ("a nameless header", |scheme| scheme.header("")),
        ("the header of bearer", |scheme| scheme.header("Authorization")),
        ("the header of cookies", |scheme| scheme.header("cookie")),
        ("a header with a colon", |scheme| scheme.header("x-key:")),
        ("a header with a line break", |scheme| scheme.header("x-key\r\n")),
        ("a header that is not ASCII", |scheme| scheme.header("ключ")),
        ("a nameless parameter", |scheme| scheme.query("")),
        ("a good one before", |scheme| scheme.bearer().cookie("a b")),
        ("bearer twice", |scheme| scheme.bearer().cookie("a").bearer()),
        ("a cookie twice", |scheme| scheme.cookie("a").cookie("a")),
        ("a header twice", |scheme| scheme.header("x-key").header("X-Key")),
        ("a parameter twice", |scheme| scheme.query("a").query("a")),
    ];
    let built = |with: &With| Gate::builder().scheme(with(Scheme::new(TestIssuer::new().verifier()))).build();
    for (what, with) in accepted {
        assert!(built(with).is_ok(), "{what}");
    }
    for (what, with) in refused {
        let error = built(with).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Misconfigured, "misconfigured"), "{what}");
    }
}
