//! What a policy costs once the caller is known, beside `authenticated()`.
//!
//! The rules: a role for each document, which permits to read it.

use crate::{
    case::{Case, Operation},
    head::Head,
    verify::OURS,
};
use futures_util::FutureExt;
use portcullis_core::{
    Authentication, Error, Gate, Membership, Plan, Principal, RoleHierarchy, Scheme, Standing,
    policy::{Policy, authenticated, path, permission, role},
    testing::{TestIssuer, acting_as},
};

/// The floor.
pub(crate) const AUTHENTICATED: &str = "authenticated()";
/// With few rules, and with many.
pub(crate) const ROLE: [&str; 2] = ["policy/role, 100 rules", "policy/role, 10,000 rules"];
/// The caller has two more roles, and this is the last.
pub(crate) const LAST_ROLE: [&str; 2] = ["policy/last of 3 roles, 100 rules", "policy/last of 3 roles, 10,000 rules"];
pub(crate) const PERMISSION: [&str; 2] = ["policy/permission, 100 rules", "policy/permission, 10,000 rules"];
pub(crate) const STANDING: [&str; 2] =
    ["policy/remembered standing, 100 rules", "policy/remembered standing, 10,000 rules"];

type Ours = fn(&Rules) -> Operation;

/// A case for each question whose name is wanted.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let questions: [([&str; 2], Ours); 4] =
        [(ROLE, of_role), (LAST_ROLE, of_last_role), (PERMISSION, of_permission), (STANDING, on_resource)];
    let cases = questions
        .into_iter()
        .flat_map(|(names, ours)| names.into_iter().zip([100, 10_000]).map(move |(name, size)| (name, size, ours)));
    let case = |(name, size, ours): (&'static str, usize, Ours)| {
        let (row, table) = (name.strip_prefix("policy/").unwrap_or(name), "policy, a caller that is known".to_owned());
        wanted(name).then(|| Case { name: name.to_owned(), table, row, operations: beside(&Rules::new(size), ours) })
    };
    cases.filter_map(case).collect()
}

/// A rule for each of so many documents, and the one in the middle, which is asked about.
struct Rules {
    role: &'static str,
    permission: &'static str,
    gate: Gate,
}

impl Rules {
    fn new(size: usize) -> Self {
        let middle = size / 2;
        let roles = (0..size).fold(RoleHierarchy::builder(), |roles, place| {
            let (role, permitted) = (role_of(place), permission_of(place));
            roles.role(&role, []).permits(&role, [permitted.as_str()])
        });
        let gate = Gate::builder()
            .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
            .roles(roles.build().expect("the roles are sound"))
            .membership("document", Documents(role_of(middle)));
        Self {
            role: role_of(middle).leak(),
            permission: permission_of(middle).leak(),
            gate: gate.build().expect("the gate is sound"),
        }
    }

    /// Asks this policy about a caller that has the role in the middle.
    fn ask(&self, by: &'static str, policy: impl Policy + 'static) -> Operation {
        self.ask_about(acting_as("alice").with_role(self.role), by, policy)
    }

    fn ask_about(&self, caller: Principal, by: &'static str, policy: impl Policy + 'static) -> Operation {
        let gate = self.gate.acting_as(caller);
        let plan = gate.plan(policy).expect("the policy is sound");
        let who = gate.establish(&Head::default()).now_or_never().expect("the caller is known");
        Operation::new(by, move || assert!(is_allowed(&gate, &who, &plan)))
    }
}

pub(crate) fn is_allowed(gate: &Gate, who: &Authentication, plan: &Plan) -> bool {
    gate.authorize(who, plan, &Head::default()).now_or_never().expect("nobody is waited for").is_ok()
}

pub(crate) fn role_of(place: usize) -> String {
    format!("reader{place}")
}

pub(crate) fn permission_of(place: usize) -> String {
    format!("document{place}:read")
}

fn of_role(rules: &Rules) -> Operation {
    rules.ask(OURS, role(rules.role))
}

fn of_last_role(rules: &Rules) -> Operation {
    let caller = acting_as("alice").with_role(role_of(0)).with_role(role_of(1)).with_role(rules.role);
    rules.ask_about(caller, OURS, role(rules.role))
}

fn of_permission(rules: &Rules) -> Operation {
    rules.ask(OURS, permission(rules.permission))
}

fn on_resource(rules: &Rules) -> Operation {
    rules.ask(OURS, permission(rules.permission).on("document", path("id")))
}

/// Ours and the floor.
fn beside(rules: &Rules, ours: Ours) -> Vec<Operation> {
    vec![ours(rules), rules.ask(AUTHENTICATED, authenticated())]
}

/// Every caller has this role on every document.
#[derive(Debug)]
struct Documents(String);

impl Membership for Documents {
    type Id = u32;

    async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
        Ok(Standing::role(self.0.clone()))
    }
}
