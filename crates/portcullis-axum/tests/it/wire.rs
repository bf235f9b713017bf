//! Requests and answers as a client sends and sees them.

use axum::{Router, body::Body, extract::Request, response::Response};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Wire {
    pub async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    /// The value of a header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        assert!(self.headers.get_all(name).iter().count() <= 1, "{name} is there twice");
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A request by the caller of this name; of nobody if it is empty.
pub fn request(method: &str, path: &str, who: &str) -> Request {
    let request = Request::builder().method(method).uri(path);
    let request = if who.is_empty() { request } else { request.header("authorization", format!("Bearer {who}")) };
    request.body(Body::empty()).unwrap()
}

pub async fn send(app: &Router, request: Request) -> Wire {
    Wire::of(app.clone().oneshot(request).await.unwrap()).await
}

pub async fn ask(app: &Router, method: &str, path: &str, who: &str) -> Wire {
    send(app, request(method, path, who)).await
}

pub async fn get_as(app: &Router, path: &str, who: &str) -> Wire {
    ask(app, "GET", path, who).await
}

/// Sends each `METHOD /path` as this caller and compares the status.
pub async fn expect(app: &Router, who: &str, table: &[(&str, u16)]) {
    for (line, status) in table {
        let (method, path) = line.split_once(' ').unwrap();
        let answer = ask(app, method, path, who).await;
        assert_eq!(answer.status, *status, "{line} as {who:?}: {answer:?}");
    }
}
