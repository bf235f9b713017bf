//! What a verified token says, and what becomes of it.

use crate::tokens::{ISSUER, NOW, at_noon, claims, good, hs256, issuer, verifier, with_claims, with_more};
use futures_util::FutureExt;
use portcullis_core::{
    ClaimMap, Claims, Credential, CredentialSource, Error, ErrorKind, Permission, Principal, PrincipalKind,
    testing::TestIssuer,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ptr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, UNIX_EPOCH},
};

fn verified(more: &str) -> Claims {
    verifier().verify(&with_more(more)).unwrap()
}

/// The principal that a map makes of a token with these claims besides `iss`, `aud` and `exp`.
fn principal_of(map: ClaimMap, more: &str) -> Result<Principal, Error> {
    let comma = if more.is_empty() { "" } else { "," };
    let token = with_claims(&format!(r#"{{"iss":"{ISSUER}","aud":"test","exp":{}{comma}{more}}}"#, NOW + 300));
    let credential = Credential::new(token, CredentialSource::bearer());
    let verifier = at_noon(issuer().claim_map(map));
    verifier.authenticate(&credential).now_or_never().unwrap()
}

pub(crate) fn alice(map: ClaimMap, more: &str) -> Principal {
    principal_of(map, &format!(r#""sub":"alice"{}{more}"#, if more.is_empty() { "" } else { "," })).unwrap()
}

#[test]
fn registered_claims() {
    let claims = verified(r#""nbf":1767268799.5,"iat":1767268700,"jti":"\u0031""#);
    let at = |seconds: f64| Some(UNIX_EPOCH + Duration::from_secs_f64(seconds));
    assert_eq!(claims.issuer().as_deref(), Some(ISSUER));
    assert_eq!(claims.subject().as_deref(), Some("alice"));
    assert_eq!(claims.audience(), ["test"]);
    assert_eq!(claims.token_id().as_deref(), Some("1"));
    assert_eq!(claims.expires_at(), at(1_767_269_100.0));
    assert_eq!(claims.not_before(), at(1_767_268_799.5));
    assert_eq!(claims.issued_at(), at(1_767_268_700.0));
    let none = verified("");
    assert_eq!((none.token_id(), none.not_before(), none.issued_at()), (None, None, None));
    let two = with_claims(&claims_for(r#"["test","other"]"#));
    assert_eq!(verifier().verify(&two).unwrap().audience(), ["test", "other"]);
}

fn claims_for(audience: &str) -> String {
    claims("").replace("\"test\"", audience)
}

#[test]
fn by_name_and_by_pointer() {
    let claims = verified(
        r#""realm_access":{"roles":["a","b\n"],"x/y":{"~":1}},"https://example.com/roles":[{"n":null}],"":7,"\u00e9":"\ud83d\ude00","big":12345678901234567890"#,
    );
    let text = |path: &str| claims.get::<String>(path).unwrap();
    let number = |path: &str| claims.get::<u64>(path).unwrap();
    assert_eq!(claims.get::<Vec<String>>("/realm_access/roles").unwrap().unwrap(), ["a", "b\n"]);
    assert_eq!(text("/realm_access/roles/1").as_deref(), Some("b\n"));
    assert_eq!(text("/sub").as_deref(), Some("alice"));
    assert_eq!(text("sub").as_deref(), Some("alice"));
    assert_eq!(text("é").as_deref(), Some("😀"));
    assert_eq!(number("/realm_access/x~1y/~0"), Some(1));
    assert_eq!(number("/"), Some(7), "the claim without a name");
    assert_eq!(number("big"), Some(12_345_678_901_234_567_890));
    assert_eq!(claims.get::<Option<u8>>("/https:~1~1example.com~1roles/0/n").unwrap(), Some(None));
    assert!(claims.get::<serde_json::Value>("https://example.com/roles").unwrap().is_some(), "not a pointer");
    for absent in [
        "realm_access/roles",
        "/realm_access/roles/2",
        "/realm_access/roles/01",
        "/realm_access/roles/+1",
        "/realm_access/roles/-",
        "/realm_access/roles/",
        "/sub/0",
        "/realm_access/roles/18446744073709551616",
        "SUB",
        "nothing",
    ] {
        assert_eq!(claims.get::<serde_json::Value>(absent).unwrap(), None, "{absent}");
    }
}

#[test]
fn another_type_is_an_error_that_tells_no_value() {
    let claims = verified(r#""email":"alice@example.com","age":"secret-value-42""#);
    assert_eq!(claims.get::<String>("email").unwrap().as_deref(), Some("alice@example.com"));
    let error = claims.get::<u64>("age").unwrap_err();
    assert_eq!(
        (error.kind(), &*error.to_string()),
        (ErrorKind::Invalid, "the claim `age` does not fit the type asked for")
    );
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its type matters")]
    struct Wrong {
        age: u64,
    }
    let view = claims.view::<Wrong>().unwrap_err();
    assert_eq!(view.to_string(), "the claim `age` does not fit the type asked for");
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its type matters")]
    struct More {
        phone: String,
    }
    let missing = claims.view::<More>().unwrap_err();
    assert_eq!(missing.to_string(), "the claim `phone` is missing from the token");
    let whole = claims.view::<Vec<u8>>().unwrap_err();
    assert_eq!(whole.to_string(), "the claims do not fit the type asked for");
    for error in [error, view, missing, whole] {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret-value") && !shown.contains("example.com"), "{shown}");
    }
}

static PARSED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted(BTreeMap<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PARSED.fetch_add(1, Relaxed);
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

#[test]
fn a_view_is_parsed_once_and_shared() {
    let principal = alice(ClaimMap::new(), r#""email":"alice@example.com""#);
    let claims = principal.token_claims().unwrap().clone();
    assert_eq!(PARSED.load(Relaxed), 0, "nothing is parsed before somebody asks");
    let first = claims.view::<Counted>().unwrap();
    assert_eq!(first.0["email"], "alice@example.com");
    assert!(ptr::eq(first, claims.view().unwrap()));
    assert!(ptr::eq(first, claims.clone().view().unwrap()), "clones share it");
    assert!(ptr::eq(first, principal.claims().unwrap()), "so does the principal");
    assert!(ptr::eq(first, principal.clone().with_role("admin").claims().unwrap()), "and one that was made from it");
    // A second type beside it is another view, and moves nothing.
    let other = claims.view::<BTreeMap<String, serde_json::Value>>().unwrap();
    assert_eq!(*other, first.0);
    assert!(ptr::eq(other, claims.view().unwrap()) && ptr::eq(first, claims.view().unwrap()));
    assert_eq!(PARSED.load(Relaxed), 1);
}

#[test]
fn threads_agree_on_one_view() {
    let claims = verified(r#""n":1"#);
    let addresses: Vec<(usize, usize)> = thread::scope(|scope| {
        let look = || {
            let a = ptr::from_ref(claims.view::<BTreeMap<String, serde_json::Value>>().unwrap()).addr();
            let b = ptr::from_ref(claims.view::<serde_json::Value>().unwrap()).addr();
            (a, b)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(look)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(addresses.iter().all(|address| *address == addresses[0]), "{addresses:?}");
}

#[test]
fn debug_shows_names_and_no_values() {
    let principal =
        alice(ClaimMap::new().roles("role").unwrap(), r#""email":"alice@example.com","secret":{"inner":"s3cr3t"}"#);
    let claims = principal.token_claims().unwrap();
    assert_eq!(format!("{claims:?}"), r#"Claims{"iss", "aud", "exp", "sub", "email", "secret"}"#);
    let shown = format!("{principal:?} {:?}", verifier().verify(&good()));
    assert!(!shown.contains("example.com") && !shown.contains("s3cr3t") && !shown.contains("inner"), "{shown}");
}

#[test]
fn flags_are_true_or_1() {
    let staff = || ClaimMap::new().staff("admin_access").unwrap();
    for (value, is) in [
        ("true", true),
        ("1", true),
        ("false", false),
        ("0", false),
        ("null", false),
        ("\"true\"", false),
        ("\"false\"", false),
        ("\"1\"", false),
        ("\"\"", false),
        ("1.0", false),
        ("1e0", false),
        ("10", false),
        ("2", false),
        ("-1", false),
        ("[true]", false),
        ("[]", false),
        (r#"{"true":true}"#, false),
    ] {
        assert_eq!(alice(staff(), &format!(r#""admin_access":{value}"#)).is_staff(), is, "{value}");
    }
    assert!(!alice(staff(), "").is_staff(), "absent");
    assert!(!alice(staff(), r#""ADMIN_ACCESS":true,"x":{"admin_access":true}"#).is_staff(), "elsewhere");
    assert!(!alice(ClaimMap::new(), r#""staff":true,"admin_access":true"#).is_staff(), "what is not named is not read");
    assert!(alice(ClaimMap::new().staff("/x/admin").unwrap(), r#""x":{"admin":true}"#).is_staff());
}

#[test]
fn names_in_the_shapes_that_issuers_write() {
    let map = || {
        ClaimMap::new()
            .roles("role")
            .unwrap()
            .roles("/realm_access/roles")
            .unwrap()
            .scopes("scope")
            .unwrap()
            .scopes("scp")
            .unwrap()
    };
    let roles = |more: &str| alice(map(), more).roles().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(roles(r#""role":"manager""#), ["manager"]);
    assert_eq!(roles(r#""role":["manager","user"]"#), ["manager", "user"]);
    assert_eq!(roles(r#""role":"a","realm_access":{"roles":["b"]}"#), ["a", "b"]);
    assert_eq!(roles(r#""role":"a b""#), ["a b"], "one text is one role");
    let zitadel = r#""role":{"admin":{"1":"acme.example.com"},"name":{"2":"b"}}"#;
    assert_eq!(roles(zitadel), ["admin", "name"]);
    assert_eq!(roles(r#""role":{"admin":true,"user":1,"owner":false,"guest":0,"x":null}"#), ["admin", "user"]);
    assert_eq!(roles(r#""role":[{"id":1,"name":"admin"},{"authority":"ROLE_USER"},"c"]"#), ["admin", "ROLE_USER", "c"]);
    for nothing in [r#""role":null"#, r#""role":[]"#, r#""role":{}"#, r#""role":"""#, r#""role":{"a":false}"#, ""] {
        assert!(roles(nothing).is_empty(), "{nothing}");
    }
    // Nothing else is read as no roles.
    for unread in [
        "5",
        "true",
        "false",
        r#"[["admin"]]"#,
        "[5]",
        r#"["user",null]"#,
        r#"[{"admin":1}]"#,
        r#"[{"name":5}]"#,
        r#"{"id":1,"name":"admin"}"#,
        r#"{"admin":"yes"}"#,
        r#"{"admin":["x"]}"#,
        r#"{"admin":2}"#,
    ] {
        for claim in ["role", "scope", "permissions", "org"] {
            let map = map().permissions("permissions").unwrap().organization("org").unwrap();
            let found = principal_of(map, &format!(r#""sub":"alice","{claim}":{unread}"#));
            if claim == "org" && unread == "5" {
                assert_eq!(found.unwrap().organization(), Some("5"));
                continue;
            }
            let error = found.unwrap_err();
            assert_eq!((error.kind(), error.issuer()), (ErrorKind::Invalid, Some(ISSUER)), "{claim}: {unread}");
            assert!(error.to_string().starts_with(&format!("the claim `{claim}` is not ")), "{error}");
        }
    }
    let scopes = |more: &str| alice(map(), more).scopes().to_vec();
    assert_eq!(scopes(r#""scope":"read  write""#), ["read", "write"]);
    assert_eq!(scopes(r#""scp":["read","write"]"#), ["read", "write"]);
    assert_eq!(scopes(r#""scp":{"read":1,"write":0}"#), ["read"]);
    // RFC 6749, section 3.3 and appendix A.4: between scopes there are spaces, and no other white space.
    for one in [r"read\twrite", r"read\nwrite", r"read\fwrite", r"read\rwrite", r"read\u00a0write", r"read\u2003write"]
    {
        let found = scopes(&format!(r#""scope":"{one} admin""#));
        assert!(found.len() == 2 && found[0].len() > 9 && found[1] == "admin", "{found:?}");
    }
    let held = |more: &str| alice(ClaimMap::new().permissions("permissions").unwrap(), more);
    let read = Permission::from_static("orders:read");
    assert!(held(r#""permissions":["orders:read"]"#).has_permission(&read));
    for no in [
        r#""permissions":["orders:write"]"#,
        r#""permissions":{"orders:read":false}"#,
        r#""permissions":["nonsense"]"#,
        r#""permissions":"orders:read, orders:write""#,
    ] {
        assert!(!held(no).has_permission(&read), "{no}");
    }
}

#[test]
fn subjects() {
    let subject = |more: &str| principal_of(ClaimMap::new().subject("id").unwrap(), more);
    for (more, want) in [
        (r#""id":"alice""#, "alice"),
        (r#""id":42"#, "42"),
        (r#""id":0"#, "0"),
        (r#""id":123456789012345678901234567890"#, "123456789012345678901234567890"),
        (r#""id":"42""#, "42"),
        (r#""id":"\u0061lice""#, "alice"),
    ] {
        assert_eq!(subject(more).unwrap().id().subject(), want);
    }
    for more in [
        "",
        r#""id":"""#,
        r#""id":null"#,
        r#""id":true"#,
        r#""id":1.5"#,
        r#""id":1e3"#,
        r#""id":["alice"]"#,
        r#""id":{}"#,
        r#""sub":"alice""#,
    ] {
        let error = subject(more).unwrap_err();
        assert_eq!((error.kind(), error.issuer()), (ErrorKind::Invalid, Some(ISSUER)), "{more}");
        assert!(error.to_string().contains("has no valid subject"), "{error}");
    }
}

/// Machines have tokens without `sub`, by the grant of client credentials.
#[test]
fn a_subject_in_one_of_several_places() {
    let map = || ClaimMap::new().or_subject("client_id").unwrap().or_subject("/azp").unwrap();
    let who = |more: &str| principal_of(map(), more).map(|found| (found.id().subject().to_owned(), found.kind()));
    use PrincipalKind::{Service, User};
    for (more, name, kind) in [
        (r#""sub":"alice""#, "alice", User),
        (r#""sub":"alice","client_id":"web","azp":"web""#, "alice", User),
        (r#""client_id":"sync""#, "sync", Service),
        (r#""client_id":"sync","azp":"web""#, "sync", Service),
        (r#""azp":"sync""#, "sync", Service),
        (r#""client_id":null,"azp":"sync""#, "sync", Service),
    ] {
        assert_eq!(who(more).unwrap(), (name.to_owned(), kind), "{more}");
    }
    // What is there and is no name is not passed over.
    for more in [r#""sub":"","client_id":"sync""#, r#""client_id":true,"azp":"sync""#, r#""client_id":"""#, r#""x":1"#]
    {
        assert!(who(more).unwrap_err().to_string().contains("has no valid subject"), "{more}");
    }
    let error = principal_of(ClaimMap::new(), r#""client_id":"sync""#).unwrap_err();
    assert!(error.to_string().contains("it has no `sub`; ClaimMap::or_subject"), "{error}");
    let own = principal_of(ClaimMap::new().subject("client_id").unwrap(), r#""client_id":"sync""#).unwrap();
    assert_eq!(own.kind(), Service);
    let key = ClaimMap::new().kind(PrincipalKind::Key).or_subject("client_id").unwrap();
    assert_eq!(principal_of(key, r#""sub":"k1""#).unwrap().kind(), PrincipalKind::Key);
}

#[test]
fn an_integer_may_be_a_subject() {
    let map = || ClaimMap::new().integer_subject();
    let alice = principal_of(map(), r#""sub":7"#).unwrap();
    assert_eq!(alice.id().subject(), "7");
    assert_eq!(alice.token_claims().unwrap().subject().as_deref(), Some("7"));
    assert_eq!(principal_of(map(), r#""sub":"7""#).unwrap().id().subject(), "7");
    for no in ["1.5", "1e3", "-0", "true", "null", r#"["7"]"#, r#"{"id":7}"#] {
        assert!(principal_of(map(), &format!(r#""sub":{no}"#)).is_err(), "{no}");
    }
    let error = principal_of(ClaimMap::new(), r#""sub":7"#).unwrap_err();
    assert!(error.to_string().contains("ClaimMap::integer_subject accepts it"), "{error}");
}

#[test]
fn the_rest_of_a_principal() {
    let issuer = TestIssuer::new();
    let token = issuer.token("alice").role("manager").scope("read").organization("acme").staff().sign();
    let credential = Credential::new(token, CredentialSource::bearer());
    let alice = issuer.verifier().authenticate(&credential).now_or_never().unwrap().unwrap();
    assert_eq!((alice.id().subject(), alice.kind()), ("alice", PrincipalKind::User));
    assert_eq!((alice.issuer(), alice.organization(), alice.is_staff()), (Some(ISSUER), Some("acme"), true));
    assert_eq!(alice.expires_at(), Some(UNIX_EPOCH + Duration::from_secs(NOW + 300)));
    let service = principal_of(
        ClaimMap::new().kind(PrincipalKind::Service).organization("org").unwrap(),
        r#""sub":"sync","org":["acme"]"#,
    )
    .unwrap();
    assert_eq!((service.kind(), service.organization()), (PrincipalKind::Service, Some("acme")));
    let organization = |org: &str| {
        let map = ClaimMap::new().organization("org").unwrap();
        principal_of(map, &format!(r#""sub":"alice","org":{org}"#)).map(|found| found.organization().map(str::to_owned))
    };
    for (one, name) in [(r#""acme""#, "acme"), ("7", "7"), (r#"{"acme":{"id":"x"}}"#, "acme"), (r#"["acme"]"#, "acme")]
    {
        assert_eq!(organization(one).unwrap().as_deref(), Some(name), "{one}");
    }
    for none in ["null", "[]", "{}", r#""""#] {
        assert_eq!(organization(none).unwrap(), None, "{none}");
    }
    for several in [r#"["acme","umbrella"]"#, r#"{"acme":{},"umbrella":{}}"#] {
        assert!(organization(several).unwrap_err().to_string().contains("is not one organization"), "{several}");
    }
    // A session that cannot be named could not be ended.
    for (sid, holds) in
        [(r#""s1""#, true), ("7", true), ("null", true), ("true", false), (r#"["s1"]"#, false), ("{}", false)]
    {
        let found = principal_of(ClaimMap::new(), &format!(r#""sub":"alice","sid":{sid}"#));
        assert_eq!(found.is_ok(), holds, "{sid}");
    }
    let error = Principal::new(PrincipalKind::User, "bob").claims::<serde_json::Value>().unwrap_err();
    assert!(error.to_string().contains("has no token"), "{error}");
}

#[test]
fn when_it_was_proved() {
    let since = |more: &str| alice(ClaimMap::new(), more).authenticated_at();
    let at = |milliseconds: u64| Some(UNIX_EPOCH + Duration::from_millis(milliseconds));
    assert_eq!(since(r#""auth_time":1767260000,"iat":1767268000"#), at(1_767_260_000_000));
    assert_eq!(since(r#""auth_time":1767260000.5,"iat":1767268000"#), at(1_767_260_000_500));
    assert_eq!(since(""), None);
    // The time of issue would make an old sign-in look new.
    assert_eq!(since(r#""iat":1767268000"#), None);
    for auth_time in ["null", "\"1767260000\"", "true", "-1", "1e300", "[1767260000]"] {
        assert_eq!(since(&format!(r#""auth_time":{auth_time},"iat":1767268000"#)), None, "{auth_time}");
    }
}

#[test]
fn errors_show_no_part_of_a_token() {
    let bad = [
        good() + "x",
        good().replacen('.', ".e30", 1),
        hs256().sign(r#"{"alg":"HS256"}"#, &claims(r#""aud":"s3cr3t""#)),
        with_more(r#""nbf":"s3cr3t""#),
        with_more(r#""email":"s3cr3t@example.com","iat":9999999999"#),
        with_claims(r#"{"iss":"https://issuer.test","password":"s3cr3t""#),
    ];
    for token in bad {
        let error = verifier().verify(&token).unwrap_err();
        let mut shown = format!("{error} {error:?} {:?}", error.challenge(Some("realm")));
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains("s3cr3t"), "{shown}");
        for part in token.split('.') {
            assert!(!shown.contains(part), "{shown}");
        }
    }
    // What is quoted of a token that nobody vouches for is short and cannot end a line of the log.
    let name = format!("a\\n\\u001b[31m{}", "x".repeat(200));
    let error = verifier().verify(&with_claims(&format!(r#"{{"iss":"{name}"}}"#))).unwrap_err().to_string();
    assert!(error.contains(r"`a\n\u{1b}[31m") && error.contains("…`") && !error.contains(&"x".repeat(100)), "{error}");
    assert!(!error.chars().any(char::is_control), "{error}");
}
