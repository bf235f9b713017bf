//! What comes back of what goes out.

use crate::cast::{Server, ask, assert_misconfigured, client, everything, get, ok, say, text};
use portcullis_core::HttpRequest;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn status_headers_and_body_come_back() {
    let server = Server::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\n\
         CACHE-CONTROL: public\r\nX-Odd: \u{e9}\r\nContent-Length: 2\r\n\r\n{}",
    )
    .await;
    let answer = get(&client(), server.url("/jwks")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("max-age=60"), "the first of two");
    assert_eq!(answer.header("x-odd"), None, "not ASCII");
    assert_eq!(answer.body(), b"{}");
}

#[tokio::test]
async fn the_request_goes_out_as_given() {
    let server = Server::saying(ok("")).await;
    let request = HttpRequest::get(server.url("/keys?tenant=a%20b#part"))
        .with_header("accept", "application/jwk-set+json")
        .with_header("authorization", "Basic c2VjcmV0")
        .with_header("x-twice", "1")
        .with_header("x-twice", "2");
    ask(&client(), request).await.unwrap();

    let heads = server.heads();
    let mut lines: Vec<&str> = heads[0].trim_end().lines().collect();
    assert_eq!(lines.remove(0), "GET /keys?tenant=a%20b HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let agent = concat!("user-agent: portcullis/", env!("CARGO_PKG_VERSION"));
    let accept = "accept: application/jwk-set+json";
    assert_eq!(lines, [accept, "authorization: Basic c2VjcmV0", &host, agent, "x-twice: 1", "x-twice: 2"]);
}

#[tokio::test]
async fn a_form_goes_out_once() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut body = [0; 20];
            stream.read_exact(&mut body).await.unwrap();
            tell.send(String::from_utf8_lossy(&body).into_owned()).unwrap();
            say(stream, b"HTTP/1.1 307 There\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".to_vec().into()).await;
        }
    })
    .await;
    let request = HttpRequest::post_form(server.url("/introspect"), &[("token", "a b"), ("hint", "t&k")]);
    assert_eq!(ask(&client(), request).await.unwrap().status(), 307);
    assert_eq!(told.recv().await.unwrap(), "token=a+b&hint=t%26k");

    let heads = server.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with("POST /introspect HTTP/1.1\r\n"), "{}", heads[0]);
    for line in ["content-type: application/x-www-form-urlencoded\r\n", "content-length: 20\r\n"] {
        assert!(heads[0].contains(line), "{}", heads[0]);
    }
}

#[tokio::test]
async fn a_header_that_is_none_is_not_sent() {
    let server = Server::saying(ok("fine")).await;
    let url = server.url("/");
    let sent = |name, value: &str| ask(&client(), HttpRequest::get(&url).with_header(name, value));

    let error = assert_misconfigured(sent("authorization", "Bearer s3cret\r\nx-more: 1").await, "is not HTTP");
    assert!(!everything(&error).contains("s3cret"));
    assert_misconfigured(sent("not a name", "1").await, "is not HTTP");
    assert_eq!(server.heads().len(), 0);
    assert_eq!(text(sent("authorization", "Bearer s3cret").await), "fine");
}

#[tokio::test]
async fn statuses_of_all_kinds_are_answers() {
    for status in [204, 304, 400, 401, 404, 429, 500, 503] {
        let server =
            Server::saying(format!("HTTP/1.1 {status} So\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = get(&client(), server.url("/")).await.unwrap();
        assert_eq!((answer.status(), answer.header("retry-after")), (status, Some("7")));
        assert_eq!(server.heads().len(), 1, "asked once");
    }
}

#[tokio::test]
async fn early_hints_are_not_the_answer() {
    let server =
        Server::saying([&b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"[..], &ok("the answer")].concat()).await;
    assert_eq!(text(get(&client(), server.url("/")).await), "the answer");
}

#[tokio::test]
async fn redirects_are_answers() {
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::saying(format!("HTTP/1.1 {status} Elsewhere\r\nlocation: /other\r\ncontent-length: 4\r\n\r\nover"))
                .await;
        let answer = get(&client(), server.url("/jwks")).await.unwrap();
        assert_eq!((answer.status(), answer.header("location")), (status, Some("/other")));
        assert_eq!(answer.body(), b"over");
        assert_eq!(server.heads().len(), 1, "{:?}", server.heads());
    }
}

/// The tests have reqwest's feature `gzip`, as an application may.
#[tokio::test]
async fn nothing_is_decompressed() {
    // `gzip -n < /dev/null`
    let zipped = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", zipped.len());
    let server = Server::saying([head.as_bytes(), zipped].concat()).await;
    let answer = get(&client(), server.url("/")).await.unwrap();
    assert_eq!(answer.body(), zipped);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(!server.heads()[0].contains("accept-encoding"));
}

#[tokio::test]
async fn no_cookie_is_kept() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\ncontent-length: 0\r\n\r\n").await;
    let client = client();
    for _ in 0..2 {
        get(&client, server.url("/")).await.unwrap();
    }
    assert_eq!(server.heads().len(), 2);
    assert!(server.heads().iter().all(|head| !head.contains("cookie")));
}
