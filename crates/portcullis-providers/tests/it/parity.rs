//! One contract for all issuers: the same request gets the same answer, whoever signed its token.

use crate::{gate::Head, shapes::*, tokens::now};
use portcullis_core::{Error, Gate, Principal, RevocationList, Scheme, policy::authenticated};
use serde_json::{Value, json};
use std::time::Duration;

struct Service {
    gate: Gate,
    revocations: RevocationList,
}

impl Service {
    fn of(shape: &Shape, client: Published, clock: impl portcullis_core::Clock + 'static) -> Self {
        let revocations = RevocationList::new(Duration::from_secs(3600));
        let scheme = Scheme::new((shape.verifier)(client).unwrap()).bearer();
        let gate = Gate::builder().clock(clock).revocations(revocations.clone()).scheme(scheme);
        Self { gate: gate.build().unwrap(), revocations }
    }

    /// The principal for a handler, or the status and the code of the refusal. Asked twice, since tokens are remembered.
    fn answer(&self, token: Option<&str>) -> Result<Principal, (u16, String)> {
        let plan = self.gate.plan(authenticated()).unwrap();
        let head = token.map_or_else(|| Head::of(&[]), Head::bearer);
        let ask = || now(self.gate.establish_for(&plan, &head)).principal().cloned();
        let (first, second) = (ask(), ask());
        assert_eq!(first.is_ok(), second.is_ok());
        second.map_err(|error: Error| {
            let refusal = self.gate.refuse(&error);
            let body: Value = serde_json::from_slice(refusal.body()).unwrap();
            (refusal.status(), body["code"].as_str().unwrap_or_default().to_owned())
        })
    }
}

#[test]
fn every_issuer_is_answered_alike() {
    for shape in &SHAPES {
        let (name, tester) = (shape.provider, shape.tester());
        let client = Published::by(shape, &tester);
        let service = Service::of(shape, client, tester.clock());
        let answer = |token: &str| service.answer(Some(token)).map(|_| ());
        let refused = |code: &str| Err((401, code.to_owned()));
        let good = shape.token(&tester, &json!({})).sign();

        // Accepted, with the issuer's name and a subject.
        let principal = service.answer(Some(&good)).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        assert!(!principal.id().subject().is_empty(), "{name}");
        assert!(principal.issuer().is_some(), "{name}");

        assert_eq!(service.answer(None).map(|_| ()), refused("credential_missing"), "{name}: absent");
        let expired = shape.token(&tester, &json!({})).expired_for(Duration::from_secs(120)).sign();
        assert_eq!(answer(&expired), refused("token_expired"), "{name}: expired");

        // Forged: other claims under the signature of a good token, a byte of the signature, and no signature.
        let other = shape.token(&tester, &json!({ "sub": "mallory", "id": "mallory" })).sign();
        let (signed, signature) = (other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
        let changed = if signature.starts_with('A') { "B" } else { "A" };
        let broken = format!("{}.{changed}{}", good.rsplit_once('.').unwrap().0, &signature[1..]);
        for forged in [format!("{signed}.{signature}"), broken, format!("{signed}.")] {
            assert_eq!(answer(&forged), refused("invalid_token"), "{name}: forged");
        }

        let elsewhere = shape.token(&tester, &(shape.elsewhere)()).sign();
        assert_eq!(answer(&elsewhere), refused("invalid_token"), "{name}: wrong audience");
        let environment = shape.token(&tester, &json!({ "iss": shape.environment })).sign();
        assert_eq!(answer(&environment), refused("invalid_token"), "{name}: wrong environment");

        // Still accepted after all that, until it is revoked.
        assert_eq!(answer(&good), Ok(()), "{name}");
        service.revocations.revoke(&principal);
        assert_eq!(answer(&good).map_err(|(status, _)| status), Err(401), "{name}: revoked");
    }
}

#[test]
fn an_issuer_that_is_down_is_no_reason_to_refuse_a_token() {
    for shape in &SHAPES {
        let (name, tester) = (shape.provider, shape.tester());
        let client = Published::by(shape, &tester);
        client.set_down(true);
        let service = Service::of(shape, client.clone(), tester.clock());
        let token = |subject: &str| shape.token(&tester, &json!({ "jti": subject })).sign();
        let status = |token: &str| service.answer(Some(token)).map(|_| ()).map_err(|(status, _)| status);
        if shape.keys_at.is_none() {
            assert_eq!(status(&token("1")), Ok(()), "{name} asks nobody");
            continue;
        }
        assert_eq!(status(&token("1")), Err(503), "{name}");
        client.set_down(false);
        tester.clock().advance(Duration::from_secs(60));
        assert_eq!(status(&token("2")), Ok(()), "{name}: up again");
        client.set_down(true);
        assert_eq!(status(&token("3")), Ok(()), "{name}: its keys are known");
    }
}

/// Each claim that a verifier reads, as a value of each other type.
#[test]
fn hostile_claims_are_refused_and_break_nothing() {
    for shape in &SHAPES {
        let claims = (shape.claims)();
        let names = claims.as_object().unwrap().keys().cloned();
        for claim in names.chain(["iss", "exp", "nbf", "iat", "sub", "aud"].map(str::to_owned)) {
            for value in [
                json!(-1),
                json!(1e300),
                json!(true),
                json!(""),
                json!("\u{0}"),
                json!([]),
                json!([[]]),
                json!({}),
                json!({ "id": 1 }),
                json!("x".repeat(5_000)),
            ] {
                let subject = |principal: Principal| principal.id().subject().to_owned();
                match shape.enter(json!({ claim.as_str(): value })).map(subject) {
                    // What is said about the caller can be anything; who it is and what it is for cannot.
                    Ok(subject) => assert!(!subject.is_empty(), "{}: {claim} {value}", shape.provider),
                    Err(error) => assert_eq!(error.status(), 401, "{}: {claim} {value}: {error}", shape.provider),
                }
            }
        }
        let is_refused = |changes: Value| shape.enter(changes).is_err();
        assert!(is_refused(json!({ "exp": null })) && is_refused(json!({ "exp": "tomorrow" })), "{}", shape.provider);
        assert!(
            is_refused(json!({ "iss": null })) && is_refused(json!({ "iss": [shape.issuer] })),
            "{}",
            shape.provider
        );
    }
}
