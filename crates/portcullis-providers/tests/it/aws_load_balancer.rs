//! Tokens of AWS's load balancers.

use crate::tokens::{now, subject};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use portcullis_core::{
    Credential, CredentialSource, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply, Verifier,
    testing::TestIssuer,
};
use portcullis_providers::aws_load_balancer::LoadBalancer;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const ARN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
const OTHER: &str = "arn:aws:elasticloadbalancing:eu-central-1:999999999999:loadbalancer/app/evil/50dc6c495c0c9188";
const KID: &str = "12345678-1234-4234-8234-123456789012";
const ISSUER: &str = "https://id.example.com";

/// The keys of a region, and what was asked for.
#[derive(Debug, Clone, Default)]
struct Region {
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Option<(u16, String)>>>,
}

impl Region {
    fn answering(status: u16, body: impl Into<String>) -> Self {
        let this = Self::default();
        *this.answer.lock().unwrap() = Some((status, body.into()));
        this
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl HttpClient for Region {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.asked.lock().unwrap().push(request.url().to_owned());
        let is_known = request.url().ends_with(KID);
        reply.give(match self.answer.lock().unwrap().clone() {
            Some((status, body)) if is_known || status != 200 => Ok(HttpResponse::new(status, body)),
            Some(_) => Ok(HttpResponse::new(403, "<Error/>")),
            None => Err(Error::new(ErrorKind::Unavailable, "down")),
        });
    }
}

/// A token as a balancer writes it: base64 with padding.
fn token(tester: &TestIssuer, header: Value, claims: Value) -> String {
    let at = tester.clock().seconds();
    let mut head = json!({ "alg": "ES256", "typ": "JWT", "kid": KID, "signer": ARN, "iss": ISSUER, "client": "web", "exp": at + 120 });
    let mut body = json!({ "sub": "alice", "iss": ISSUER, "email": "alice@example.com", "exp": at + 120 });
    for (object, changes) in [(&mut head, header), (&mut body, claims)] {
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
    }
    let text = [head, body].map(|part| URL_SAFE.encode(part.to_string())).join(".");
    format!("{text}.{}", URL_SAFE.encode(tester.signing_key().sign_bytes(text.as_bytes())))
}

fn set_up() -> (TestIssuer, Region, Verifier) {
    let tester = TestIssuer::new();
    let region = Region::answering(200, tester.signing_key().public_pem().unwrap());
    let balancer = LoadBalancer::new([ARN], ISSUER, region.clone()).unwrap().clock(tester.clock()).unwrap();
    (tester, region, balancer.into())
}

fn kind(verifier: &Verifier, token: &str) -> Option<ErrorKind> {
    let credential = Credential::new(token, CredentialSource::header("x-amzn-oidc-data"));
    now(verifier.authenticate(&credential)).err().map(|error| error.kind())
}

#[test]
fn a_user_of_the_balancer_is_accepted() {
    let (tester, region, verifier) = set_up();
    let good = token(&tester, json!({}), json!({}));
    assert!(good.contains('='), "it has padding, as the real ones");
    assert_eq!(subject(&verifier, &good).as_deref(), Ok("alice"));
    let principal = crate::tokens::enter(&verifier, &good).unwrap();
    assert_eq!(principal.issuer(), Some(ISSUER));
    let email: Option<String> = principal.token_claims().unwrap().get("email").unwrap();
    assert_eq!(email.as_deref(), Some("alice@example.com"));
    assert_eq!(
        *region.asked.lock().unwrap(),
        [format!("https://public-keys.auth.elb.eu-central-1.amazonaws.com/{KID}")]
    );
}

#[test]
fn other_balancers_and_other_issuers_are_refused() {
    let (tester, region, verifier) = set_up();
    for signer in [json!(OTHER), json!(format!("{ARN}x")), json!("")] {
        assert_eq!(kind(&verifier, &token(&tester, json!({ "signer": signer }), json!({}))), Some(ErrorKind::Invalid));
    }
    assert_eq!(region.asked(), 0, "nothing is fetched for them");
    assert_eq!(
        kind(&verifier, &token(&tester, json!({}), json!({ "iss": "https://other.test" }))),
        Some(ErrorKind::Unrecognized)
    );
    let expired = json!({ "exp": tester.clock().seconds() });
    assert_eq!(kind(&verifier, &token(&tester, json!({}), expired)), Some(ErrorKind::Expired));
    for claims in [json!({ "exp": null }), json!({ "sub": null }), json!({ "sub": "" })] {
        assert_eq!(kind(&verifier, &token(&tester, json!({}), claims)), Some(ErrorKind::Invalid));
    }
    for algorithm in ["none", "HS256", "RS256"] {
        let changed = token(&tester, json!({ "alg": algorithm }), json!({}));
        assert_eq!(kind(&verifier, &changed), Some(ErrorKind::Invalid), "{algorithm}");
    }
    // signed by somebody else, and changed afterwards
    let forger =
        TestIssuer::with_key(portcullis_core::testing::SigningKey::embedded(portcullis_core::Algorithm::Es384));
    assert_eq!(kind(&verifier, &token(&forger, json!({}), json!({}))), Some(ErrorKind::Invalid));
    let (good, other) = (token(&tester, json!({}), json!({})), token(&tester, json!({}), json!({ "sub": "mallory" })));
    let (signed, signature) = (other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
    assert_eq!(kind(&verifier, &format!("{signed}.{signature}")), Some(ErrorKind::Invalid));
    assert_eq!(kind(&verifier, &good.replace('=', "")), Some(ErrorKind::Invalid));
    assert_eq!(kind(&verifier, &good), None);
}

#[test]
fn what_could_lead_elsewhere_is_not_fetched() {
    let (tester, region, verifier) = set_up();
    let names = [
        "../evil",
        "",
        "12345678-1234-4234-8234-12345678901",
        "12345678-1234-4234-8234-123456789012/..",
        "12345678-1234-4234-8234-12345678901G",
        "12345678-1234-4234-8234-123456789012?a",
        "1234567801234042340823401234567890120",
    ];
    for kid in names {
        assert_eq!(
            kind(&verifier, &token(&tester, json!({ "kid": kid }), json!({}))),
            Some(ErrorKind::Invalid),
            "{kid}"
        );
    }
    for kid in [json!(null), json!(7), json!([KID])] {
        assert_eq!(kind(&verifier, &token(&tester, json!({ "kid": kid }), json!({}))), Some(ErrorKind::Unrecognized));
    }
    for text in ["", "a", "a.b.c", "e30.e30.e30", &"a".repeat(20_000), &format!("{}.e30.e30", "a".repeat(5_000))] {
        assert_eq!(kind(&verifier, text), Some(ErrorKind::Unrecognized), "{text:.20}");
    }
    assert_eq!(region.asked(), 0);
}

#[test]
fn made_up_keys_cause_few_requests_and_take_no_place() {
    let (tester, region, verifier) = set_up();
    let good = token(&tester, json!({}), json!({}));
    assert_eq!(kind(&verifier, &good), None);
    let made_up = |number: usize| format!("{number:08x}-0000-4000-8000-000000000000");
    for number in 0..1_000 {
        let flood = token(&tester, json!({ "kid": made_up(number) }), json!({}));
        assert_eq!(kind(&verifier, &flood), Some(ErrorKind::Unavailable), "{number}");
    }
    assert_eq!(region.asked(), 1 + 4);
    assert_eq!(kind(&verifier, &good), None);
    tester.clock().advance(Duration::from_secs(30));
    let next = token(&tester, json!({ "kid": made_up(5_000) }), json!({}));
    assert_eq!(kind(&verifier, &next), Some(ErrorKind::Unavailable));
    assert_eq!((kind(&verifier, &good), region.asked()), (None, 6));
}

#[test]
fn answers_that_are_no_key_are_no_reason_to_refuse() {
    let tester = TestIssuer::new();
    let rsa = TestIssuer::with_algorithm(portcullis_core::Algorithm::Rs256).signing_key().public_pem().unwrap();
    let short = tester.signing_key().public_pem().unwrap().replacen('M', "", 1);
    for (status, body) in [(200, "<html>"), (200, ""), (200, &*rsa), (200, &*short), (500, ""), (302, ""), (404, "")] {
        let region = Region::answering(status, body);
        let verifier = LoadBalancer::new([ARN], ISSUER, region.clone()).unwrap().clock(tester.clock()).unwrap().into();
        let good = token(&tester, json!({}), json!({}));
        assert_eq!(kind(&verifier, &good), Some(ErrorKind::Unavailable), "{status} {body:.20}");
        *region.answer.lock().unwrap() = Some((200, tester.signing_key().public_pem().unwrap()));
        tester.clock().advance(Duration::from_secs(60));
        assert_eq!(kind(&verifier, &token(&tester, json!({}), json!({}))), None, "and up again");
    }
}

#[test]
fn settings_that_cannot_work_are_errors_at_start() {
    let works =
        |arns: &[&str], issuer: &str| LoadBalancer::new(arns.iter().copied(), issuer, Region::default()).is_ok();
    assert!(works(&[ARN], ISSUER) && works(&[ARN, OTHER], ISSUER));
    let elsewhere = ARN.replace("eu-central-1", "us-east-1");
    assert!(!works(&[], ISSUER) && !works(&[ARN], "") && !works(&[ARN, &elsewhere], ISSUER));
    for wrong in [
        "",
        "arn:aws:elasticloadbalancing::123456789012:loadbalancer/app/a/b",
        "arn:aws:elasticloadbalancing:eu.evil.test/x:123456789012:loadbalancer/app/a/b",
        "arn:aws:elasticloadbalancing:eu-central-1:123:loadbalancer/app/a/b",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/a/b",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/",
        "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:123456789012:loadbalancer/app/a/b",
    ] {
        assert!(!works(&[wrong], ISSUER), "{wrong}");
    }
}
