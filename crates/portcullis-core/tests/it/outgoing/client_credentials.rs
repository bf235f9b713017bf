//! What is sent to a token endpoint, and which answers are accepted.

use super::{Endpoint, token};
use portcullis_core::{ClientCredentials, ErrorKind, HttpResponse};

fn tokens(endpoint: &Endpoint) -> ClientCredentials {
    ClientCredentials::new("https://id.example.com/token", "a b", "s:3", endpoint.clone()).unwrap()
}

async fn asked(answer: HttpResponse) -> Result<String, ErrorKind> {
    let tokens = tokens(&Endpoint::with([answer])).scope("read write");
    let outcome = tokens.bearer().await;
    if let Err(error) = &outcome {
        assert!(!format!("{error:?} {error}").contains("s:3"), "{error:?}");
    }
    outcome.map(|token| token.expose().to_owned()).map_err(|error| error.kind())
}

#[tokio::test]
async fn the_client_is_named_in_the_header_or_in_the_form() {
    let endpoint = Endpoint::with([token("a", 60), token("b", 60)]);
    let basic = tokens(&endpoint).scope("read write").audience("https://orders.example.com").resource("urn:x");
    assert_eq!(basic.bearer().await.unwrap().expose(), "a");
    let request = endpoint.last();
    let authorization = request.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned();
    assert_eq!(authorization, "Basic YStiOnMlM0Ez"); // a+b:s%3A3 (RFC 6749, section 2.3.1)
    let form =
        "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Forders.example.com&resource=urn%3Ax";
    assert_eq!(request.body(), form);

    let in_body = tokens(&endpoint).secret_in_body();
    assert_eq!(in_body.bearer().await.unwrap().expose(), "b");
    let request = endpoint.last();
    assert_eq!(request.body(), "grant_type=client_credentials&client_id=a+b&client_secret=s%3A3");
    assert!(request.headers().all(|(name, _)| name != "authorization"));
    assert!(!format!("{in_body:?} {request:?}").contains("s:3"));
}

#[tokio::test]
async fn each_scope_has_a_token_of_its_own() {
    let endpoint = Endpoint::with([token("a", 60), token("b", 60), token("c", 60)]);
    let plain = tokens(&endpoint);
    assert_eq!(plain.bearer().await.unwrap().expose(), "a");
    let narrow = plain.clone().scope("read");
    assert_eq!(narrow.bearer().await.unwrap().expose(), "b");
    assert_eq!(narrow.clone().audience("x").bearer().await.unwrap().expose(), "c");
    assert_eq!(narrow.bearer().await.unwrap().expose(), "b");
    assert_eq!(plain.bearer().await.unwrap().expose(), "a");
}

#[tokio::test]
async fn answers_are_read_strictly() {
    let ok = |body: &str| HttpResponse::new(200, body);
    for body in [
        r#"{"access_token":"a","token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"BEARER","expires_in":"3599","scope":"write read more"}"#,
        r#"{"access_token":"a","token_type":"Bearer","expires_in":1e300}"#,
    ] {
        assert_eq!(asked(ok(body)).await, Ok("a".to_owned()), "{body}");
    }
    let long = format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "a".repeat(20_000));
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"access_token":"a"}"#,
        r#"{"token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"DPoP"}"#,
        r#"{"access_token":"a\r\nx: y","token_type":"Bearer"}"#,
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"Bearer","expires_in":0}"#,
        r#"{"access_token":"a","token_type":"Bearer","expires_in":-5}"#,
        r#"{"access_token":"a","token_type":"Bearer","expires_in":"soon"}"#,
        &long,
    ] {
        assert_eq!(asked(ok(body)).await, Err(ErrorKind::Unavailable), "{body}");
    }
    let narrower = r#"{"access_token":"a","token_type":"Bearer","scope":"read"}"#;
    assert_eq!(asked(ok(narrower)).await, Err(ErrorKind::Misconfigured));
}

#[tokio::test]
async fn refusals_name_their_code_and_outages_are_no_refusals() {
    for (status, body, kind) in [
        (401, r#"{"error":"invalid_client","error_description":"secret s:3"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error":"invalid_scope"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error":"s:3"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error":"temporarily_unavailable"}"#, ErrorKind::Unavailable),
        (403, "<html>blocked", ErrorKind::Unavailable),
        (302, "", ErrorKind::Unavailable),
        (502, r#"{"error":"invalid_client"}"#, ErrorKind::Unavailable),
    ] {
        assert_eq!(asked(HttpResponse::new(status, body)).await, Err(kind), "{status} {body}");
    }
    let endpoint = Endpoint::with([HttpResponse::new(401, r#"{"error":"invalid_client"}"#)]);
    assert!(tokens(&endpoint).bearer().await.unwrap_err().to_string().contains("`invalid_client`"));
}

#[test]
fn settings_are_checked() {
    let new = |url: &str, id, secret| ClientCredentials::new(url, id, secret, Endpoint::default());
    assert!(new("https://id.example.com/token", "id", "secret").is_ok());
    assert!(new("id.example.com/token", "id", "secret").is_err());
    assert!(new("https://id.example.com/token", "", "secret").is_err());
    assert!(new("https://id.example.com/token", "id", "").is_err());
}
