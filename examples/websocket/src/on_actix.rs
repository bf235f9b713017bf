//! The service on actix-web.

use crate::{PAGE, log};
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    rt,
    web::{self, Html},
};
use actix_ws::Message;
use portcullis::{
    CredentialSource, Gate,
    actix::{Authenticated, GateExt, Routes},
    policy::{anyone, permission},
};

/// The service. The guard of `/ws` decides before the socket opens.
pub fn app(
    gate: Gate,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let routes = Routes::new(&gate)
        .route("/", anyone(), web::get().to(async || Html::new(PAGE)))
        .route("/ws", permission("echo:use"), web::get().to(echo))
        .into_config();
    App::new().configure(routes).wrap(from_fn(access_log)).wrap(gate.scrub())
}

async fn echo(
    Authenticated(principal): Authenticated,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Error> {
    let protocols = [CredentialSource::WEBSOCKET_PROTOCOL];
    let (response, mut session, mut messages) = actix_ws::handle_with_protocols(&request, body, &protocols)?;
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            let sent = match message {
                Message::Text(text) => session.text(format!("{}: {text}", principal.subject())).await,
                Message::Ping(bytes) => session.pong(&bytes).await,
                Message::Close(_) => break,
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}

async fn access_log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (method, address) = (request.method().clone(), request.uri().clone());
    let response = next.call(request).await?;
    log(method.as_str(), &address.to_string(), response.status().as_u16());
    Ok(response)
}
