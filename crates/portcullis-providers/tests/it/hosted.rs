//! What is particular to the other issuers.

use crate::shapes::*;
use portcullis_core::{
    Algorithm, Audience, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Jwt, PrincipalKind, RemoteKeys,
    Reply, testing::TestIssuer,
};
use portcullis_providers::{
    auth0, entra, firebase, github_actions, google, keycloak,
    kubernetes::{self, WithTokenFile},
    okta, supabase, zitadel,
};
use serde_json::{Value, json};
use std::{
    fs,
    sync::{Arc, Mutex},
};

fn roles(provider: &str, changes: Value) -> Vec<String> {
    let principal = of(provider).enter(changes).unwrap();
    principal.roles().iter().map(|role| role.as_str().to_owned()).collect()
}

fn kind_of(provider: &str, changes: Value) -> PrincipalKind {
    of(provider).enter(changes).unwrap().kind()
}

#[test]
fn entra_has_one_issuer_for_both_versions() {
    let [second, first] =
        ["Entra, version 2", "Entra, version 1"].map(|provider| of(provider).enter(json!({})).unwrap());
    assert_eq!(second.id(), first.id());
    assert_eq!((second.id().subject(), second.organization()), ("alice", Some(TENANT)));
    assert_eq!(second.scopes(), ["orders.read", "orders.write"]);
    let other = "99999999-2222-4333-8444-555555555555";
    assert_eq!(of("Entra, version 2").refuses(json!({ "tid": other })), Some(ErrorKind::Invalid));
    assert_eq!(of("Entra, version 2").refuses(json!({ "tid": null })), Some(ErrorKind::Invalid));
}

#[test]
fn entra_accepts_applications_with_a_role_and_no_id_tokens() {
    let provider = "Entra, version 2";
    let application = json!({ "scp": null, "sub": "alice", "roles": ["Jobs"] });
    assert_eq!(kind_of(provider, application), PrincipalKind::Service);
    assert_eq!(kind_of(provider, json!({})), PrincipalKind::User);
    for refused in [
        json!({ "scp": null, "sub": "alice", "roles": null }),
        json!({ "scp": null, "sub": "alice", "roles": [] }),
        json!({ "scp": null }),
        json!({ "azp": null, "nonce": "1" }),
        json!({ "azp": null, "scp": null }),
        json!({ "oid": null }),
    ] {
        assert_eq!(of(provider).refuses(refused.clone()), Some(ErrorKind::Invalid), "{refused}");
    }
}

#[test]
fn entra_ties_the_issuer_to_the_tenant() {
    let shape = of("Entra, version 2");
    let tester = shape.tester();
    let any = entra::dangerous_any_tenant(Audience::is("api"), tester.signing_key().key()).unwrap();
    let verifier = Jwt::new(any).clock(tester.clock());
    let enter = |iss: &str, tenant: Value| {
        crate::tokens::enter(&verifier, &shape.token(&tester, &json!({ "iss": iss, "tid": tenant })).sign())
    };
    let other = "99999999-2222-4333-8444-555555555555";
    for tenant in [TENANT, other] {
        let [v2, v1] =
            [format!("https://login.microsoftonline.com/{tenant}/v2.0"), format!("https://sts.windows.net/{tenant}/")];
        let (second, first) = (enter(&v2, json!(tenant)).unwrap(), enter(&v1, json!(tenant)).unwrap());
        assert_eq!((second.issuer(), second.organization()), (Some(&*v2), Some(tenant)));
        assert_eq!(second.id(), first.id());
    }
    let mine = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    for (iss, tenant) in [
        (&*mine, json!(other)),
        (&*mine, json!(null)),
        (&*mine, json!("")),
        (&*mine, json!(7)),
        ("https://login.microsoftonline.com//v2.0", json!("")),
        ("https://login.microsoftonline.com/common/v2.0", json!("common")),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", json!("{tenantid}")),
        ("https://evil.example.net", json!(TENANT)),
    ] {
        assert_eq!(enter(iss, tenant.clone()).unwrap_err().kind(), ErrorKind::Invalid, "{iss} {tenant}");
    }
    // two people with one `oid` text in two tenants are not one
    let (one, two) = (enter(&mine, json!(TENANT)), enter(&mine.replace(TENANT, other), json!(other)));
    assert_ne!(one.unwrap().id(), two.unwrap().id());
}

