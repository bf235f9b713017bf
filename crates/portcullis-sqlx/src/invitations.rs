use crate::{
    dialect::Dialect,
    organizations::{insert_member, lock, raise_version, role_of},
    store::SqlStore,
};
use portcullis_accounts::{
    Digest, EmailAddress, Invitation, Member, OrganizationId, UserId,
    store::{AcceptOutcome, StoreResult},
};
use std::time::SystemTime;

impl<D: Dialect> SqlStore<D> {
    pub(crate) async fn insert_invitation(&self, invitation: &Invitation, token: &Digest) -> StoreResult<bool> {
        const REPLACE: &str = "DELETE FROM portcullis_invitations WHERE organization_id = $1 AND email = $2";
        const INSERT: &str = "INSERT INTO portcullis_invitations (digest, organization_id, email, role, invited_by, \
            expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let (id, email) = (invitation.organization.as_str(), invitation.email.as_str());
        let mut tx = self.write("keeping an invitation").await?;
        if !lock(&mut tx, id).await? {
            return Ok(false);
        }
        tx.execute(REPLACE, [id.into(), email.into()]).await?;
        let values = [
            token.into(),
            id.into(),
            email.into(),
            invitation.role.as_str().into(),
            invitation.invited_by.as_ref().map(UserId::as_str).into(),
            invitation.expires_at.into(),
        ];
        tx.execute(INSERT, values).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(crate) async fn select_invitations(
        &self,
        id: &OrganizationId,
        now: SystemTime,
    ) -> StoreResult<Vec<Invitation>> {
        const READ: &str = "SELECT email, role, invited_by, expires_at FROM portcullis_invitations \
            WHERE organization_id = $1 AND expires_at > $2 ORDER BY email";
        let values = [id.as_str().into(), now.into()];
        let found = self.fetch("reading invitations", READ, values, |row| {
            Ok(Invitation {
                organization: id.clone(),
                email: row.next::<String>()?.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                role: row.next()?,
                invited_by: row.next::<Option<String>>()?.map(UserId::new),
                expires_at: row.next()?,
            })
        });
        Ok(found.await?)
    }

    pub(crate) async fn accept_invitation(
        &self,
        token: &Digest,
        user: &UserId,
        email: &EmailAddress,
        now: SystemTime,
    ) -> StoreResult<AcceptOutcome> {
        const FIND: &str = "SELECT organization_id FROM portcullis_invitations WHERE digest = $1";
        const READ: &str = "SELECT email, role FROM portcullis_invitations WHERE digest = $1 AND expires_at > $2";
        const REMOVE: &str = "DELETE FROM portcullis_invitations WHERE digest = $1";
        let doing = "accepting an invitation";
        // Unknown tokens take no lock.
        let Some(id) = self.fetch_one(doing, FIND, [token.into()], |row| row.next::<String>()).await? else {
            return Ok(AcceptOutcome::Unknown);
        };
        let mut tx = self.write(doing).await?;
        lock(&mut tx, &id).await?;
        let read =
            tx.fetch_one(READ, [token.into(), now.into()], |row| Ok((row.next::<String>()?, row.next()?))).await?;
        let Some((invited, role)) = read else { return Ok(AcceptOutcome::Unknown) };
        if invited != email.as_str() {
            return Ok(AcceptOutcome::OtherAddress);
        }
        if role_of(&mut tx, &id, user).await?.is_some() {
            return Ok(AcceptOutcome::AlreadyMember);
        }
        tx.execute(REMOVE, [token.into()]).await?;
        let member = Member { organization: OrganizationId::new(id), user: user.clone(), role, since: now };
        insert_member(&mut tx, &member).await?;
        raise_version(&mut tx, member.organization.as_str()).await?;
        tx.commit().await?;
        Ok(AcceptOutcome::Accepted(member))
    }

    pub(crate) async fn delete_invitation(&self, id: &OrganizationId, email: &EmailAddress) -> StoreResult<bool> {
        const REMOVE: &str = "DELETE FROM portcullis_invitations WHERE organization_id = $1 AND email = $2";
        let mut tx = self.write("withdrawing an invitation").await?;
        let removed = tx.execute(REMOVE, [id.as_str().into(), email.as_str().into()]).await?;
        tx.commit().await?;
        Ok(removed == 1)
    }
}
