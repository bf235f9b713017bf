//! Identifiers in paths, however they are written.

use super::{organizations, put};
use crate::{
    request::{delete, get},
    world::{ALICE, BOB, Mode, Mount},
};
use portcullis::accounts::{By, OrganizationId, Organizations};
use serde_json::json;

/// The guard and the endpoint see the same organization and the same user, however the path is written.
#[test]
fn identifiers_with_odd_encodings() {
    for mount in [Mount::Plain, Mount::Nested, Mount::Enforced] {
        organizations(Mode::Bodies, Organizations::roles_by_organization).mount(mount).run(async |world| {
            let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
            let id = world.organization("acme", &[]).await;
            let other = world.organizations().create("Other", "other", &world.id(BOB).await).await.unwrap().id;
            let (id, other) = (id.as_str(), other.as_str());
            let first = format!("%{:02x}{}", id.as_bytes()[0], &id[1..]);
            let same = [id.replace('-', "%2d"), id.replace('-', "%2D"), first];
            for text in &same {
                let path = format!("/auth/organizations/{text}");
                assert_eq!(world.page_as(&alice, get(&path)).await.json()["organization"]["slug"], "acme", "{text}");
                assert_eq!(world.page_as(&bob, get(&path)).await.code(), "404", "{text}");
            }
            let strange = [
                id.replace('-', "%252d"),
                id.to_uppercase(),
                format!("{id}%00"),
                format!("{id}%20"),
                format!("%09{id}"),
                format!("{other}%2f..%2f{id}"),
                format!("{id}%2F..%2F{other}"),
                format!("{id};x"),
                format!("{id}."),
                "%2e%2e".into(),
                "%00".into(),
                "%".into(),
                "a".repeat(5000),
            ];
            for text in &strange {
                for path in [format!("/auth/organizations/{text}"), format!("/auth/organizations/{text}/members")] {
                    // What one framework does not route at all is unknown as well.
                    let status = world.page_as(&alice, get(&path)).await.status;
                    assert!([400, 404].contains(&status), "{text}: {status}");
                    assert!([400, 404].contains(&world.page_as(&bob, get(&path)).await.status), "{text}");
                }
            }
            // The member, the invitation and the role are decoded in the same way.
            world
                .organizations()
                .add_member(&OrganizationId::new(id), &world.id(BOB).await, "member", By::Service)
                .await
                .unwrap();
            let bobs = world.id(BOB).await;
            let encoded = bobs.as_str().replace('-', "%2D");
            let base = format!("/auth/organizations/{id}");
            for user in [format!("{bobs}%00"), bobs.as_str().replace('-', "%252d"), "%00".into()] {
                assert_eq!(
                    world.page_as(&alice, delete(&format!("{base}/members/{user}"))).await.code(),
                    "404 not_found",
                    "{user}"
                );
            }
            assert_eq!(world.page_as(&bob, delete(&format!("{base}/members/{encoded}"))).await.status, 204);
            let role = json!({ "permissions": ["article:publish"] });
            let define = |name: &str| put(&format!("{base}/roles/{name}"), role.clone());
            assert_eq!(world.page_as(&alice, define("press%20room")).await.status, 204);
            assert_eq!(world.page_as(&alice, define("a%2Fb")).await.status, 204);
            assert_eq!(world.page_as(&alice, define("%00")).await.code(), "404 not_found");
            let list = world.page_as(&alice, get(&format!("{base}/roles"))).await.json();
            assert_eq!((&list["roles"][0]["name"], &list["roles"][1]["name"]), (&json!("a/b"), &json!("press room")));
            assert_eq!(list["roles"][0]["permissions"], json!(["article:publish"]));
            assert_eq!(world.page_as(&alice, delete(&format!("{base}/roles/a%2fb"))).await.status, 204);
        });
    }
}
