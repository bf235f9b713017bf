//! Tokens that a real Directus issued, over loopback HTTP to the example on axum and on actix-web. `servers/directus.sh up` starts it and prints
//! the environment that this reads; a second instance, with another secret and tokens that live a second, stands under
//! the same names with the prefix `OTHER_`.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;

use actix_web::{App, HttpServer, rt::System};
use common::{Anyhow, agent, variable};
use portcullis::{
    Gate,
    directus::{Directus, SESSION_COOKIE},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use ureq::http::Response;

/// A Directus instance that runs.
struct Instance {
    url: String,
    secret: String,
    prefix: &'static str,
}

impl Instance {
    fn new(prefix: &'static str) -> Self {
        let of = |name: &str| variable(&format!("{prefix}{name}"));
        Self { url: of("DIRECTUS_URL"), secret: of("DIRECTUS_SECRET"), prefix }
    }

    /// Logs in through its own API: in `json` mode the token stands in the body, in `session` mode in a cookie.
    fn login(&self, who: &str, mode: &str) -> Anyhow<String> {
        let of = |name: &str| variable(&format!("{}DIRECTUS_{who}_{name}", self.prefix));
        let body = json!({ "email": of("EMAIL"), "password": of("PASSWORD"), "mode": mode });
        let mut answer = agent().post(format!("{}/auth/login", self.url)).send_json(body)?;
        assert_eq!(answer.status(), 200, "login of {who} in {mode} mode");
        if mode == "session" {
            let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
            let token = cookies.filter_map(|cookie| cookie.split_once(';')?.0.split_once('='));
            let token = token.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, token)| token.to_owned()).next();
            return token.ok_or_else(|| "no session cookie".into());
        }
        let body: Value = answer.body_mut().read_json()?;
        Ok(body["data"]["access_token"].as_str().ok_or("no access token")?.to_owned())
    }

    /// The example, serving on loopback with this instance's secret.
    async fn service(&self) -> Anyhow<Service> {
        let gate = dembrane::gate(Directus::new(&self.secret)?, SESSION_COOKIE)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let axum = listener.local_addr()?;
        let app = dembrane::on_axum::app(gate.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let actix = on_actix(gate)?;
        Ok(Service { urls: [axum, actix].map(|address| format!("http://{address}")) })
    }
}

/// Actix-web wants a thread of its own. It ends with the test.
fn on_actix(gate: Gate) -> Anyhow<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let app = move || App::new().configure(dembrane::on_actix::routes(&gate).into_config());
    std::thread::spawn(|| {
        System::new().block_on(async { HttpServer::new(app).workers(1).listen(listener)?.run().await })
    });
    Ok(address)
}

/// The same service on both frameworks.
struct Service {
    urls: [String; 2],
}

impl Service {
    /// What both answer.
    fn get(&self, path: &str, header: Option<(&str, String)>) -> Anyhow<(u16, Value)> {
        let mut answers = Vec::new();
        for url in &self.urls {
            let request = agent().get(format!("{url}{path}"));
            let request = header.iter().fold(request, |request, (name, value)| request.header(*name, value));
            let mut answer: Response<ureq::Body> = request.call()?;
            answers.push((answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default()));
        }
        assert_eq!(answers[0], answers[1], "axum and actix-web answer differently to {path}");
        Ok(answers.swap_remove(0))
    }

    fn by_bearer(&self, path: &str, token: &str) -> Anyhow<(u16, Value)> {
        self.get(path, Some(("authorization", format!("Bearer {token}"))))
    }

    fn by_cookie(&self, path: &str, token: &str) -> Anyhow<(u16, Value)> {
        self.get(path, Some(("cookie", format!("{SESSION_COOKIE}={token}"))))
    }
}

const ME: &str = "/api/v2/me";
const STAFF: &str = "/api/v2/admin/stats";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_token_reaches_its_handler() -> Anyhow {
    let directus = Instance::new("");
    let service = directus.service().await?;
    assert_eq!(service.get(ME, None)?.0, 401);
    assert_eq!(service.get("/api/participant/projects/1", None)?.0, 200);
    for (who, is_staff) in [("ADMIN", true), ("USER", false)] {
        let id = variable(&format!("DIRECTUS_{who}_ID"));
        for mode in ["json", "session"] {
            let token = directus.login(who, mode)?;
            let me = json!({ "user_id": id, "is_admin": is_staff });
            let staff = if is_staff { 200 } else { 403 };
            for ask in [Service::by_bearer, Service::by_cookie] {
                assert_eq!(ask(&service, ME, &token)?, (200, me.clone()), "{who} {mode}");
                assert_eq!(ask(&service, STAFF, &token)?.0, staff, "{who} {mode}");
            }
            println!("{who} in {mode} mode: {ME} 200 as {id}, {STAFF} {staff}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_character_is_refused() -> Anyhow {
    let directus = Instance::new("");
    let service = directus.service().await?;
    let token = directus.login("USER", "session")?;
    assert_eq!(service.by_cookie(ME, &token)?.0, 200);
    for at in (0..token.len()).step_by(7) {
        let flipped = |(place, character)| match character {
            character if place != at => character,
            'A' => 'B',
            _ => 'A',
        };
        let other: String = token.chars().enumerate().map(flipped).collect();
        assert!(other != token && service.by_cookie(ME, &other)?.0 == 401, "character {at}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_instance_and_expired_ones_are_refused() -> Anyhow {
    let (here, there) = (Instance::new("").service().await?, Instance::new("OTHER_"));
    let home = there.service().await?;
    let token = there.login("ADMIN", "json")?;
    assert_eq!(home.by_bearer(ME, &token)?.0, 200, "it is good where it belongs");
    for ask in [Service::by_bearer, Service::by_cookie] {
        assert_eq!(ask(&here, ME, &token)?.0, 401);
        assert_eq!(ask(&here, STAFF, &token)?.0, 401);
    }
    // Directus gave it few seconds to live, and nobody but the clock takes them.
    let deadline = Instant::now() + Duration::from_secs(30);
    while home.by_bearer(ME, &token)?.0 == 200 {
        assert!(Instant::now() < deadline, "it never expires");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(home.by_bearer(ME, &token)?, (401, json!({ "detail": "Invalid session" })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_token_is_no_jwt_and_is_refused() -> Anyhow {
    let service = Instance::new("").service().await?;
    assert_eq!(service.by_bearer(ME, &variable("DIRECTUS_STATIC_TOKEN"))?.0, 401);
    Ok(())
}
