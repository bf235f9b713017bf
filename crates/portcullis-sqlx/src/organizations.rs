use crate::{
    SqlResult,
    dialect::{Dialect, locking},
    store::SqlStore,
    transaction::Transaction,
    value::Columns,
};
use async_trait::async_trait;
use portcullis_accounts::{
    Digest, EmailAddress, Invitation, Member, Organization, OrganizationChange, OrganizationId, UserId,
    store::{
        AcceptOutcome, AddOrganizationOutcome, ChangeMemberOutcome, ChangeOrganizationOutcome, MemberChange,
        MemberFacts, OrganizationKey, OrganizationStore, RemoveRoleOutcome, StoreResult,
    },
};
use std::time::SystemTime;

/// As [`organization`] reads them.
macro_rules! organizations {
    ($rest:literal) => {
        concat!("SELECT id, slug, name, extra, version, created_at FROM portcullis_organizations WHERE ", $rest)
    };
}

fn organization<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<Organization> {
    Ok(Organization {
        id: OrganizationId::new(row.next::<String>()?),
        slug: row.next()?,
        name: row.next()?,
        extra: row.next()?,
        version: version(row.next()?),
        created_at: row.next()?,
    })
}

fn version(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}

fn member<D: Dialect>(row: &mut Columns<'_, D>) -> sqlx::Result<Member> {
    Ok(Member {
        organization: OrganizationId::new(row.next::<String>()?),
        user: UserId::new(row.next::<String>()?),
        role: row.next()?,
        since: row.next()?,
    })
}

const MEMBERS: &str = "SELECT organization_id, user_id, role, since FROM portcullis_members \
    WHERE organization_id = $1 ORDER BY since, user_id";
const MEMBER: &str = "SELECT organization_id, user_id, role, since FROM portcullis_members \
    WHERE organization_id = $1 AND user_id = $2";

/// Locks an organization until the end of the transaction. Returns whether it is there.
///
/// Whoever decides by its members or roles holds this lock: two owners who leave at once would each see the other one.
pub(crate) async fn lock<D: Dialect>(tx: &mut Transaction<D>, id: &str) -> SqlResult<bool> {
    let lock = D::locking(locking!("SELECT id FROM portcullis_organizations WHERE id = $1", " FOR UPDATE"));
    Ok(tx.fetch_one(lock, [id.into()], |row| row.next::<String>()).await?.is_some())
}

pub(crate) async fn raise_version<D: Dialect>(tx: &mut Transaction<D>, id: &str) -> SqlResult<()> {
    const RAISE: &str = "UPDATE portcullis_organizations SET version = version + 1 WHERE id = $1";
    tx.execute(RAISE, [id.into()]).await.map(drop)
}

pub(crate) async fn insert_member<D: Dialect>(tx: &mut Transaction<D>, member: &Member) -> SqlResult<()> {
    const INSERT: &str =
        "INSERT INTO portcullis_members (organization_id, user_id, role, since) VALUES ($1, $2, $3, $4)";
    let Member { organization, user, role, since } = member;
    let values = [organization.as_str().into(), user.as_str().into(), role.as_str().into(), (*since).into()];
    tx.execute(INSERT, values).await.map(drop)
}

pub(crate) async fn role_of<D: Dialect>(tx: &mut Transaction<D>, id: &str, user: &UserId) -> SqlResult<Option<String>> {
    const ROLE: &str = "SELECT role FROM portcullis_members WHERE organization_id = $1 AND user_id = $2";
    tx.fetch_one(ROLE, [id.into(), user.as_str().into()], |row| row.next()).await
}

async fn facts<D: Dialect>(tx: &mut Transaction<D>, change: &MemberChange) -> SqlResult<MemberFacts> {
    const OWNERS: &str = "SELECT COUNT(*) FROM portcullis_members WHERE organization_id = $1 AND role = $2";
    const DEFINED: &str = "SELECT name FROM portcullis_roles WHERE organization_id = $1 AND name = $2";
    let id = change.organization().as_str();
    let owners = tx.fetch_one(OWNERS, [id.into(), change.owner_role().into()], |row| row.next::<i64>()).await?;
    let defined = match change.role() {
        Some(role) => tx.fetch_one(DEFINED, [id.into(), role.into()], |row| row.next::<String>()).await?,
        None => None,
    };
    let by = match change.by() {
        Some(by) => role_of(tx, id, by).await?,
        None => None,
    };
    let role = role_of(tx, id, change.user()).await?;
    Ok(MemberFacts { role, by, owners: owners.map_or(0, version), is_defined: defined.is_some() })
}

