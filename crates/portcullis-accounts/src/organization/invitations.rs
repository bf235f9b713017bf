//! Invitations.

use super::{By, Invitation, Member, Organizations};
use crate::{
    email::EmailAddress,
    error::Error,
    id::{OrganizationId, UserId},
    secret::{Digest, Token},
    store::AcceptOutcome,
};

impl Organizations {
    /// Invites an address to become a member with this role. Returns the token for the mail. An earlier invitation of the
    /// same address is replaced.
    ///
    /// [`Accounts::invite`](crate::Accounts::invite) sends the mail too.
    ///
    /// ```
    /// use portcullis_accounts::{By, Organizations, UserId, store::MemoryStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let organizations = Organizations::new("https://shop.example.com", MemoryStore::new());
    /// let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    /// let acme = organizations.create("Acme", "acme", &alice).await?.id;
    /// let address = "bob@example.com".parse()?;
    /// let token = organizations.invite(&acme, &address, "admin", By::Member(&alice)).await?;
    ///
    /// // Another account has another address. The invitation stays.
    /// let (mallory, other) = (UserId::new("mallory"), "mallory@example.com".parse()?);
    /// let refused = organizations.accept(token.expose(), &mallory, &other).await;
    /// assert_eq!(refused.unwrap_err().code(), "not_invited");
    /// let member = organizations.accept(token.expose(), &bob, &address).await?;
    /// assert_eq!(member.role, "admin");
    /// assert!(organizations.accept(token.expose(), &bob, &address).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an organization, or if the one who invites is no member, [`Error::UnknownRole`],
    /// [`Error::RoleForbidden`] if the role is above that of the one who invites, [`Error::Store`].
    pub async fn invite(
        &self,
        id: &OrganizationId,
        email: &EmailAddress,
        role: &str,
        by: By<'_>,
    ) -> Result<Token, Error> {
        if let Some(user) = by.user() {
            let own = self.member(id, user).await?.ok_or(Error::NotFound)?.role;
            if !self.rules.reaches(&own, role) {
                return Err(Error::RoleForbidden);
            }
        }
        let is_known = self.rules.knows(role) || self.defined(id, role).await?.is_some();
        if !is_known {
            return Err(Error::UnknownRole);
        }
        let (token, now) = (Token::fresh()?, self.now());
        let invitation = Invitation {
            organization: id.clone(),
            email: email.clone(),
            role: role.to_owned(),
            invited_by: by.user().cloned(),
            expires_at: now.checked_add(self.invitations_valid_for).unwrap_or(now),
        };
        if self.store.invite(invitation, digest(&token)).await? { Ok(token) } else { Err(Error::NotFound) }
    }

    /// Accepts an invitation for a user who has confirmed this address, for example by the verified `email` claim of a
    /// provider. The invitation is used up in the transaction that adds the member.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] if the invitation is unknown, withdrawn, used or expired, [`Error::NotInvited`] if it is for
    /// another address, [`Error::AlreadyMember`], [`Error::Store`]. After an error the invitation stays.
    pub async fn accept(&self, token: &str, user: &UserId, confirmed: &EmailAddress) -> Result<Member, Error> {
        match self.store.accept(&digest(&Token::new(token)), user, confirmed, self.now()).await? {
            AcceptOutcome::Accepted(member) => {
                self.added(&member);
                Ok(member)
            }
            AcceptOutcome::Unknown => Err(Error::InvalidToken),
            AcceptOutcome::OtherAddress => Err(Error::NotInvited),
            AcceptOutcome::AlreadyMember => Err(Error::AlreadyMember),
        }
    }

    /// The invitations that can be accepted, by address.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn invitations(&self, id: &OrganizationId) -> Result<Vec<Invitation>, Error> {
        Ok(self.store.invitations(id, self.now()).await?)
    }

    /// Withdraws the invitation of an address.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn withdraw(&self, id: &OrganizationId, email: &EmailAddress) -> Result<(), Error> {
        if self.store.withdraw(id, email).await? { Ok(()) } else { Err(Error::NotFound) }
    }
}

fn digest(token: &Token) -> Digest {
    token.digest("invitation")
}
