//! Why a decision came out as it did: who asked, what was asked in which order, and where each role comes from.

use crate::{
    asking::{decide, shared, why},
    head::Head,
    log::at_debug,
};
use portcullis_core::{
    Account, Decision, Directory, Error, Gate, GateBuilder, Membership, PermissionSet, Principal, Question,
    RoleHierarchy, Scheme, SharedSecret, Standing, SuperuserScope, policy::*, testing::TestIssuer,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Knows alice and her role, and nobody else.
#[derive(Debug)]
struct Users;

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        Ok(match who.id().subject() {
            "alice" => Account::new("a row").role("manager"),
            _ => Account::none(),
        })
    }
}

#[derive(Debug)]
struct Projects;

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        let extra = || PermissionSet::new(["project:export"]).unwrap();
        Ok(match id {
            1 => Standing::role("viewer"),
            2 => Standing::stranger().permitting(extra()),
            _ => Standing::missing(),
        })
    }
}

const SECRET: &str = "swordfish-swordfish-swordfish-swordfish";

fn builder(issuer: &TestIssuer) -> GateBuilder {
    let roles = RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]).permits("manager", ["report:read"]);
    Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .scheme(Scheme::named("sync", SharedSecret::new("role-sync", SECRET).unwrap()).header("x-sync"))
        .roles(roles.build().unwrap())
        .membership("project", Projects)
        .directory(Users)
}

async fn explain(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> String {
    let plan = gate.plan(policy).unwrap();
    let who = gate.establish_for(&plan, head).await;
    let decision = gate.explain(&who, &plan, head).await.unwrap();
    assert_eq!(decision.is_allowed(), gate.authorize(&who, &plan, head).await.is_ok());
    decision.explain().unwrap().to_string()
}

#[tokio::test]
async fn it_names_the_caller_and_where_its_roles_come_from() {
    let issuer = TestIssuer::new();
    let gate = builder(&issuer).build().unwrap();
    let by = |name: &str, role: &str| Head::new().bearer(&issuer.token(name).role(role).sign());
    let policy = || any((role("owner"), role("manager"), permission("report:read")));
    assert_eq!(
        explain(&gate, policy(), &by("alice", "viewer")).await,
        "+ a User of `https://issuer.test` by bearer header (with an account)
  + any of
    - role `owner` (no role that includes it; it has `viewer` of the credential, `manager` of the account)
    + role `manager` (by the role `manager` of the account)"
    );
    assert_eq!(
        explain(&gate, policy(), &by("bob", "unknown")).await,
        "- a User of `https://issuer.test` by bearer header (without an account)
  - any of
    - role `owner` (no role that includes it; it has none that the gate knows)
    - role `manager` (no role that includes it; it has none that the gate knows)
    - permission `report:read` (no role that permits it; it has none that the gate knows)"
    );
    assert_eq!(
        explain(&gate, permission("report:read"), &by("bob", "owner")).await,
        "+ a User of `https://issuer.test` by bearer header (without an account)
  + permission `report:read` (by the role `owner` of the credential)"
    );
    let on = |name: &'static str| role(name).on("project", query("id"));
    let head = by("bob", "owner").query("id=1");
    assert!(explain(&gate, on("viewer"), &head).await.contains("(has the role `viewer` there)"));
    let export = permission("project:export").on("project", query("id"));
    let explained = explain(&gate, export, &by("bob", "owner").query("id=2")).await;
    assert!(explained.contains("(permitted by the standing itself)"), "{explained}");
    assert!(!explained.contains("bob"), "a subject may be an e-mail address");
}

#[tokio::test]
async fn it_names_the_scheme_and_the_baseline() {
    let issuer = TestIssuer::new();
    let gate = builder(&issuer).baseline(not(scope("suspended"))).build().unwrap();
    let head = Head::new().header("x-sync", SECRET);
    assert_eq!(
        explain(&gate, any((staff(), via("sync"))), &head).await,
        "+ a Service by header `x-sync` of the scheme `sync` (without an account)
  + baseline
    + not
      - scope `suspended`
  + any of
    - staff
    + authenticated"
    );
    let head = Head::new().bearer(&issuer.token("bob").scope("suspended").sign());
    assert_eq!(
        explain(&gate, authenticated(), &head).await,
        "- a User of `https://issuer.test` by bearer header (without an account)
  - baseline
    - not
      + scope `suspended`"
    );
    // The policy of the route was not asked, and one without the baseline does not show it.
    assert!(!explain(&gate, without_baseline(authenticated()), &head).await.contains("baseline"));
    let plan = gate.plan(all((authenticated(), any((staff(), scope("a")))))).unwrap();
    let head = Head::new().bearer(&issuer.token("bob").sign());
    let who = gate.establish(&head).await;
    let decision = gate.explain(&who, &plan, &head).await.unwrap();
    assert_eq!(decision.explain().unwrap().decided_by().part(), "scope `a`");
}

/// The answer of a gate whose log writes explanations down, so that there is one to give away.
async fn body(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> (u16, String) {
    let who = gate.establish(head).await;
    let error = decide(gate, &who, policy, head).await.unwrap_err();
    let refusal = gate.refuse(&error);
    for (name, value) in refusal.headers() {
        assert!(!value.contains("staff"), "{name}: {value}");
    }
    (refusal.status(), String::from_utf8(refusal.into_parts().1).unwrap())
}

#[test]
fn a_client_gets_it_only_by_a_setting_and_never_of_a_hidden_denial() {
    let issuer = TestIssuer::new();
    let token = issuer.token("bob").sign();
    let head = Head::new().bearer(&token);
    for is_logged in [false, true] {
        for explains in [false, true] {
            let builder = builder(&issuer);
            let builder = if explains { builder.dangerous_explain_denials() } else { builder };
            let run = async || {
                let gate = builder.build().unwrap();
                let (status, denied) = body(&gate, any((staff(), scope("a"))), &head).await;
                assert_eq!((status, denied.contains("staff")), (403, explains), "{denied}");
                if explains {
                    let tree = r#""explanation":["- a User of `https://issuer.test` by bearer header (without an account)","  - any of","    - staff","    - scope `a`"]"#;
                    assert!(denied.contains(tree), "{denied}");
                }
                assert_eq!(body(&gate, hidden(staff()), &head).await, (404, String::new()));
                let on = role("owner").on("project", query("id")).hidden();
                assert_eq!(body(&gate, any((staff(), on)), &head.clone().query("id=7")).await, (404, String::new()));
                let (status, absent) = body(&gate, staff(), &Head::new()).await;
                assert_eq!((status, absent.contains("staff")), (401, false), "{absent}");
                let unknown = why(decide(&gate, &gate.establish(&head).await, shared(on), &head).await);
                assert_eq!(unknown.1, "parameter_missing");
            };
            match is_logged {
                true => at_debug(run),
                false => tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run()),
            }
        }
    }
}

/// Waits before it denies, and counts how often it was begun.
#[derive(Debug, Clone, Default)]
struct Slow(Arc<AtomicUsize>);

impl Rule for Slow {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        self.0.fetch_add(1, Relaxed);
        tokio::task::yield_now().await;
        Ok(Decision::deny("slow"))
    }
}

