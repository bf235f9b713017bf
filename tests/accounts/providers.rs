//! Sign-in at providers, by the endpoints on both frameworks.

use crate::{
    op::{Op, person},
    request::{Answer, Request, delete, empty_post, get, post},
    world::{ALICE, BOB, Login, Mode, PASSWORD, Setup, World, setup},
};
use portcullis::{Clock, testing::FixedClock};
use serde_json::json;
use std::{collections::BTreeMap, time::UNIX_EPOCH};
use totp_rs::Totp;

const GOOGLE: &str = "https://google.test";
const CALLBACK: &str = "https://shop.test/auth/oauth/google/callback";

/// With a provider whose clock stands as that of the service.
fn with_google(mode: Mode) -> (Setup, Op) {
    let op = Op::new(GOOGLE, &FixedClock::at(1_800_000_000));
    let provider = op.provider();
    (setup(mode).accounts(move |builder| builder.provider("google", provider.clone(), CALLBACK)), op)
}

const WITH_COOKIES: [Mode; 2] = [Mode::TwoCookies, Mode::OneSession];

/// A browser that keeps the cookies of its flows beside those of its sign-in.
#[derive(Default, Clone)]
struct Browser {
    login: Login,
    flows: BTreeMap<String, String>,
}

impl Browser {
    fn as_(login: &Login) -> Self {
        Self { login: login.clone(), ..Self::default() }
    }

