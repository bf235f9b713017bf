//! What a tool knows of its caller, and how a denied call becomes an answer of HTTP.
//!
//! A tool decides by itself, since only it knows which one it is: the name of a tool is in the body of the request. MCP
//! clients ask for a further scope if the answer is a 403 with a challenge, so the reason is handed to the route.

use axum::{body::Body, extract::Request, http::request::Parts, response::Response};
use portcullis::{
    Error, Principal,
    axum::{Caller, Rejection},
    policy::Policy,
};
use rmcp::{
    ErrorData, ServerHandler,
    transport::streamable_http_server::{StreamableHttpService, session::SessionManager},
};
use std::sync::{Arc, OnceLock};

/// The caller of a tool, and why the call was denied.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    caller: Caller,
    denied: Arc<OnceLock<Error>>,
}

impl Call {
    /// That of a request.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, ErrorData> {
        parts.extensions.get().ok_or_else(|| ErrorData::internal_error("a route without `serve`", None))
    }

    pub(crate) fn principal(&self) -> &Principal {
        self.caller.principal()
    }

    /// Goes on if the policy allows the caller. Otherwise the request gets the refusal of the gate.
    pub(crate) async fn require(&self, policy: impl Policy + 'static) -> Result<(), ErrorData> {
        self.caller.require(policy).await.map(drop).map_err(|error| {
            let answer = ErrorData::invalid_request(error.code().to_owned(), None);
            // The first one counts.
            self.denied.set(error).ok();
            answer
        })
    }
}

/// Lets the server answer, unless a tool denies the call.
pub(crate) async fn serve<S: ServerHandler, M: SessionManager>(
    server: StreamableHttpService<S, M>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, Rejection> {
    let call = Call { caller, denied: Arc::default() };
    request.extensions_mut().insert(call.clone());
    let answer = server.handle(request).await;
    match call.denied.get() {
        Some(error) => Err(error.clone().into()),
        None => Ok(answer.map(Body::new)),
    }
}
