//! An issuer on loopback that can go and come back.

use crate::Anyhow;
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get, routing::post};
use serde_json::json;
use std::{future::pending, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    time::sleep,
};

/// On a runtime of its own: when it is dropped, every connection ends.
pub struct Issuer {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Issuer {
    pub fn start(app: Router) -> Anyhow<Self> {
        Self::at("127.0.0.1:0".parse()?, app)
    }

    fn at(address: SocketAddr, app: Router) -> Anyhow<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.spawn(async move { axum::serve(TcpListener::from_std(listener)?, app).await });
        Ok(Self { address, runtime: Some(runtime) })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn go(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Comes back, with something else to say.
    pub async fn say(&mut self, app: Router) -> Anyhow {
        self.go();
        // What was shut down lets go of the address a moment later.
        for _ in 0..100 {
            match Self::at(self.address, app.clone()) {
                Ok(issuer) => {
                    *self = issuer;
                    return Ok(());
                }
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
        Err("the issuer does not come back".into())
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.go();
    }
}

/// Introspection (RFC 7662): `good-…` is active, `hang-…` is never answered, all else is not active.
pub fn introspection() -> Router {
    Router::new().route(
        "/introspect",
        post(async |form: String| {
            let token = form.split('&').find_map(|field| field.strip_prefix("token=")).unwrap_or_default();
            if token.starts_with("hang-") {
                pending::<()>().await;
            }
            sleep(Duration::from_millis(10)).await;
            let answer = match token.starts_with("good-") {
                true => json!({ "active": true, "sub": token, "aud": "test", "token_type": "Bearer" }),
                false => json!({ "active": false }),
            };
            answer.to_string()
        }),
    )
}

/// A key set that holds for a second.
pub fn keys(set: String) -> Router {
    Router::new().route("/jwks", get(async move || ([("cache-control", "max-age=1")], set)))
}

pub fn broken() -> Router {
    Router::new().fallback(async || StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

pub fn hanging() -> Router {
    Router::new().fallback(async || pending::<StatusCode>().await)
}
