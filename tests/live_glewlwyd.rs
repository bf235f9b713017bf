//! A real OpenID provider: glewlwyd, whose answers are not always those of the RFCs. `servers/glewlwyd.sh up` starts it and
//! prints the environment that this reads.
#![allow(clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "live/common.rs"]
mod common;
#[path = "live/glewlwyd/provider.rs"]
mod provider;
#[path = "live/glewlwyd/service.rs"]
mod service;

use axum::{Router, routing::post};
use common::{Anyhow, variable};
use http::Request;
use portcullis::{
    Algorithm, Audience, ClientCredentials, Dpop, ErrorKind, Gate, Jwt, RemoteKeys, RoleHierarchy, Scheme, SystemClock,
    providers::rfc9068,
    reqwest::Client,
    sign_in::{SealingKeys, SignIn},
    testing::SigningKey,
};
use provider::{
    api, authorize, claims, location, new_key, part, publish, script, send, session, submit, text, token, token_for,
    tokens_of,
};
use serde_json::Value;
use service::{Ahead, Browser, ask, bearer, introspection, issuer, me, routes, service, sign_in_provider, status};
use std::collections::BTreeMap;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};

/// Tests that change the keys or stop the server are among them, so all take turns.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn access_tokens_are_accepted_and_what_else_it_signs_is_refused() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = Ahead::default();
    let service = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &clock)?;
    let ([alice, id_token, refresh_token], [bob, ..], own) = (tokens_of("alice")?, tokens_of("bob")?, token()?);
    let subject = text(&claims(&alice)?, "sub")?;
    assert_eq!(me(&service, &alice).await?, (200, subject.clone()));
    assert_ne!(me(&service, &bob).await?, (200, subject));
    assert_eq!(me(&service, &own).await?, (200, variable("GLEWLWYD_CLIENT_ID")));
    for (token, is_admin) in [(&alice, 200), (&bob, 403), (&own, 403)] {
        assert_eq!(ask(&service, bearer("/admin", token)).await?.0, is_admin);
    }
    let other = text(&token_for(&variable("GLEWLWYD_OTHER_RESOURCE"), None)?, "access_token")?;
    let forger = SigningKey::embedded(Algorithm::Es256);
    let forged = forger.sign(&part(&alice, 0)?.to_string(), &claims(&alice)?.to_string());
    for (what, token) in [
        ("an ID token", &*id_token),
        ("a refresh token", &refresh_token),
        ("another audience", &other),
        ("another key", &forged),
        ("a part of it", &alice[..alice.len() - 2]),
    ] {
        assert_eq!(status(&service, token).await?, 401, "{what}");
    }
    // It meets everything but the type: the audience of an ID token is the client.
    let name = variable("GLEWLWYD_ISSUER");
    let (keys, audience) =
        (RemoteKeys::discover(&*name, Client::new()?)?, Audience::is(variable("GLEWLWYD_CLIENT_ID")));
    let of_client = rfc9068::access_tokens(name, audience, [Algorithm::Es256], keys)?;
    let of_client = self::service(Scheme::new(Jwt::new(of_client)).bearer(), &clock)?;
    assert_eq!(status(&of_client, &id_token).await?, 401);

    assert_eq!(status(&service, &own).await?, 200);
    clock.advance(900);
    assert_eq!(me(&service, &own).await?, (401, "token_expired".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_user_signs_in_and_a_code_counts_once_and_with_its_verifier() -> Anyhow {
    let _turn = TURN.lock().await;
    let (provider, redirect_uri) = (sign_in_provider()?, variable("GLEWLWYD_REDIRECT_URI"));
    let service = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &Ahead::default())?;
    let with_resource = provider.clone().parameter("resource", variable("GLEWLWYD_RESOURCE"))?;
    for (provider, expected) in [(&provider, 401), (&with_resource, 200)] {
        let (address, flow) = provider.begin(&redirect_uri).await?;
        let callback = authorize(&address, "alice")?;
        assert!(callback.contains("iss="), "{callback}");
        let alice = provider.finish(&flow, &callback).await?;
        assert_eq!(alice.claims.get::<String>("email")?.as_deref(), Some("alice@example.com"));
        // Without a resource the audience of the access token is its scope.
        let access = alice.access_token().ok_or("no access token")?;
        assert_eq!(status(&service, access).await?, expected);
        assert_eq!(alice.principal.id().subject(), text(&claims(access)?, "sub")?);
        let again = provider.finish(&flow, &callback).await.err().ok_or("the code counted twice")?;
        assert_eq!(again.code(), "sign_in_failed", "{again:?}");
    }
    let (address, flow) = provider.begin(&redirect_uri).await?;
    let callback = authorize(&address, "alice")?;
    // Whoever has the code has neither the state nor the verifier.
    let (_, other) = provider.begin(&redirect_uri).await?;
    assert_eq!(provider.finish(&other, &callback).await.err().map(|error| error.kind()), Some(ErrorKind::Rejected));
    let state =
        |flow| Ok::<_, serde_json::Error>(serde_json::to_value(flow)?["state"].as_str().unwrap_or("").to_owned());
    let injected = callback.replace(&state(&flow)?, &state(&other)?);
    let refused = provider.finish(&other, &injected).await.err().ok_or("the verifier was not checked")?;
    assert_eq!(refused.code(), "sign_in_failed", "{refused:?}");
    let elsewhere = callback.replace("iss=http", "iss=https");
    assert_eq!(provider.finish(&flow, &elsewhere).await.err().map(|error| error.kind()), Some(ErrorKind::Rejected));
    let wrong = provider.clone().secret("wrong").finish(&flow, &callback).await.err().ok_or("a wrong secret")?;
    assert_eq!(wrong.kind(), ErrorKind::Misconfigured, "{wrong:?}");
    Ok(())
}

#[tokio::test]
async fn a_session_goes_on_and_a_copied_one_ends_both() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = Ahead::default();
    let keys = SealingKeys::new("a-secret-of-at-least-thirty-two-bytes")?;
    let sign_in =
        SignIn::new(sign_in_provider()?.clock(clock.clone()), variable("GLEWLWYD_REDIRECT_URI"), keys)?.refreshed();
    let gate = Gate::builder().clock(clock.clone()).scheme(&sign_in).revocations(sign_in.revocations());
    let gate = gate.roles(RoleHierarchy::ranked(["admin"])?).build()?;
    let service = routes(&gate).sign_in("/auth", &sign_in).into_router().with_state(gate);
    let mut alice = Browser { service, cookies: BTreeMap::new() };
    assert_eq!(alice.status("GET", "/me").await?, 401);
    let callback = authorize(&location(&alice.ask("GET", "/auth/login?return_to=/me").await?)?, "alice")?;
    assert_eq!(location(&alice.ask("GET", &format!("/auth/callback?{callback}")).await?)?, "/me");
    assert_eq!(alice.status("GET", "/me").await?, 200);
    let mut copy = alice.clone();
    clock.advance(850);
    // The provider replaces refresh tokens. For a minute, a second tab gets the same.
    assert_eq!(alice.status("POST", "/auth/refresh").await?, 200);
    assert_eq!(copy.clone().status("POST", "/auth/refresh").await?, 200);
    clock.advance(61);
    assert_eq!((alice.status("GET", "/me").await?, copy.status("GET", "/me").await?), (200, 401));
    assert_eq!(copy.status("POST", "/auth/refresh").await?, 401, "the provider says 400 and nothing more");
    clock.advance(800);
    assert_eq!(alice.status("GET", "/me").await?, 200);
    assert_eq!(alice.status("POST", "/auth/refresh").await?, 401, "the provider ended both");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_tells_which_session_ended() -> Anyhow {
    let _turn = TURN.lock().await;
    let (sender, mut told) = mpsc::channel(2);
    let hears = post(async move |body: String| _ = sender.send(body).await);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", hears)).await });
    let (admin, client) = (session("admin")?, format!("client/{}", variable("GLEWLWYD_CLIENT_ID")));
    let mut registered: Value = serde_json::from_str(send(api("GET", &client, &admin), "")?.body())?;
    registered["backchannel_logout_uri"] = address.into();
    registered["backchannel_logout_session_required"] = "1".into();
    assert_eq!(send(api("PUT", &client, &admin), registered.to_string())?.status(), 200);

    let provider = sign_in_provider()?;
    let (address, flow) = provider.begin(&variable("GLEWLWYD_REDIRECT_URI")).await?;
    let alice = provider.finish(&flow, &authorize(&address, "alice")?).await?;
    let sid = alice.claims.get::<String>("sid")?.ok_or("no session")?;
    assert_eq!(send(api("DELETE", &format!("oidc/session/{sid}"), &session("alice")?), "")?.status(), 200);
    let told = told.recv().await.ok_or("nothing was told")?;
    let token = told.strip_prefix("logout_token=").ok_or("no logout token")?;
    // Its type is `JWT`, and it has no end.
    assert!(provider.verify_logout_token(token).await.is_err());
    let provider = provider.allow_draft_logout_tokens();
    assert_eq!(provider.verify_logout_token(token).await?.sid, Some(sid));
    let [_, id_token, _] = tokens_of("alice")?;
    assert!(provider.verify_logout_token(&id_token).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_service_gets_tokens_of_its_own() -> Anyhow {
    let _turn = TURN.lock().await;
    let service = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &Ahead::default())?;
    let (url, id) = (variable("GLEWLWYD_TOKEN_URL"), variable("GLEWLWYD_CLIENT_ID"));
    let with = |secret: &str| ClientCredentials::new(&*url, &id, secret, Client::new()?);
    let tokens = with(&variable("GLEWLWYD_CLIENT_SECRET"))?;
    let own = tokens.clone().scope("api").resource(variable("GLEWLWYD_RESOURCE"));
    let token = own.bearer().await?;
    assert_eq!(me(&service, token.expose()).await?, (200, id.clone()));
    assert_eq!(own.bearer().await?.expose(), token.expose());
    let other = tokens.clone().scope("api").resource(variable("GLEWLWYD_OTHER_RESOURCE")).bearer().await?;
    assert_eq!(status(&service, other.expose()).await?, 401);
    for refused in [tokens.clone().scope("g_admin"), tokens.scope("api").resource("https://unknown.example.com")] {
        assert_eq!(refused.bearer().await.err().map(|error| error.kind()), Some(ErrorKind::Misconfigured));
    }
    // It says 403 and nothing more, which something in between could say too.
    let wrong = with("wrong")?.scope("api").bearer().await;
    assert_eq!(wrong.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_is_refused_where_the_provider_is_asked() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = Ahead::default();
    let secret = variable("GLEWLWYD_CLIENT_SECRET");
    let asking = service(Scheme::new(introspection(&secret)?).bearer(), &clock)?;
    let verifying = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &clock)?;
    let ([alice, id_token, refresh_token], own) = (tokens_of("alice")?, token()?);
    assert_eq!(me(&asking, &alice).await?, (200, text(&claims(&alice)?, "sub")?));
    // The answer about it has no `sub`, and none has the roles.
    assert_eq!(me(&asking, &own).await?, (200, variable("GLEWLWYD_CLIENT_ID")));
    let admin = |service| ask(service, bearer("/admin", &alice));
    assert_eq!((admin(&asking).await?.0, admin(&verifying).await?.0), (403, 200));
    for (what, token) in [("a refresh token", &*refresh_token), ("an ID token", &id_token), ("made up", "abc")] {
        assert_eq!(status(&asking, token).await?, 401, "{what}");
    }
    assert_eq!(submit("GLEWLWYD_REVOCATION_URL", &[("token", &alice)], None)?.status(), 200);
    assert_eq!((status(&asking, &alice).await?, status(&asking, &own).await?), (401, 200));
    assert_eq!(status(&verifying, &alice).await?, 200, "nobody was asked");
    let unknown = service(Scheme::new(introspection("wrong")?).bearer(), &clock)?;
    assert_eq!(status(&unknown, &own).await?, 503);
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_a_proof() -> Anyhow {
    let _turn = TURN.lock().await;
    let (clock, resource) = (SystemClock::default(), variable("GLEWLWYD_RESOURCE"));
    let scheme = || -> Anyhow<Scheme> { Ok(Scheme::new(Jwt::new(issuer()?)).dpop(Dpop::new(&resource)?)) };
    let service = service(scheme()?.bearer(), &Ahead::default())?;
    let asking = Scheme::new(introspection(&variable("GLEWLWYD_CLIENT_SECRET"))?);
    let asking = self::service(asking.dpop(Dpop::new(&resource)?), &Ahead::default())?;
    let [one, two] = [Algorithm::Es256, Algorithm::EdDsa].map(SigningKey::embedded);
    for (key, other) in [(&one, &two), (&two, &one)] {
        let made = |url: &str| token_for(&resource, Some(&key.dpop_proof("POST", url, "", &clock)));
        assert_eq!(text(&made(&resource)?, "error")?, "invalid_dpop_proof", "the provider checks the address too");
        let answer = made(&variable("GLEWLWYD_TOKEN_URL"))?;
        assert_eq!(text(&answer, "token_type")?, "DPoP");
        let token = text(&answer, "access_token")?;
        assert_eq!(claims(&token)?["cnf"]["jkt"].as_str().map(str::to_owned), key.key().thumbprint());

        let proof = |key: &SigningKey, path| key.dpop_proof("GET", &format!("{resource}{path}"), &token, &clock);
        let request = || Request::get("/me").header("authorization", format!("DPoP {token}"));
        let sound = proof(key, "/me");
        let accepted = ask(&service, request().header("dpop", &sound)).await?;
        assert_eq!(accepted, (200, variable("GLEWLWYD_CLIENT_ID")));
        for (what, request) in [
            ("used before", request().header("dpop", &sound)),
            ("of another key", request().header("dpop", proof(other, "/me"))),
            ("for another address", request().header("dpop", proof(key, "/admin"))),
            ("none", request()),
        ] {
            assert_eq!(ask(&service, request).await?, (401, "invalid_dpop_proof".to_owned()), "{what}");
        }
        assert_eq!(status(&service, &token).await?, 401, "as a bearer token");
        let asked = |key| ask(&asking, request().header("dpop", proof(key, "/me")));
        assert_eq!((asked(key).await?.0, asked(other).await?.0), (200, 401), "where the provider is asked");
    }
    let plain = token()?;
    assert_eq!(status(&service, &plain).await?, 200);
    let proof = one.dpop_proof("GET", &format!("{resource}/me"), &plain, &clock);
    let request = Request::get("/me").header("authorization", format!("DPoP {plain}")).header("dpop", proof);
    assert_eq!(ask(&service, request).await?.0, 401, "it is bound to no key");
    let only = self::service(scheme()?, &Ahead::default())?;
    assert_eq!(status(&only, &plain).await?, 401);
    Ok(())
}

#[tokio::test]
async fn new_keys_are_followed_and_withdrawn_ones_refused() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = Ahead::default();
    let service = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &clock)?;
    let [first, second, replaced] = [new_key("one")?, new_key("two")?, new_key("two")?];
    publish(&[&first])?;
    let by_first = token()?;
    assert_eq!(status(&service, &by_first).await?, 200);
    publish(&[&second, &first])?;
    let by_second = token()?;
    assert_eq!((status(&service, &by_second).await?, status(&service, &by_first).await?), (200, 200));
    // Keys are looked for every five seconds, and valid for a minute.
    clock.advance(6);
    publish(&[&replaced])?;
    let by_replaced = token()?;
    assert_eq!(status(&service, &by_replaced).await?, 200, "another key of the same name");
    clock.advance(61);
    assert_eq!(status(&service, &by_replaced).await?, 200);
    assert_eq!((status(&service, &by_first).await?, status(&service, &by_second).await?), (401, 401));
    Ok(())
}

/// Starts it again, whatever a test found.
struct Recovery;

impl Drop for Recovery {
    fn drop(&mut self) {
        let _ = script("up");
    }
}

#[tokio::test]
async fn an_outage_is_no_fault_of_a_token_and_lets_nobody_in() -> Anyhow {
    let _turn = TURN.lock().await;
    let clock = Ahead::default();
    let verifying = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &clock)?;
    let unprepared = service(Scheme::new(Jwt::new(issuer()?)).bearer(), &clock)?;
    let asking = service(Scheme::new(introspection(&variable("GLEWLWYD_CLIENT_SECRET"))?).bearer(), &clock)?;
    let [token, ..] = tokens_of("alice")?;
    let other = text(&token_for(&variable("GLEWLWYD_OTHER_RESOURCE"), None)?, "access_token")?;
    assert_eq!((status(&verifying, &token).await?, status(&asking, &token).await?), (200, 200));

    let recovery = Recovery;
    script("kill")?;
    assert_eq!((status(&verifying, &token).await?, status(&verifying, &other).await?), (200, 401), "known keys stay");
    assert_eq!((status(&asking, &token).await?, status(&asking, &other).await?), (503, 401));
    assert_eq!(status(&unprepared, &token).await?, 503);
    let redirect_uri = variable("GLEWLWYD_REDIRECT_URI");
    let flow = sign_in_provider()?.begin(&redirect_uri).await;
    assert_eq!(flow.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));

    drop(recovery);
    clock.advance(61); // the longest pause
    for service in [&verifying, &asking, &unprepared] {
        assert_eq!((status(service, &token).await?, status(service, &other).await?), (200, 401));
    }
    assert!(sign_in_provider()?.begin(&redirect_uri).await.is_ok());
    Ok(())
}
