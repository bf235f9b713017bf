//! The example on both frameworks.

use crate::common::{Anyhow, agent};
use actix_web::{App, HttpServer, rt::System, web::Data};
use portcullis::{Verifier, providers::directus::SESSION_COOKIE};
use serde_json::Value;
use std::net::SocketAddr;
use ureq::http::Response;

pub const ME: &str = "/api/v2/me";
pub const STAFF: &str = "/api/v2/admin/stats";

/// The same service on both.
pub struct Service {
    urls: [String; 2],
}

/// Actix-web wants a thread of its own. It ends with the test.
fn on_actix(service: dembrane::tenants::Service) -> Anyhow<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let data = Data::new(service.clone());
    let routes = move || dembrane::on_actix::routes(&service).into_config();
    let app = move || App::new().app_data(data.clone()).configure(routes());
    std::thread::spawn(|| {
        System::new().block_on(async { HttpServer::new(app).workers(1).listen(listener)?.run().await })
    });
    Ok(address)
}

fn ask(url: &str, path: &str, header: Option<(&str, String)>) -> Anyhow<(u16, Value)> {
    let request = agent().get(format!("{url}{path}"));
    let request = header.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let mut answer: Response<ureq::Body> = request.call()?;
    Ok((answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default()))
}

impl Service {
    pub async fn start(verifier: impl Into<Verifier>) -> Anyhow<Self> {
        let store = dembrane::store::Store::default();
        let gate = dembrane::gate(verifier, SESSION_COOKIE, &store)?.build()?;
        let service = dembrane::tenants::Service { gate, store };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let axum = listener.local_addr()?;
        let app = dembrane::on_axum::app(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let actix = on_actix(service)?;
        Ok(Self { urls: [axum, actix].map(|address| format!("http://{address}")) })
    }

    /// What both answer.
    pub fn get(&self, path: &str, header: Option<(&str, String)>) -> Anyhow<(u16, Value)> {
        let [axum, actix] = &self.urls;
        let (axum, actix) = (ask(axum, path, header.clone())?, ask(actix, path, header)?);
        assert_eq!(axum, actix, "axum and actix-web answer differently to {path}");
        Ok(axum)
    }

    /// What axum answers: for when it may be another answer a moment later.
    pub fn status_by_bearer(&self, path: &str, token: &str) -> Anyhow<u16> {
        Ok(ask(&self.urls[0], path, Some(("authorization", format!("Bearer {token}"))))?.0)
    }

    pub fn by_bearer(&self, path: &str, token: &str) -> Anyhow<(u16, Value)> {
        self.get(path, Some(("authorization", format!("Bearer {token}"))))
    }

    pub fn by_cookie(&self, path: &str, token: &str) -> Anyhow<(u16, Value)> {
        self.get(path, Some(("cookie", format!("{SESSION_COOKIE}={token}"))))
    }

    /// The statuses for a user's route and a staff route, the same from header and cookie.
    pub fn statuses(&self, token: &str) -> Anyhow<[u16; 2]> {
        let by = |ask: fn(&Self, &str, &str) -> Anyhow<(u16, Value)>| -> Anyhow<[u16; 2]> {
            Ok([ask(self, ME, token)?.0, ask(self, STAFF, token)?.0])
        };
        let (bearer, cookie) = (by(Self::by_bearer)?, by(Self::by_cookie)?);
        assert_eq!(bearer, cookie, "in the header and in the cookie");
        Ok(bearer)
    }
}
