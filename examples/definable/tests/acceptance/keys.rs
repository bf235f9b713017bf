//! API keys: where they count, and for what. Those that are revoked or expired are cases 79 and 80.

use crate::service::*;
use definable::store::{Member, Status};
use portcullis::{KeyRow, KeyScopes};
use serde_json::json;
use std::time::SystemTime;

#[tokio::test]
async fn a_key_is_its_owner_in_one_organization() {
    let tested = Tested::new();
    for headers in [[key(KEY)], [bearer(KEY)]] {
        assert_eq!(tested.ask("GET", "/me", &headers).await, (200, json!({ "id": "u1", "org_id": "o1" })));
        assert_eq!(tested.kb(&headers).await, 200);
        // The organization of the key, whether the request names it or not.
        assert_eq!(tested.ask("GET", "/kb", &headers).await.0, 200);
        let write = tested.ask("POST", "/kb?org_id=o1", &headers).await;
        assert_eq!(write, denied(403, "Access denied. Required: kb:write"), "no more than its owner");
    }
}

/// Its owner is a member of both organizations, and the key is not.
#[tokio::test]
async fn the_owner_elsewhere() {
    let tested = Tested::new();
    tested.store.change(|tables| {
        let member = Member { role: "reader".into(), status: Status::Active };
        tables.members.insert(("o2".into(), "u1".into()), member);
        let permissions = tables.roles[&("o1".to_owned(), "reader".to_owned())].clone();
        tables.roles.insert(("o2".into(), "reader".into()), permissions);
        let of_o2 = KeyRow { organization: Some("o2".into()), ..key_of_u1("of-o2") };
        tables.keys = [key_of_u1(KEY), of_o2].into_iter().collect();
    });
    let other = denied(400, "The API key is for another organization");
    // Each is asked after the other was let in, so that nothing that is remembered lets it in.
    for (of, there) in [(KEY, "o1"), ("of-o2", "o2"), (KEY, "o1")] {
        for organization in ["o1", "o2"] {
            let answer = tested.ask("GET", &format!("/kb?org_id={organization}"), &[key(of)]).await;
            match organization == there {
                true => assert_eq!(answer.0, 200, "{of} in {organization}"),
                false => assert_eq!(answer, other, "{of} in {organization}"),
            }
        }
    }
    assert_eq!(tested.ask("GET", "/kb?org_id=o2", &[tested.of("u1")]).await.0, 200);
}

#[tokio::test]
async fn keys_that_do_not_hold() {
    let tested = Tested::new();
    tested.store.change(|tables| {
        let past = Some(SystemTime::UNIX_EPOCH);
        let revoked = KeyRow { withdrawn_at: past, ..key_of_u1("revoked") };
        let expired = KeyRow { expires_at: past, ..key_of_u1("expired") };
        tables.keys = [key_of_u1(KEY), revoked, expired].into_iter().collect();
    });
    for bad in ["revoked", "expired", "unknown", &KEY.to_lowercase()] {
        assert_eq!(tested.ask("GET", "/me", &[key(bad)]).await, denied(401, "Invalid token"), "{bad}");
        assert_eq!(tested.ask("GET", "/me", &[bearer(bad)]).await, denied(401, "Invalid token"), "{bad}");
    }
    assert_eq!(tested.ask("GET", "/me", &[key(KEY)]).await.0, 200);
}

/// Differs: the original stores what a key may do, and does not ask it.
#[tokio::test]
async fn a_key_with_scopes() {
    let tested = Tested::new();
    tested.role("reader", &["kb:*"]);
    tested.store.change(|tables| {
        let scopes = KeyScopes::new(["kb:read"]).unwrap_or_else(|error| panic!("{error}"));
        tables.keys = [KeyRow { scopes, ..key_of_u1(KEY) }].into_iter().collect();
    });
    assert_eq!(tested.ask("GET", "/kb", &[key(KEY)]).await.0, 200);
    assert_eq!(tested.ask("POST", "/kb", &[key(KEY)]).await, denied(403, "Access denied. Required: kb:write"));
    assert_eq!(tested.ask("GET", "/me", &[key(KEY)]).await, denied(403, "Access denied: scope_required"));
    assert_eq!(tested.ask("POST", "/kb?org_id=o1", &[tested.of("u1")]).await.0, 200);
}

/// Routes for people only do not look at keys, whatever their owner may.
#[tokio::test]
async fn routes_for_people() {
    let tested = Tested::new();
    tested.role("reader", &["*:*"]);
    for (method, path) in [("DELETE", "/kb?org_id=o1"), ("POST", "/roles?org_id=o1"), ("GET", "/tools?org_id=o1")] {
        assert_eq!(tested.ask(method, path, &[key(KEY)]).await, denied(401, "Invalid authorization"), "{path}");
        assert_eq!(tested.ask(method, path, &[bearer(KEY)]).await, denied(401, "Invalid token"), "{path}");
    }
    assert_eq!(tested.ask("DELETE", "/kb?org_id=o1", &[tested.of("u1")]).await.0, 200);
    assert_eq!(tested.ask("POST", "/kb?org_id=o1", &[key(KEY)]).await.0, 200);
}

/// Case 82, as people are answered.
#[tokio::test]
async fn the_key_of_a_member_who_may_nothing_now() {
    let tested = Tested::new();
    for (status, text) in [(Status::Invited, "invited"), (Status::Suspended, "suspended"), (Status::Deleted, "deleted")]
    {
        tested.member("u1", "reader", status);
        tested.pass_by_the_cache();
        assert_eq!(tested.ask("GET", "/kb", &[key(KEY)]).await, denied(403, &format!("Access denied: {text}")));
    }
}