#[async_trait]
impl<D: Dialect> OrganizationStore for SqlStore<D> {
    async fn add_organization(&self, added: Organization, owner: Member) -> StoreResult<AddOrganizationOutcome> {
        const ADD: &str = "INSERT INTO portcullis_organizations (id, slug, name, extra, version, created_at) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (slug) DO NOTHING";
        let mut tx = self.write("adding an organization").await?;
        let values = [
            added.id.as_str().into(),
            added.slug.as_str().into(),
            added.name.as_str().into(),
            (&added.extra).into(),
            i64::try_from(added.version).unwrap_or(i64::MAX).into(),
            added.created_at.into(),
        ];
        if tx.execute(ADD, values).await? == 0 {
            return Ok(AddOrganizationOutcome::Taken);
        }
        insert_member(&mut tx, &owner).await?;
        tx.commit().await?;
        Ok(AddOrganizationOutcome::Added)
    }

    async fn organization(&self, by: OrganizationKey<'_>) -> StoreResult<Option<Organization>> {
        let (statement, key) = match by {
            OrganizationKey::Id(id) => (organizations!("id = $1"), id.as_str()),
            OrganizationKey::Slug(slug) => (organizations!("slug = $1"), slug),
            _ => return Ok(None),
        };
        Ok(self.fetch_one("reading an organization", statement, [key.into()], organization).await?)
    }

    async fn organizations_of(&self, user: &UserId) -> StoreResult<Vec<(Organization, String)>> {
        const OF: &str = "SELECT id, slug, name, extra, version, created_at, role FROM portcullis_organizations \
            JOIN portcullis_members ON organization_id = id WHERE user_id = $1 ORDER BY created_at, id";
        let read = |row: &mut Columns<'_, D>| Ok((organization(row)?, row.next()?));
        Ok(self.fetch("reading the organizations of a user", OF, [user.as_str().into()], read).await?)
    }

    async fn change_organization(
        &self,
        id: &OrganizationId,
        change: OrganizationChange,
    ) -> StoreResult<ChangeOrganizationOutcome> {
        const CHANGE: &str = "UPDATE portcullis_organizations SET slug = $2, name = $3, extra = $4 WHERE id = $1";
        let mut tx = self.write("changing an organization").await?;
        let locked = D::locking(locking!(organizations!("id = $1"), " FOR UPDATE"));
        let Some(mut found) = tx.fetch_one(locked, [id.as_str().into()], organization).await? else {
            return Ok(ChangeOrganizationOutcome::Absent);
        };
        change.apply(&mut found);
        let values =
            [id.as_str().into(), found.slug.as_str().into(), found.name.as_str().into(), (&found.extra).into()];
        if tx.execute_unique(CHANGE, values).await?.is_none() {
            return Ok(ChangeOrganizationOutcome::Taken);
        }
        tx.commit().await?;
        Ok(ChangeOrganizationOutcome::Changed(found))
    }

    async fn remove_organization(&self, id: &OrganizationId) -> StoreResult<bool> {
        const REMOVE: &str = "DELETE FROM portcullis_organizations WHERE id = $1";
        let mut tx = self.write("removing an organization").await?;
        let removed = tx.execute(REMOVE, [id.as_str().into()]).await?;
        tx.commit().await?;
        Ok(removed == 1)
    }

