//! A service that trusts the provider, and a browser at one with sign-in.

use crate::{
    common::{Anyhow, variable},
    provider::text,
};
use axum::{Router, body::Body, routing::get};
use http::{Request, Response, header::SET_COOKIE, request::Builder};
use http_body_util::BodyExt;
use portcullis::{
    Algorithm, Audience, Clock, Error, Gate, Introspection, Issuer, RemoteKeys, RoleHierarchy, Scheme,
    axum::{Authenticated, Routes},
    policy::{authenticated, role},
    providers::rfc9068,
    reqwest::Client,
    sign_in::Provider,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tower::ServiceExt;

/// The system's clock, and what a test adds to it, in seconds.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Arc<AtomicU64>);

impl Ahead {
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.0.load(Relaxed))
    }

    fn identity(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }
}

pub fn issuer() -> Anyhow<Issuer> {
    let name = variable("GLEWLWYD_ISSUER");
    let keys = RemoteKeys::discover(&*name, Client::new()?)?;
    Ok(rfc9068::access_tokens(name, Audience::is(variable("GLEWLWYD_RESOURCE")), [Algorithm::Es256], keys)?)
}

pub fn introspection(secret: &str) -> Anyhow<Introspection> {
    let asked = Introspection::new(issuer()?, variable("GLEWLWYD_INTROSPECTION_URL"), Client::new()?)?;
    Ok(asked.client(&variable("GLEWLWYD_CLIENT_ID"), secret).remember(Duration::ZERO, Duration::ZERO))
}

pub fn sign_in_provider() -> Anyhow<Provider> {
    let provider = Provider::new(variable("GLEWLWYD_ISSUER"), variable("GLEWLWYD_CLIENT_ID"), Client::new()?)?;
    Ok(provider.secret(variable("GLEWLWYD_CLIENT_SECRET")).scopes(["api"]))
}

pub fn gate(scheme: Scheme, clock: &Ahead) -> Result<Gate, Error> {
    Gate::builder().scheme(scheme).roles(RoleHierarchy::ranked(["admin"])?).clock(clock.clone()).build()
}

pub fn routes(gate: &Gate) -> Routes<Gate> {
    let me = async |Authenticated(principal): Authenticated| principal.id().subject().to_owned();
    Routes::new(gate).get("/me", authenticated(), me).route("/admin", role("admin"), get(async || "welcome"))
}

pub fn service(scheme: Scheme, clock: &Ahead) -> Anyhow<Router> {
    let gate = gate(scheme, clock)?;
    Ok(routes(&gate).into_router().with_state(gate))
}

/// The status of the answer, and its body, or the code of the refusal.
pub async fn ask(service: &Router, request: Builder) -> Anyhow<(u16, String)> {
    let answer = service.clone().oneshot(request.body(Body::empty())?).await?;
    let (status, body) = (answer.status().as_u16(), answer.into_body().collect().await?.to_bytes());
    let code = serde_json::from_slice::<Value>(&body).ok().and_then(|body| text(&body, "code").ok());
    Ok((status, code.unwrap_or(String::from_utf8(body.to_vec())?)))
}

pub fn bearer(path: &str, token: &str) -> Builder {
    Request::get(path).header("authorization", format!("Bearer {token}"))
}

pub async fn me(service: &Router, token: &str) -> Anyhow<(u16, String)> {
    ask(service, bearer("/me", token)).await
}

pub async fn status(service: &Router, token: &str) -> Anyhow<u16> {
    Ok(me(service, token).await?.0)
}

/// A browser at a service with sign-in.
#[derive(Clone)]
pub struct Browser {
    pub service: Router,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub async fn ask(&mut self, method: &str, target: &str) -> Anyhow<Response<Body>> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(target).header("sec-fetch-site", "same-origin");
        let request = request.header("cookie", cookies.join("; ")).body(Body::empty())?;
        let answer = self.service.clone().oneshot(request).await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, value) =
                cookie.to_str()?.split(';').next().and_then(|it| it.split_once('=')).ok_or("no cookie")?;
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(answer)
    }

    pub async fn status(&mut self, method: &str, target: &str) -> Anyhow<u16> {
        Ok(self.ask(method, target).await?.status().as_u16())
    }
}
