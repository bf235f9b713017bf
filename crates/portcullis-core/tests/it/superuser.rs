//! Superusers pass without a role or permission, and without nothing else.

use crate::{
    asking::{Data, Members, shared, why},
    head::Head,
    log::{Heard, listen},
};
use portcullis_core::{
    Access, Account, Error, ErrorKind, Gate, GateBuilder, KeyScopes, Membership, Principal, RoleHierarchy, Scheme,
    SharedSecret, Standing, SuperuserScope,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tracing::Level;

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";
const READ: &dyn Policy = &permission("project:read").on("project", path("project")).hidden();
const WRITE: &dyn Policy = &permission("project:write").on("project", path("project"));

/// Flights 1 and 2 of project 1; flight 2 is locked, and flight 3 does not exist. Everyone is suspended on flight 4.
#[derive(Debug)]
struct Flights;

struct Flight {
    is_locked: bool,
}

impl Membership for Flights {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok(match id {
            3 => Standing::missing(),
            4 => Standing::refused("suspended"),
            id => Standing::stranger().under("project", 1).with(Flight { is_locked: *id == 2 }),
        })
    }
}

fn builder() -> GateBuilder {
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .scheme(Scheme::named("key", SharedSecret::new("key", SECRET).unwrap()).header("x-key"))
        .roles(
            RoleHierarchy::builder()
                .ranked(["viewer", "owner"])
                .permits("owner", ["project:*", "project:read"])
                .build()
                .unwrap(),
        )
        .members(&Data::default().role("project:2", "owner"))
        .membership("flight", Flights)
}

fn reading() -> Gate {
    builder().superuser(staff(), SuperuserScope::permissions(["project:read"])).build().unwrap()
}

fn everything() -> Gate {
    builder().superuser(staff(), SuperuserScope::every_role_and_permission()).build().unwrap()
}

fn root() -> Principal {
    acting_as("root").with_staff(true)
}