/// A guard asks first whether the answer is there, and would otherwise begin a rule twice.
#[tokio::test]
async fn what_waits_is_begun_when_somebody_waits() {
    let [baseline, superuser, policy] = [(); 3].map(|()| Slow::default());
    let issuer = TestIssuer::new();
    let gate = Gate::builder()
        .scheme(Scheme::new(issuer.verifier()).bearer())
        .baseline(not(baseline.clone()))
        .superuser(superuser.clone(), SuperuserScope::every_role_and_permission())
        .roles(RoleHierarchy::ranked(["manager"]).unwrap())
        .build()
        .unwrap();
    let head = Head::new().bearer(&issuer.token("alice").sign());
    let who = gate.establish(&head).await;
    let begun = || [&baseline, &superuser, &policy].map(|slow| slow.0.load(Relaxed));

    let plan = gate.plan(all((not(policy.clone()), role("manager")))).unwrap();
    let Err(later) = gate.explain(&who, &plan, &head).ready() else { panic!("its rules have to wait") };
    assert_eq!(begun(), [0, 0, 0]);
    assert!(!later.await.unwrap().is_allowed());
    assert_eq!(begun(), [1, 1, 1]);

    // Denied at once, so that only the superuser's policy has to wait.
    let plan = gate.plan(without_baseline(role("manager"))).unwrap();
    let Err(later) = gate.authorize(&who, &plan, &head).ready() else { panic!("the superuser's policy has to wait") };
    assert_eq!(begun(), [1, 1, 1]);
    assert!(later.await.is_err());
    assert_eq!(begun(), [1, 2, 1]);
}
