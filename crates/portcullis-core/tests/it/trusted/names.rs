//! Who is trusted by name, and which names are names at all.

use super::*;
use portcullis_core::Jwt;

#[tokio::test]
async fn a_list_trusts_whole_names_and_asks_nobody_else() {
    let web = Web::of(&[A, B]);
    let issuers = trusting_nobody(&web, &clock()).trust([A]).unwrap();
    assert_eq!(web.count(), 0, "nothing is asked before a token comes");
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    assert_eq!(web.asked(), [format!("{A}/.well-known/openid-configuration"), format!("{A}/jwks")]);
    for other in [B, "https://a.example.com/", "https://A.example.com", "https://a.example.com/x", "a.example.com", ""]
    {
        assert_eq!(says(&issuers, &token_of(other)).await, UNRECOGNIZED, "{other}");
    }
    assert_eq!(says(&issuers, &issuer(A).token("alice").without("iss").sign()).await, UNRECOGNIZED);
    assert_eq!(says(&issuers, &issuer(A).token("alice").claim("iss", [A].as_slice()).sign()).await, UNRECOGNIZED);
    assert_eq!(says(&issuers, "opaque").await, UNRECOGNIZED);
    assert_eq!(says(&issuers, "a.b.c").await, UNRECOGNIZED);
    assert_eq!(web.count(), 2);
}

#[tokio::test]
async fn nobody_is_trusted_by_default() {
    let web = Web::of(&[A]);
    assert_eq!(says(&trusting_nobody(&web, &clock()), &token_of(A)).await, UNRECOGNIZED);
    assert_eq!(web.count(), 0);
}

#[tokio::test]
async fn a_predicate_is_asked_about_plain_names_each_time() {
    let web = Web::of(&[A, B]);
    let accepted = Arc::new(Mutex::new(A));
    let there = accepted.clone();
    let issuers = trusting_nobody(&web, &clock()).dangerous_trust_if(move |name| *there.lock().unwrap() == name);
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    assert_eq!(says(&issuers, &token_of(B)).await, UNRECOGNIZED);
    *accepted.lock().unwrap() = B;
    assert_eq!(says(&issuers, &token_of(A)).await, UNRECOGNIZED);
    assert_eq!(says(&issuers, &token_of(B)).await, Ok(()));
}

/// A predicate that accepts everything shows what is refused before.
#[tokio::test]
async fn nobody_is_asked_about_names_that_are_not_plain() {
    let web = Web::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let there = seen.clone();
    let accepts = move |name: &str| {
        there.lock().unwrap().push(name.to_owned());
        true
    };
    let tenants = Tenants::of(&[]);
    let issuers = trusting_nobody(&web, &clock()).dangerous_trust_if(accepts).trust_with(tenants.clone());
    let long = format!("https://a.example.com/{}", "x".repeat(256));
    for hostile in [
        "http://a.example.com",
        "HTTPS://a.example.com",
        "https:a.example.com",
        "https:/a.example.com",
        "https:///a.example.com",
        "https://",
        "//a.example.com",
        "file:///etc/passwd",
        "https://user@a.example.com",
        "https://user:secret@a.example.com",
        "https://a.example.com@evil.example",
        "https://a.example.com:443",
        "https://a.example.com:8443/x",
        "https://a.example.com:",
        "https://a.example.com#fragment",
        "https://a.example.com/#",
        "https://a.example.com?query=1",
        "https://a.example.com/?",
        "https://a.example.com\\@evil.example",
        "https:\\\\a.example.com",
        "https://a.example.com\\x",
        "https://b\u{fc}cher.example",
        "https://a.example.com/\u{fc}",
        "https://\u{ff11}27.0.0.1",
        "https://a\u{3002}example.com",
        "https://a.example.com.",
        "https://a.example.com./x",
        "https://.example.com",
        "https://a..example.com",
        "https://A.example.com",
        "https://a.Example.com",
        "https://a_b.example.com",
        "https://-a.example.com",
        "https://a-.example.com",
        "https://a.example.com/../x",
        "https://a.example.com/./x",
        "https://a.example.com//x",
        "https://a.example.com/x//",
        "https://a.example.com/%2e%2e/x",
        "https://a.example.com/x y",
        "https://a.example.com/x\n",
        " https://a.example.com",
        "https://a.example.com ",
        "https://a.example.com\0",
        "https://a.example.com\r\nHost: evil.example",
        "https://%61.example.com",
        "https://intranet",
        "https://localhost",
        "https://app.localhost",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0.0.1",
        "https://127.0.0.0x1",
        "https://0177.0.0.1",
        "https://0",
        "https://10.0.0.5",
        "https://169.254.169.254/latest/meta-data",
        "https://8.8.8.8",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[fe80::1%25eth0]",
        "https://a.example.123",
        &long,
    ] {
        assert_eq!(says(&issuers, &token_of(hostile)).await, UNRECOGNIZED, "{hostile}");
    }
    assert_eq!((seen.lock().unwrap().len(), tenants.count(), web.count()), (0, 0, 0));
    let plain = [
        "https://a.example.com",
        "https://a.example.com/",
        "https://xn--bcher-kva.example",
        "https://login.example.com/6f5b1a3e-7c0d-4c8e-9f67-7d2f0c9b8a11/v2.0",
        "https://id.example.com/realms/acme_1~x/",
        "https://1.example.com",
    ];
    for name in plain {
        assert_eq!(says(&issuers, &token_of(name)).await, UNAVAILABLE, "{name}");
    }
    assert_eq!(*seen.lock().unwrap(), plain);
}

