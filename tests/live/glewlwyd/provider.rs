//! The provider, as its clients, its login page and its administrator use it.

use crate::common::{Anyhow, agent, variable};
use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsBigEndian, EcPrivateKeyBin},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{
    Request, Response,
    header::{LOCATION, SET_COOKIE},
    request::Builder,
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

pub fn send(request: Builder, body: impl Into<String>) -> Anyhow<Response<String>> {
    let (agent, body) = (agent(), body.into());
    let answer = match request.method_ref().is_none_or(|method| method == "GET") {
        true => agent.run(agent.configure_request(request.body(())?).max_redirects(0).build())?,
        false => agent.run(agent.configure_request(request.body(body)?).max_redirects(0).build())?,
    };
    let (head, mut body) = answer.into_parts();
    Ok(Response::from_parts(head, body.read_to_string()?))
}

/// A form, sent by the client of the provider.
pub fn submit(url: &str, form: &[(&str, &str)], proof: Option<&str>) -> Anyhow<Response<String>> {
    let client = format!("{}:{}", variable("GLEWLWYD_CLIENT_ID"), variable("GLEWLWYD_CLIENT_SECRET"));
    let request = Request::post(variable(url)).header("authorization", format!("Basic {}", STANDARD.encode(client)));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = proof.into_iter().fold(request, |request, proof| request.header("dpop", proof));
    send(request, form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
}

pub fn text(answer: &Value, member: &str) -> Anyhow<String> {
    Ok(answer[member].as_str().ok_or_else(|| format!("no `{member}` in {answer}"))?.to_owned())
}

/// A token of the client itself, for this service.
pub fn token_for(resource: &str, proof: Option<&str>) -> Anyhow<Value> {
    let form = [("grant_type", "client_credentials"), ("scope", "api"), ("resource", resource)];
    Ok(serde_json::from_str(submit("GLEWLWYD_TOKEN_URL", &form, proof)?.body())?)
}

pub fn token() -> Anyhow<String> {
    text(&token_for(&variable("GLEWLWYD_RESOURCE"), None)?, "access_token")
}

/// The header of a JWT, or its claims.
pub fn part(token: &str, place: usize) -> Anyhow<Value> {
    let part = token.split('.').nth(place).ok_or("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

pub fn claims(token: &str) -> Anyhow<Value> {
    part(token, 1)
}

pub fn api(method: &str, path: &str, cookie: &str) -> Builder {
    let request = Request::builder().method(method).uri(format!("{}/{path}", variable("GLEWLWYD_API")));
    request.header("cookie", cookie).header("content-type", "application/json")
}

/// The cookie of a user's session at the provider.
pub fn session(user: &str) -> Anyhow<String> {
    let body = json!({ "username": user, "password": variable("GLEWLWYD_PASSWORD") });
    let answer = send(api("POST", "auth/", ""), body.to_string())?;
    let cookie = answer.headers().get(SET_COOKIE).ok_or("no session at the provider")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

pub fn location<B>(answer: &Response<B>) -> Anyhow<String> {
    Ok(answer.headers().get(LOCATION).ok_or("no redirect")?.to_str()?.to_owned())
}

/// What a browser and its user do at the authorization endpoint: the query of the callback.
pub fn authorize(address: &str, user: &str) -> Anyhow<String> {
    let cookie = session(user)?;
    let visit = |address: &str| location(&send(Request::get(address).header("cookie", &cookie), "")?);
    let page = visit(address)?;
    let (page, query) = page.split_once('?').ok_or("no query")?;
    assert!(page.ends_with("/login.html"), "{page}");
    let consent = api("PUT", &format!("auth/grant/{}/", variable("GLEWLWYD_CLIENT_ID")), &cookie);
    assert_eq!(send(consent, r#"{"scope":"openid api"}"#)?.status(), 200);
    let back = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "callback_url");
    let callback = visit(&format!("{}&g_continue", back.ok_or("no `callback_url`")?.1))?;
    let (redirect_uri, query) = callback.split_once('?').ok_or("no query")?;
    assert_eq!(redirect_uri, variable("GLEWLWYD_REDIRECT_URI"));
    Ok(query.to_owned())
}

/// A new private key of the provider.
pub fn new_key(id: &str) -> Anyhow<Value> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let private: EcPrivateKeyBin<'_> = key.private_key().as_be_bytes()?;
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let (d, x, y) = (part(private.as_ref()), part(x), part(y));
    Ok(json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": id, "d": d, "x": x, "y": y }))
}

/// Signs with the first of these keys from now on, and publishes all.
pub fn publish(keys: &[&Value]) -> Anyhow {
    let admin = session("admin")?;
    let mut settings: Value = serde_json::from_str(send(api("GET", "mod/plugin/oidc", &admin), "")?.body())?;
    settings["parameters"]["jwks-private"] = json!({ "keys": keys }).to_string().into();
    assert_eq!(send(api("PUT", "mod/plugin/oidc", &admin), settings.to_string())?.status(), 200);
    assert_eq!(send(api("PUT", "mod/plugin/oidc/reset", &admin), "")?.status(), 200);
    Ok(())
}

pub fn script(to: &str) -> Anyhow {
    let api = variable("GLEWLWYD_API");
    let port = api.trim_end_matches("/api").rsplit(':').next().unwrap_or_default();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/glewlwyd.sh");
    assert!(Command::new(script).arg(to).env("PORT", port).output()?.status.success(), "{to}");
    Ok(())
}

/// The tokens of a user, for this service. The second is the ID token, the third the refresh token.
pub fn tokens_of(user: &str) -> Anyhow<[String; 3]> {
    const VERIFIER: &str = "a-verifier-of-forty-three-characters-0123456789";
    let challenge = digest(&SHA256, VERIFIER.as_bytes());
    let (client, redirect_uri) = (variable("GLEWLWYD_CLIENT_ID"), variable("GLEWLWYD_REDIRECT_URI"));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("response_type", "code"), ("client_id", &client), ("redirect_uri", &redirect_uri)])
        .extend_pairs([("scope", "openid api"), ("state", "state-of-a-test"), ("nonce", "nonce-of-a-test")])
        .extend_pairs([("code_challenge_method", "S256"), ("resource", &variable("GLEWLWYD_RESOURCE"))])
        .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
        .finish();
    let callback = authorize(&format!("{}/auth?{query}", variable("GLEWLWYD_ISSUER")), user)?;
    let code = form_urlencoded::parse(callback.as_bytes()).find(|(name, _)| name == "code").ok_or("no code")?.1;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let answer = serde_json::from_str(submit("GLEWLWYD_TOKEN_URL", &form, None)?.body())?;
    let [access, id, refresh] = ["access_token", "id_token", "refresh_token"].map(|member| text(&answer, member));
    Ok([access?, id?, refresh?])
}
