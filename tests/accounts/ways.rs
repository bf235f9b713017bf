//! Requests through the frameworks.

use crate::request::{Answer, Request};
use actix_http::BoxedPayloadStream;
use actix_web::{
    App,
    body::to_bytes as actix_to_bytes,
    dev::{Payload, Service},
    middleware::Condition,
    test::{TestRequest, init_service},
    web::Bytes,
};
use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use futures_util::{StreamExt, future::LocalBoxFuture, stream};
use portcullis::{Gate, actix, axum as on_axum};
use std::{convert::Infallible, net::SocketAddr, rc::Rc};
use tower::ServiceExt;

pub type Send = Rc<dyn Fn(Request) -> LocalBoxFuture<'static, Answer>>;

/// Headers that depend on the framework.
const OWN: [&str; 3] = ["content-length", "date", "allow"];

fn answer<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a [u8])>, body: &[u8], debug: String) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = headers.filter(|(name, _)| !OWN.contains(name));
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), text(value))).collect();
    // Stable, so the order of cookies stays.
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    Answer { status, headers, body: text(body), debug }
}

fn pieces(body: &[u8]) -> Vec<Vec<u8>> {
    body.chunks(1000).map(<[u8]>::to_vec).collect()
}

pub fn axum(gate: &Gate, routes: on_axum::Routes, is_enforced: bool) -> Send {
    let app = routes.into_router();
    let app = if is_enforced { app.layer(on_axum::GateExt::enforce(gate)) } else { app };
    Rc::new(move |request| {
        let app = app.clone();
        Box::pin(async move {
            let mut built = http::Request::builder().method(request.method).uri(&request.path);
            for (name, value) in &request.headers {
                built = built.header(name, &**value);
            }
            if let Some(peer) = request.peer {
                built = built.extension(ConnectInfo(SocketAddr::new(peer, 4000)));
            }
            let body = match request.is_chunked {
                true => Body::from_stream(stream::iter(pieces(&request.body)).map(Ok::<_, Infallible>)),
                false => Body::from(request.body),
            };
            let (head, body) = app.oneshot(built.body(body).unwrap()).await.unwrap().into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            answer(head.status.as_u16(), headers, &body, format!("{:?}", head.headers))
        })
    })
}

pub async fn actix(gate: &Gate, routes: actix::Routes, is_enforced: bool) -> Send {
    let enforce = Condition::new(is_enforced, actix::GateExt::enforce(gate));
    let app = Rc::new(init_service(App::new().configure(routes.into_config()).wrap(enforce)).await);
    Rc::new(move |request| {
        let app = app.clone();
        Box::pin(async move {
            let mut built = TestRequest::with_uri(&request.path).method(request.method.parse().unwrap());
            for (name, value) in &request.headers {
                built = built.append_header((name.as_str(), &**value));
            }
            if let Some(peer) = request.peer {
                built = built.peer_addr(SocketAddr::new(peer, 4000));
            }
            let body = if request.is_chunked { pieces(&request.body) } else { vec![request.body] };
            let payload: BoxedPayloadStream = Box::pin(stream::iter(body).map(|piece| Ok(Bytes::from(piece))));
            let (built, _) = built.to_request().replace_payload(Payload::Stream { payload });
            let answered = match app.call(built).await {
                Ok(answered) => answered.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            };
            let (head, body) = answered.into_parts();
            let body = actix_to_bytes(body).await.unwrap();
            let headers = head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            answer(head.status().as_u16(), headers, &body, format!("{head:?}"))
        })
    })
}
