//! What clients without a token are told: the metadata of the resource, and where it is.

use crate::head::Head;
use portcullis_core::{
    Algorithm, Audience, Dpop, Error, ErrorKind, Gate, GateBuilder, Issuer, Jwt, Key, ProtectedResource, Scheme,
    SharedSecret, policy::*, testing::TestIssuer,
};
use serde_json::{Value, json};

const RESOURCE: &str = "https://api.example.com";
const METADATA: &str = "https://api.example.com/.well-known/oauth-protected-resource";

fn resource() -> ProtectedResource {
    ProtectedResource::new(RESOURCE).unwrap()
}

fn builder() -> GateBuilder {
    Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
}

fn issuer(name: &str) -> Issuer {
    let key = Key::secret(Algorithm::Hs256, "a secret of at least thirty-two bytes").unwrap();
    Issuer::new(name, Audience::is("orders"), [Algorithm::Hs256], key).unwrap()
}

fn metadata(gate: &Gate) -> Value {
    serde_json::from_str(&gate.protected_resource().unwrap().metadata(["orders:read"])).unwrap()
}

fn problem<T>(result: Result<T, Error>) -> String {
    let error = result.err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    error.to_string()
}

#[test]
fn the_metadata_is_between_the_host_and_the_path() {
    for (resource, path) in [
        ("https://api.example.com", ""),
        ("https://api.example.com/", ""),
        ("https://api.example.com/mcp", "/mcp"),
        ("https://api.example.com/mcp/", "/mcp/"),
        ("https://api.example.com:8443/v1/Orders_2.~-", "/v1/Orders_2.~-"),
        ("https://[2001:db8::1]:8443/mcp", "/mcp"),
        ("http://127.0.0.1:3000/mcp", "/mcp"),
        ("http://localhost", ""),
        ("http://[::1]:3000", ""),
    ] {
        let made = ProtectedResource::new(resource).unwrap();
        assert_eq!(made.metadata_path(), format!("/.well-known/oauth-protected-resource{path}"), "{resource}");
        let metadata: Value = serde_json::from_str(&made.metadata([])).unwrap();
        assert_eq!(metadata, json!({ "resource": resource }), "letter by letter");
    }
}

#[test]
fn an_address_that_is_not_in_normal_form_is_refused() {
    let texts = "api.example.com https: https:// https:/api.example.com ftp://api.example.com HTTPS://api.example.com \
                 http://api.example.com http://127.0.0.1.example.com http://localhost.example.com http://[::2] \
                 https://API.example.com https://alice@api.example.com https://alice:pw@api.example.com https://:8443 \
                 https://api.example.com: https://api.example.com:0 https://api.example.com:443 http://localhost:80 \
                 https://api.example.com:08443 https://api.example.com:65536 https://api.example.com:+1 \
                 https://[::1 https://::1 https://[x] https://[::1]x https://api.example.com?a=1 \
                 https://api.example.com/?a=1 https://api.example.com/#a https://api.example.com#a \
                 https://api.example.com//mcp https://api.example.com/a//b https://api.example.com/mcp// \
                 https://api.example.com/../x https://api.example.com/./x https://api.example.com/a/.. \
                 https://api.example.com/{id} https://api.example.com/:id https://api.example.com/*rest \
                 https://api.example.com/a%2fb https://api.example.com\\mcp https://api.example.com/\"mcp https://äpi.example.com";
    for text in texts.split_whitespace().chain(["", "https://api.example.com/a b", "https://api.example.com/a\r\nx: y"])
    {
        assert!(ProtectedResource::new(text).is_err_and(|error| error.kind() == ErrorKind::Misconfigured), "{text}");
    }
    assert_eq!(
        problem(ProtectedResource::new("http://api.example.com")),
        "the protected resource cannot be `http://api.example.com`: it is no HTTPS address"
    );
}

#[test]
fn the_other_settings_are_checked_too() {
    let servers = |server: &str| resource().authorization_servers([server]);
    assert!(servers("https://id.example.com/Realms/a%20b/").is_ok());
    for server in
        ["", "id.example.com", "http://id.example.com", "https://id.example.com?x", "https://id.example.com/#x"]
    {
        assert!(servers(server).is_err(), "{server}");
    }
    assert!(resource().authorization_servers([""; 0]).is_err());
    for scope in ["", "a b", "a\"b", "a\\b", "a\n", "ä"] {
        assert!(resource().scopes([scope]).is_err(), "{scope:?}");
    }
    assert!(resource().scopes(["orders:read", "https://scopes.example.com/x"]).is_ok());
    assert!(resource().name("Заказы").is_ok());
    assert!(resource().name("a\u{7}b").is_err() && resource().name("").is_err());
    assert!(resource().documentation("https://docs.example.com/a?b=c#d").is_ok());
    assert!(resource().documentation("data:text/html,x").is_err());
}

