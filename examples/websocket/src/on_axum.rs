//! The service on axum.

use crate::{PAGE, Service, log};
use axum::{
    Router,
    extract::{
        Request,
        ws::{CloseFrame, Message, WebSocketUpgrade, close_code},
    },
    middleware::{Next, from_fn},
    response::{Html, Response},
    routing::any,
};
use portcullis::{
    CredentialSource,
    axum::{Authenticated, GateExt, Leased, Routes},
    policy::{anyone, authenticated, permission},
};
use tokio::{select, time::sleep};

/// The service. The guard of `/ws` decides before the socket opens, and the lease tells when it has to close.
pub fn app(service: Service) -> Router {
    let gate = service.gate.clone();
    Routes::new(&gate)
        .get("/", anyone(), Html(PAGE))
        .route("/ws", permission("echo:use"), any(echo))
        .post("/sign-out", authenticated(), async move |Authenticated(who): Authenticated| service.sign_out(&who))
        .into_router()
        .layer(from_fn(access_log))
        .layer(gate.scrub())
        .with_state(gate)
}

async fn echo(Leased(lease): Leased, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols([CredentialSource::WEBSOCKET_PROTOCOL]).on_upgrade(async move |mut socket| {
        let mut ended = lease.watch(sleep);
        loop {
            let answer = select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => format!("{}: {text}", lease.principal().id().subject()).into(),
                    Some(Ok(_)) => continue,
                    _ => return,
                },
                error = &mut ended => {
                    let reason = error.code().to_owned().into();
                    Message::Close(Some(CloseFrame { code: close_code::POLICY, reason }))
                }
            };
            let is_last = matches!(answer, Message::Close(_));
            if socket.send(answer).await.is_err() || is_last {
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
