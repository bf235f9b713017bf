//! The server as a client of MCP sees it.
#![allow(clippy::panic, missing_docs, reason = "tests")]

use axum::{
    Router,
    routing::{get, post},
};
use portcullis::{Algorithm, Audience, Issuer, RemoteKeys, reqwest::Client, testing::TestIssuer};
use rmcp::{
    RoleClient, ServiceExt,
    model::CallToolRequestParams,
    service::{ClientInitializeError, RunningService},
    transport::{
        StreamableHttpClientTransport,
        auth::{AuthorizationManager, ClientCredentialsConfig},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use std::{env, error::Error};
use tokio::net::TcpListener;

type Anyhow<T = ()> = Result<T, Box<dyn Error>>;

/// The address of a server that runs, and who issues its tokens.
async fn start() -> Anyhow<(String, TestIssuer)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = TestIssuer::new().on_system_time().for_audience(address.clone());
    let app = mcp::app(issuer.issuer(), &address)?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((address, issuer))
}

async fn connect(
    address: &str,
    token: Option<String>,
) -> Result<RunningService<RoleClient, ()>, ClientInitializeError> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(address);
    config.auth_header = token;
    ().serve(StreamableHttpClientTransport::from_config(config)).await
}

fn add(text: &str) -> Anyhow<CallToolRequestParams> {
    let arguments = json!({ "text": text }).as_object().cloned().ok_or("an object")?;
    Ok(CallToolRequestParams::new("add_note").with_arguments(arguments))
}

async fn notes(client: &RunningService<RoleClient, ()>) -> Anyhow<Value> {
    let answer = client.call_tool(CallToolRequestParams::new("list_notes")).await?;
    let content = answer.structured_content.ok_or("no content")?;
    Ok(content.get("notes").ok_or("no notes")?.clone())
}

#[tokio::test]
async fn everyone_who_is_signed_in_reads_and_those_with_the_scope_write() -> Anyhow {
    let (address, issuer) = start().await?;
    let reader = connect(&address, Some(issuer.token("alice").sign())).await?;
    let writer = connect(&address, Some(issuer.token("bob").scope(mcp::WRITE).sign())).await?;
    for client in [&reader, &writer] {
        let mut names: Vec<_> = client.list_all_tools().await?.into_iter().map(|tool| tool.name.into_owned()).collect();
        names.sort();
        assert_eq!(names, ["add_note", "list_notes"]);
    }
    writer.call_tool(add("buy milk")?).await?;
    assert_eq!(notes(&reader).await?, json!(["buy milk"]));

    let denied = reader.call_tool(add("sell milk")?).await.err().ok_or("alice has no such scope")?;
    let metadata = address.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    let challenge =
        format!("Bearer resource_metadata=\"{metadata}\", error=\"insufficient_scope\", scope=\"notes:write\"");
    assert_eq!(denied.auth_challenge(), Some(&*challenge));
    assert_eq!(notes(&writer).await?, json!(["buy milk"]));
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_and_says_where_to_get_one() -> Anyhow {
    let (address, issuer) = start().await?;
    let elsewhere = issuer.clone().for_audience("http://127.0.0.1:1/mcp").token("alice").sign();
    for token in [None, Some("forged".to_owned()), Some(elsewhere)] {
        let challenge = refused(&address, token).await?;
        let metadata = address.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
        assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
    }
    Ok(())
}

/// The challenge with which a client is refused.
async fn refused(address: &str, token: Option<String>) -> Anyhow<String> {
    let error = connect(address, token).await.err().ok_or("nobody has shown a valid token")?;
    Ok(error.auth_challenge().ok_or("no challenge")?.to_owned())
}

/// A client that knows nothing but the address and its own secret adds a note, once without the scope and once with it.
async fn from_the_challenge_to_a_note(address: &str, id: &str, secret: &str) -> Anyhow {
    let challenge = refused(address, None).await?;
    let token = async |scopes: &[&str]| -> Anyhow<String> {
        let mut discovery = AuthorizationManager::new_allowing_private_addresses(address).await?;
        let found = discovery.resolve_metadata_from_challenge(Some(&challenge)).await?;
        assert!(found.source.is_discovered(), "{found:?}");
        discovery.set_metadata(found.metadata);
        let client = ClientCredentialsConfig::ClientSecret {
            client_id: id.to_owned(),
            client_secret: secret.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            resource: Some(address.to_owned()),
        };
        discovery.configure_client_credentials(&client)?;
        discovery.exchange_client_credentials(&client).await?;
        Ok(discovery.get_access_token().await?)
    };
    let reader = connect(address, Some(token(&[]).await?)).await?;
    let denied = reader.call_tool(add("buy milk")?).await.err().ok_or("no scope was asked for")?;
    let challenge = denied.auth_challenge().unwrap_or_default();
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"notes:write\""), "{challenge}");
    let writer = connect(address, Some(token(&[mcp::WRITE]).await?)).await?;
    writer.call_tool(add("buy milk")?).await?;
    assert_eq!(notes(&reader).await?, json!(["buy milk"]));
    Ok(())
}

#[tokio::test]
async fn a_client_finds_its_authorization_server_by_itself() -> Anyhow {
    let (server, authority) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let address = format!("http://{}/mcp", server.local_addr()?);
    let name = format!("http://{}", authority.local_addr()?);
    let issuer = TestIssuer::new().on_system_time().for_audience(address.clone()).named(name.clone());
    let app = mcp::app(issuer.issuer(), &address)?;
    let metadata = json!({
        "issuer": name,
        "authorization_endpoint": format!("{name}/authorize"),
        "token_endpoint": format!("{name}/token"),
        "response_types_supported": ["code"],
    });
    let grant = async move |form: String| {
        let token = issuer.token("robot");
        let token = if form.contains("notes%3Awrite") { token.scope(mcp::WRITE) } else { token };
        axum::Json(json!({ "access_token": token.sign(), "token_type": "Bearer", "expires_in": 60 }))
    };
    let authority_app = Router::new()
        .route("/.well-known/oauth-authorization-server", get(axum::Json(metadata)))
        .route("/token", post(grant));
    tokio::spawn(async move { axum::serve(server, app).await });
    tokio::spawn(async move { axum::serve(authority, authority_app).await });
    from_the_challenge_to_a_note(&address, "robot", "secret").await
}

/// The same with a real OpenID provider.
#[tokio::test]
#[ignore = "needs the environment that `tests/servers/oidc-provider.sh up` prints"]
async fn a_client_finds_an_openid_provider_by_itself() -> Anyhow {
    let server = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/mcp", server.local_addr()?);
    let name = env::var("OIDC_ISSUER")?;
    let keys = RemoteKeys::discover(name.clone(), Client::new()?)?;
    let issuer = Issuer::new(name, Audience::is(address.clone()), [Algorithm::Rs256], keys)?;
    let app = mcp::app(issuer, &address)?;
    tokio::spawn(async move { axum::serve(server, app).await });
    from_the_challenge_to_a_note(&address, &env::var("OIDC_CLIENT_ID")?, &env::var("OIDC_CLIENT_SECRET")?).await
}
