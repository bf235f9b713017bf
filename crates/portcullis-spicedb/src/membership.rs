//! What a gate asks.

use crate::{
    client::{Checked, SpiceDb, incomplete},
    names::{ObjectId, checked_relation, checked_type},
};
use portcullis_core::{Error, Membership, Moment, Permission, PermissionSet, Principal, Standing};
use std::slice;

/// The objects of one type in SpiceDB, as the resources of one kind. See [`SpiceDb::membership`].
///
/// All roles and permissions of a caller are asked for in one request, also on a page of resources. SpiceDB does not know which
/// resources exist: on a missing one, each caller is a stranger.
#[derive(Debug, Clone)]
pub struct SpiceDbMembership {
    spicedb: SpiceDb,
    object_type: String,
    roles: Vec<String>,
    /// What the gate calls them, and what SpiceDB does.
    permissions: Vec<(Permission, String)>,
}

/// How many checks go into one request. SpiceDB accepts 10 000 by default.
const MAX_CHECKS: usize = 1_000;

impl SpiceDbMembership {
    pub(crate) fn new<'a>(
        spicedb: SpiceDb,
        object_type: &str,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let roles = roles.into_iter().map(checked_relation).collect::<Result<_, _>>()?;
        Ok(Self { spicedb, object_type: checked_type(object_type)?, roles, permissions: Vec::new() })
    }

    /// Permissions that SpiceDB decides, beside those that the gate's roles permit: the gate's name of each, and SpiceDB's.
    ///
    /// ```no_run
    /// # use portcullis_core::Error;
    /// # use portcullis_spicedb::{SpiceDb, SpiceDbMembership};
    /// # fn with(spicedb: SpiceDb) -> Result<SpiceDbMembership, Error> {
    /// spicedb
    ///     .membership("project", ["owner", "viewer"])?
    ///     .permissions([("project:read", "read"), ("project:export", "export")])
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) for malformed names.
    pub fn permissions<'a>(mut self, names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        for (permission, name) in names {
            self.permissions.push((permission.parse()?, checked_relation(name)?));
        }
        Ok(self)
    }

    /// The standings on these resources, in their order.
    async fn ask(&self, who: &Principal, ids: &[ObjectId], is_fresh: bool) -> Result<Vec<Standing>, Error> {
        let Some(subject) = self.spicedb.subject(who)? else { return Ok(vec![Standing::stranger(); ids.len()]) };
        let names = self.roles.iter().chain(self.permissions.iter().map(|(_, name)| name)).map(String::as_str);
        let mut standings = Vec::with_capacity(ids.len());
        for ids in ids.chunks((MAX_CHECKS / names.clone().count().max(1)).max(1)) {
            let checked = self.spicedb.check(&self.object_type, names.clone(), ids, subject.clone(), is_fresh).await?;
            for id in ids {
                standings.push(self.standing_by(&checked, id)?);
            }
        }
        Ok(standings)
    }

    fn standing_by(&self, checked: &Checked, id: &ObjectId) -> Result<Standing, Error> {
        let mut standing = Standing::stranger();
        for role in &self.roles {
            if checked.allows(id, role)? {
                standing = Standing::role(role.clone());
                break;
            }
        }
        let mut permitted = Vec::new();
        for (permission, name) in &self.permissions {
            if checked.allows(id, name)? {
                permitted.push(permission.as_str());
            }
        }
        Ok(standing.permitting(PermissionSet::exact(permitted)?))
    }

    async fn one(&self, who: &Principal, id: &ObjectId, is_fresh: bool) -> Result<Standing, Error> {
        self.ask(who, slice::from_ref(id), is_fresh).await?.pop().ok_or_else(incomplete)
    }
}

impl Membership for SpiceDbMembership {
    type Id = ObjectId;

    async fn standing(&self, who: &Principal, id: &ObjectId) -> Result<Standing, Error> {
        self.one(who, id, false).await
    }

    async fn standing_at(&self, who: &Principal, id: &ObjectId, moment: Moment) -> Result<Standing, Error> {
        self.one(who, id, moment.max_age.is_some()).await
    }

    async fn standings(&self, who: &Principal, ids: &[ObjectId]) -> Result<Vec<Standing>, Error> {
        self.ask(who, ids, false).await
    }

    async fn standings_at(&self, who: &Principal, ids: &[ObjectId], moment: Moment) -> Result<Vec<Standing>, Error> {
        self.ask(who, ids, moment.max_age.is_some()).await
    }
}
