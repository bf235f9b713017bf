//! What only its owner can send is not asked where it comes from.

use super::*;

/// Only the credential that decides is asked where it comes from, and only if a browser would have added it.
#[test]
fn what_only_its_owner_can_send_is_read_from_everywhere() {
    let cookie_first = gate(|scheme| scheme.cookie("session").bearer().header("x-key").query("token"));
    let bearer_first = gate(|scheme| scheme.bearer().header("x-key").query("token").cookie("session"));
    let strict_cookie_first = gate_with(|scheme| scheme.cookie("session").bearer(), GateBuilder::reject_conflicts);
    let strict_bearer_first = gate_with(|scheme| scheme.bearer().cookie("session"), GateBuilder::reject_conflicts);
    let without = gate(|scheme| scheme.bearer().header("x-key").query("token").websocket_protocol());
    let other = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test"), ("sec-fetch-mode", "cors")];
    let ours = [("sec-fetch-site", "same-origin")];
    let from = |headers: &[(&str, &str)]| headers.iter().fold(Head::new().method("POST"), |h, (n, v)| h.header(n, v));
    let cookie = |head: Head| head.header("cookie", "session=abc");
    let key = |head: Head| head.header("x-key", "def");
    let (theirs, own) = (|| from(&other), || from(&ours));
    for (what, gate, head, expected) in [
        ("a cookie", &cookie_first, cookie(theirs()), CROSS),
        ("a cookie of ours", &cookie_first, cookie(own()), READ),
        ("a cookie before a header", &cookie_first, cookie(theirs()).bearer("def"), CROSS),
        ("the same of ours", &cookie_first, cookie(own()).bearer("def"), READ),
        (
            "an empty cookie before a header",
            &cookie_first,
            theirs().header("cookie", "session=").bearer("def"),
            text("def"),
        ),
        ("another cookie before a header", &cookie_first, theirs().header("cookie", "a=b").bearer("def"), text("def")),
        ("a header", &cookie_first, theirs().bearer("def"), text("def")),
        ("a key", &cookie_first, key(theirs()), text("def")),
        ("a parameter", &cookie_first, theirs().query("token=def"), text("def")),
        ("a cookie before a parameter", &cookie_first, cookie(theirs()).query("token=def"), CROSS),
        ("a header before a cookie", &bearer_first, cookie(theirs()).bearer("def"), text("def")),
        ("a key before a cookie", &bearer_first, key(cookie(theirs())), text("def")),
        ("a parameter before a cookie", &bearer_first, cookie(theirs()).query("token=def"), text("def")),
        ("an empty parameter before a cookie", &bearer_first, cookie(theirs()).query("token="), CROSS),
        (
            "another scheme before a cookie",
            &bearer_first,
            cookie(theirs()).header("authorization", "Basic eA=="),
            CROSS,
        ),
        ("the cookie alone", &bearer_first, cookie(theirs()), CROSS),
        ("the cookie alone of ours", &bearer_first, cookie(own()), READ),
        // A broken header is not skipped for a cookie, whoever asks.
        (
            "a broken header before a cookie",
            &bearer_first,
            cookie(theirs()).header("authorization", "Bearer"),
            UNUSABLE,
        ),
        ("both the same", &strict_cookie_first, cookie(theirs()).bearer("abc"), CROSS),
        ("both the same of ours", &strict_cookie_first, cookie(own()).bearer("abc"), READ),
        ("both the same, the header first", &strict_bearer_first, cookie(theirs()).bearer("abc"), READ),
        ("two that differ", &strict_cookie_first, cookie(theirs()).bearer("def"), CONFLICT),
        ("two that differ, the header first", &strict_bearer_first, cookie(theirs()).bearer("def"), CONFLICT),
        ("the cookie alone, strictly", &strict_bearer_first, cookie(theirs()), CROSS),
        // A gate that reads no cookie does not look at who asks, not even at what is there twice.
        ("no cookies, a cookie", &without, cookie(theirs()), ABSENT),
        ("no cookies, a header", &without, cookie(theirs()).bearer("abc"), READ),
        ("no cookies, a key", &without, key(cookie(theirs())), text("def")),
        ("no cookies, a parameter", &without, cookie(theirs()).query("token=def"), text("def")),
        ("no cookies, two sites", &without, theirs().header("sec-fetch-site", "none").bearer("abc"), READ),
        ("cookies, two sites, a header", &cookie_first, theirs().header("sec-fetch-site", "none").bearer("abc"), READ),
        ("cookies, two sites, a cookie", &cookie_first, cookie(theirs()).header("sec-fetch-site", "none"), MALFORMED),
        (
            "no cookies, a subprotocol",
            &without,
            cookie(theirs()).header("upgrade", "websocket").header("sec-websocket-protocol", "bearer, def"),
            text("def"),
        ),
    ] {
        check(gate, what, &head, expected);
    }
}

#[test]
fn without_a_cookie_nobody_is_asked_where_he_is_from() {
    let gate = gate(|scheme| scheme.cookie("session").cookie("old"));
    let theirs = |line: &str| {
        let head = Head::new().method("POST").header("sec-fetch-site", "cross-site");
        head.header("origin", "https://evil.test").header("cookie", line)
    };
    for (what, line, expected) in [
        ("another cookie", "theme=dark", ABSENT),
        ("a cookie of nearly the name", "Session=abc; session2=abc; xsession=abc", ABSENT),
        ("an empty cookie", "session=", ABSENT),
        ("a quoted empty cookie", "session=\"\"", ABSENT),
        ("a blank cookie", "session= ", ABSENT),
        ("a cookie", "session=abc", CROSS),
        ("an empty one before a good one", "session=; old=abc", CROSS),
        // It is refused in any case, and it is told as what it is.
        ("a cookie that cannot be read", "session=a b", UNUSABLE),
        ("two cookies", "session=abc; session=def", MALFORMED),
        ("one cookie twice", "session=abc; session=abc", CROSS),
    ] {
        let read = gate.read(&theirs(line)).map(|read| read.map(|read| read.expose().to_owned()));
        let expected = expected.map(|read| read.map(str::to_owned));
        assert_eq!(
            read.map_err(|error| (error.kind(), error.code().to_owned())),
            expected.map_err(|(k, c)| (k, c.to_owned())),
            "{what}"
        );
    }
    let error = gate.read(&theirs("session=; old=abc")).unwrap_err();
    assert_eq!(error.credential_source(), Some(&CredentialSource::cookie("old")));
    let nobody = gate.establish(&theirs("session=")).ready().unwrap();
    assert!(nobody.visitor().unwrap().is_none());
    let missing = nobody.principal().unwrap_err();
    assert_eq!((missing.kind(), missing.status(), missing.code()), (ErrorKind::Missing, 401, "credential_missing"));
}
