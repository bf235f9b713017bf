//! The service on actix-web.

use crate::{PAGE, Service, log};
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    rt,
    web::{self, Html},
};
use actix_ws::{CloseCode, CloseReason, Message};
use portcullis::{
    CredentialSource,
    actix::{Authenticated, GateExt, Leased, Routes},
    policy::{anyone, authenticated, permission},
};
use std::future::ready;
use tokio::{select, time::sleep};

/// The service. The guard of `/ws` decides before the socket opens, and the lease tells when it has to close.
pub fn app(
    service: Service,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let gate = service.gate.clone();
    let sign_out = move |Authenticated(who): Authenticated| {
        service.sign_out(&who);
        ready(HttpResponse::Ok())
    };
    let routes = Routes::new(&gate)
        .get("/", anyone(), async || Html::new(PAGE))
        .get("/ws", permission("echo:use"), echo)
        .post("/sign-out", authenticated(), sign_out)
        .into_config();
    App::new().configure(routes).wrap(from_fn(access_log)).wrap(gate.scrub())
}

async fn echo(Leased(lease): Leased, request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let protocols = [CredentialSource::WEBSOCKET_PROTOCOL];
    let (response, mut session, mut messages) = actix_ws::handle_with_protocols(&request, body, &protocols)?;
    rt::spawn(async move {
        let mut ended = lease.watch(sleep);
        let reason = loop {
            let message = select! {
                message = messages.recv() => message,
                error = &mut ended => break Some(CloseReason {
                    code: CloseCode::Policy,
                    description: Some(error.code().to_owned()),
                }),
            };
            let sent = match message {
                Some(Ok(Message::Text(text))) => {
                    session.text(format!("{}: {text}", lease.principal().id().subject())).await
                }
                Some(Ok(Message::Ping(bytes))) => session.pong(&bytes).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        };
        let _ = session.close(reason).await;
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
