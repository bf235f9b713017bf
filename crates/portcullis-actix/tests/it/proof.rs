//! Tokens that are bound to a key of the client, or to its certificate.

use crate::{
    ask::{Served, send},
    fresh::upstream::Upstream,
};
use actix_web::{App, test::TestRequest, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Routes};
use portcullis_core::{
    Algorithm, Audience, ClientCertificates, Dpop, Gate, Introspection, Issuer, Requirement, Scheme,
    policy::{
        Policy, authenticated, fresh,
        values::{AnyPrincipal, Fresh},
    },
    testing::{FixedClock, SigningKey, TestIssuer},
};
use serde_json::json;
use std::{net::SocketAddr, time::Duration};

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

const NOW: Fresh<AnyPrincipal> = fresh(Duration::ZERO, authenticated());

struct AnyNow;
impl Requirement for AnyNow {
    const POLICY: &'static dyn Policy = &NOW;
}

/// These extractors wait at the same time.
async fn now(_: Authenticated, who: Authorized<AnyNow>, _: Authorized<AnyNow>) -> String {
    who.principal().unwrap().id().subject().to_owned()
}

/// An outer guard takes what is remembered of an opaque token, and an inner one asks its issuer again.
#[actix_web::test]
async fn a_proof_counts_once_where_the_issuer_is_asked_twice() {
    let (key, clock) = (SigningKey::embedded(Algorithm::Es256), FixedClock::at(1_767_268_800));
    let cnf = json!({ "jkt": key.key().thumbprint() });
    let says = json!({ "active": true, "token_type": "DPoP", "aud": "test", "sub": "alice", "cnf": cnf });
    let upstream = Upstream::saying(says.to_string());
    let issuer = Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let asking = Introspection::new(issuer, "https://issuer.test/ask", upstream.clone()).unwrap().clock(clock.clone());
    let scheme = Scheme::new(asking).bearer().dpop(Dpop::new("https://api.example.com").unwrap());
    let gate = Gate::builder().scheme(scheme).build().unwrap();
    let fresh =
        Routes::new(&gate).route("/me", NOW, web::get().to(me)).route("/now", authenticated(), web::get().to(now));
    let layers = web::resource("/layers").route(web::get().to(me)).wrap(gate.require(NOW));
    let scope = web::scope("/v1")
        .service(layers)
        .service(web::scope("/routes").configure(fresh.into_config()))
        .route("/extractors", web::get().to(now))
        .wrap(gate.require(authenticated()));
    let alone = web::resource("/alone").route(web::get().to(now));
    let app = serve!(App::new().app_data(gate.clone()).service(scope).service(alone));

    let ask = async |path: &str, authorization: &'static str, proof: Option<&str>| {
        let request = TestRequest::get().uri(path).insert_header(("authorization", authorization));
        let request = proof.into_iter().fold(request, |request, proof| request.insert_header(("dpop", proof)));
        send(&app, request).await
    };
    for path in ["/v1/routes/me", "/v1/routes/now", "/v1/layers", "/v1/extractors", "/alone"] {
        for _ in 0..2 {
            let proof = key.dpop_proof("GET", &format!("https://api.example.com{path}"), "opaque", &clock);
            let before = upstream.asked();
            assert_eq!(ask(path, "DPoP opaque", Some(&proof)).await.body, "alice", "{path}");
            assert!(upstream.asked() > before, "{path}");
            assert_eq!(ask(path, "DPoP opaque", Some(&proof)).await.status, 401, "{path}: again");
        }
        assert_eq!(ask(path, "DPoP opaque", None).await.status, 401, "{path}: no proof");
        assert_eq!(ask(path, "Bearer opaque", None).await.status, 401, "{path}: bearer");
    }
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
