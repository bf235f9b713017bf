//! The page, and what browsers get.

use crate::service::*;
use derp::page;
use serde_json::{Value, json};

const PAGE: [(&str, &str); 2] = [("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin")];

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
}

/// The value of a cookie that is set.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.cookies().into_iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
    set.and_then(|cookie| cookie.split(';').next()).unwrap_or_else(|| panic!("no cookie {name}")).to_owned()
}

#[tokio::test]
async fn the_page_runs_its_own_script_only() {
    for service in both().await {
        for path in page::PATHS {
            let answer = service.ask("GET", path, &[], &Value::Null).await;
            assert_eq!((answer.status, &*answer.body), (200, page::HTML.as_bytes()), "{path}");
            let policy = header(&answer, "content-security-policy");
            for part in ["default-src 'none'", "script-src 'sha256-", "frame-ancestors 'none'", "form-action 'none'"] {
                assert!(policy.contains(part), "{policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header(&answer, "referrer-policy"), "no-referrer");
            assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        }
    }
    // One of each, or the hash is of another.
    for element in ["<script", "<style"] {
        assert_eq!(page::HTML.matches(element).count(), 1);
    }
    assert!(!page::HTML.contains(" style=") && !page::HTML.contains(" onclick="));
}

/// A browser gets cookies, and no script can read a token.
#[tokio::test]
async fn a_browser_gets_cookies() {
    for service in both().await {
        service.signed_in(ALICE).await;
        let sign_in = json!({ "email": ALICE, "password": PASSWORD });
        let answer = service.ask("POST", "/auth/sign-in", &PAGE, &sign_in).await;
        assert_eq!(answer.status, 200);
        assert!(!String::from_utf8_lossy(&answer.body).contains("token"), "{}", answer.json());
        for cookie in answer.cookies() {
            for attribute in ["__Host-", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(cookie.contains(attribute), "{attribute}");
            }
        }
        let (access, refresh) = (cookie(&answer, "__Host-access"), cookie(&answer, "__Host-refresh"));
        let with = |cookie: &str, method: &'static str, path: &'static str| {
            let (service, cookie) = (service.clone(), cookie.to_owned());
            async move {
                let headers = [PAGE[0], PAGE[1], ("cookie", &*cookie)];
                service.ask(method, path, &headers, &Value::Null).await
            }
        };
        assert_eq!(with(&access, "GET", "/hello").await.status, 200);
        assert_eq!(with(&refresh, "GET", "/hello").await.status, 401);
        service.pass(900);
        assert_eq!(with(&access, "GET", "/hello").await.refusal(), (401, "token_expired".into()));
        // An access token that has expired does not stop the page, nor what gets the next one.
        assert_eq!(with(&access, "GET", "/").await.status, 200);
        let (one, two) = tokio::join!(
            with(&format!("{access}; {refresh}"), "POST", "/auth/refresh"),
            with(&format!("{access}; {refresh}"), "POST", "/auth/refresh"),
        );
        assert_eq!(cookie(&one, "__Host-refresh"), cookie(&two, "__Host-refresh"));
        for tab in [&one, &two] {
            assert_eq!(with(&cookie(tab, "__Host-access"), "GET", "/hello").await.status, 200);
        }
        let out = with(&cookie(&one, "__Host-refresh"), "POST", "/auth/sign-out").await;
        assert!(out.cookies().iter().all(|cookie| cookie.contains("; Max-Age=0")) && out.cookies().len() == 2);
        assert_eq!(with(&cookie(&two, "__Host-access"), "GET", "/hello").await.status, 401);
    }
}

/// A page of another origin signs nobody in.
#[tokio::test]
async fn another_origin_is_refused() {
    for service in both().await {
        let alice = service.signed_in(ALICE).await;
        let sign_in = json!({ "email": ALICE, "password": PASSWORD });
        for headers in [
            [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")].as_slice(),
            &[("origin", "null")],
            &[("sec-fetch-site", "same-site")],
        ] {
            let answer = service.ask("POST", "/auth/sign-in", headers, &sign_in).await;
            assert_eq!(answer.refusal(), (403, "cross_origin".into()), "{headers:?}");
            assert!(answer.cookies().is_empty());
        }
        let cookie = format!("__Host-refresh={}", alice.text("refresh_token"));
        let headers = [("origin", "https://evil.test"), ("cookie", &*cookie)];
        assert_eq!(service.ask("POST", "/auth/sign-out", &headers, &Value::Null).await.status, 403);
        assert_eq!(service.get("/hello", &alice.text("access_token")).await.status, 200);
    }
}
