//! Tokens on behalf of a caller (RFC 8693).

use super::Endpoint;
use portcullis_core::{ErrorKind, HttpResponse, TokenExchange};

fn answer(issued: &str, token_type: &str) -> HttpResponse {
    let issued = format!("urn:ietf:params:oauth:token-type:{issued}");
    let body = format!(r#"{{"access_token":"b","token_type":"{token_type}","issued_token_type":"{issued}"}}"#);
    HttpResponse::new(200, body)
}

fn exchange(endpoint: &Endpoint) -> TokenExchange {
    TokenExchange::new("https://id.example.com/token", "billing", "s3", endpoint.clone()).unwrap()
}

async fn asked(answer: HttpResponse) -> Result<String, ErrorKind> {
    let outcome = exchange(&Endpoint::with([answer])).exchange("of-alice").await;
    outcome.map(|token| token.expose().to_owned()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_token_is_exchanged_once_for_each_call() {
    let endpoint = Endpoint::with([answer("access_token", "Bearer"), answer("jwt", "bearer")]);
    let exchange = exchange(&endpoint).scope("read").audience("orders").resource("urn:x");
    assert_eq!(exchange.exchange("of-alice").await.unwrap().expose(), "b");
    let urn = "urn%3Aietf%3Aparams%3Aoauth%3A";
    let form = format!(
        "grant_type={urn}grant-type%3Atoken-exchange&subject_token=of-alice&subject_token_type={urn}token-type%3Aaccess_token\
         &requested_token_type={urn}token-type%3Aaccess_token&scope=read&audience=orders&resource=urn%3Ax"
    );
    assert_eq!(endpoint.last().body(), form);
    assert_eq!(exchange.exchange("of-bob").await.unwrap().expose(), "b");
    assert!(endpoint.last().body().contains("subject_token=of-bob&"));
    assert_eq!(endpoint.count(), 2);
}

#[tokio::test]
async fn only_access_tokens_come_back() {
    assert_eq!(asked(answer("access_token", "Bearer")).await, Ok("b".to_owned()));
    for (issued, token_type) in [("refresh_token", "Bearer"), ("id_token", "Bearer"), ("jwt", "N_A")] {
        assert_eq!(asked(answer(issued, token_type)).await, Err(ErrorKind::Unavailable), "{issued} {token_type}");
    }
    let untyped = HttpResponse::new(200, r#"{"access_token":"b","token_type":"Bearer"}"#);
    assert_eq!(asked(untyped).await, Err(ErrorKind::Unavailable));
}

#[tokio::test]
async fn a_refused_token_is_the_callers_matter_and_a_refused_client_ours() {
    for (code, kind) in [
        ("invalid_request", ErrorKind::Invalid),
        ("invalid_grant", ErrorKind::Invalid),
        ("invalid_target", ErrorKind::Misconfigured),
        ("invalid_client", ErrorKind::Misconfigured),
        ("server_error", ErrorKind::Unavailable),
    ] {
        let answer = HttpResponse::new(400, format!(r#"{{"error":"{code}"}}"#));
        assert_eq!(asked(answer).await, Err(kind), "{code}");
    }
}
