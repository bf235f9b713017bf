//! Credentials that stand in the address or in headers are not for the log of whoever stands behind.

mod address;
mod guards;
mod headers;
mod traced;

use crate::cast::{Inner, Names, Projects, Text, Wire, send};
use http::{Request, Response};
use portcullis_core::{Gate, RoleHierarchy, Scheme};
use std::convert::Infallible;
use tower::service_fn;

fn gate_of(names: &Names, sources: impl FnOnce(Scheme) -> Scheme) -> Gate {
    let roles = RoleHierarchy::ranked(["viewer", "owner"]).unwrap();
    let scheme = sources(Scheme::new(names.clone()));
    Gate::builder().scheme(scheme).roles(roles).membership("project", Projects).build().unwrap()
}

/// Reads credentials everywhere.
fn everywhere(scheme: Scheme) -> Scheme {
    scheme
        .bearer()
        .header("X-Key")
        .query("token")
        .query("access token[é]")
        .websocket_query("ws")
        .websocket_protocol()
        .cookie("session")
}

fn gate() -> Gate {
    gate_of(&Names::default(), everywhere)
}

/// Says back the address that it was asked for.
fn address() -> impl Inner + use<> {
    service_fn(|request: Request<Text>| async move {
        Ok::<_, Infallible>(Response::new(Text::from(request.uri().to_string())))
    })
}

fn get(uri: &str, headers: &[(&str, &str)]) -> Request<Text> {
    let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
    request.body(Text::from("hello")).unwrap()
}

async fn ask(service: &impl Inner, uri: &str) -> Wire {
    send(service, get(uri, &[])).await
}

const SOCKET: (&str, &str) = ("upgrade", "websocket");
