use super::{AT_ONCE, Passed, at, fresh, second};
use crate::{
    email::EmailAddress,
    error::Error,
    id::{OrganizationId, UserId},
    organization::{By, Member, Organization, OrganizationChange, Organizations},
    store::OrganizationStore,
};
use futures_util::future::join_all;
use portcullis_core::Clock;
use serde_json::json;
use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// Organizations over the store, and a clock.
struct Case {
    all: Organizations,
    clock: Arc<Seconds>,
}

/// A clock that goes on when it is told to.
#[derive(Debug, Default)]
struct Seconds(AtomicU64);

impl Seconds {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Seconds {
    fn now(&self) -> SystemTime {
        second(self.0.load(Ordering::Relaxed))
    }
}

/// A name that no other organization has.
fn slug() -> String {
    fresh(UserId::fresh(at(0))).to_string()
}

fn user() -> UserId {
    fresh(UserId::fresh(at(0)))
}

fn address(text: &str) -> EmailAddress {
    fresh(text.parse())
}

#[track_caller]
fn refused<T: Debug>(result: Result<T, Error>, code: &str) {
    match result {
        Err(error) => assert_eq!(error.code(), code),
        Ok(done) => panic!("it is refused ({code}), and not {done:?}"),
    }
}

pub(super) async fn all(store: Arc<dyn OrganizationStore>) {
    let clock = Arc::new(Seconds::default());
    let all = Organizations::over("https://shop.test".into(), store.clone()).clock(clock.clone());
    let case = Case { all: fresh(all.apart(["external", "observer"])).roles_by_organization(), clock };
    organizations(&case).await;
    members(&case).await;
    rules(&case).await;
    invitations(&case).await;
    roles(&case).await;
    versions(&*store, &case).await;
    everywhere(&case).await;
    last_owners(&case).await;
    acceptances(&case).await;
}

impl Case {
    async fn created(&self, owner: &UserId) -> Organization {
        fresh(self.all.create("Acme \"'", &slug(), owner).await)
    }

    async fn added(&self, id: &OrganizationId, role: &str) -> UserId {
        let user = user();
        fresh(self.all.add_member(id, &user, role, By::Service).await);
        user
    }

