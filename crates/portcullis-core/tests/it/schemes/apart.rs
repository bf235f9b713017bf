//! Principals that are called alike are different ones.

use super::{Knows, built};
use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{
    CachedMembership, Error, ErrorKind, Gate, Membership, Principal, RoleHierarchy, Scheme, SharedSecret, Standing,
    policy::*,
};
use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};
use std::{collections::HashSet, time::Duration};

const SECRET: &str = "pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E";

/// The members of each project, by their identifiers.
#[derive(Debug, Clone, Default)]
struct Members(HashSet<(String, u32)>);

impl Membership for Members {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        Ok(self.0.contains(&(who.id().to_string(), *id)).then_some("viewer").into())
    }
}

/// Two issuers and a shared secret, all of which name alice.
fn gate(members: &Members) -> Gate {
    let members = CachedMembership::new(members.clone(), 100, Duration::from_secs(60));
    let secret = SharedSecret::new("alice", SECRET).unwrap();
    built(
        Gate::builder()
            .scheme(Scheme::new(Knows::new("one")).header("x-one"))
            .scheme(Scheme::new(Knows::new("two")).header("x-two"))
            .scheme(Scheme::named("sync", secret).header("x-secret"))
            .roles(RoleHierarchy::ranked(["viewer"]).unwrap())
            .membership("project", members),
    )
}

/// A request of one of the three.
fn head(who: usize, project: u32) -> Head {
    let (name, value) = [("x-one", "one.alice"), ("x-two", "two.alice"), ("x-secret", SECRET)][who];
    Head::new().header(name, value).param("id", &project.to_string())
}

const POLICY: &dyn Policy = &also_via("sync", role("viewer").on("project", path("id")));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn equal_subjects_share_no_right(
        members in prop::collection::vec((0..2_usize, 0..3_usize, 1..4_u32), 0..8),
        requests in prop::collection::vec((0..2_usize, 0..3_usize, 1..4_u32), 1..30),
    ) {
        let ids = ["user|one|alice", "user|two|alice", "service||alice"];
        let mut tables = [Members::default(), Members::default()];
        for (gate, who, project) in &members {
            tables[*gate].0.insert((ids[*who].to_owned(), *project));
        }
        let gates = [gate(&tables[0]), gate(&tables[1])];
        let plans = [gates[0].plan(POLICY).unwrap(), gates[1].plan(POLICY).unwrap()];
        for (at, who, project) in requests {
            let head = head(who, project);
            let known = gates[at].establish_for(&plans[at], &head).now_or_never().unwrap();
            prop_assert_eq!(known.principal().unwrap().id().to_string(), ids[who]);
            let allowed = gates[at].authorize(&known, &plans[at], &head).now_or_never().unwrap();
            prop_assert_eq!(allowed.is_ok(), members.contains(&(at, who, project)));
            // What one gate has found out is worth nothing at the other.
            let other = 1 - at;
            let elsewhere = gates[other].authorize(&known, &plans[other], &head).now_or_never().unwrap();
            prop_assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::Misconfigured);
        }
    }
}