#[test]
fn entra_tells_that_there_are_too_many_groups() {
    let shape = of("Entra, version 2");
    let tester = shape.tester();
    let tenant = || entra::tenant(TENANT, Audience::is("api"), tester.signing_key().key()).unwrap();
    let (with, without) = (entra::with_groups(tenant()), tenant());
    let roles = |issuer: &portcullis_core::Issuer, changes: Value| {
        let verifier = Jwt::new(issuer.clone()).clock(tester.clock());
        let principal = crate::tokens::enter(&verifier, &shape.token(&tester, &changes).sign());
        principal.map(|principal| principal.roles().len()).map_err(|error| error.kind())
    };
    let groups = json!({ "groups": ["g1", "g2"] });
    assert_eq!((roles(&with, groups.clone()), roles(&without, groups)), (Ok(3), Ok(1)));
    for overage in [json!({ "_claim_names": { "groups": "src1" } }), json!({ "hasgroups": true })] {
        assert_eq!(roles(&with, overage.clone()), Err(ErrorKind::Invalid));
        assert_eq!(roles(&without, overage), Ok(1));
    }
    assert_eq!(roles(&with, json!({ "groups": "g1" })), Err(ErrorKind::Invalid));
}

#[test]
fn keycloak_keeps_roles_of_realm_and_client_apart() {
    let changes = || json!({ "realm_access": { "roles": ["admin"] }, "resource_access": { "orders": { "roles": ["viewer"] }, "other": { "roles": ["admin"] } } });
    assert_eq!(roles("Keycloak", changes()), ["viewer"]);
    assert!(roles("Keycloak", json!({ "resource_access": null })).is_empty());
    let tester = of("Keycloak").tester();
    let realm = keycloak::realm_roles("https://id.example.com/", "shop", "orders", tester.signing_key().key()).unwrap();
    let token = of("Keycloak").token(&tester, &changes()).sign();
    let principal = crate::tokens::enter(&Jwt::new(realm).clock(tester.clock()), &token).unwrap();
    assert_eq!(principal.roles(), ["admin".into()]);
    for kind in ["ID", "Refresh", "Offline", "Logout", ""] {
        assert_eq!(of("Keycloak").refuses(json!({ "typ": kind })), Some(ErrorKind::Invalid), "{kind}");
    }
    // two realms of one server
    let two = ["shop", "staff"].map(|realm| {
        keycloak::client_roles("https://id.example.com", realm, "orders", tester.signing_key().key()).unwrap()
    });
    let [one, other] = two;
    let both = Jwt::new(one).issuer(other).unwrap().clock(tester.clock());
    for (realm, is_known) in [("shop", true), ("staff", true), ("other", false)] {
        let token =
            of("Keycloak").token(&tester, &json!({ "iss": format!("https://id.example.com/realms/{realm}") })).sign();
        assert_eq!(both.verify(&token).is_ok(), is_known, "{realm}");
    }
}

#[test]
fn google_has_two_spellings_and_one_name() {
    let [long, short] = ["https://accounts.google.com", "accounts.google.com"]
        .map(|iss| of("Google").enter(json!({ "iss": iss })).unwrap());
    assert_eq!(long.id(), short.id());
    assert_eq!((long.organization(), long.issuer()), (Some("example.com"), Some("https://accounts.google.com")));
    for hd in [json!(null), json!(""), json!("EXAMPLE.com"), json!(["example.com"]), json!("example.com.evil.net")] {
        assert_eq!(of("Google").refuses(json!({ "hd": hd })), Some(ErrorKind::Invalid), "{hd}");
    }
    // both spellings are taken
    let key = of("Google").tester().signing_key().key();
    let verifier = Jwt::new(google::any_account(["web"], key.clone()).unwrap());
    assert!(verifier.issuer(google::any_account(["app"], key).unwrap()).is_err());
}

#[test]
fn github_actions_limits_by_numbers() {
    let principal = of("GitHub Actions").enter(json!({})).unwrap();
    assert_eq!(
        (principal.kind(), principal.id().subject()),
        (PrincipalKind::Service, "repo:example/shop:ref:refs/heads/main")
    );
    for id in [json!(null), json!(74_839_201), json!("7483920"), json!(["74839201"])] {
        assert_eq!(of("GitHub Actions").refuses(json!({ "repository_id": id })), Some(ErrorKind::Invalid), "{id}");
    }
    let key = of("GitHub Actions").tester().signing_key().key();
    assert!(github_actions::repositories([""; 0], "deploy", key.clone()).is_err());
    assert!(github_actions::owners(["9919"], "", key).is_err());
}

