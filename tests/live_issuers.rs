//! Keys and introspection over the network, with real issuers on loopback: an OpenID provider and a stand-in for Amazon
//! Cognito. `servers/oidc-provider.sh up` and `servers/cognito.sh up` start them and print the environment that this reads.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;

use axum::routing::get;
use common::{Anyhow, agent, variable};
use portcullis::{
    Algorithm, Audience, ClaimMap, Gate, Introspection, Issuer, Jwt, RemoteKeys, RemoteKeysBuilder, RoleHierarchy,
    Scheme,
    axum::{Authenticated, Routes},
    policy::{authenticated, role},
    providers::cognito,
    reqwest::Client,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::spawn_blocking, time::sleep};

/// A rotation is for all who use the provider, so tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

const SECOND: Duration = Duration::from_secs(1);

/// A service that trusts somebody.
#[derive(Clone)]
struct Service {
    url: Arc<str>,
}

impl Service {
    async fn start(gate: Gate) -> Anyhow<Self> {
        let me = async |Authenticated(principal): Authenticated| principal.id().subject().to_owned();
        let app = Routes::new(&gate)
            .route("/me", authenticated(), get(me))
            .route("/admin", role("admin"), get(async || "welcome"))
            .into_router()
            .with_state(gate);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?).into();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url })
    }

    /// The status of the answer and its body.
    async fn ask(&self, path: &str, token: &str) -> Anyhow<(u16, String)> {
        let (url, bearer) = (format!("{}{path}", self.url), format!("Bearer {token}"));
        let asked = spawn_blocking(move || {
            let mut answer = agent().get(url).header("authorization", bearer).call()?;
            Ok::<_, ureq::Error>((answer.status().as_u16(), answer.body_mut().read_to_string()?))
        });
        Ok(asked.await??)
    }

    async fn status(&self, token: &str) -> Anyhow<u16> {
        Ok(self.ask("/me", token).await?.0)
    }
}

/// The provider as its clients see it.
struct Provider;

