//! The standings of many resources at once, for a list.

use super::{ResourceRef, Rights, Standing, Standings, held::MAX_STEPS, standing::State};
use crate::{clock::Moment, principal::Principal};
use std::{collections::BTreeMap, sync::Arc};

/// Whose standings are read, and when.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) rights: Arc<Rights>,
    pub(crate) who: Principal,
    pub(crate) moment: Moment,
}

impl Page {
    /// Prepares one question about resources of this kind, and one for each kind of parents that roles are inherited from.
    /// What cannot be asked is left out here: the policies find the mistake.
    pub(crate) fn prepare(&self, memory: &Standings, kind: &str, on: Vec<ResourceRef>) {
        self.prepare_step(memory, kind, on, MAX_STEPS);
    }

    fn prepare_step(&self, memory: &Standings, kind: &str, on: Vec<ResourceRef>, steps: usize) {
        let Ok(membership) = self.rights.membership(kind) else { return };
        let (this, of) = (self.clone(), kind.to_owned());
        let then = move |memory: &Standings, found: &[Standing]| {
            let Some(steps) = steps.checked_sub(1) else { return };
            for (kind, parents) in this.parents(&of, found) {
                this.prepare_step(memory, &kind, parents, steps);
            }
        };
        memory.prepare(membership, &self.who, on, self.moment, then);
    }

    /// The parents that are asked about for these standings, by kind.
    fn parents(&self, of: &str, found: &[Standing]) -> BTreeMap<String, Vec<ResourceRef>> {
        let roles = self.rights.roles_on(of);
        let mut parents: BTreeMap<String, Vec<ResourceRef>> = BTreeMap::new();
        let strangers = found.iter().map(|standing| standing.clone().at(self.moment.now));
        for standing in strangers.filter(|standing| matches!(standing.state(), State::Stranger)) {
            let asked = standing
                .parents()
                .iter()
                .filter(|parent| parent.gives.is_some() || roles.inherits_from(parent.on.kind()));
            for parent in asked {
                if let Ok(Some(on)) = self.rights.resource(parent.on.shared_kind(), parent.on.id()) {
                    parents.entry(on.kind().to_owned()).or_default().push(on);
                }
            }
        }
        parents
    }
}
