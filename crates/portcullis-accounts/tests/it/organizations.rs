//! Organizations of accounts: the active one of a session, invitations by mail, and what a gate sees of them.

use crate::cast::{ALICE, Cast, ISSUER, PASSWORD, built, code, gate};
use portcullis_accounts::{By, OrganizationId, Organizations, UserId, store::MemoryStore};
use portcullis_core::{
    Membership, OrganizationVersions, Permission, Principal, PrincipalKind, Role, RoleHierarchy, Standing,
};

const BOB: &str = "bob@example.com";

fn with_organizations() -> (Cast, Organizations) {
    let organizations = Organizations::new(ISSUER, MemoryStore::new()).roles_by_organization();
    let given = organizations.clone();
    (built(|builder| builder.organizations(given)), organizations)
}

fn held(standing: &Standing) -> Option<&str> {
    standing.held().map(Role::as_str)
}

#[tokio::test]
async fn the_active_organization_is_in_tokens_and_survives_a_refresh() {
    let (cast, organizations) = with_organizations();
    let alice = cast.signed_in(ALICE).await;
    let who = cast.by_access(&alice.tokens.access).await.unwrap();
    let user = alice.user.id.clone();
    let acme = organizations.create("Acme", "acme", &user).await.unwrap().id;
    assert_eq!(who.organization(), None);

    let other = organizations.create("Other", "other", &UserId::new("other")).await.unwrap().id;
    for strange in [&other, &OrganizationId::new("none")] {
        assert_eq!(code(cast.accounts.set_organization(&who, Some(strange)).await), "not_found");
    }
    let access = cast.accounts.set_organization(&who, Some(&acme)).await.unwrap();
    let chosen = cast.by_access(&access).await.unwrap();
    assert_eq!(chosen.organization(), Some(acme.as_str()));
    let claims = chosen.claims::<serde_json::Value>().unwrap();
    assert_eq!((&claims["org_id"], &claims["org_role"]), (&acme.as_str().into(), &"owner".into()));
    let by_session = cast.by_session(&alice.tokens.refresh).await.unwrap();
    assert_eq!(by_session.organization(), Some(acme.as_str()), "the refresh token stays");

    let tokens = cast.refresh(alice.tokens.refresh.expose()).await.unwrap();
    assert_eq!(cast.by_access(&tokens.access).await.unwrap().organization(), Some(acme.as_str()));

    // The role is read anew, and a member who was removed has no organization.
    organizations.add_member(&acme, &UserId::new("second"), "owner", By::Service).await.unwrap();
    organizations.remove_member(&acme, &user, By::Service).await.unwrap();
    let tokens = cast.refresh(tokens.refresh.expose()).await.unwrap();
    assert_eq!(cast.by_access(&tokens.access).await.unwrap().organization(), None);
    assert_eq!(cast.by_session(&tokens.refresh).await.unwrap().organization(), None);

    organizations.add_member(&acme, &user, "member", By::Service).await.unwrap();
    let cleared = cast.accounts.set_organization(&who, None).await.unwrap();
    assert_eq!(cast.by_access(&cleared).await.unwrap().organization(), None);
    cast.accounts.sign_out(tokens.refresh.expose()).await.unwrap();
    assert_eq!(code(cast.accounts.set_organization(&who, Some(&acme)).await), "session_ended");
}

#[tokio::test]
async fn only_the_invited_and_confirmed_address_accepts() {
    let (cast, organizations) = with_organizations();
    let alice = cast.signed_in(ALICE).await;
    let owner = cast.by_access(&alice.tokens.access).await.unwrap();
    let acme = organizations.create("Acme", "acme", &alice.user.id).await.unwrap().id;
    cast.accounts.invite(&owner, &acme, BOB, "admin").await.unwrap();
    let token = cast.token(BOB);

    assert_eq!(code(cast.accounts.accept_invitation(&owner, token.expose()).await), "not_invited");
    let bob = cast.signed_in(BOB).await;
    let bob_is = cast.by_access(&bob.tokens.access).await.unwrap();
    assert_eq!(code(cast.accounts.invite(&bob_is, &acme, "c@example.com", "member").await), "not_found");
    let member = cast.accounts.accept_invitation(&bob_is, token.expose()).await.unwrap();
    assert_eq!((member.user, member.role.as_str()), (bob.user.id, "admin"));
    assert_eq!(code(cast.accounts.accept_invitation(&bob_is, token.expose()).await), "invalid_token");
    assert_eq!(code(cast.accounts.invite(&bob_is, &acme, "c@example.com", "owner").await), "role_forbidden");
}

