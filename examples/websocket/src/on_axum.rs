//! The service on axum.

use crate::{PAGE, log};
use axum::{
    Router,
    extract::{
        Request,
        ws::{Message, WebSocketUpgrade},
    },
    middleware::{Next, from_fn},
    response::{Html, Response},
    routing::{any, get},
};
use portcullis::{
    CredentialSource, Gate,
    axum::{Authenticated, GateExt, Routes},
    policy::{anyone, permission},
};

/// The service. The guard of `/ws` decides before the socket opens.
pub fn app(gate: Gate) -> Router {
    Routes::new(&gate)
        .route("/", anyone(), get(Html(PAGE)))
        .route("/ws", permission("echo:use"), any(echo))
        .into_router()
        .layer(from_fn(access_log))
        .layer(gate.scrub())
        .with_state(gate)
}

async fn echo(Authenticated(principal): Authenticated, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols([CredentialSource::WEBSOCKET_PROTOCOL]).on_upgrade(async move |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            let Message::Text(text) = message else { continue };
            if socket.send(format!("{}: {text}", principal.subject()).into()).await.is_err() {
                return;
            }
        }
    })
}

async fn access_log(request: Request, next: Next) -> Response {
    let (method, address) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    log(method.as_str(), &address.to_string(), response.status().as_u16());
    response
}