#[test]
fn machines_are_services() {
    assert_eq!(
        kind_of("Auth0", json!({ "gty": "client-credentials", "sub": "client@clients" })),
        PrincipalKind::Service
    );
    // The profile of RFC 9068.
    let own = |client: &str| kind_of("Auth0", json!({ "azp": null, "client_id": client, "sub": "client@clients" }));
    assert_eq!((own("client"), own("other")), (PrincipalKind::Service, PrincipalKind::User));
    assert_eq!(kind_of("Auth0", json!({})), PrincipalKind::User);
    assert_eq!(kind_of("RFC 9068", json!({ "sub": "web" })), PrincipalKind::Service);
    assert_eq!(kind_of("RFC 9068", json!({})), PrincipalKind::User);
    let application = of("Okta").enter(json!({ "uid": null, "sub": "0oa1" })).unwrap();
    assert_eq!((application.kind(), application.id().subject()), (PrincipalKind::Service, "0oa1"));
    let user = of("Okta").enter(json!({})).unwrap();
    assert_eq!((user.kind(), user.id().subject()), (PrincipalKind::User, "00u1"));
    assert_eq!(user.scopes(), ["openid", "orders"]);
    let worker = of("Kubernetes").enter(json!({})).unwrap();
    assert_eq!((worker.kind(), worker.organization()), (PrincipalKind::Service, Some("shop")));
}

#[test]
fn rfc_9068_needs_each_claim() {
    for claim in ["sub", "client_id", "jti", "iat", "exp", "aud"] {
        assert_eq!(of("RFC 9068").refuses(json!({ claim: null })), Some(ErrorKind::Invalid), "{claim}");
    }
    let refused = of("RFC 9068").enter_as(json!({}), |token| token.header("typ", "JWT"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(of("RFC 9068").enter_as(json!({}), |token| token.header("typ", "application/AT+jwt")).is_ok());
}

#[test]
fn kubernetes_limits_by_account_or_namespace() {
    let account = |namespace: &str, name: &str| {
        json!({ "sub": format!("system:serviceaccount:{namespace}:{name}"),
                "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": name } } })
    };
    let shape = of("Kubernetes");
    assert_eq!(shape.refuses(account("shop", "worker")), None);
    for (namespace, name) in [("shop", "admin"), ("kube-system", "worker")] {
        assert_eq!(shape.refuses(account(namespace, name)), Some(ErrorKind::Invalid), "{namespace} {name}");
    }
    let key = || shape.tester().signing_key().key();
    for wrong in ["worker", "shop:", ":worker", "shop:worker:x", "shop/worker", "shop:*", "Shop:worker", ""] {
        assert!(kubernetes::service_accounts([wrong], shape.issuer, "orders", key()).is_err(), "{wrong}");
    }
    assert!(kubernetes::service_accounts(["shop:worker"], shape.issuer, "orders", key()).is_ok());
    assert!(kubernetes::service_accounts([""; 0], shape.issuer, "orders", key()).is_err());
    assert!(kubernetes::namespaces([""; 0], shape.issuer, "orders", key()).is_err());
}

#[test]
fn kubernetes_ties_the_subject_to_the_account() {
    assert_eq!(of("Kubernetes").refuses(json!({})), None);
    for changes in [
        json!({ "sub": "system:serviceaccount:kube-system:worker" }),
        json!({ "sub": "system:serviceaccount:shop:admin" }),
        json!({ "sub": "system:masters" }),
        json!({ "kubernetes.io": null }),
        json!({ "kubernetes.io": { "namespace": "shop" } }),
    ] {
        assert_eq!(of("Kubernetes").refuses(changes.clone()), Some(ErrorKind::Invalid), "{changes}");
    }
}

/// Sends nothing, and remembers the authorization of each request.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<Vec<Option<String>>>>);

impl HttpClient for Sent {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let authorization =
            request.headers().find(|(name, _)| *name == "authorization").map(|(_, value)| value.to_owned());
        self.0.lock().unwrap().push(authorization);
        reply.give(Ok(HttpResponse::new(500, "")));
    }
}