async fn ask(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Result<Access, Error> {
    let plan = gate.plan(policy)?;
    let who = gate.establish_for(&plan, head).await;
    gate.authorize(&who, &plan, head).await
}

fn head() -> Head {
    Head::new().param("project", "1").param("flight", "1")
}

fn passed(access: Result<Access, Error>) -> Option<String> {
    access.unwrap().superuser().map(str::to_owned)
}

#[tokio::test]
async fn a_superuser_passes_without_the_permissions_of_the_scope() {
    let gate = reading().acting_as(root());
    let everywhere = || shared(permission("project:read"));
    for policy in [shared(READ), everywhere(), shared(any((role("owner"), READ))), shared(all((everywhere(), READ)))] {
        assert_eq!(passed(ask(&gate, policy, &head()).await).as_deref(), Some("project:read"));
    }
    // Others do not, and other rights are not in the scope.
    let bob = reading().acting_as(acting_as("bob"));
    assert_eq!(why(ask(&bob, READ, &head()).await), (ErrorKind::Hidden, "not_found".into()));
    assert_eq!(why(ask(&bob, everywhere(), &head()).await), (ErrorKind::Denied, "permission_required".into()));
    assert_eq!(why(ask(&gate, WRITE, &head()).await), (ErrorKind::Denied, "not_a_member".into()));
    assert_eq!(why(ask(&gate, role("viewer"), &head()).await), (ErrorKind::Denied, "role_required".into()));
    let both = all((READ, WRITE));
    assert_eq!(why(ask(&gate, both, &head()).await), (ErrorKind::Denied, "not_a_member".into()));
    // Without `.superuser(…)` there are none.
    let gate = builder().build().unwrap().acting_as(root());
    assert_eq!(why(ask(&gate, READ, &head()).await), (ErrorKind::Hidden, "not_found".into()));
}

#[tokio::test]
async fn every_role_and_permission_is_what_it_says_and_no_more() {
    let gate = everything().acting_as(root());
    let on_project = |name| role(name).on("project", path("project"));
    for (policy, right) in [
        (shared(WRITE), "project:write"),
        (shared(role("owner")), "owner"),
        (shared(on_project("viewer").hidden()), "viewer"),
        (shared(all((on_project("viewer"), role("owner")))), "viewer"),
    ] {
        assert_eq!(passed(ask(&gate, policy, &head()).await).as_deref(), Some(right));
    }
    let closed = || when("closed", |_| false);
    for (policy, code) in [
        (shared(all((on_project("viewer"), closed()))), "closed"),
        (shared(all((on_project("viewer"), scope("read")))), "insufficient_scope"),
        (shared(all((on_project("viewer"), claim("mfa")))), "claim_required"),
        (shared(all((not(on_project("viewer")), closed()))), "closed"),
        (shared(all((role("viewer"), account("unconfirmed", |_: &u8| false)))), "unconfirmed"),
    ] {
        let gate = gate.acting_as(root().with_account(Account::new(7_u8)));
        assert_eq!(why(ask(&gate, policy, &head()).await), (ErrorKind::Denied, code.into()));
    }
    let bob = everything().acting_as(acting_as("bob").with_role("viewer"));
    assert_eq!(why(ask(&bob, role("owner"), &head()).await), (ErrorKind::Denied, "role_required".into()));
    assert_eq!(passed(ask(&bob, role("viewer"), &head()).await), None);
}

#[tokio::test]
async fn what_is_missing_stays_missing_and_a_row_is_still_looked_at() {
    let gate = everything().acting_as(root());
    let flight = || role("viewer").on("flight", path("flight")).of("project", path("project"));
    let on_row = || flight().row("locked", |flight: &Flight| !flight.is_locked);
    let of = |project: &str, flight: &str| Head::new().param("project", project).param("flight", flight);
    let access = ask(&gate, on_row(), &of("1", "1")).await.unwrap();
    assert!(
        !access.row::<Flight>().unwrap().is_locked && access.superuser() == Some("viewer") && access.role().is_none()
    );
    assert_eq!(access.resource().unwrap().to_string(), "flight \"1\"");
    for (head, kind, code) in [
        (of("1", "2"), ErrorKind::Denied, "locked"),
        (of("1", "3"), ErrorKind::Hidden, "not_found"),
        (of("2", "1"), ErrorKind::Hidden, "not_found"),
        (of("1", "4"), ErrorKind::Hidden, "not_found"),
        (of("1", "x"), ErrorKind::Malformed, "invalid_id"),
    ] {
        assert_eq!(why(ask(&gate, on_row(), &head).await), (kind, code.into()), "{head:?}");
    }
    let suspended = role("viewer").on("flight", path("flight"));
    assert_eq!(why(ask(&gate, suspended, &of("1", "4")).await), (ErrorKind::Denied, "suspended".into()));
}

#[tokio::test]
async fn it_inverts_nothing() {
    let gate = everything().acting_as(root());
    let viewer = || role("viewer").on("project", path("project"));
    // Allowed since it has no role, and not as a superuser.
    assert_eq!(passed(ask(&gate, not(viewer()), &head()).await), None);
    let owner = everything().acting_as(acting_as("alice").with_staff(true));
    let head = Head::new().param("project", "2");
    // An owner of project 2.
    assert_eq!(passed(ask(&owner, viewer(), &head).await), None);
    assert_eq!(why(ask(&owner, not(viewer()), &head).await), (ErrorKind::Denied, "not_allowed".into()));
}

#[tokio::test]
async fn schemes_the_baseline_and_public_routes_stay_as_they_are() {
    let gate = everything();
    let (by_token, by_key) = (gate.acting_as(root()), gate.acting_via("key", root()));
    let key_only = || via("key").and(role("owner"));
    assert_eq!(passed(ask(&by_key, key_only(), &head()).await).as_deref(), Some("owner"));
    assert_eq!(why(ask(&by_token, key_only(), &head()).await).0, ErrorKind::Missing);
    assert_eq!(why(ask(&by_key, role("owner"), &head()).await).0, ErrorKind::Missing);
    let either = || any((via("key").and(staff()), role("owner")));
    assert_eq!(passed(ask(&by_token, either(), &head()).await).as_deref(), Some("owner"));
    let narrow = || any((via("key").and(claim("x")), role("owner")));
    assert_eq!(why(ask(&by_key, narrow(), &head()).await), (ErrorKind::Denied, "claim_required".into()));

    assert_eq!(passed(ask(&by_token, any((anyone(), role("owner"))), &head()).await), None);
    let visitor = ask(&gate, visitors(role("owner").on("project", path("project"))), &head()).await;
    assert_eq!(why(visitor).0, ErrorKind::Missing);

    let builder = builder().superuser(staff(), SuperuserScope::every_role_and_permission());
    let gate = builder.baseline(role("viewer")).build().unwrap().acting_as(root());
    assert_eq!(why(ask(&gate, role("owner"), &head()).await), (ErrorKind::Denied, "role_required".into()));
    assert_eq!(passed(ask(&gate, without_baseline(role("owner")), &head()).await).as_deref(), Some("owner"));
}

#[tokio::test]
async fn it_is_asked_only_after_a_denial_where_it_can_change_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let superuser = when("operator", move |question| {
        count.fetch_add(1, SeqCst);
        question.principal().id().subject() == "root"
    });
    let gate = builder().superuser(superuser, SuperuserScope::permissions(["project:read"])).build().unwrap();
    let owner = gate.acting_as(acting_as("alice"));
    let of_two = Head::new().param("project", "2");
    assert_eq!(passed(ask(&owner, READ, &of_two).await), None);
    assert!(ask(&owner, WRITE, &head()).await.is_err() && ask(&owner, staff(), &head()).await.is_err());
    assert_eq!(asked.load(SeqCst), 0);
    assert!(ask(&owner, READ, &head()).await.is_err());
    assert_eq!(asked.load(SeqCst), 1);
    assert_eq!(passed(ask(&gate.acting_as(acting_as("root")), READ, &head()).await).as_deref(), Some("project:read"));
    assert_eq!(asked.load(SeqCst), 2);
}