    fn keep(&mut self, answer: &Answer) {
        self.login.update(answer);
        for cookie in answer.all("set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            if name.starts_with("__Host-flow-") {
                assert!(cookie.contains("; HttpOnly; Path=/; Max-Age=") && cookie.ends_with("; SameSite=Lax; Secure"));
                match rest.split_once(';').unwrap().0 {
                    "" => self.flows.remove(name),
                    value => self.flows.insert(name.to_owned(), value.to_owned()),
                };
            }
        }
    }

    /// All cookies in one header.
    fn with_cookies(&self, world: &World, request: Request) -> Request {
        let mut request = world.with(&self.login, request);
        let mut cookies = Vec::new();
        request.headers.retain(|(name, value)| {
            let is_cookie = name == "cookie";
            if is_cookie && !value.is_empty() {
                cookies.push(String::from_utf8(value.clone()).unwrap());
            }
            !is_cookie
        });
        cookies.extend(self.flows.iter().map(|(name, value)| format!("{name}={value}")));
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    /// A page of the service does it.
    async fn send(&mut self, world: &World, request: Request) -> Answer {
        let answer = world.send(self.with_cookies(world, request).in_browser()).await;
        self.keep(&answer);
        answer
    }

    /// The provider sends the browser here.
    async fn comes_back(&mut self, world: &World, query: &str) -> Answer {
        let code = query.split(['=', '&']).find(|part| part.starts_with("code-")).unwrap();
        world.secrets.borrow_mut().add(code);
        let request = get(&format!("/auth/oauth/google/callback?{query}"));
        let request = self.with_cookies(world, request);
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        let answer = world.send(request.header("sec-fetch-dest", "document")).await;
        self.keep(&answer);
        answer
    }

    async fn begins(&mut self, world: &World) -> String {
        let answer = self.send(world, get("/auth/oauth/google?return_to=/orders")).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.header("location").unwrap().to_owned()
    }

    async fn begins_link(&mut self, world: &World) -> String {
        let answer = self.send(world, post("/auth/oauth/google/link", json!({ "return_to": "/settings" }))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("address")
    }
}

#[test]
fn a_browser_signs_in_at_a_provider() {
    for mode in WITH_COOKIES {
        let (setup, op) = with_google(mode);
        setup.run(async |world| {
            let mut browser = Browser::default();
            let query = op.authorize(&browser.begins(world).await, &person("alice", ALICE, true));
            assert_eq!(browser.flows.len(), 1);
            let answer = browser.comes_back(world, &query).await;
            assert_eq!((answer.status, answer.header("location")), (303, Some("/orders")), "{answer:?}");
            assert!(browser.flows.is_empty() && answer.body.is_empty());
            assert_eq!(world.orders(&browser.login).await, "200");
            let answer = browser.send(world, get("/auth/identities")).await;
            assert_eq!(
                answer.json(),
                json!({ "identities": [{ "provider": "google", "issuer": GOOGLE, "linked_at": 1_800_000_000_u64 }] })
            );
            assert_eq!(browser.send(world, delete("/auth/identities/google")).await.code(), "409 last_way_in");
            assert_eq!(browser.send(world, delete("/auth/identities/apple")).await.code(), "404 not_found");

            // Again, and in another browser.
            assert_eq!(browser.comes_back(world, &query).await.code(), "400 sign_in_failed");
            let query = op.authorize(&browser.begins(world).await, &person("alice", ALICE, true));
            let mut other = Browser::default();
            assert_eq!(other.comes_back(world, &query).await.code(), "400 sign_in_failed");
            assert!(other.login.access.is_none() && other.login.session.is_none());
            let refused = query.replace("code=", "error=access_denied&code=");
            assert_eq!(browser.comes_back(world, &refused).await.code(), "400 access_denied");
            let unverified = op.authorize(&browser.begins(world).await, &person("mallory", ALICE, false));
            assert_eq!(browser.comes_back(world, &unverified).await.code(), "403 not_linkable");

            for path in ["/auth/oauth/google?return_to=//evil.test", "/auth/oauth/google?return_to=https://evil.test"] {
                assert_eq!(browser.send(world, get(path)).await.code(), "400 invalid_return_to");
            }
            assert_eq!(browser.send(world, get("/auth/oauth/apple")).await.code(), "404 not_enabled");
        });
    }
}

#[test]
fn without_a_provider_there_are_no_such_endpoints() {
    for mode in WITH_COOKIES {
        setup(mode).run(async |world| {
            for request in [get("/auth/oauth/google"), get("/auth/identities"), empty_post("/auth/oauth/google/link")] {
                assert_eq!(world.page(request).await.status, 404);
            }
        });
    }
}

#[test]
fn a_signed_in_user_links_an_identity() {
    for mode in WITH_COOKIES {
        let (setup, op) = with_google(mode);
        setup.run(async |world| {
            let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
            let there = person("her-google", "private@example.org", false);
            let mut browser = Browser::as_(&alice);
            // No page of another origin, and no link, begins it.
            let request = browser.with_cookies(world, empty_post("/auth/oauth/google/link"));
            let foreign = world.send(request.header("sec-fetch-site", "cross-site")).await;
            assert_eq!(foreign.code(), "403 cross_origin");
            assert_eq!(world.page(empty_post("/auth/oauth/google/link")).await.code(), "401 credential_missing");

            // Somebody else's session at the callback, and none.
            for login in [&bob, &Login::default()] {
                let query = op.authorize(&browser.begins_link(world).await, &there);
                let mut changed = Browser { login: login.clone(), flows: browser.flows.clone() };
                assert_eq!(changed.comes_back(world, &query).await.code(), "403 not_linkable");
            }
            let query = op.authorize(&browser.begins_link(world).await, &there);
            let answer = browser.comes_back(world, &query).await;
            assert_eq!((answer.status, answer.header("location")), (303, Some("/settings")), "{answer:?}");
            assert_eq!(answer.all("set-cookie").len(), 1, "the session stays");
            assert_eq!(world.orders(&browser.login).await, "200");

            let mut fresh = Browser::default();
            let query = op.authorize(&fresh.begins(world).await, &there);
            assert_eq!(fresh.comes_back(world, &query).await.status, 303);
            assert_eq!(fresh.send(world, get("/auth/me")).await.json()["user"]["email"], ALICE);
            let answer = browser.send(world, delete("/auth/identities/google")).await;
            assert_eq!((answer.status, &*answer.body), (204, ""));
            let query = op.authorize(&fresh.begins(world).await, &there);
            assert_eq!(fresh.comes_back(world, &query).await.code(), "403 not_linkable");
        });
    }
}

#[test]
fn the_second_factor_is_asked_for_here_too() {
    for mode in WITH_COOKIES {
        let (setup, op) = with_google(mode);
        setup.run(async |world| {
            let alice = world.signed_in(ALICE).await;
            let answer = world.page_as(&alice, post("/auth/totp", json!({ "password": PASSWORD }))).await;
            let uri = answer.text("uri");
            let code = || {
                let now = world.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                Totp::from_url(&uri).unwrap().generate(now).to_string()
            };
            let body = json!({ "code": code() });
            assert_eq!(world.page_as(&alice, post("/auth/totp/confirm", body)).await.status, 200);
            world.pass(30);

            let mut browser = Browser::default();
            let query = op.authorize(&browser.begins(world).await, &person("her-google", ALICE, true));
            let answer = browser.comes_back(world, &query).await;
            let location = answer.header("location").unwrap().to_owned();
            assert_eq!((answer.status, answer.all("set-cookie").len()), (303, 1), "{answer:?}");
            assert!(browser.login.access.is_none() && browser.login.session.is_none());
            let rest =
                location.strip_prefix("https://app.shop.test/second-factor#token=").expect("a page of the service");
            let (token, return_to) = rest.split_once("&return_to=").unwrap();
            assert_eq!(return_to, "%2Forders");
            let wrong = post("/auth/second-factor", json!({ "token": token, "code": "000000" }));
            assert_eq!(world.page(wrong).await.code(), "401 invalid_code");
            let answer = world.page(post("/auth/second-factor", json!({ "token": token, "code": code() }))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(world.orders(&world.login(&answer)).await, "200");
        });
    }
}
