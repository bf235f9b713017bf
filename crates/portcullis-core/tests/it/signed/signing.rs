//! What can be signed, and which signers a gate accepts.

use super::{LIFE, SECRET, answer, builder, gate, get, keys};
use portcullis_core::{ErrorKind, Gate, Scheme, SignedUrls, policy::signed, testing::TestIssuer};
use std::time::Duration;

fn problem(gate: &Gate, method: &str, address: &str, life: Duration) -> String {
    let error = gate.sign("tiles", method, address, life).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!error.to_string().contains("swordfish"), "{error}");
    error.to_string()
}

#[test]
fn an_address_that_clients_change_is_not_signed() {
    let gate = gate(keys());
    for (address, part) in [
        ("", "begin with one `/`"),
        ("tiles", "begin with one `/`"),
        ("https://swordfish.example/tiles", "begin with one `/`"),
        ("//swordfish.example/tiles", "begin with one `/`"),
        ("?a=1", "begin with one `/`"),
        ("/a/../swordfish", "a part `.` or `..`"),
        ("/a/./b", "a part `.` or `..`"),
        ("/a/%2e%2E/b", "a part `.` or `..`"),
        ("/a/.%2e", "a part `.` or `..`"),
        ("/a b", "percent-encode"),
        ("/é", "percent-encode"),
        ("/a\\b", "percent-encode"),
        ("/a#b", "percent-encode"),
        ("/a\"b", "percent-encode"),
        ("/a%", "percent-encode"),
        ("/a%2", "percent-encode"),
        ("/a%zz", "percent-encode"),
        ("/a\nb", "percent-encode"),
        ("/a?b=it's", "percent-encode"),
        ("/a?b=1#c", "percent-encode"),
        ("/a?b[]=1", "percent-encode"),
        ("/a?b=a b", "percent-encode"),
    ] {
        assert!(problem(&gate, "GET", address, LIFE).contains(part), "{address}");
    }
    for address in
        ["/", "/a/b.c", "/...", "/a..b", "/it's", "/a%20b?c=%27d%27", "/a?b=c+d/e?f", "/a?", "/~a;v=1,2:@!$&()*"]
    {
        let url = gate.sign("tiles", "GET", address, LIFE).unwrap();
        assert_eq!(answer(&gate, signed("tiles"), &get(url.expose())), "200", "{address}");
    }
}

#[test]
fn parameters_of_ours_are_not_the_applications() {
    let gate = gate(keys());
    for name in ["expires", "key_id", "signature", "%65xpires", "key%5Fid"] {
        assert!(problem(&gate, "GET", &format!("/a?b=1&{name}=swordfish"), LIFE).contains("which the signature adds"));
    }
    assert!(gate.sign("tiles", "GET", "/a?secure=1&Expires=2&key=3", LIFE).is_ok());
    let some = self::gate(keys().only(["layer", "name"]));
    assert!(problem(&some, "GET", "/a?layer=7", LIFE).contains("no parameter `name`"));
    assert!(some.sign("tiles", "GET", "/a?nam%65=1&layer", LIFE).is_ok(), "as the handler reads it");
}

#[test]
fn the_method_and_the_life_are_checked() {
    let gate = gate(keys());
    for (method, part) in
        [("HEAD", "signed for GET"), ("get", "capital letters"), ("", "capital letters"), ("GET ", "capital")]
    {
        assert!(problem(&gate, method, "/a", LIFE).contains(part), "{method}");
    }
    for life in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(604_801), Duration::MAX] {
        assert!(problem(&gate, "GET", "/a", life).contains("1 to 604800 seconds"), "{life:?}");
    }
    assert!(gate.sign("tiles", "GET", "/a", Duration::from_secs(604_800)).is_ok());
    let short = self::gate(keys().max_life(LIFE));
    assert!(problem(&short, "GET", "/a", LIFE + Duration::from_secs(1)).contains("1 to 600 seconds"));
    let error = gate.sign("files", "GET", "/a", LIFE).unwrap_err().to_string();
    assert!(error.contains("`files`") && error.contains(r#"["tiles"]"#), "{error}");
    let none = builder().build().unwrap().sign("tiles", "GET", "/a", LIFE).unwrap_err().to_string();
    assert!(none.contains(".signer(\"tiles\", …)"), "{none}");
}

#[test]
fn keys_are_checked() {
    for (id, secret) in
        [("", SECRET), ("a b", SECRET), ("a&b", SECRET), ("é", SECRET), (&"a".repeat(33), SECRET), ("a", &SECRET[1..])]
    {
        let error = SignedUrls::new(id, secret).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{id}");
        assert!(!error.to_string().contains(&SECRET[1..]));
    }
    assert!(SignedUrls::new("A-z.0_9", SECRET).is_ok());
    assert!(keys().also("a", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU").unwrap_err().to_string().contains("the id `a`"));
}

#[test]
fn signers_that_cannot_work_are_found_when_the_gate_is_built() {
    let payload = |keys: SignedUrls, name| keys.dangerous_payload(name, |_| None);
    for (signer, part) in [
        (keys().only(["expires"]), "is covered anyway"),
        (keys().max_life(Duration::ZERO), "less than a second"),
        (payload(keys(), "expires"), "is `expires`"),
        (payload(keys(), "a&b"), "is `expires`, or is not"),
        (payload(keys().bound_to_caller(), "secure"), "cannot be bound"),
        (payload(keys().only(["a"]), "secure"), "says twice"),
        (payload(keys(), "secure").only(["a"]), "says twice"),
        (keys().only(["a"]).only(["b"]), "says twice"),
    ] {
        let error = builder().signer("tiles", signer).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("signer `tiles`") && error.to_string().contains(part), "{error}");
    }
    let error = builder().signer("tiles", keys()).signer("tiles", keys()).build().unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    assert!(builder().signer("", keys()).build().is_err());
    let reads = |name: &str, signer: SignedUrls| {
        let scheme = Scheme::new(TestIssuer::new().verifier()).query(name);
        Gate::builder().scheme(scheme).signer("tiles", signer).build()
    };
    for name in ["expires", "key_id", "signature"] {
        let error = reads(name, keys()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`, which a scheme reads")), "{error}");
    }
    assert!(reads("key_id", payload(keys(), "secure")).is_ok());
    assert!(reads("token", keys()).is_ok());
}

#[test]
fn neither_a_key_nor_an_address_is_shown() {
    let gate = gate(keys());
    let url = gate.sign("tiles", "GET", "/swordfish", LIFE).unwrap();
    let shown = format!("{:?} {url:?} {:?} {:?}", keys(), gate, builder().signer("tiles", keys()));
    assert!(!shown.contains("swordfish") && !shown.contains(SECRET) && !shown.contains("112, 81"), "{shown}");
}
