//! What each source takes for absent, for unreadable and for malformed.

use crate::{
    cast::token,
    row::{Row, get, malformed, ok, row, unauthorized},
};

pub fn rows() -> Vec<Row> {
    [cookie(), bearer(), header(), query()].concat()
}

fn cookie() -> Vec<Row> {
    let (missing, invalid, malformed) =
        (|| unauthorized("credential_missing"), || unauthorized("invalid_token"), || malformed("invalid_request"));
    let (alice, bob) = (token("alice"), token("bob"));
    let me = |value: &str| get("/me").header("cookie", value);
    let neighbour = [b"theirs=\xff\xfe; session=", alice.as_bytes()].concat();
    vec![
        row("nothing at all", get("/me"), missing()),
        row("cookie: another name", me(&format!("theirs={alice}")), missing()),
        row("cookie: another case", me(&format!("Session={alice}")), missing()),
        row("cookie: a longer name", me(&format!("xsession={alice}")), missing()),
        row("cookie: empty", me("session="), missing()),
        row("cookie: blank", me("session= \t"), missing()),
        row("cookie: a pair of quotes", me(r#"session="""#), missing()),
        row("cookie: quoted", me(&format!("session=\"{alice}\"")), ok("alice")),
        row("cookie: among others", me(&format!("a=1; session={alice}; b=2")), ok("alice")),
        row("cookie: beside one that is not UTF-8", get("/me").header("cookie", neighbour), ok("alice")),
        row("cookie: not UTF-8", get("/me").header("cookie", *b"session=\xff\xfe"), invalid()),
        row("cookie: two words", me("session=a b"), invalid()),
        row("cookie: twice", me(&format!("session={alice}; session={bob}")), malformed()),
        row("cookie: twice, in two lines", get("/me").cookie(&alice).cookie(&bob), malformed()),
        row("cookie: twice, the first does not hold", me(&format!("session=opaque; session={alice}")), malformed()),
        row("cookie: twice, for a visitor", get("/visit").cookie(&alice).cookie(&bob), malformed()),
        row("cookie: twice, and nobody asks", get("/open").cookie(&alice).cookie(&bob), ok("open")),
        row("cookie: twice and equal", me(&format!("session={alice}; session={alice}")), ok("alice")),
        row("cookie: twice and equal, in two lines", get("/me").cookie(&alice).cookie(&alice), ok("alice")),
        row("cookie: twice and equal, one quoted", me(&format!("session={alice}; session=\"{alice}\"")), ok("alice")),
        row("cookie: twice and equal, and it does not hold", me("session=opaque; session=opaque"), invalid()),
        row("cookie: twice, the first empty", me(&format!("session=; session={alice}")), ok("alice")),
        row("cookie: twice, the second empty", me(&format!("session={alice}; session=")), ok("alice")),
        row("cookie: twice, both empty", me("session=; session="), missing()),
        row("cookie: more than 64 KiB", me(&format!("a={}; session={alice}", "x".repeat(65_536))), malformed()),
    ]
}

fn bearer() -> Vec<Row> {
    let (missing, invalid) = (|| unauthorized("credential_missing"), || unauthorized("invalid_token"));
    let alice = token("alice");
    let me = |value: &str| get("/me").header("authorization", value);
    let unreadable = get("/me").header("authorization", *b"Bearer \xff\xfe");
    vec![
        row("bearer: empty", me(""), missing()),
        row("bearer: blank", me("  "), missing()),
        row("bearer: another scheme", me("Basic YWxpY2U6c2VjcmV0"), missing()),
        row("bearer: a scheme that begins like it", me(&format!("Bearers {alice}")), missing()),
        row("bearer: in lower case", me(&format!("bearer {alice}")), ok("alice")),
        row("bearer: in upper case, two spaces", me(&format!("BEARER  {alice}")), ok("alice")),
        row("bearer: without a token", me("Bearer"), invalid()),
        row("bearer: with a blank token", me("Bearer  "), invalid()),
        row("bearer: two tokens", me(&format!("Bearer {alice} {alice}")), invalid()),
        row("bearer: a tab", me(&format!("Bearer\t{alice}")), invalid()),
        row("bearer: a list", me(&format!("Bearer {alice}, Basic YWxpY2U6")), invalid()),
        row("bearer: no scheme", me("\"alice\""), invalid()),
        row("bearer: not UTF-8", unreadable, invalid()),
        row("bearer: twice", get("/me").bearer(&alice).bearer(&alice), malformed("invalid_request")),
        row("bearer: twice, one of another scheme", me("Basic YWxpY2U6").bearer(&alice), malformed("invalid_request")),
    ]
}

fn header() -> Vec<Row> {
    let (missing, invalid) = (|| unauthorized("credential_missing"), || unauthorized("invalid_token"));
    let alice = token("alice");
    let me = |value: &str| get("/me").header("x-api-key", value);
    vec![
        row("header: empty", me(""), missing()),
        row("header: blank", me("  "), missing()),
        row("header: with space around it", me(&format!("  {alice} ")), ok("alice")),
        row("header: not UTF-8", get("/me").header("x-api-key", *b"\xff\xfe"), invalid()),
        row("header: two words", me("a b"), invalid()),
        row("header: twice", me(&alice).header("x-api-key", alice.as_str()), malformed("invalid_request")),
        row("header: twice, both empty", me("").header("x-api-key", ""), malformed("invalid_request")),
    ]
}

fn query() -> Vec<Row> {
    let (missing, invalid, twice) =
        (|| unauthorized("credential_missing"), || unauthorized("invalid_token"), || malformed("invalid_request"));
    let (alice, bob) = (token("alice"), token("bob"));
    let me = |name: &str, value: &str| get("/me").query(name, value);
    let both = || get("/me").query("access_token", &alice);
    vec![
        row("query: another name", me("token", &alice), missing()),
        row("query: another case", me("Access_Token", &alice), missing()),
        row("query: empty", me("access_token", ""), missing()),
        row("query: without a value", get("/me?access_token"), missing()),
        row("query: among others", get("/me?a=1").query("access_token", &alice).query("b", "2"), ok("alice")),
        row(
            "query: the target names the service",
            get("https://api.example.com/me").host("").query("access_token", &alice),
            ok("alice"),
        ),
        row("query: its name encoded", me("access%5Ftoken", &alice), ok("alice")),
        row("query: not UTF-8", me("access_token", "%ff%fe"), invalid()),
        row("query: blank", me("access_token", "%20"), invalid()),
        row("query: two words", me("access_token", "a+b"), invalid()),
        row("query: twice", me("access_token", &alice).query("access_token", &alice), twice()),
        row(
            "query: twice, the second by its encoded name",
            me("access_token", &alice).query("access%5ftoken", &bob),
            twice(),
        ),
        row("query: beside a bearer header", both().bearer(&alice), twice()),
        row("query: beside a bearer header that does not hold", both().bearer("opaque"), twice()),
        row("query: beside a bearer header without a token", both().header("authorization", "Bearer"), twice()),
        row("query: beside another scheme", both().header("authorization", "Basic YWxpY2U6"), ok("alice")),
        row("query: empty, beside a bearer header", get("/me?access_token=").bearer(&alice), ok("alice")),
    ]
}
