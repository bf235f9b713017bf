//! What Chromium sends from pages of this and of other origins, and what the services answer to it, on both frameworks.
//!
//! `cargo test -p portcullis-tests --test browser -- --nocapture` prints each request.
//! `BROWSER_SCREENSHOTS=folder` keeps pictures of the results and of the example's page.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests"
)]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/journal.rs"]
mod journal;
#[path = "browser/services.rs"]
mod services;

use chromium::Chromium;
use journal::Journal;
use portcullis::{
    Algorithm, Gate, Scheme,
    testing::{SigningKey, TestIssuer},
};
use serde_json::json;
use services::{Outside, actix_cors, actix_service, axum_cors, axum_service, outside};
use std::{env, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::sleep;

const SECRET: &str = "a secret of this test, of more than thirty-two bytes";

fn issuer() -> TestIssuer {
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap();
    TestIssuer::with_key(key).named(websocket::ISSUER).for_audience(websocket::AUDIENCE).on_system_time()
}

/// The ways in which a page makes requests with a cookie, and the status of each.
///
/// `form` and `link` lead to a tab of their own, `form-in-frame`, `frame` and `object` to a place in the page. `fetch`
/// and `sandbox` are POST requests of scripts, the latter in a frame without an origin.
const STEPS: [&str; 9] = ["form", "form-in-frame", "fetch", "socket", "sandbox", "link", "frame", "object", "image"];
const ANSWERS: [(&str, [u16; 9]); 7] = [
    ("same-origin", [200, 200, 200, 101, 403, 200, 200, 200, 200]),
    ("same-site", [403, 403, 403, 403, 403, 200, 200, 200, 200]),
    // What is loaded into a page is refused, following a link is not. To the service, a frame looks like a link.
    ("cross-site", [403, 403, 403, 403, 403, 200, 200, 403, 403]),
    ("allowed-same-site", [200, 200, 200, 101, 403, 200, 200, 200, 200]),
    // What is embedded comes without `Origin`, so nothing says that the page is an allowed one.
    ("allowed-cross-site", [200, 200, 200, 101, 403, 200, 200, 403, 403]),
    // Without TLS there are no `Sec-Fetch-*` headers, and `Origin` has to do. The cookie is `SameSite=Lax` there, which
    // does not come from a frame without an origin.
    ("plain-same-origin", [200, 200, 200, 101, 401, 200, 200, 200, 200]),
    ("plain-same-site", [403, 403, 403, 403, 401, 200, 200, 200, 200]),
];

/// A page that comes to the socket by a token it knows: the step, the status, and what the page sees of it.
const TOKENS: [(&str, u16, &str); 6] = [
    ("protocol", 101, "alice: hello [bearer]"),
    ("protocol-with-another", 101, "alice: hello [bearer]"),
    ("query", 101, "alice: hello []"),
    ("bad-protocol", 401, "closed 1006"),
    ("bad-query", 401, "closed 1006"),
    ("no-token", 401, "closed 1006"),
];

/// A page that sends a token in a header to another origin: the step, and what comes back. The browser asks before it sends
/// the first three, and no page but that of the allowed origin reads anything.
const BEARER: [(&str, bool, u16, &str); 4] = [
    ("page-token", true, 200, "ordered"),
    ("page-bad-token", true, 401, r#"{"code":"invalid_token","status":401,"title":"Unauthorized"}"#),
    ("page-denied", true, 403, r#"{"code":"staff_required","status":403,"title":"Forbidden"}"#),
    ("page-nobody", false, 401, r#"{"code":"credential_missing","status":401,"title":"Unauthorized"}"#),
];

async fn wait_for_report(journal: &Journal, from: &str) -> serde_json::Value {
    for _ in 0..1200 {
        if let Some(seen) = journal.told(from) {
            return seen;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the page {from} did not report within a minute; so far:\n{}", journal.text(""));
}

type Serve = fn(Gate, &Arc<Journal>) -> SocketAddr;
type ServeCors = fn(Gate, &str, &Arc<Journal>) -> SocketAddr;

async fn run(framework: &str, service: Serve, cors: ServeCors) {
    let token = issuer().token("alice").permission("echo:use").expires_in(Duration::from_secs(600)).sign();
    let side = Arc::new(Outside::default());
    let journal = side.journal.clone();
    let other = outside(side.clone()).port();
    let gate = |cookie: &str, origins: &[String]| {
        let builder = Gate::builder().scheme(Scheme::new(issuer().verifier()).cookie(cookie));
        origins.iter().fold(builder, |builder, origin| builder.allow_origin(origin)).build().unwrap()
    };
    let pages = [format!("http://127.0.0.1:{other}"), format!("http://localhost:{other}")];
    let strict = format!("http://{}", service(websocket::Service::new(issuer().issuer()).unwrap().gate, &journal));
    let allowing = format!("http://{}", service(gate("__Host-session", &pages), &journal));
    let plain = format!("http://shop.test:{}", service(gate("session", &[]), &journal).port());
    let bearer = Gate::builder().scheme(Scheme::new(issuer().verifier()).bearer()).build().unwrap();
    let shared = format!("http://{}", cors(bearer, &pages[0], &journal));
    let page = |run: &str, from: &str, of: &str, target: &str| {
        let report = format!("http://127.0.0.1:{other}/report");
        format!("{of}/page?run={run}&from={from}&target={target}&token={token}&report={report}")
    };
    let login = |host: &str, cookie: &str, to: &str| format!("http://{host}:{other}/login?{cookie}&to={to}");

    // Tokens that pages know, with no cookie in the browser; then the example's page, which ends with one.
    let example = page("example", "example", &strict, &strict);
    side.plan.lock().unwrap().push_back((TOKENS.len(), example));
    let browser = Chromium::open(&page("token", "with-token", &pages[1], &strict), &[]);
    let clicked = wait_for_report(&journal, "example").await;
    drop(browser);

    // A token for a service of another origin, which allows one of two pages.
    let preflights = BEARER.iter().filter(|(_, is_asked, ..)| *is_asked).count();
    let refused = page("bearer", "page-refused", &pages[1], &shared);
    let plan = [(BEARER.len() + preflights, refused), (BEARER.len(), String::new())];
    side.plan.lock().unwrap().extend(plan);
    let browser = Chromium::open(&page("bearer", "page-allowed", &pages[0], &shared), &[]);
    let [allowed, refused] = ["page-allowed", "page-refused"].map(|from| wait_for_report(&journal, from));
    let (allowed, refused) = (allowed.await, refused.await);
    drop(browser);

    // A visitor with a cookie, on pages of several origins, one after the other.
    let tour = [
        ("same-origin", &strict, &strict),
        ("same-site", &pages[0], &strict),
        ("cross-site", &pages[1], &strict),
        ("allowed-same-site", &pages[0], &allowing),
        ("allowed-cross-site", &pages[1], &allowing),
        ("plain-same-origin", &plain, &plain),
        ("plain-same-site", &format!("http://shop.test:{other}"), &plain),
    ];
    let mut urls = tour.map(|(from, of, target)| page("cookie", from, of, target));
    urls[5] = login("shop.test", &format!("session={token};+Path=/;+HttpOnly"), &urls[5]);
    let cookie = format!("__Host-session={token};+Path=/;+Secure;+HttpOnly;+SameSite=None");
    let start = login("127.0.0.1", &cookie, &urls[0]);
    let mut next = urls.into_iter().skip(1);
    side.plan.lock().unwrap().extend(tour.iter().map(|_| (STEPS.len(), next.next().unwrap_or_default())));
    let browser = Chromium::open(&start, &[]);
    for (from, ..) in tour {
        wait_for_report(&journal, from).await;
    }
    drop(browser);

    println!("{}", journal.text(framework));
    if let Some(folder) = env::var_os("BROWSER_SCREENSHOTS") {
        let example = format!("{strict}/page?run=example&from=picture&target={strict}&token={token}");
        let example = format!("{example}&hold=http://127.0.0.1:{other}/hold");
        let results = format!("http://127.0.0.1:{other}/results");
        for (name, url, size) in [("results", results, "1100,4200"), ("example", example, "960,760")] {
            let file = std::path::absolute(&folder).unwrap().join(format!("{framework}-{name}.png"));
            let flags = [format!("--screenshot={}", file.display()), format!("--window-size={size}")];
            Chromium::open(&url, &flags).wait();
        }
    }

    for (step, status, seen) in TOKENS {
        let entries: Vec<_> = journal.of("with-token").into_iter().filter(|entry| entry.step == step).collect();
        assert_eq!(entries.iter().map(|entry| entry.status).collect::<Vec<_>>(), [status], "{framework}: {step}");
        assert_eq!(journal.told("with-token").unwrap()[step], seen, "{framework}: {step}");
    }
    for (step, is_asked, status, body) in BEARER {
        let statuses = |from| {
            let entries = journal.of(from).into_iter().filter(|entry| entry.step == step);
            entries.map(|entry| entry.status).collect::<Vec<_>>()
        };
        let expected = if is_asked { vec![200, status] } else { vec![status] };
        assert_eq!(statuses("page-allowed"), expected, "{framework}: {step}");
        assert_eq!(allowed[step], format!("{status} {body}"), "{framework}: {step}");
        // What is refused beforehand is not sent, and what is sent without asking is not read.
        assert_eq!(statuses("page-refused").len(), 1, "{framework}: {step}");
        assert!(is_asked || statuses("page-refused") == [status], "{framework}: {step}");
        assert_eq!(refused[step], "TypeError", "{framework}: {step}");
    }
    let expected = json!({
        "nowhere": "nowhere: refused, 1006",
        "cookie": "cookie: alice: hello",
        "query": "query: alice: hello",
        "protocol": "protocol: alice: hello (subprotocol bearer)",
    });
    assert_eq!(clicked, expected, "{framework}: the example's page");
    for (from, answers) in ANSWERS {
        let entries = journal.of(from);
        let statuses = STEPS.map(|step| {
            let mut found = entries.iter().filter(|entry| entry.step == step).map(|entry| entry.status);
            (step, found.next(), found.next())
        });
        let mut answers = answers.iter();
        let expected = STEPS.map(|step| (step, answers.next().copied(), None));
        assert_eq!(statuses, expected, "{framework}: {from}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_in_a_browser_on_axum() {
    run("axum", axum_service, axum_cors).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_in_a_browser_on_actix() {
    run("actix", actix_service, actix_cors).await;
}
