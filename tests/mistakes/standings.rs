//! What memberships and directories answer, where the gate cannot make anything of it.

use crate::{assert_accepted, assert_refused, send};
use axum::{Router, http::Request, routing::get};
use portcullis::{
    Account, Directory, Error, Gate, GateBuilder, Membership, PermissionSet, Principal, Role, RoleHierarchy, Scheme,
    SharedSecret, Standing,
    axum::Routes,
    policy::{Policy, account, path, permission, role, via, without_baseline},
    testing::{TestIssuer, acting_as},
};

const SECRET: &str = "the-secret-of-the-sync-service-of-this-test";

struct User {
    is_confirmed: bool,
}

fn builder() -> GateBuilder {
    let builder = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer());
    builder.scheme(Scheme::named("sync", SharedSecret::new("sync", SECRET).unwrap()).header("x-sync-secret"))
}

fn app(gate: &Gate, policy: impl Policy + 'static) -> Router {
    Routes::new(gate).route("/projects/{id}", policy, get("a project")).into_router()
}

#[tokio::test]
async fn stored_role_that_is_unknown() -> Result<(), Error> {
    #[derive(Debug)]
    struct Misspelt;
    impl Membership for Misspelt {
        type Id = u32;

        async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
            Ok(Standing::role("veiwer"))
        }
    }
    let gate = |membership: GateBuilder| -> Result<Gate, Error> {
        let roles = RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]).permits("viewer", ["project:*"]);
        Ok(membership.roles(roles.build()?).build()?.acting_as(acting_as("alice")))
    };
    let request = || Request::get("/projects/42");
    let view = || role("viewer").on("project", path("id"));
    let mistaken = gate(builder().membership("project", Misspelt))?;
    assert_refused(send(&app(&mistaken, view()), request()).await, 500);

    #[derive(Debug)]
    struct Projects;
    items_as_shown! {
        impl Membership for Projects {
            type Id = u32;

            async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
                Ok(Standing::role("auditor"))
            }

            async fn permits(&self, role: &Role, _: &u32) -> Result<Option<PermissionSet>, Error> {
                Ok(if role.as_str() == "auditor" { Some(PermissionSet::new(["project:read"])?) } else { None })
            }
        }
    }
    let fixed = gate(builder().membership("project", Projects))?;
    let read = |name| permission(name).on("project", path("id"));
    assert_accepted(send(&app(&fixed, read("project:read")), request()).await);
    assert_eq!(send(&app(&fixed, read("project:write")), request()).await.0, 403);
    assert_eq!(send(&app(&fixed, view()), request()).await.0, 403);
    Ok(())
}

#[tokio::test]
async fn baseline_about_an_account_that_is_not_there() -> Result<(), Error> {
    #[derive(Debug)]
    struct Users;
    impl Directory for Users {
        async fn account(&self, who: &Principal) -> Result<Account, Error> {
            Ok(Account::new(User { is_confirmed: who.id().subject() == "alice" }))
        }
    }
    let baseline = account("email_unconfirmed", |user: &User| user.is_confirmed);
    let gate = builder().directory(Users).baseline(baseline).build()?;
    let by_sync = |secret: &str| Request::get("/projects/42").header("x-sync-secret", secret);
    assert_refused(send(&app(&gate, via("sync")), by_sync(SECRET)).await, 500);

    let fixed = || as_shown!(without_baseline(via("sync")));
    assert_accepted(send(&app(&gate, fixed()), by_sync(SECRET)).await);
    assert_eq!(send(&app(&gate, fixed()), by_sync("another secret")).await.0, 401);
    Ok(())
}
