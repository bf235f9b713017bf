//! Clerk.

use crate::hosted::*;
use portcullis::testing::TestToken;
use serde_json::json;

fn second(token: TestToken<'_>) -> TestToken<'_> {
    let o = json!({ "id": "org_1", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2" });
    token.claim("v", 2).claim("fea", "o:dashboard,o:teams").claim("o", o)
}

fn first(token: TestToken<'_>) -> TestToken<'_> {
    let token = token.claim("org_id", "org_1").claim("org_role", "org:admin");
    token.claim("org_permissions", json!(["org:dashboard:manage", "org:dashboard:read", "org:teams:read"]))
}

/// Cases 141 and 142.
#[tokio::test]
async fn both_versions_are_answered_alike() {
    let service = Hosted::clerk().await;
    let known = json!({ "user_id": "user_1", "session_id": "sess_1", "role": "org:admin", "org_id": "org_1" });
    assert_eq!(service.me(first(service.session())).await, (200, known.clone()));
    assert_eq!(service.me(second(service.session())).await, (200, known));
    for path in ["/reports", "/teams"] {
        assert_eq!(service.status(path, first(service.session())).await, 200, "{path}");
        assert_eq!(service.status(path, second(service.session())).await, 200, "{path}");
        assert_eq!(service.status(path, service.session()).await, 403, "{path}");
    }
    let alone = json!({ "user_id": "user_1", "session_id": "sess_1", "role": "default", "org_id": null });
    assert_eq!(service.me(service.session()).await, (200, alone));
    for (mask, status) in [("3,2", 200), ("-1,-1", 403), ("1.5,x", 403), ("", 403)] {
        let o = json!({ "id": "org_1", "rol": "member", "per": "manage,read", "fpm": mask });
        let token = || service.session().claim("v", 2).claim("fea", "o:dashboard,o:teams").claim("o", o.clone());
        assert_eq!(service.status("/teams", token()).await, status, "{mask}");
        assert_eq!(service.status("/reports", token()).await, 403, "{mask}");
    }
}

/// Cases 143 and 144.
#[tokio::test]
async fn pages_and_clocks() {
    let service = Hosted::clerk().await;
    assert_eq!(service.status("/me", service.session().claim("azp", "https://evil.example.net")).await, 401);
    assert_eq!(service.status("/me", service.session().without("azp")).await, 401);
    let now = service.issuer.clock().seconds();
    for (claim, at, status) in [
        ("exp", now - 4, 200),
        ("exp", now - 6, 401),
        ("nbf", now + 4, 200),
        ("nbf", now + 7, 401),
        ("iat", now + 7, 401),
    ] {
        assert_eq!(service.status("/me", service.session().claim(claim, at)).await, status, "{claim} {at}");
    }
}

/// Case 145.
#[tokio::test]
async fn cookies() {
    let service = Hosted::clerk().await;
    let token = |user: &str| service.session().claim("sub", user).sign();
    let (own, other) = (token("own"), token("other"));
    let user = async |cookies: String| {
        let (status, body) = service.ask("/me", &[("cookie", &cookies)]).await;
        (status, body["user_id"].as_str().map(str::to_owned))
    };
    let known = |user: &str| (200, Some(user.to_owned()));
    assert_eq!(user(format!("__session={other}; __session_l2OS3d9k={own}")).await, known("own"));
    assert_eq!(user(format!("__session={other}")).await, known("other"));
    assert_eq!(user(format!("__session_AAAAAAAA={own}")).await.0, 401);
}

/// Cases 146 to 148.
#[tokio::test]
async fn what_is_no_session_of_this_instance() {
    let service = Hosted::clerk().await;
    assert_eq!(service.status("/me", service.session().claim("sts", "active")).await, 200);
    assert_eq!(service.status("/me", service.session().claim("sts", "pending")).await, 401);
    assert_eq!(service.status("/me", service.session().header("cat", "cl_B7d4PD111AAA")).await, 200);
    for category in ["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "cl_I7d4PD111III"] {
        assert_eq!(service.status("/me", service.session().header("cat", category)).await, 401, "{category}");
    }
    let elsewhere = service.session().claim("iss", "https://brave-owl-1.clerk.accounts.dev");
    assert_eq!(service.status("/me", elsewhere).await, 401);
    // A token of Cognito is none here.
    assert_eq!(service.status("/me", Hosted::cognito().await.access()).await, 401);
}