#[tokio::test]
async fn a_token_that_is_too_long_is_refused_before_it_is_read() {
    let web = Web::of(&[A]);
    let tenants = Tenants::of(&[A]);
    let issuers = trusting_nobody(&web, &clock()).trust_with(tenants.clone());
    assert_eq!(says(&issuers, &token_of(&format!("{A}/{}", "x".repeat(1 << 20)))).await, INVALID);
    let long = issuer(A).token("alice").claim("more", "x".repeat(8 * 1024)).sign();
    assert_eq!(says(&issuers, &long).await, INVALID);
    assert_eq!(says(&issuers, &"x".repeat(1 << 20)).await, UNRECOGNIZED, "it is opaque");
    assert_eq!(tenants.count(), 0);
    let longer = issuers.settings(|issuer| Ok(issuer.max_token_bytes(16 * 1024))).unwrap();
    assert_eq!(says(&longer, &long).await, Ok(()));
}

#[tokio::test]
async fn a_header_that_no_issuer_may_have_is_refused_before_anybody_is_asked() {
    let web = Web::of(&[A]);
    let tenants = Tenants::of(&[A]);
    let issuers = trusting_nobody(&web, &clock()).trust_with(tenants.clone());
    assert_eq!(says(&issuers, &issuer(A).token("alice").header("alg", "none").sign()).await, INVALID);
    assert_eq!((tenants.count(), web.count()), (0, 0));
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
}

#[test]
fn mistakes_show_at_start() {
    #[derive(Debug)]
    struct Anywhere;
    impl HttpClient for Anywhere {
        fn send(&self, _: HttpRequest, reply: Reply) {
            drop(reply);
        }
    }
    let audience = || Audience::is("test");
    let kind = |made: Result<TrustedIssuers, Error>| made.map(drop).map_err(|error| error.kind());
    let misconfigured = Err(ErrorKind::Misconfigured);
    assert_eq!(kind(TrustedIssuers::new(audience(), [Algorithm::Es256], Anywhere)), misconfigured);
    assert_eq!(kind(TrustedIssuers::new(audience(), [Algorithm::Es256], Arc::new(Anywhere))), misconfigured);
    assert_eq!(kind(TrustedIssuers::dangerous_any_address(audience(), [Algorithm::Es256], Anywhere)), Ok(()));
    let web = Web::default();
    assert_eq!(kind(TrustedIssuers::new(audience(), [Algorithm::Es256], Arc::new(web.clone()))), Ok(()));
    assert_eq!(kind(TrustedIssuers::new(audience(), [Algorithm::Hs256], web.clone())), misconfigured);
    assert_eq!(kind(TrustedIssuers::new(audience(), [], web.clone())), misconfigured);
    assert_eq!(kind(TrustedIssuers::new(Audience::is(""), [Algorithm::Es256], web.clone())), misconfigured);
    let issuers = trusting_nobody(&web, &clock());
    for name in [
        "http://a.example.com",
        "a.example.com",
        "",
        "https://a.example.com?x",
        "https://u@a.example.com",
        "https://a\\b",
    ] {
        assert_eq!(kind(issuers.clone().trust([name])), misconfigured, "{name}");
    }
    assert_eq!(kind(issuers.clone().trust([A, "https://id.example.com:8443/x"])), Ok(()));
    assert_eq!(kind(issuers.clone().settings(|issuer| Ok(issuer.dangerous_any_name()))), misconfigured);
    assert_eq!(kind(issuers.clone().settings(|issuer| Ok(issuer.unnamed()))), misconfigured);
    assert_eq!(kind(issuers.clone().settings(|issuer| issuer.leeway(seconds(3600)))), misconfigured);
    assert_eq!(kind(issuers.settings(|issuer| Ok(issuer.token_type("at+jwt")))), Ok(()));
}

#[tokio::test]
async fn a_listed_issuer_may_have_a_port() {
    let name = "https://id.example.com:8443/x";
    let web = Web::of(&[name]);
    let issuers = trusting_nobody(&web, &clock());
    assert_eq!(says(&issuers.clone().trust([name]).unwrap(), &token_of(name)).await, Ok(()));
    assert_eq!(says(&issuers.trust_with(Tenants::of(&[name])), &token_of(name)).await, UNRECOGNIZED);
}

#[tokio::test]
async fn each_issuer_gets_the_settings() {
    let web = Web::of(&[A, B]);
    let issuers = trusting_nobody(&web, &clock()).trust([A, B]).unwrap();
    let shape =
        |issuer: portcullis_core::Issuer| Ok(if issuer.name() == A { issuer.token_type("at+jwt") } else { issuer });
    let issuers = issuers.settings(shape).unwrap();
    assert_eq!(says(&issuers, &token_of(A)).await, INVALID);
    assert_eq!(says(&issuers, &issuer(A).token("alice").header("typ", "at+jwt").sign()).await, Ok(()));
    assert_eq!(says(&issuers, &token_of(B)).await, Ok(()));
    let elsewhere = issuer(B).for_audience("billing");
    assert_eq!(says(&issuers, &token(&elsewhere)).await, INVALID);
}

/// The next scheme is asked about tokens of others.
#[tokio::test]
async fn another_scheme_of_the_gate_takes_what_is_left() {
    let (web, clock) = (Web::of(&[A]), clock());
    let other = issuer(B);
    let gate = portcullis_core::Gate::builder()
        .clock(clock.clone())
        .scheme(portcullis_core::Scheme::new(trusting_nobody(&web, &clock).trust([A]).unwrap()).bearer())
        .scheme(portcullis_core::Scheme::new(Jwt::new(other.issuer())).bearer())
        .build()
        .unwrap();
    for (name, known) in [(A, true), (B, true), ("https://c.example.com", false)] {
        let credential = Credential::new(token_of(name), CredentialSource::bearer());
        assert_eq!(gate.authenticate(credential).await.principal().is_ok(), known, "{name}");
    }
}
