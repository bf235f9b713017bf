//! Requests and answers as a client sends and sees them, without a server.

use actix_web::{
    Error, HttpResponse,
    body::{MessageBody, to_bytes},
    dev::ServiceResponse,
    http::{Method, StatusCode},
    test::TestRequest,
};
use futures_util::future::LocalBoxFuture;
use std::fmt;

/// An app that is ready for requests. Made by `serve!`, because nobody can name the type of one.
pub struct Served(pub Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Wire>>);

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served(..)")
    }
}

macro_rules! serve {
    ($app:expr) => {{
        let app = std::rc::Rc::new(actix_web::test::init_service($app).await);
        crate::ask::Served(Box::new(move |request: actix_web::test::TestRequest| {
            let app = app.clone();
            Box::pin(async move {
                let outcome = actix_web::dev::Service::call(&*app, request.to_request()).await;
                crate::ask::Wire::of(outcome).await
            })
        }))
    }};
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    pub status: StatusCode,
    /// By name; values of one name in their order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Wire {
    /// What the server makes of the outcome of an app.
    pub async fn of<B: MessageBody>(outcome: Result<ServiceResponse<B>, Error>) -> Self {
        match outcome {
            Ok(response) => Self::of_response(response.into_parts().1).await,
            Err(error) => Self::of_response(error.error_response()).await,
        }
    }

    pub async fn of_response<B: MessageBody>(response: HttpResponse<B>) -> Self {
        let (head, body) = response.into_parts();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let mut headers: Vec<_> = headers.collect();
        headers.sort_by(|(a, _), (b, _)| a.cmp(b));
        let body = to_bytes(body).await.unwrap_or_else(|_| panic!("the body broke off"));
        Self { status: head.status(), headers, body: text(&body) }
    }

    /// The value of a header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let value = found.next();
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}

/// A request by the caller of this name; of nobody if it is empty.
pub fn request(method: &str, path: &str, who: &str) -> TestRequest {
    let request = TestRequest::default().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    if who.is_empty() { request } else { request.insert_header(("authorization", format!("Bearer {who}"))) }
}

pub async fn send(app: &Served, request: TestRequest) -> Wire {
    app.0(request).await
}

pub async fn ask(app: &Served, method: &str, path: &str, who: &str) -> Wire {
    send(app, request(method, path, who)).await
}

pub async fn get_as(app: &Served, path: &str, who: &str) -> Wire {
    ask(app, "GET", path, who).await
}

/// Sends each `METHOD /path` as this caller and compares the status.
#[track_caller]
pub fn expect<'a>(app: &'a Served, who: &'a str, table: &'a [(&str, u16)]) -> impl Future<Output = ()> + 'a {
    let at = std::panic::Location::caller();
    async move {
        for (line, status) in table {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = ask(app, method, path, who).await;
            assert_eq!(answer.status, *status, "{line} as {who:?} at {at}: {answer:?}");
        }
    }
}
