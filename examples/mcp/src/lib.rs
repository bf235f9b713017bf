//! An MCP server with notes: everyone who is signed in may read them, and adding one needs a scope.

mod call;

use axum::{
    Router,
    http::{Uri, request::Parts},
    routing::any,
};
use call::{Call, serve};
use portcullis::{ClaimMap, Error as GateError, Gate, Issuer, Jwt, ProtectedResource, Scheme, axum::Routes, policy::*};
use rmcp::{
    ErrorData, Json, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

/// What a token needs for the tool `add_note`.
pub const WRITE: &str = "notes:write";

/// Who issues tokens, and where clients learn it. The scopes are named here, since tools ask for them and no route does.
fn gate(issuer: Issuer, address: &str) -> Result<Gate, GateError> {
    let issuer = issuer.claim_map(ClaimMap::new().scopes("scope")?);
    Gate::builder()
        .scheme(Scheme::new(Jwt::new(issuer)).bearer())
        .protected_resource(ProtectedResource::new(address)?.name("Notes")?.scopes([WRITE])?)
        .build()
}

/// The server, for clients that know it by this address and have tokens of this issuer.
///
/// # Errors
/// If the address is not one of HTTPS or of this machine.
pub fn app(issuer: Issuer, address: &str) -> Result<Router, Box<dyn Error>> {
    let gate = gate(issuer, address)?;
    let uri: Uri = address.parse()?;
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(uri.authority().map(ToString::to_string))
        // The response begins after the tool has answered, so a call that is denied can be a 403.
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let notes = Notes::default();
    let server =
        StreamableHttpService::new(move || Ok(notes.clone()), Arc::new(NeverSessionManager::default()), config);
    let routes = Routes::new(&gate).resource_metadata().route(
        uri.path(),
        authenticated(),
        any(move |caller, request| serve(server.clone(), caller, request)),
    );
    Ok(routes.into_router().with_state(gate))
}

#[derive(Debug, Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct NoteList {
    notes: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct NewNote {
    text: String,
}

#[tool_router]
impl Notes {
    #[tool(description = "Lists the notes.")]
    async fn list_notes(&self) -> Json<NoteList> {
        Json(NoteList { notes: self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() })
    }

    #[tool(description = "Adds a note.")]
    async fn add_note(
        &self,
        Extension(parts): Extension<Parts>,
        Parameters(NewNote { text }): Parameters<NewNote>,
    ) -> Result<String, ErrorData> {
        let call = Call::of(&parts)?;
        call.require(scope(WRITE)).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        Ok(format!("added by {}", call.principal().id().subject()))
    }
}

#[tool_handler]
impl ServerHandler for Notes {}