#[tokio::test]
async fn a_superuser_policy_that_cannot_decide_lets_nobody_in() {
    let down = role("owner").on("org", header("x-org"));
    let data = Data::down();
    let gate = Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .roles(RoleHierarchy::ranked(["owner"]).unwrap())
        .members(&data)
        .superuser(down, SuperuserScope::every_role_and_permission())
        .build()
        .unwrap();
    let head = head().header("x-org", "1");
    let refused = ask(&gate.acting_as(root()), role("owner"), &head).await;
    assert_eq!(why(refused).0, ErrorKind::Unavailable);
}

#[tokio::test]
async fn handlers_that_ask_policies_and_explanations_know_it() {
    let gate = reading().acting_as(root());
    let plan = gate.plan(READ).unwrap();
    let who = gate.establish_for(&plan, &head()).await;
    let decision = gate.explain(&who, &plan, &head()).await.unwrap();
    let text = decision.explain().unwrap().to_string();
    assert!(
        text.contains(
            "+ superuser (staff)\n    + permission `project:read` on project \"1\" (a superuser passes without it)"
        ),
        "{text}"
    );
    let caller = who.caller(&head()).unwrap();
    let access = caller.require(permission("project:read").on("project", id("1"))).await;
    assert_eq!(passed(access).as_deref(), Some("project:read"));
    assert!(!caller.allows(permission("project:write").on("project", id("1"))).await.unwrap());
}

#[test]
fn each_use_is_one_event_without_the_subject() {
    let used = |policy: &'static dyn Policy, who: Principal| -> Heard {
        let gate = reading().acting_as(who);
        listen(Level::INFO, async || drop(ask(&gate, policy, &head()).await))
    };
    let heard = used(READ, root());
    assert_eq!(heard.len(), 1, "{heard:?}");
    let (level, target, fields) = heard.first().unwrap();
    assert_eq!((*level, *target), (Level::INFO, "portcullis"));
    let field = |name: &str| fields.get(name).map(String::as_str);
    assert_eq!((field("policy"), field("right")), (Some("staff"), Some("project:read")));
    assert!(!format!("{heard:?}").contains("root"), "{heard:?}");
    assert!(used(READ, acting_as("bob")).is_empty() && used(WRITE, root()).is_empty());
}

