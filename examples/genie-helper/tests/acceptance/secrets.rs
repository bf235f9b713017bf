//! The shared secret.

use crate::service::*;
use genie_helper::sync_secret;
use serde_json::json;

const ROUTES: [&str; 4] = ["store", "reveal", "reveal-download-cred", "get-platform-session"];

fn secret(value: &str) -> (&'static str, String) {
    ("x-rbac-sync-secret", value.to_owned())
}

/// Case 98.
#[tokio::test]
async fn only_the_secret_passes() {
    let service = Service::new();
    for route in ROUTES {
        let path = format!("/api/credentials/{route}");
        assert_eq!(service.ask("POST", &path, &[secret(SECRET)]).await, (200, json!({ "ok": true })));
        assert_eq!(service.ask("POST", &path, &[]).await, invalid());
        // Case 100: whatever the length.
        let (short, long) = (&SECRET[..31], format!("{SECRET}E"));
        for wrong in ["", " ", "x", short, &long, &SECRET.to_lowercase(), OLD_SECRET] {
            assert_eq!(service.ask("POST", &path, &[secret(wrong)]).await, invalid(), "{route} with {wrong:?}");
        }
    }
}

/// Case 99.
#[tokio::test]
async fn the_header() {
    let service = Service::new();
    for name in ["X-RBAC-SYNC-SECRET", "X-Rbac-Sync-Secret"] {
        let answer = service.ask("POST", "/api/credentials/store", &[(name, SECRET.to_owned())]).await;
        assert_eq!(answer.0, 200, "{name}");
    }
    // Differs: the original answers 401.
    let twice = service.ask("POST", "/api/credentials/store", &[secret(SECRET), secret(SECRET)]).await;
    assert_eq!(twice, (400, json!({ "ok": false, "error": "Bad request" })));
}

/// Case 101.
#[tokio::test]
async fn rotation() {
    let both = Service::with_secrets(&[SECRET, OLD_SECRET]);
    for known in [SECRET, OLD_SECRET] {
        assert_eq!(both.ask("POST", "/api/credentials/reveal", &[secret(known)]).await.0, 200);
    }
    let after = Service::new();
    assert_eq!(after.ask("POST", "/api/credentials/reveal", &[secret(OLD_SECRET)]).await, invalid());
    assert_eq!(after.ask("POST", "/api/credentials/reveal", &[secret(SECRET)]).await.0, 200);
}

/// Case 102, and of 97 that it does not start without one.
#[tokio::test]
async fn the_secret_is_never_shown() {
    let service = Service::with_secrets(&[SECRET, OLD_SECRET]);
    let shown = format!("{:?}", service.gate);
    assert!(!shown.contains(SECRET) && !shown.contains(OLD_SECRET), "{shown}");
    let short = &SECRET[..31];
    for few in [&[][..], &[""], &[" "], &[short], &[SECRET, short], &[SECRET, ""]] {
        let error = sync_secret(few.iter().copied()).map(drop).map_err(|error| format!("{error} {error:?}"));
        assert!(error.as_ref().is_err_and(|error| error.contains("secret") && !error.contains(short)), "{error:?}");
    }
}

/// The secret is of no use elsewhere, and is not shown to Directus; and a token is of no use here.
#[tokio::test]
async fn other_routes() {
    let service = Service::new();
    let admin = token(json!({}));
    service.instance.knows(&admin, json!({ "id": "u1" }), json!({ "admin_access": true }));
    assert_eq!(service.stats(&[secret(SECRET)]).await, invalid());
    assert_eq!(service.caption(&[secret(SECRET)]).await, invalid());
    assert_eq!(service.caption(&[bearer(SECRET)]).await, invalid());
    assert_eq!(service.ask("POST", "/api/credentials/store", &[bearer(SECRET)]).await, invalid());
    assert_eq!(service.ask("POST", "/api/credentials/store", &[bearer(&admin)]).await, invalid());
    assert_eq!(service.instance.take_asked(), 0);
    assert_eq!(service.stats(&[bearer(&admin)]).await.0, 200);
}