#[test]
fn the_token_of_the_pod_is_read_each_time() {
    let file = std::env::temp_dir().join(format!("portcullis-pod-token-{}", std::process::id()));
    let sent = Sent::default();
    let ask = |client: WithTokenFile<Sent>| {
        crate::tokens::now(RemoteKeys::jwks("https://kubernetes.default.svc/openid/v1/jwks", client).unwrap().ready())
            .err()
    };
    for token in ["first", "second\n"] {
        fs::write(&file, token).unwrap();
        assert!(ask(WithTokenFile::new(sent.clone(), &file)).is_some());
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(*sent.0.lock().unwrap(), [Some("Bearer first".to_owned()), Some("Bearer second".to_owned())]);
    let missing: Error = ask(WithTokenFile::new(sent.clone(), &file)).unwrap();
    assert_eq!((missing.kind(), sent.0.lock().unwrap().len()), (ErrorKind::Unavailable, 2));
}

#[test]
fn firebase_needs_a_sign_in_and_a_tenant_is_an_organization() {
    let user = of("Firebase").enter(json!({})).unwrap();
    assert_eq!(user.organization(), Some("acme"));
    assert_eq!(of("Firebase").refuses(json!({ "auth_time": null })), Some(ErrorKind::Invalid));
    let cookie = json!({ "iss": "https://session.firebase.google.com/shop-1234" });
    assert_eq!(of("Firebase").refuses(cookie), Some(ErrorKind::Unrecognized));
}

#[test]
fn zitadel_reads_the_roles_of_its_project_only() {
    assert_eq!(roles("Zitadel", json!({})), ["editor"]);
    let other = json!({ "urn:zitadel:iam:org:project:6923:roles": null, "urn:zitadel:iam:org:project:1:roles": { "admin": { "77": "a" } } });
    assert!(roles("Zitadel", other).is_empty());
    assert_eq!(of("Zitadel").enter(json!({})).unwrap().organization(), Some("77"));
}

#[test]
fn supabase_refuses_the_keys_of_the_project() {
    assert_eq!(roles("Supabase", json!({})), ["authenticated"]);
    let key = json!({ "aud": null, "iss": "supabase", "role": "service_role", "sub": null });
    assert!(of("Supabase, by secret").refuses(key).is_some());
    assert!(supabase::users_by_secret("https://a.supabase.co", "short").is_err());
}

#[test]
fn names_that_could_lead_elsewhere_are_errors_at_start() {
    let key = || TestIssuer::with_algorithm(Algorithm::Rs256).signing_key().key();
    for host in [
        "",
        "shop",
        "https://shop.auth0.com",
        "shop.auth0.com/",
        "shop.auth0.com:8080",
        "a@b.com",
        "Shop.auth0.com",
        "a..b",
        "a.b\\c",
        "a.b#",
        "a.b?c",
    ] {
        assert!(auth0::api(host, "api", key()).is_err(), "{host}");
        assert!(auth0::keys(host, TestIssuer::new()).is_err(), "{host}");
        assert!(okta::server(host, "default", "api", key()).is_err(), "{host}");
        assert!(google::workspace(host, ["web"], key()).is_err(), "{host}");
    }
    for name in ["", "..", "a/b", "a b", "a?b", "a%2f", "ä"] {
        assert!(okta::server("shop.okta.com", name, "api", key()).is_err(), "{name}");
        assert!(keycloak::client_roles("https://id.example.com", name, "orders", key()).is_err(), "{name}");
        assert!(keycloak::client_roles("https://id.example.com", "shop", name, key()).is_err(), "{name}");
        assert!(firebase::users(name, key()).is_err(), "{name}");
        assert!(zitadel::project("https://shop.zitadel.cloud", name, key()).is_err(), "{name}");
        assert!(entra::tenant(name, Audience::is("api"), key()).is_err(), "{name}");
        assert!(entra::keys(name, TestIssuer::new()).is_err(), "{name}");
    }
    for address in [
        "",
        "id.example.com",
        "https://",
        "https:///realms",
        "ftp://id.example.com",
        "https://a@b.example.com",
        "https://a.b?c",
        "https://a.b#c",
    ] {
        assert!(keycloak::realm_roles(address, "shop", "orders", key()).is_err(), "{address}");
        assert!(zitadel::keys(address, TestIssuer::new()).is_err(), "{address}");
        assert!(supabase::keys(address, TestIssuer::new()).is_err(), "{address}");
    }
    assert!(auth0::api("shop.auth0.com", "api", key()).is_ok());
}