#[test]
fn the_gate_completes_it() {
    let named = Scheme::named("app", Jwt::new(issuer("https://app.example.com"))).bearer().query("access_token");
    let any_name =
        Scheme::named("any", Jwt::new(issuer("https://any.example.com").dangerous_any_name())).header("x-any");
    let label = Scheme::named("label", Jwt::new(issuer("a-label"))).bearer();
    let builder = || builder().scheme(named.clone()).scheme(any_name.clone()).scheme(label.clone());
    let gate = builder().protected_resource(resource()).build().unwrap();
    assert_eq!(
        metadata(&gate),
        json!({
            "resource": RESOURCE,
            "authorization_servers": ["https://issuer.test", "https://app.example.com"],
            "bearer_methods_supported": ["header", "query"],
            "scopes_supported": ["orders:read"],
        })
    );
    let resource = resource().authorization_servers(["https://id.example.com"]).unwrap().scopes(["openid"]).unwrap();
    let resource = resource.name("Orders").unwrap().documentation("https://docs.example.com").unwrap();
    let gate = builder().protected_resource(resource).build().unwrap();
    let metadata = metadata(&gate);
    assert_eq!(metadata["authorization_servers"], json!(["https://id.example.com"]));
    assert_eq!(metadata["scopes_supported"], json!(["openid"]));
    assert_eq!(
        (&metadata["resource_name"], &metadata["resource_documentation"]),
        (&json!("Orders"), &json!("https://docs.example.com"))
    );
    assert_eq!(builder().build().unwrap().protected_resource(), None);
}

#[tokio::test]
async fn a_gate_for_proofs_says_so_too() {
    let dpop = || Dpop::new(RESOURCE).unwrap();
    let tokens = || Scheme::new(TestIssuer::new().verifier());
    let build = |scheme: Scheme| Gate::builder().scheme(scheme).protected_resource(resource()).build().unwrap();
    let (either, only) = (build(tokens().bearer().dpop(dpop())), build(tokens().dpop(dpop())));
    let seen = |gate: &Gate| {
        let metadata = metadata(gate);
        let names = ["bearer_methods_supported", "dpop_bound_access_tokens_required"];
        assert!(metadata["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
        names.map(|name| metadata[name].clone())
    };
    assert_eq!(seen(&either), [json!(["header"]), json!(false)]);
    assert_eq!(seen(&only), [Value::Null, json!(true)]);
    let who = only.establish(&Head::new()).await;
    let refusal = only.refuse(&who.principal().unwrap_err());
    let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate").unwrap().1;
    assert!(challenge.starts_with(&format!("DPoP resource_metadata=\"{METADATA}\", algs=")), "{challenge}");
}

#[test]
fn what_would_lead_nowhere_is_refused() {
    let secret = || SharedSecret::new("sync", "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E").unwrap();
    let build = |scheme| Gate::builder().scheme(scheme).protected_resource(resource()).build();
    assert!(
        problem(build(Scheme::new(TestIssuer::new().verifier()).cookie("session"))).contains("no scheme reads one")
    );
    assert!(problem(build(Scheme::dangerous_unnamed(secret()).bearer())).contains("no authorization server"));
    assert!(problem(build(Scheme::new(Jwt::new(issuer("a-label"))).bearer())).contains("no authorization server"));
    assert!(problem(builder().protected_resource(resource()).protected_resource(resource()).build()).contains("twice"));
}

#[tokio::test]
async fn each_challenge_says_where_the_metadata_is() {
    let with = builder().protected_resource(resource()).build().unwrap();
    let with_realm = builder().realm("orders").protected_resource(resource()).build().unwrap();
    let without = builder().build().unwrap();
    let challenge = async |gate: &Gate, head: Head| {
        let plan = gate.plan(scope("orders:read")).unwrap();
        let who = gate.establish(&head).await;
        let refusal = gate.refuse(&gate.authorize(&who, &plan, &head).await.unwrap_err());
        let value = refusal.headers().find(|(name, _)| *name == "www-authenticate").map(|(_, value)| value.to_owned());
        (refusal.status(), value.unwrap_or_default())
    };
    let none = Head::new;
    let forged = || Head::new().bearer("forged");
    let scopeless = || Head::new().bearer(&TestIssuer::new().token("alice").sign());
    let metadata = format!("resource_metadata=\"{METADATA}\"");
    assert_eq!(challenge(&without, none()).await, (401, "Bearer".into()));
    assert_eq!(challenge(&with, none()).await, (401, format!("Bearer {metadata}")));
    assert_eq!(challenge(&with_realm, none()).await, (401, format!("Bearer realm=\"orders\", {metadata}")));
    let (status, invalid) = challenge(&with, forged()).await;
    assert!(status == 401 && invalid.starts_with(&format!("Bearer {metadata}, error=\"invalid_token\"")), "{invalid}");
    let insufficient = "error=\"insufficient_scope\", scope=\"orders:read\"";
    assert_eq!(challenge(&without, scopeless()).await, (403, format!("Bearer {insufficient}")));
    assert_eq!(challenge(&with, scopeless()).await, (403, format!("Bearer {metadata}, {insufficient}")));
    assert_eq!(with.not_found().headers().find(|(name, _)| *name == "www-authenticate"), None);
}