impl Provider {
    async fn post(url: String, basic: Option<(String, String)>, form: Vec<(&'static str, String)>) -> Anyhow<Value> {
        let asked = spawn_blocking(move || {
            let request = agent().post(&url);
            let request = match basic {
                Some((id, secret)) => {
                    use base64::{Engine, engine::general_purpose::STANDARD};
                    request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
                }
                None => request,
            };
            let mut answer = request.send_form(form)?;
            assert_eq!(answer.status(), 200, "{url}");
            Ok::<_, ureq::Error>(answer.body_mut().read_json().unwrap_or_default())
        });
        Ok(asked.await??)
    }

    async fn control(action: &str) -> Anyhow<Value> {
        Self::post(format!("{}/{action}", variable("OIDC_CONTROL")), None, Vec::new()).await
    }

    fn client() -> Option<(String, String)> {
        Some((variable("OIDC_CLIENT_ID"), variable("OIDC_CLIENT_SECRET")))
    }

    /// A user's tokens, by the authorization code flow.
    async fn login(user: &str, resource: Option<&str>) -> Anyhow<Value> {
        let resource = resource.map(|resource| format!("&resource={resource}")).unwrap_or_default();
        Self::control(&format!("login?user={user}{resource}")).await
    }

    async fn access_token(user: &str, resource: &str) -> Anyhow<String> {
        text(&Self::login(user, Some(&variable(resource))).await?, "access_token")
    }

    async fn revoke(token: &str) -> Anyhow<Value> {
        Self::post(variable("OIDC_REVOCATION_URL"), Self::client(), vec![("token", token.to_owned())]).await
    }
}

fn text(answer: &Value, member: &str) -> Anyhow<String> {
    Ok(answer[member].as_str().ok_or_else(|| format!("no `{member}` in {answer}"))?.to_owned())
}

fn map() -> Result<ClaimMap, portcullis::Error> {
    ClaimMap::new().roles("roles")
}

/// Its JWTs, verified here.
fn local(keys: RemoteKeys) -> Anyhow<Issuer> {
    let audience = Audience::any_of(["OIDC_RESOURCE", "OIDC_RESOURCE_ES256", "OIDC_RESOURCE_EDDSA"].map(variable));
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    Ok(Issuer::new(variable("OIDC_ISSUER"), audience, algorithms, keys)?.claim_map(map()?))
}

fn discovered() -> Anyhow<RemoteKeys> {
    discovered_by(RemoteKeys::builder())
}

fn discovered_by(keys: RemoteKeysBuilder) -> Anyhow<RemoteKeys> {
    Ok(keys.discover(variable("OIDC_ISSUER"), Client::new()?)?)
}

/// Its opaque tokens, asked about.
fn opaque() -> Anyhow<Introspection> {
    let issuer = Issuer::without_keys(variable("OIDC_ISSUER"), Audience::is(variable("OIDC_RESOURCE_OPAQUE")))?;
    let asked = Introspection::new(issuer.claim_map(map()?), variable("OIDC_INTROSPECTION_URL"), Client::new()?)?;
    let asked = asked.client(&variable("OIDC_INTROSPECT_CLIENT_ID"), &variable("OIDC_INTROSPECT_CLIENT_SECRET"));
    Ok(asked.remember(SECOND, SECOND))
}

fn gate(keys: RemoteKeys) -> Anyhow<Gate> {
    let roles = RoleHierarchy::ranked(["viewer", "editor", "admin"])?;
    let gate = Gate::builder()
        .scheme(Scheme::new(Jwt::new(local(keys)?)).bearer())
        .scheme(Scheme::new(opaque()?).bearer())
        .roles(roles);
    Ok(gate.build()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_user_are_accepted_and_damaged_ones_refused() -> Anyhow {
    let _turn = TURN.lock().await;
    Provider::control("reset").await?;
    let service = Service::start(gate(discovered()?)?).await?;
    for resource in ["OIDC_RESOURCE", "OIDC_RESOURCE_ES256", "OIDC_RESOURCE_EDDSA", "OIDC_RESOURCE_OPAQUE"] {
        let (alice, bob) =
            (Provider::access_token("alice", resource).await?, Provider::access_token("bob", resource).await?);
        assert_eq!(service.ask("/me", &alice).await?, (200, "alice".to_owned()), "{resource}");
        assert_eq!(service.ask("/admin", &alice).await?.0, 200, "{resource}");
        assert_eq!(service.ask("/me", &bob).await?, (200, "bob".to_owned()), "{resource}");
        assert_eq!(service.ask("/admin", &bob).await?.0, 403, "{resource}");
        let damaged = alice.replacen(&alice[alice.len() - 8..alice.len() - 7], "~", 1);
        assert_eq!(service.status(&damaged).await?, 401, "{resource}");
        println!("{resource}: alice 200 and 200, bob 200 and 403, damaged 401");
    }
    let login = Provider::login("alice", Some(&variable("OIDC_RESOURCE_OPAQUE"))).await?;
    for kind in ["id_token", "refresh_token"] {
        assert_eq!(service.status(&text(&login, kind)?).await?, 401, "{kind}");
    }
    Ok(())
}

/// Somebody's good requests, one after the other, until they are stopped.
async fn keep_asking(service: Service, token: String, stop: Arc<AtomicBool>) -> Anyhow<(usize, usize)> {
    let (mut good, mut failed) = (0, 0);
    while !stop.load(Relaxed) {
        if service.status(&token).await? == 200 { good += 1 } else { failed += 1 }
    }
    Ok((good, failed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_picked_up_without_one_failed_request() -> Anyhow {
    let _turn = TURN.lock().await;
    Provider::control("reset").await?;
    let service = Service::start(gate(discovered()?)?).await?;
    let old = Provider::access_token("alice", "OIDC_RESOURCE").await?;
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (service, old, stop) = (service.clone(), old.clone(), stop.clone());
        async move { keep_asking(service, old, stop).await.map_err(|error| error.to_string()) }
    });
    Provider::control("rotate").await?;
    let new = Provider::access_token("alice", "OIDC_RESOURCE").await?;
    assert_eq!(service.status(&new).await?, 200, "signed with a key that the service has not seen before");
    sleep(SECOND).await;
    stop.store(true, Relaxed);
    let (good, failed) = asking.await??;
    assert!(good > 10 && failed == 0, "{good} good requests, {failed} failed");
    println!("{good} requests with the old key and one with the new, none failed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_withdrawn_is_refused_when_its_time_is_over() -> Anyhow {
    let _turn = TURN.lock().await;
    Provider::control("reset").await?;
    let service = Service::start(gate(discovered_by(RemoteKeys::builder().lifetime(SECOND, SECOND))?)?).await?;
    let old = Provider::access_token("alice", "OIDC_RESOURCE").await?;
    assert_eq!(service.status(&old).await?, 200);
    Provider::control("rotate?old=drop").await?;
    let (withdrawn, mut last) = (Instant::now(), Duration::ZERO);
    while service.status(&old).await? == 200 {
        last = withdrawn.elapsed();
        assert!(last < 2 * SECOND, "still accepted after {last:?}");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.status(&old).await?, 401);
    println!("accepted for {last:?} after it was withdrawn, with a lifetime of one second");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_opaque_token_is_refused() -> Anyhow {
    let _turn = TURN.lock().await;
    Provider::control("reset").await?;
    let service = Service::start(gate(discovered()?)?).await?;
    let token = Provider::access_token("alice", "OIDC_RESOURCE_OPAQUE").await?;
    assert_eq!(service.ask("/me", &token).await?, (200, "alice".to_owned()));
    Provider::revoke(&token).await?;
    let revoked = Instant::now();
    while service.status(&token).await? == 200 {
        assert!(revoked.elapsed() < 2 * SECOND, "still accepted, and it is remembered for a second");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.status(&token).await?, 401);
    println!("refused {:?} after it was revoked", revoked.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_down_is_no_fault_of_the_token() -> Anyhow {
    let _turn = TURN.lock().await;
    // A port that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let service = Service::start(gate(RemoteKeys::jwks(format!("http://{nobody}/jwks"), Client::new()?)?)?).await?;
    let token = Provider::access_token("alice", "OIDC_RESOURCE").await?;
    assert_eq!(service.status(&token).await?, 503);
    assert_eq!(service.status("opaque").await?, 401, "this one the provider can tell");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_of_cognito_name_a_client_and_no_audience() -> Anyhow {
    // The keys are here and not at Amazon.
    let keys = RemoteKeys::jwks(variable("COGNITO_JWKS_URI"), Client::new()?)?;
    let name = variable("COGNITO_ISSUER");
    let pool = name.rsplit('/').next().unwrap_or_default();
    let service = async |issuer: Issuer| {
        let roles = RoleHierarchy::builder().role("admin", []).role("admins", ["admin"]).build()?;
        Service::start(Gate::builder().scheme(Scheme::new(Jwt::new(issuer)).bearer()).roles(roles).build()?).await
    };
    let access_of = async |client: &str| service(cognito::access_tokens(pool, [variable(client)], keys.clone())?).await;
    let (web, other) = (access_of("COGNITO_CLIENT_ID").await?, access_of("COGNITO_OTHER_CLIENT_ID").await?);
    let by_id = service(cognito::id_tokens(pool, [variable("COGNITO_CLIENT_ID")], keys.clone())?).await?;
    let parameters = json!({ "USERNAME": variable("COGNITO_USERNAME"), "PASSWORD": variable("COGNITO_PASSWORD") });
    let body = json!({
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": variable("COGNITO_CLIENT_ID"), "AuthParameters": parameters,
    });
    let url = format!("{}/", variable("COGNITO_URL"));
    let login = spawn_blocking(move || {
        let request = agent().post(url).header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth");
        request.send(body.to_string())?.body_mut().read_json::<Value>()
    });
    let tokens = login.await??["AuthenticationResult"].clone();
    let access = text(&tokens, "AccessToken")?;
    assert_eq!(web.ask("/me", &access).await?, (200, variable("COGNITO_SUB")));
    assert_eq!(other.status(&access).await?, 401, "it is meant for another client");
    assert_eq!(web.ask("/admin", &access).await?.0, 200, "its group is a role");
    let id = text(&tokens, "IdToken")?;
    assert_eq!(web.status(&id).await?, 401, "an identity token lets nobody in");
    assert_eq!((by_id.status(&id).await?, by_id.status(&access).await?), (200, 401), "where it is asked for, it does");
    println!(
        "the access token of {}: 200, at another client's 401, the identity token 401",
        variable("COGNITO_USERNAME")
    );
    Ok(())
}
