//! Cookies, and the pages that browsers send them for.

use crate::{assert_accepted, assert_refused, send, send_actix};
use axum::{
    Router,
    http::{Method, Request, request},
    middleware::from_fn,
    response::IntoResponse,
    routing::{get, post},
};
use portcullis::{Error, Gate, GateBuilder, Scheme, axum::Routes, policy::authenticated, testing::TestIssuer};

fn app(builder: GateBuilder) -> Result<Router, Error> {
    let gate = builder.build()?;
    let methods = get("welcome").merge(post("done"));
    Ok(Routes::new(&gate).route("/", authenticated(), methods).into_router())
}

#[tokio::test]
async fn misspelt_cookie() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let cookie = format!("session={}", issuer.token("alice").sign());
    let request = || Request::get("/").header("cookie", &cookie);

    let verifier = issuer.verifier();
    let mistaken = app(Gate::builder().scheme(Scheme::new(verifier.clone()).cookie("sesion").bearer()))?;
    assert_refused(send(&mistaken, request()).await, 401);

    let fixed = app(as_shown!(Gate::builder().scheme(Scheme::new(verifier).cookie("session").bearer())))?;
    assert_accepted(send(&fixed, request()).await);
    assert_eq!(send(&fixed, Request::get("/")).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn page_of_another_origin() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let cookie = format!("session={}", issuer.token("alice").sign());
    let with_cookie = |request: request::Builder| request.header("cookie", &cookie);
    let from =
        |origin: &str| with_cookie(Request::post("/")).header("sec-fetch-site", "same-site").header("origin", origin);

    let verifier = issuer.verifier();
    let mistaken = app(Gate::builder().scheme(Scheme::new(verifier.clone()).cookie("session")))?;
    assert_accepted(send(&mistaken, with_cookie(Request::get("/"))).await);
    assert_refused(send(&mistaken, from("https://app.example.com")).await, 403);
    let reading =
        with_cookie(Request::get("/")).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "cors");
    assert_refused(send(&mistaken, reading.header("origin", "https://app.example.com")).await, 403);
    assert_refused(send(&mistaken, with_cookie(Request::post("/"))).await, 403);

    let allowing = as_shown!(
        Gate::builder().scheme(Scheme::new(verifier).cookie("session")).allow_origin("https://app.example.com")
    );
    let fixed = app(allowing)?;
    assert_accepted(send(&fixed, from("https://app.example.com")).await);
    assert_eq!(send(&fixed, from("https://evil.example.net")).await.0, 403);
    Ok(())
}

#[tokio::test]
async fn two_cookies_of_one_name() -> Result<(), Error> {
    let issuer = TestIssuer::new();
    let (token, earlier) = (issuer.token("alice").sign(), issuer.token("alice").role("viewer").sign());
    let request = |cookies: String| Request::get("/").header("cookie", cookies);

    let verifier = issuer.verifier();
    let mistaken = app(Gate::builder().scheme(Scheme::new(verifier.clone()).cookie("session")))?;
    assert_refused(send(&mistaken, request(format!("session={earlier}; session={token}"))).await, 400);
    assert_accepted(send(&mistaken, request(format!("session={token}; session={token}"))).await);
    assert_accepted(send(&mistaken, request(format!("session=; session={token}"))).await);

    let fixed = app(as_shown!(Gate::builder().scheme(Scheme::new(verifier).cookie("__Host-session"))))?;
    assert_accepted(send(&fixed, request(format!("session={earlier}; __Host-session={token}"))).await);
    assert_eq!(send(&fixed, request(format!("session={token}"))).await.0, 401);
    Ok(())
}

#[tokio::test]
async fn guard_outside_of_cors() -> Result<(), Error> {
    use portcullis::axum::GateExt;

    async fn orders() -> &'static str {
        "orders"
    }
    let issuer = TestIssuer::new();
    let gate = &Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
    let cors =
        from_fn(
            async |request: axum::extract::Request, next: axum::middleware::Next| {
                if request.method() == Method::OPTIONS { "go ahead".into_response() } else { next.run(request).await }
            },
        );
    let preflight = || {
        let request = Request::options("/orders").header("origin", "https://app.example.com");
        request.header("access-control-request-method", "GET")
    };

    let mistaken = Router::new().route("/orders", get(orders)).layer(cors.clone()).layer(gate.require(authenticated()));
    assert_refused(send(&mistaken, preflight()).await, 401);

    let fixed = as_shown!(Router::new().route("/orders", get(orders)).layer(gate.require(authenticated())).layer(cors));
    for fixed in [fixed.clone(), fixed.layer(gate.enforce())] {
        assert_accepted(send(&fixed, preflight()).await);
        assert_eq!(send(&fixed, Request::get("/orders")).await.0, 401);
        let by_alice = format!("Bearer {}", issuer.token("alice").sign());
        assert_accepted(send(&fixed, Request::get("/orders").header("authorization", by_alice)).await);
    }
    Ok(())
}

#[actix_web::test]
async fn guard_outside_of_cors_on_actix() -> Result<(), Error> {
    use actix_web::{
        App, HttpResponse,
        body::MessageBody,
        dev::{ServiceRequest, ServiceResponse},
        middleware::{Next, from_fn},
        test::{TestRequest, init_service},
        web,
    };
    use portcullis::actix::GateExt;

    async fn cors(
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
        if request.method() == "OPTIONS" {
            return Ok(request.into_response(HttpResponse::Ok().finish()).map_into_left_body());
        }
        next.call(request).await.map(ServiceResponse::map_into_right_body)
    }
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build()?;
    let guarded = || web::scope("/orders").route("", web::get().to(async || "orders"));
    let preflight = || {
        let request = TestRequest::with_uri("/orders").method("OPTIONS".parse().unwrap());
        request
            .insert_header(("origin", "https://app.example.com"))
            .insert_header(("access-control-request-method", "GET"))
    };

    let mistaken = guarded().wrap(from_fn(cors)).wrap(gate.require(authenticated()));
    let mistaken = init_service(App::new().service(mistaken)).await;
    assert_refused(send_actix(&mistaken, preflight().to_request()).await, 401);

    let fixed = guarded().wrap(gate.require(authenticated())).wrap(from_fn(cors));
    let fixed = init_service(App::new().service(fixed)).await;
    assert_accepted(send_actix(&fixed, preflight().to_request()).await);
    assert_eq!(send_actix(&fixed, TestRequest::with_uri("/orders").to_request()).await.0, 401);
    Ok(())
}
