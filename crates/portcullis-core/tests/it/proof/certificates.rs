//! Tokens that are bound to the certificate of a client.

use super::{ask, error};
use crate::head::Head;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use portcullis_core::{
    ClientCertificates, Credential, CredentialSource, Dpop, ErrorKind, Gate, Scheme, TokenCache, testing::TestIssuer,
};
use serde_json::json;

/// RFC 8705, appendix A: a self-signed certificate, and its thumbprint.
const CERTIFICATE: &str = "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=";
const THUMBPRINT: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

fn certificates() -> ClientCertificates {
    ClientCertificates::from_proxies(["10.0.0.7", "10.1.0.0/16", "fd00::/8"]).unwrap()
}

fn gate_with(issuer: &TestIssuer, certificates: ClientCertificates) -> Gate {
    let scheme = Scheme::new(issuer.verifier()).bearer();
    Gate::builder().scheme(scheme).client_certificates(certificates).build().unwrap()
}

fn bound(issuer: &TestIssuer, thumbprint: &str) -> String {
    issuer.token("alice").claim("cnf", json!({ "x5t#S256": thumbprint })).sign()
}

fn from_proxy(token: &str) -> Head {
    Head::new().bearer(token).peer("10.0.0.7")
}

#[tokio::test]
async fn a_token_is_valid_with_its_certificate() {
    let issuer = TestIssuer::new();
    let (gate, token) = (gate_with(&issuer, certificates()), bound(&issuer, THUMBPRINT));
    let with = |der: &str| from_proxy(&token).header("client-cert", format!(":{der}:"));
    assert_eq!(ask(&gate, &with(CERTIFICATE)).await.as_deref(), Ok("alice"));
    let other = STANDARD.encode(b"another certificate");
    assert_eq!(ask(&gate, &with(&other)).await, Err("invalid_token".to_owned()));
    let without = error(&gate, &from_proxy(&token)).await;
    assert_eq!((without.status(), without.code()), (401, "invalid_token"));
    assert!(without.to_string().contains("x5t#S256"), "{without}");
    // Proxies write an empty header where there is none.
    assert_eq!(ask(&gate, &from_proxy(&token).header("client-cert", "")).await, Err("invalid_token".to_owned()));
    // Tokens that are bound to none need none.
    let unbound = issuer.token("bob").sign();
    assert_eq!(ask(&gate, &from_proxy(&unbound)).await.as_deref(), Ok("bob"));
    assert_eq!(ask(&gate, &Head::new().bearer(&unbound)).await.as_deref(), Ok("bob"));
    let with_one = from_proxy(&unbound).header("client-cert", format!(":{CERTIFICATE}:"));
    assert_eq!(ask(&gate, &with_one).await.as_deref(), Ok("bob"));
}

#[tokio::test]
async fn the_header_counts_from_proxies_alone() {
    let issuer = TestIssuer::new();
    let (gate, token) = (gate_with(&issuer, certificates()), bound(&issuer, THUMBPRINT));
    let request = || Head::new().bearer(&token).header("client-cert", format!(":{CERTIFICATE}:"));
    for proxy in ["10.0.0.7", "::ffff:10.0.0.7", "10.1.0.0", "10.1.255.255", "fd12::1"] {
        assert_eq!(ask(&gate, &request().peer(proxy)).await.as_deref(), Ok("alice"), "{proxy}");
    }
    for other in ["10.0.0.8", "10.2.0.0", "10.0.255.255", "192.0.2.1", "fe80::1", "fc00::1", "::ffff:10.0.0.8"] {
        let refused = error(&gate, &request().peer(other)).await;
        assert_eq!((refused.status(), refused.kind()), (400, ErrorKind::Malformed), "{other}");
        // Nobody is misled by an address in a header.
        let forwarded = request().peer(other).header("x-forwarded-for", "10.0.0.7");
        assert_eq!(error(&gate, &forwarded).await.status(), 400, "{other}");
    }
    assert_eq!(error(&gate, &request()).await.status(), 400, "no address is known");
    // Whatever the token is, and whether there is one.
    let unbound = Head::new().bearer(&issuer.token("bob").sign()).header("client-cert", "").peer("192.0.2.1");
    assert_eq!(error(&gate, &unbound).await.status(), 400);
    let nobody = gate.establish(&Head::new().header("client-cert", ":AAAA:").peer("192.0.2.1")).await;
    assert!(nobody.visitor().is_err_and(|error| error.status() == 400));
    assert!(gate.establish(&Head::new().header("client-cert", ":AAAA:").peer("10.0.0.7")).await.visitor().is_ok());
}

