//! Decisions about a caller who is known.

use crate::{
    case::Operation,
    head::Head,
    policy::{is_allowed, permission_of, role_of},
};
use futures_util::FutureExt;
use portcullis_core::{
    Error, Gate, GateBuilder, Membership, Principal, RoleHierarchy, Scheme, Standing,
    policy::{Policy, path, permission, role},
    testing::{TestIssuer, acting_as},
};

/// The lowest role is asked for. The caller has the highest, which includes all others.
pub(super) fn roles(by: &'static str, size: usize) -> Operation {
    let roles = RoleHierarchy::ranked((0..size).map(role_of)).expect("the roles are sound");
    let caller = acting_as("alice").with_role(role_of(size - 1));
    decision(by, gate(roles), caller, role(role_of(0).leak()))
}

/// The last permission of the caller's role.
pub(super) fn permissions(by: &'static str, size: usize) -> Operation {
    let reader = RoleHierarchy::builder().role("reader", []);
    let roles = (0..size).fold(reader, |roles, place| roles.permits("reader", [permission_of(place).as_str()]));
    let caller = acting_as("alice").with_role("reader");
    let last = permission(permission_of(size - 1).leak());
    decision(by, gate(roles.build().expect("the roles are sound")), caller, last)
}

/// The role on the farthest parent of a folder. Standings are asked for again each time.
pub(super) fn parents(by: &'static str, size: usize) -> Operation {
    let roles = RoleHierarchy::builder().role("reader", []).inherits("folder").build().expect("the role is sound");
    let gate = gate(roles).membership("folder", Folders { above: size });
    decision(by, gate, acting_as("alice"), role("reader").on("folder", path("id")))
}

fn gate(roles: RoleHierarchy) -> GateBuilder {
    Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).roles(roles)
}

fn decision(by: &'static str, gate: GateBuilder, caller: Principal, policy: impl Policy + 'static) -> Operation {
    let gate = gate.build().expect("the gate is sound").acting_as(caller);
    let plan = gate.plan(policy).expect("the policy is sound");
    Operation::new(by, move || {
        let who = gate.establish(&Head::default()).now_or_never().expect("the caller is known");
        assert!(is_allowed(&gate, &who, &plan));
    })
}

/// Each is in the next one, and callers have a role only on the one so many above that of the request.
#[derive(Debug)]
struct Folders {
    above: usize,
}

impl Membership for Folders {
    type Id = usize;

    async fn standing(&self, _: &Principal, id: &usize) -> Result<Standing, Error> {
        let is_farthest = *id == Head::DOCUMENT + self.above;
        Ok(if is_farthest { Standing::role("reader") } else { Standing::stranger().under("folder", id + 1) })
    }
}