#[test]
fn plans_say_where_it_applies() {
    let says = |gate: &Gate, policy: Arc<dyn Policy>| gate.plan(policy).unwrap().superuser().map(ToString::to_string);
    let (reading, everything, none) = (reading(), everything(), builder().build().unwrap());
    for (policy, by_permission, by_everything) in [
        (shared(READ), true, true),
        (shared(WRITE), false, true),
        (shared(any((scope("a"), hidden(READ)))), true, true),
        (shared(role("owner")), false, true),
        (shared(not(READ)), false, false),
        (shared(all((staff(), not(role("owner"))))), false, false),
        (shared(any((anyone(), READ))), false, false),
        (shared(staff()), false, false),
    ] {
        let staff = |applies: bool| applies.then(|| "staff".to_owned());
        let words = policy.describe();
        assert_eq!(says(&reading, policy.clone()), staff(by_permission), "{words}");
        assert_eq!(says(&everything, policy.clone()), staff(by_everything), "{words}");
        assert_eq!(says(&none, policy), None);
    }
}

#[test]
fn what_cannot_work_is_refused_at_start() {
    let all_rights = SuperuserScope::every_role_and_permission;
    let on_path = || role("owner").on("project", path("project"));
    let nothing: [&str; 0] = [];
    let refused: Vec<(Arc<dyn Policy>, SuperuserScope, &str)> = vec![
        (shared(anyone()), all_rights(), "without a credential"),
        (shared(visitors(role("owner").on("org", header("x-org")))), all_rights(), "without a credential"),
        (shared(on_path()), all_rights(), "parameter of the path"),
        (shared(role("boss")), all_rights(), "no role `boss`"),
        (shared(staff()), SuperuserScope::permissions(nothing), "is empty"),
        (shared(staff()), SuperuserScope::permissions(["project"]), "no permission"),
        (shared(staff()), SuperuserScope::permissions(["project:*"]), "no permission"),
    ];
    for (policy, scope, words) in refused {
        let error = builder().superuser(policy.clone(), scope).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(words), "{}: {error}", policy.describe());
    }
    let listed = builder().permissions(["project:read", "project:write"]);
    let error = listed.superuser(staff(), SuperuserScope::permissions(["project:raed"])).build().unwrap_err();
    assert!(error.to_string().contains("`project:raed`"), "{error}");
    let twice = builder().superuser(staff(), all_rights()).superuser(staff(), all_rights()).build().unwrap_err();
    assert!(twice.to_string().contains("twice"), "{twice}");
    assert!(builder().superuser(role("owner").on("org", header("x-org")), all_rights()).build().is_ok());
}

/// Who may see everything has not lent that to each of its keys.
#[tokio::test]
async fn a_key_with_scopes_is_a_superuser_only_where_a_scope_says_so() {
    let key = |scopes: &[&str]| root().with_key_scopes(KeyScopes::new(scopes).unwrap());
    let by = |gate: &Gate, scopes: &[&str]| gate.acting_as(key(scopes));
    let gate = reading();
    assert_eq!(why(ask(&by(&gate, &["project:read"]), READ, &head()).await).0, ErrorKind::Hidden);
    let all_rights = SuperuserScope::every_role_and_permission();
    let gate = builder().superuser(all((staff(), scope("operate"))), all_rights).build().unwrap();
    let both = ["operate", "project:read"];
    assert_eq!(passed(ask(&by(&gate, &both), READ, &head()).await).as_deref(), Some("project:read"));
    for (scopes, policy) in [(&both[..], WRITE), (&["operate"][..], READ), (&["project:read"][..], READ)] {
        assert!(ask(&by(&gate, scopes), policy, &head()).await.is_err(), "{scopes:?}");
    }
}