    async fn standing(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<(u64, Option<String>)>> {
        const STANDING: &str = "SELECT version, role FROM portcullis_organizations \
            LEFT JOIN portcullis_members ON organization_id = id AND user_id = $2 WHERE id = $1";
        let read = |row: &mut Columns<'_, D>| Ok((version(row.next()?), row.next()?));
        let values = [id.as_str().into(), user.as_str().into()];
        Ok(self.fetch_one("reading a role in an organization", STANDING, values, read).await?)
    }

    async fn member(&self, id: &OrganizationId, user: &UserId) -> StoreResult<Option<Member>> {
        let values = [id.as_str().into(), user.as_str().into()];
        Ok(self.fetch_one("reading a member", MEMBER, values, member).await?)
    }

    async fn members(&self, id: &OrganizationId) -> StoreResult<Vec<Member>> {
        Ok(self.fetch("reading members", MEMBERS, [id.as_str().into()], member).await?)
    }

    async fn change_member(&self, change: MemberChange) -> StoreResult<ChangeMemberOutcome> {
        const ROLE: &str = "UPDATE portcullis_members SET role = $3 WHERE organization_id = $1 AND user_id = $2";
        const REMOVE: &str = "DELETE FROM portcullis_members WHERE organization_id = $1 AND user_id = $2";
        let (id, user) = (change.organization().as_str(), change.user().as_str());
        let mut tx = self.write("changing a member").await?;
        if !lock(&mut tx, id).await? {
            return Ok(ChangeMemberOutcome::Absent);
        }
        let outcome = change.decide(&facts(&mut tx, &change).await?);
        let ChangeMemberOutcome::Changed(before) = &outcome else { return Ok(outcome) };
        match (before, change.member()) {
            (None, Some(member)) => insert_member(&mut tx, &member).await?,
            (Some(_), Some(member)) => {
                tx.execute(ROLE, [id.into(), user.into(), member.role.as_str().into()]).await?;
            }
            (_, None) => {
                tx.execute(REMOVE, [id.into(), user.into()]).await?;
            }
        }
        raise_version(&mut tx, id).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    async fn invite(&self, invitation: Invitation, token: Digest) -> StoreResult<bool> {
        self.insert_invitation(&invitation, &token).await
    }

    async fn invitations(&self, id: &OrganizationId, now: SystemTime) -> StoreResult<Vec<Invitation>> {
        self.select_invitations(id, now).await
    }

    async fn accept(
        &self,
        token: &Digest,
        user: &UserId,
        email: &EmailAddress,
        now: SystemTime,
    ) -> StoreResult<AcceptOutcome> {
        self.accept_invitation(token, user, email, now).await
    }

    async fn withdraw(&self, id: &OrganizationId, email: &EmailAddress) -> StoreResult<bool> {
        self.delete_invitation(id, email).await
    }

    async fn define_role(&self, id: &OrganizationId, name: &str, permissions: &[String]) -> StoreResult<bool> {
        const DEFINE: &str = "INSERT INTO portcullis_roles (organization_id, name, permissions) VALUES ($1, $2, $3) \
            ON CONFLICT (organization_id, name) DO UPDATE SET permissions = $3";
        let mut tx = self.write("defining a role").await?;
        if !lock(&mut tx, id.as_str()).await? {
            return Ok(false);
        }
        tx.execute(DEFINE, [id.as_str().into(), name.into(), permissions.join(" ").as_str().into()]).await?;
        raise_version(&mut tx, id.as_str()).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn roles(&self, id: &OrganizationId) -> StoreResult<Vec<(String, Vec<String>)>> {
        const ROLES: &str = "SELECT name, permissions FROM portcullis_roles WHERE organization_id = $1 ORDER BY name";
        let read = |row: &mut Columns<'_, D>| {
            let (name, permissions): (String, String) = (row.next()?, row.next()?);
            Ok((name, permissions.split_ascii_whitespace().map(str::to_owned).collect()))
        };
        Ok(self.fetch("reading roles", ROLES, [id.as_str().into()], read).await?)
    }

    async fn remove_role(&self, id: &OrganizationId, name: &str) -> StoreResult<RemoveRoleOutcome> {
        const REMOVE: &str = "DELETE FROM portcullis_roles WHERE organization_id = $1 AND name = $2";
        const USED: &str = "SELECT role FROM portcullis_members WHERE organization_id = $1 AND role = $2 \
            UNION ALL SELECT role FROM portcullis_invitations WHERE organization_id = $1 AND role = $2 LIMIT 1";
        let mut tx = self.write("removing a role").await?;
        let (is_there, key) = (lock(&mut tx, id.as_str()).await?, || [id.as_str().into(), name.into()]);
        if !is_there || tx.execute(REMOVE, key()).await? == 0 {
            return Ok(RemoveRoleOutcome::Absent);
        }
        if tx.fetch_one(USED, key(), |row| row.next::<String>()).await?.is_some() {
            return Ok(RemoveRoleOutcome::InUse);
        }
        raise_version(&mut tx, id.as_str()).await?;
        tx.commit().await?;
        Ok(RemoveRoleOutcome::Removed)
    }
}
