//! A Directus that runs, and what is done to it through its own API.

use crate::{
    common::{Anyhow, agent, variable},
    service::Service,
};
use portcullis::providers::directus::{Directus, SESSION_COOKIE};
use serde_json::{Value, json};
use ureq::http::Request;

pub struct Instance {
    pub url: String,
    pub secret: String,
    prefix: &'static str,
}

/// Somebody whom a test made for itself.
pub struct User {
    pub id: String,
    email: String,
}

const PASSWORD: &str = "Throw-away-pass-123";

impl Instance {
    pub fn new(prefix: &'static str) -> Self {
        let of = |name: &str| variable(&format!("{prefix}{name}"));
        Self { url: of("DIRECTUS_URL"), secret: of("DIRECTUS_SECRET"), prefix }
    }

    /// Who knows its secret and asks nobody.
    pub fn local(&self) -> Anyhow<Directus> {
        Ok(Directus::new(&self.secret)?)
    }

    /// The example, serving on loopback with this instance's secret.
    pub async fn service(&self) -> Anyhow<Service> {
        Service::start(self.local()?).await
    }

    /// Logs in through its own API: in `json` mode the token stands in the body, in `session` mode in a cookie.
    pub fn login(&self, who: &str, mode: &str) -> Anyhow<String> {
        let of = |name: &str| variable(&format!("{}DIRECTUS_{who}_{name}", self.prefix));
        self.login_with(&of("EMAIL"), &of("PASSWORD"), mode)
    }

    pub fn login_as(&self, user: &User, mode: &str) -> Anyhow<String> {
        self.login_with(&user.email, PASSWORD, mode)
    }

    fn login_with(&self, email: &str, password: &str, mode: &str) -> Anyhow<String> {
        let body = json!({ "email": email, "password": password, "mode": mode });
        let mut answer = agent().post(format!("{}/auth/login", self.url)).send_json(body)?;
        assert_eq!(answer.status(), 200, "login of {email} in {mode} mode");
        if mode == "session" {
            let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
            let token = cookies.filter_map(|cookie| cookie.split_once(';')?.0.split_once('='));
            let token = token.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, token)| token.to_owned()).next();
            return token.ok_or_else(|| "no session cookie".into());
        }
        let body: Value = answer.body_mut().read_json()?;
        Ok(body["data"]["access_token"].as_str().ok_or("no access token")?.to_owned())
    }

    pub fn log_out(&self, session: &str) -> Anyhow {
        let request = agent().post(format!("{}/auth/logout", self.url));
        let answer =
            request.header("cookie", format!("{SESSION_COOKIE}={session}")).send_json(json!({ "mode": "session" }))?;
        assert_eq!(answer.status(), 204, "logout");
        Ok(())
    }

    /// What it answers to whom, which has to be good.
    pub fn call(&self, token: &str, method: &str, path: &str, body: &Value) -> Anyhow<Value> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request =
            request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut answer = agent().run(request.body(body)?)?;
        let (status, text) = (answer.status(), answer.body_mut().read_to_string()?);
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str::<Value>(&text).map(|mut answer| answer["data"].take()).unwrap_or_default())
    }

    /// Who it says that this token is.
    pub fn who_is(&self, token: &str) -> Anyhow<String> {
        let me = self.call(token, "GET", "/users/me?fields=id", &Value::Null)?;
        Ok(me["id"].as_str().ok_or("nobody")?.to_owned())
    }

    /// A user with this role, who can log in.
    pub fn user(&self, admin: &str, name: &str, role: &Value) -> Anyhow<User> {
        // Databases live as long as an instance, and tests run more than once.
        let email = format!("{name}-{:016x}@example.com", fastrand::u64(..));
        let user = json!({ "email": email, "password": PASSWORD, "status": "active", "role": role });
        let made = self.call(admin, "POST", "/users", &user)?;
        Ok(User { id: made["id"].as_str().ok_or("no user")?.to_owned(), email })
    }

    /// The identifier of something that is made.
    pub fn make(&self, admin: &str, path: &str, what: &Value) -> Anyhow<Value> {
        Ok(self.call(admin, "POST", path, what)?["id"].take())
    }
}