/// A handler may get the user from a path.
#[tokio::test]
async fn nobody_has_a_name_that_no_store_can_keep() {
    let organizations = Organizations::new(ISSUER, MemoryStore::new());
    let alice = UserId::new("alice");
    let acme = organizations.create("Acme", "acme", &alice).await.unwrap().id;
    let long = "x".repeat(256);
    for name in ["", "a\0b", "a\nb", &long] {
        let added = organizations.add_member(&acme, &UserId::new(name), "member", By::Member(&alice)).await;
        assert_eq!(code(added), "not_found", "{name:?}");
        let added = organizations.add_member(&OrganizationId::new(name), &alice, "member", By::Service).await;
        assert_eq!(code(added), "not_found", "{name:?}");
    }
    assert!(organizations.add_member(&acme, &UserId::new(&long[..255]), "member", By::Service).await.is_ok());
}

#[tokio::test]
async fn an_unconfirmed_address_does_not_accept() {
    let organizations = Organizations::new(ISSUER, MemoryStore::new());
    let given = organizations.clone();
    let cast = built(|builder| builder.organizations(given).sign_in_unconfirmed());
    let acme = organizations.create("Acme", "acme", &UserId::new("owner")).await.unwrap().id;
    let token = organizations.invite(&acme, &BOB.parse().unwrap(), "member", By::Service).await.unwrap();
    let bob = cast.sign_up(BOB).await.unwrap().unwrap();
    let who = cast.by_access(&bob.tokens.access).await.unwrap();
    assert_eq!(code(cast.accounts.accept_invitation(&who, token.expose()).await), "email_unconfirmed");
    let proof = portcullis_accounts::Proof::Password(PASSWORD);
    cast.accounts.confirm_email(cast.token(BOB).expose(), proof).await.unwrap();
    assert!(cast.accounts.accept_invitation(&who, token.expose()).await.is_ok(), "the invitation stayed");
}

#[tokio::test]
async fn a_gate_knows_members_of_one_issuer() {
    let organizations = Organizations::new("https://hosted.test", MemoryStore::new()).roles_by_organization();
    let alice = || Principal::new(PrincipalKind::User, "alice").with_issuer("https://hosted.test");
    let acme = organizations.create("Acme", "acme", &UserId::new("alice")).await.unwrap().id;
    let standing = async |who: Principal, id: &OrganizationId| organizations.standing(&who, id).await.unwrap();
    assert_eq!(held(&standing(alice(), &acme).await), Some("owner"));
    for stranger in [
        Principal::new(PrincipalKind::User, "bob").with_issuer("https://hosted.test"),
        Principal::new(PrincipalKind::User, "alice").with_issuer("https://other.test"),
        Principal::new(PrincipalKind::User, "alice"),
        Principal::new(PrincipalKind::Service, "alice").with_issuer("https://hosted.test"),
    ] {
        assert_eq!(held(&standing(stranger.clone(), &acme).await), None, "{stranger:?}");
        assert_eq!(organizations.version(&stranger, acme.as_str()).await.unwrap(), None);
    }

    organizations.define_role(&acme, "press", ["article:publish"]).await.unwrap();
    let press = organizations.permits(&Role::new("press"), &acme).await.unwrap().unwrap();
    assert!(press.contains(&Permission::from_static("article:publish")));
    assert!(!press.contains(&Permission::from_static("article:delete")));
    assert!(organizations.permits(&Role::new("chief"), &acme).await.unwrap().is_none());

    let version = async || organizations.version(&alice(), acme.as_str()).await.unwrap().unwrap();
    let before = version().await;
    organizations.add_member(&acme, &UserId::new("bob"), "press", By::Service).await.unwrap();
    assert!(version().await > before);
    assert_eq!(organizations.version(&alice(), "none").await.unwrap(), None);
}

#[tokio::test]
async fn wiring_is_checked() {
    let (cast, organizations) = with_organizations();
    let roles = RoleHierarchy::ranked(["member", "admin", "owner"]).unwrap();
    gate(&cast.accounts, &cast.clock, |gate| {
        gate.membership("organization", organizations).roles_on("organization", roles)
    });
    assert_eq!(code(crate::cast::cast().accounts.organizations()), "not_enabled");
    let all = || Organizations::new(ISSUER, MemoryStore::new());
    assert!(all().ranked(["viewer", "chief"]).and_then(|all| all.apart(["guest"])).is_ok());
    for wrong in [all().ranked([""; 0]), all().ranked(["a", "a"]), all().apart(["owner"]), all().apart([""])] {
        assert!(wrong.is_err(), "{wrong:?}");
    }
}