#[tokio::test]
async fn the_header_is_one_byte_sequence() {
    let issuer = TestIssuer::new();
    let (gate, token) = (gate_with(&issuer, certificates()), bound(&issuer, THUMBPRINT));
    let with = |value: &str| from_proxy(&token).header("client-cert", value);
    let huge = format!(":{}:", "A".repeat(20_000));
    for bad in [CERTIFICATE, ":", "::", ":%:", &format!(":{CERTIFICATE}"), &format!(":{CERTIFICATE}:;a"), &huge] {
        assert_eq!(error(&gate, &with(bad)).await.status(), 400, "{bad}");
    }
    let good = format!(":{CERTIFICATE}:");
    assert_eq!(error(&gate, &with(&good).header("client-cert", &good)).await.status(), 400, "twice");
    assert_eq!(ask(&gate, &with(&format!(" {good} "))).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn a_proxy_may_send_the_thumbprint() {
    let issuer = TestIssuer::new();
    let gate = gate_with(&issuer, certificates().thumbprint_in("X-Client-Cert-SHA256"));
    let token = bound(&issuer, THUMBPRINT);
    let with = |value: &str| from_proxy(&token).header("x-client-cert-sha256", value);
    let bytes = URL_SAFE_NO_PAD.decode(THUMBPRINT).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for good in [THUMBPRINT, &hex, &hex.to_uppercase()] {
        assert_eq!(ask(&gate, &with(good)).await.as_deref(), Ok("alice"), "{good}");
    }
    let others = hex.replace('a', "b");
    assert_eq!(ask(&gate, &with(&others)).await, Err("invalid_token".to_owned()));
    for bad in ["x", &hex[2..], &format!("+{}", &hex[1..]), &hex.replace('0', "g"), &format!(":{CERTIFICATE}:")] {
        assert_eq!(error(&gate, &with(bad)).await.status(), 400, "{bad}");
    }
    // The other header has no meaning then.
    let elsewhere = Head::new().bearer(&issuer.token("bob").sign()).header("client-cert", ":AAAA:");
    assert_eq!(ask(&gate, &elsewhere).await.as_deref(), Ok("bob"));
    assert!(ask(&gate, &from_proxy(&token).header("client-cert", format!(":{CERTIFICATE}:"))).await.is_err());
}

#[tokio::test]
async fn a_cached_token_needs_its_certificate_each_time() {
    let issuer = TestIssuer::new();
    let scheme = Scheme::new(issuer.verifier()).bearer();
    let builder = Gate::builder().scheme(scheme).cache(TokenCache::new(10));
    let gate = builder.client_certificates(certificates()).build().unwrap();
    let token = bound(&issuer, THUMBPRINT);
    for _ in 0..3 {
        let with = from_proxy(&token).header("client-cert", format!(":{CERTIFICATE}:"));
        assert_eq!(ask(&gate, &with).await.as_deref(), Ok("alice"));
        assert_eq!(ask(&gate, &from_proxy(&token)).await, Err("invalid_token".to_owned()));
    }
    let credential = Credential::new(token, CredentialSource::bearer());
    assert!(gate.authenticate(credential).await.principal().is_err(), "outside of a request");
}

#[tokio::test]
async fn a_gate_that_knows_no_certificates_refuses_what_it_cannot_check() {
    let issuer = TestIssuer::new();
    let token = bound(&issuer, THUMBPRINT);
    let dpop = Dpop::new(super::API).unwrap();
    let with_dpop = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer().dpop(dpop)).build().unwrap();
    assert_eq!(ask(&with_dpop, &Head::new().bearer(&token)).await, Err("invalid_token".to_owned()));
    let by_key = issuer.token("alice").claim("cnf", json!({ "jkt": THUMBPRINT })).sign();
    let with_certificates = gate_with(&issuer, certificates());
    assert_eq!(ask(&with_certificates, &from_proxy(&by_key)).await, Err("invalid_token".to_owned()));
    // A gate with neither does not look at the claim.
    let plain = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    assert_eq!(ask(&plain, &Head::new().bearer(&token)).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn a_token_may_be_bound_to_both() {
    let issuer = TestIssuer::new();
    let scheme = Scheme::new(issuer.verifier()).dpop(super::dpop());
    let gate = Gate::builder().scheme(scheme).client_certificates(certificates()).build().unwrap();
    let client = super::Client::new(&issuer);
    let both = json!({ "jkt": client.key.key().thumbprint(), "x5t#S256": THUMBPRINT });
    let client = super::Client { token: issuer.token("alice").claim("cnf", both).sign(), ..client };
    let request = || client.request(&client.proof("GET", "/")).peer("10.0.0.7");
    let certificate = format!(":{CERTIFICATE}:");
    assert_eq!(ask(&gate, &request()).await, Err("invalid_token".to_owned()));
    assert_eq!(ask(&gate, &request().header("client-cert", &certificate)).await.as_deref(), Ok("alice"));
    let authorization = format!("DPoP {}", client.token);
    let no_proof = Head::new().header("authorization", authorization).header("client-cert", &certificate);
    assert_eq!(ask(&gate, &no_proof.peer("10.0.0.7")).await, Err("invalid_dpop_proof".to_owned()));
}

#[test]
fn what_cannot_work_is_found_at_the_start() {
    let good = ["10.0.0.7", "10.0.0.0/8", "10.0.0.7/32", "::1", "fd00::/8", "fd00::1/128"];
    for address in good {
        assert!(ClientCertificates::from_proxies([address]).is_ok(), "{address}");
    }
    let bad = [
        "",
        "proxy",
        "10.0.0",
        "10.0.0.7/8",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "fd00::1/8",
        "::/129",
        "::/0",
        "0.0.0.0/0",
    ];
    for address in bad {
        let error = ClientCertificates::from_proxies(["10.0.0.7", address]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{address}");
    }
    assert!(ClientCertificates::from_proxies(std::iter::empty::<&str>()).is_err());
    let issuer = TestIssuer::new();
    let builds = |header: &str, source: CredentialSource| {
        let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).source(source));
        gate.client_certificates(certificates().thumbprint_in(header)).build().is_ok()
    };
    assert!(builds("x-thumbprint", CredentialSource::bearer()));
    assert!(!builds("x-thumbprint", CredentialSource::header("X-Thumbprint")));
    assert!(!builds("authorization", CredentialSource::header("x-token")));
    assert!(!builds("not a name", CredentialSource::bearer()));
    let twice = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    assert!(twice.client_certificates(certificates()).client_certificates(certificates()).build().is_err());
}
