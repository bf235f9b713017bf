//! Tokens that are bound to a key of the client, or to its certificate.

use crate::ask::{Served, send};
use actix_web::{App, test::TestRequest, web};
use portcullis_actix::{Authenticated, Routes};
use portcullis_core::{
    Algorithm, ClientCertificates, Dpop, Gate, Scheme,
    policy::authenticated,
    testing::{SigningKey, TestIssuer},
};
use serde_json::json;
use std::net::SocketAddr;

async fn me(Authenticated(who): Authenticated, _: Authenticated) -> String {
    who.id().subject().to_owned()
}

/// The guard and both extractors share one look at the request.
async fn app(gate: &Gate) -> Served {
    let routes = Routes::new(gate).route("/v1/me", authenticated(), web::get().to(me));
    serve!(App::new().app_data(gate.clone()).configure(routes.into_config()))
}

#[actix_web::test]
async fn a_proof_is_for_one_request() {
    let issuer = TestIssuer::new();
    let dpop = Dpop::new("https://api.example.com").unwrap();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer().dpop(dpop)).build().unwrap();
    let (app, key) = (app(&gate).await, SigningKey::embedded(Algorithm::Es256));
    let token = issuer.token("alice").claim("cnf", json!({ "jkt": key.key().thumbprint() })).sign();
    let ask = async |scheme: &str, proof: &str| {
        let request = TestRequest::get().uri("/v1/me?a=b");
        let authorization = ("authorization", format!("{scheme} {token}"));
        send(&app, request.insert_header(authorization).insert_header(("dpop", proof))).await.status.as_u16()
    };
    let proof = |method: &str| key.dpop_proof(method, "https://api.example.com/v1/me", &token, &issuer.clock());
    let good = proof("GET");
    assert_eq!(ask("DPoP", &good).await, 200);
    for (name, scheme, proof) in
        [("again", "DPoP", good), ("method", "DPoP", proof("POST")), ("bearer", "Bearer", proof("GET"))]
    {
        assert_eq!(ask(scheme, &proof).await, 401, "{name}");
    }
    assert_eq!(ask("DPoP", &proof("GET")).await, 200);
}

#[actix_web::test]
async fn a_certificate_counts_from_a_proxy() {
    let issuer = TestIssuer::new();
    let certificates = ClientCertificates::from_proxies(["10.0.0.7"]).unwrap().thumbprint_in("x-thumbprint");
    let scheme = Scheme::new(issuer.verifier()).bearer();
    let app = app(&Gate::builder().scheme(scheme).client_certificates(certificates).build().unwrap()).await;
    let thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
    let token = issuer.token("alice").claim("cnf", json!({ "x5t#S256": thumbprint })).sign();
    let ask = async |peer: Option<[u8; 4]>, thumbprint: Option<&str>| {
        let mut request = TestRequest::get().uri("/v1/me").insert_header(("authorization", format!("Bearer {token}")));
        if let Some(thumbprint) = thumbprint {
            request = request.insert_header(("x-thumbprint", thumbprint));
        }
        if let Some(peer) = peer {
            request = request.peer_addr(SocketAddr::from((peer, 4711)));
        }
        send(&app, request).await.status.as_u16()
    };
    assert_eq!(ask(Some([10, 0, 0, 7]), Some(thumbprint)).await, 200);
    assert_eq!(ask(Some([10, 0, 0, 7]), None).await, 401);
    assert_eq!(ask(Some([192, 0, 2, 1]), Some(thumbprint)).await, 400);
    assert_eq!(ask(None, Some(thumbprint)).await, 400);
    assert_eq!(ask(None, None).await, 401);
}