    async fn role(&self, id: &OrganizationId, user: &UserId) -> Option<String> {
        fresh(self.all.member(id, user).await).map(|member| member.role)
    }
}

async fn organizations(case: &Case) {
    let Case { all, .. } = case;
    let owner = user();
    let acme = case.created(&owner).await;
    refused(all.create("Other", &acme.slug, &user()).await, "slug_taken");
    for bad in ["", "Acme", "a--b", "-a", "a b", "ä"] {
        refused(all.create("Other", bad, &owner).await, "invalid_slug");
    }
    assert_eq!(fresh(all.find(&acme.id).await).as_ref(), Some(&acme));
    assert_eq!(fresh(all.by_slug(&acme.slug).await).as_ref(), Some(&acme));
    assert_eq!(fresh(all.by_slug(acme.id.as_str()).await), None);
    assert_eq!(case.role(&acme.id, &owner).await.as_deref(), Some("owner"), "who creates it is its owner");

    let other = case.created(&owner).await;
    let found: Vec<OrganizationId> = fresh(all.of(&owner).await).into_iter().map(|(found, _)| found.id).collect();
    assert!(found.contains(&acme.id) && found.contains(&other.id) && found.len() == 2);
    assert!(fresh(all.of(&user()).await).is_empty());

    let taken = OrganizationChange { slug: Some(acme.slug.clone()), ..OrganizationChange::default() };
    refused(all.change(&other.id, taken.clone()).await, "slug_taken");
    let extra = json!({ "plan": ["ü"] }).as_object().cloned();
    let change = OrganizationChange { name: Some("Äcme".into()), extra: extra.clone(), ..taken };
    let changed = fresh(all.change(&acme.id, change).await);
    assert_eq!((changed.name.as_str(), Some(&changed.extra)), ("Äcme", extra.as_ref()));
    assert_eq!(fresh(all.find(&acme.id).await), Some(changed));
    refused(all.change(&OrganizationId::new("none"), OrganizationChange::default()).await, "not_found");

    fresh(all.invite(&acme.id, &address("a@example.com"), "member", By::Service).await);
    fresh(all.define_role(&acme.id, "press", ["a:b"]).await);
    fresh(all.remove(&acme.id).await);
    refused(all.remove(&acme.id).await, "not_found");
    assert_eq!(case.role(&acme.id, &owner).await, None);
    assert!(fresh(all.invitations(&acme.id).await).is_empty() && fresh(all.roles(&acme.id).await).is_empty());
    assert_eq!(fresh(all.of(&owner).await).len(), 1);
}

async fn members(case: &Case) {
    let Case { all, clock } = case;
    let (owner, bob) = (user(), user());
    let id = case.created(&owner).await.id;
    clock.advance(1);
    let added = fresh(all.add_member(&id, &bob, "member", By::Service).await);
    refused(all.add_member(&id, &bob, "member", By::Service).await, "already_member");
    refused(all.add_member(&OrganizationId::new("none"), &bob, "member", By::Service).await, "not_found");
    refused(all.add_member(&id, &user(), "chief", By::Service).await, "unknown_role");
    assert_eq!(fresh(all.member(&id, &bob).await), Some(added.clone()));
    let users: Vec<UserId> = fresh(all.members(&id).await).into_iter().map(|member| member.user).collect();
    assert_eq!(users, [owner.clone(), bob.clone()], "oldest first");

    assert_eq!(fresh(all.set_role(&id, &bob, "admin", By::Service).await), "member");
    let admin = Member { role: "admin".into(), ..added };
    assert_eq!(fresh(all.member(&id, &bob).await), Some(admin), "the rest stays");
    refused(all.set_role(&id, &user(), "admin", By::Service).await, "not_found");

    refused(all.remove_member(&id, &owner, By::Service).await, "last_owner");
    refused(all.set_role(&id, &owner, "admin", By::Service).await, "last_owner");
    refused(all.remove_member(&id, &user(), By::Service).await, "not_found");
    assert_eq!(fresh(all.set_role(&id, &owner, "owner", By::Service).await), "owner");
    fresh(all.set_role(&id, &bob, "owner", By::Service).await);
    fresh(all.remove_member(&id, &owner, By::Service).await);
    assert_eq!(case.role(&id, &owner).await, None);
    refused(all.remove_member(&id, &bob, By::Service).await, "last_owner");
}

/// Who may change which role, as the store sees them.
async fn rules(case: &Case) {
    let Case { all, .. } = case;
    let owner = user();
    let id = case.created(&owner).await.id;
    let mut people = Vec::new();
    for role in ["owner", "admin", "admin", "member", "member", "external"] {
        people.push(case.added(&id, role).await);
    }
    let [second, admin, peer, member, fellow, external] = &people[..] else { panic!("six members") };
    let stranger = user();

    for by in [admin, member, external, &stranger] {
        refused(all.set_role(&id, second, "member", By::Member(by)).await, "role_forbidden");
        refused(all.remove_member(&id, second, By::Member(by)).await, "role_forbidden");
        refused(all.set_role(&id, fellow, "owner", By::Member(by)).await, "role_forbidden");
        refused(all.add_member(&id, &stranger, "owner", By::Member(by)).await, "role_forbidden");
    }
    for by in [member, external, &stranger] {
        refused(all.set_role(&id, peer, "member", By::Member(by)).await, "role_forbidden");
    }
    // Nobody raises themselves.
    refused(all.set_role(&id, admin, "owner", By::Member(admin)).await, "role_forbidden");
    assert_eq!(fresh(all.set_role(&id, peer, "member", By::Member(admin)).await), "admin");
    assert_eq!(fresh(all.set_role(&id, peer, "admin", By::Member(admin)).await), "member");
    assert_eq!(fresh(all.set_role(&id, second, "admin", By::Member(&owner)).await), "owner");

    for (who, role) in [(external, "member"), (external, "owner"), (member, "external"), (member, "observer")] {
        refused(all.set_role(&id, who, role, By::Member(&owner)).await, "roles_apart");
        refused(all.set_role(&id, who, role, By::Service).await, "roles_apart");
    }
    assert_eq!(fresh(all.set_role(&id, external, "observer", By::Member(admin)).await), "external");

    // Everybody can leave, except for the last owner.
    refused(all.remove_member(&id, fellow, By::Member(external)).await, "role_forbidden");
    for who in [external, member, admin] {
        fresh(all.remove_member(&id, who, By::Member(who)).await);
    }
    refused(all.remove_member(&id, &owner, By::Member(&owner)).await, "last_owner");
}

async fn invitations(case: &Case) {
    let Case { all, clock } = case;
    let (owner, bob) = (user(), user());
    let id = case.created(&owner).await.id;
    let admin = case.added(&id, "admin").await;
    let (to_bob, other) = (address("bob@example.com"), address("mallory@example.com"));
    let nowhere = OrganizationId::new("none");
    refused(all.invite(&nowhere, &to_bob, "member", By::Service).await, "not_found");
    refused(all.invite(&id, &to_bob, "member", By::Member(&bob)).await, "not_found");
    refused(all.invite(&id, &to_bob, "owner", By::Member(&admin)).await, "role_forbidden");
    refused(all.invite(&id, &to_bob, "chief", By::Member(&owner)).await, "unknown_role");

    let replaced = fresh(all.invite(&id, &to_bob, "member", By::Service).await);
    let token = fresh(all.invite(&id, &to_bob, "admin", By::Member(&admin)).await);
    let kept = fresh(all.invitations(&id).await);
    let [invitation] = &kept[..] else { panic!("inviting again replaces: {kept:?}") };
    assert_eq!((&invitation.email, invitation.role.as_str()), (&to_bob, "admin"));
    assert_eq!(invitation.invited_by.as_ref(), Some(&admin));
    assert!(fresh(all.invitations(&nowhere).await).is_empty());

    refused(all.accept(replaced.expose(), &bob, &to_bob).await, "invalid_token");
    refused(all.accept(token.expose(), &bob, &other).await, "not_invited");
    refused(all.accept(token.expose(), &owner, &to_bob).await, "already_member");
    let member = fresh(all.accept(token.expose(), &bob, &to_bob).await);
    assert_eq!((&member.user, member.role.as_str()), (&bob, "admin"));
    assert_eq!(fresh(all.member(&id, &bob).await), Some(member));
    refused(all.accept(token.expose(), &user(), &to_bob).await, "invalid_token");
    assert!(fresh(all.invitations(&id).await).is_empty());

    let withdrawn = fresh(all.invite(&id, &other, "member", By::Service).await);
    fresh(all.withdraw(&id, &other).await);
    refused(all.withdraw(&id, &other).await, "not_found");
    refused(all.accept(withdrawn.expose(), &user(), &other).await, "invalid_token");

    let expired = fresh(all.invite(&id, &other, "member", By::Service).await);
    clock.advance(7 * 86_400 - 1);
    assert_eq!(fresh(all.invitations(&id).await).len(), 1);
    clock.advance(1);
    assert!(fresh(all.invitations(&id).await).is_empty());
    refused(all.accept(expired.expose(), &user(), &other).await, "invalid_token");
}

async fn roles(case: &Case) {
    let Case { all, .. } = case;
    let id = case.created(&user()).await.id;
    let nowhere = OrganizationId::new("none");
    fresh(all.define_role(&id, "press", ["b:c", "a:b"]).await);
    fresh(all.define_role(&id, "empty", [""; 0]).await);
    refused(all.define_role(&nowhere, "press", ["a:b"]).await, "not_found");
    for (name, permission, code) in
        [("owner", "a:b", "unknown_role"), ("external", "a:b", "unknown_role"), ("all", "*:*", "invalid_request")]
    {
        refused(all.define_role(&id, name, [permission]).await, code);
    }
    let expected = [("empty".to_owned(), vec![]), ("press".to_owned(), vec!["a:b".to_owned(), "b:c".to_owned()])];
    assert_eq!(fresh(all.roles(&id).await), expected);
    fresh(all.define_role(&id, "press", ["a:b"]).await);
    let press = fresh(all.roles(&id).await).into_iter().find(|(name, _)| name == "press");
    assert_eq!(press.map(|(_, permissions)| permissions), Some(vec!["a:b".to_owned()]), "defining again replaces");

    let bob = case.added(&id, "press").await;
    refused(all.add_member(&case.created(&user()).await.id, &user(), "press", By::Service).await, "unknown_role");
    refused(all.remove_role(&id, "press").await, "role_in_use");
    fresh(all.set_role(&id, &bob, "member", By::Service).await);
    fresh(all.invite(&id, &address("c@example.com"), "press", By::Service).await);
    refused(all.remove_role(&id, "press").await, "role_in_use");
    fresh(all.withdraw(&id, &address("c@example.com")).await);
    fresh(all.remove_role(&id, "press").await);
    refused(all.remove_role(&id, "press").await, "not_found");
    refused(all.remove_role(&nowhere, "empty").await, "not_found");
    refused(all.set_role(&id, &bob, "press", By::Service).await, "unknown_role");
}

/// Changes of members and roles raise the version, and what is refused does not.
async fn versions(store: &dyn OrganizationStore, case: &Case) {
    let Case { all, .. } = case;
    let owner = user();
    let id = case.created(&owner).await.id;
    let version = async || store.standing(&id, &owner).await.passed().unwrap_or_else(|| panic!("it is there")).0;
    let mut last = version().await;
    let mut raised = async |by: u64, what: &str| {
        let now = version().await;
        assert_eq!(now - last, by, "{what}");
        last = now;
    };
    let bob = case.added(&id, "member").await;
    raised(1, "a member is added").await;
    refused(all.add_member(&id, &bob, "member", By::Service).await, "already_member");
    refused(all.remove_member(&id, &owner, By::Service).await, "last_owner");
    raised(0, "refused").await;
    fresh(all.set_role(&id, &bob, "admin", By::Service).await);
    raised(1, "a role is set").await;
    fresh(all.remove_member(&id, &bob, By::Service).await);
    raised(1, "a member is removed").await;
    let token = fresh(all.invite(&id, &address("b@example.com"), "member", By::Service).await);
    raised(0, "an invitation").await;
    fresh(all.accept(token.expose(), &bob, &address("b@example.com")).await);
    raised(1, "an invitation is accepted").await;
    fresh(all.define_role(&id, "press", ["a:b"]).await);
    raised(1, "a role is defined").await;
    fresh(all.remove_role(&id, "press").await);
    raised(1, "a role is removed").await;

    assert_eq!(store.standing(&id, &bob).await.passed(), Some((last, Some("member".to_owned()))));
    assert_eq!(store.standing(&id, &user()).await.passed(), Some((last, None)), "a stranger");
    assert_eq!(store.standing(&OrganizationId::new("none"), &bob).await.passed(), None, "no organization");
}

async fn everywhere(case: &Case) {
    let Case { all, .. } = case;
    let alice = user();
    let own = case.created(&alice).await;
    let shared = case.created(&alice).await.id;
    case.added(&shared, "owner").await;
    let remaining = fresh(all.remove_everywhere(&alice).await);
    assert_eq!(remaining.iter().map(|organization| &organization.id).collect::<Vec<_>>(), [&own.id]);
    assert_eq!(case.role(&shared, &alice).await, None);
    fresh(all.remove(&own.id).await);
    assert!(fresh(all.remove_everywhere(&alice).await).is_empty() && fresh(all.of(&alice).await).is_empty());
}

/// Sixteen remove or demote the two owners at once. One stays.
async fn last_owners(case: &Case) {
    let Case { all, .. } = case;
    for _ in 0..5 {
        let first = user();
        let id = case.created(&first).await.id;
        let owners = [first, case.added(&id, "owner").await];
        let tries = (0..AT_ONCE).zip(owners.iter().cycle()).map(|(place, owner)| {
            let id = &id;
            async move {
                match place % 4 < 2 {
                    true => all.remove_member(id, owner, By::Service).await,
                    false => all.set_role(id, owner, "member", By::Service).await.map(drop),
                }
            }
        });
        let done = join_all(tries).await.into_iter().filter(Result::is_ok).count();
        assert!(done >= 1, "one of the two goes");
        let left = fresh(all.members(&id).await).into_iter().filter(|member| member.role == "owner").count();
        assert_eq!(left, 1, "one owner stays");
    }
}

async fn acceptances(case: &Case) {
    let Case { all, .. } = case;
    let id = case.created(&user()).await.id;
    let email = address("b@example.com");
    let token = fresh(all.invite(&id, &email, "member", By::Service).await);
    let tries = (0..AT_ONCE).map(|_| async { all.accept(token.expose(), &user(), &email).await });
    let accepted = join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!((accepted, fresh(all.members(&id).await).len()), (1, 2), "an invitation is used once");
}
