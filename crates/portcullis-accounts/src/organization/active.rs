//! Organizations of accounts: the active one of a session, and invitations by mail.

use super::{By, Member, Organization, Organizations};
use crate::{
    accounts::Accounts,
    email::EmailAddress,
    error::Error,
    id::{OrganizationId, SessionId, is_storable},
    mailer::{Mail, MailKind},
    secret::Token,
    session::Session,
};
use portcullis_core::Principal;

impl Accounts {
    /// The organizations, if the accounts have them.
    ///
    /// # Errors
    /// [`Error::NotEnabled`] without [`organizations`](crate::AccountsBuilder::organizations) of the builder.
    pub fn organizations(&self) -> Result<&Organizations, Error> {
        self.0.organizations.as_ref().ok_or(Error::NotEnabled("organizations"))
    }

    /// Creates an organization whose owner is the principal. See [`Organizations::create`].
    ///
    /// # Errors
    /// Those of [`Organizations::create`], [`Error::NotFound`] if the principal is no user here, [`Error::Disabled`],
    /// [`Error::NotEnabled`], [`Error::RateLimited`].
    pub async fn create_organization(&self, who: &Principal, name: &str, slug: &str) -> Result<Organization, Error> {
        let (all, user) = (self.organizations()?, self.user(who).await?.id);
        self.count("organization", user.as_str(), self.0.limits.organizations_per_account).await?;
        all.create(name, slug, &user).await
    }

    /// Sets the organization in which the principal's session acts, or none. Returns an access token that names it. The
    /// refresh token stays, and later access tokens name the organization too, as long as the user is a member.
    ///
    /// ```
    /// # use portcullis_accounts::{Accounts, Error, OrganizationId, Token};
    /// # use portcullis_core::Principal;
    /// async fn choose(
    ///     accounts: &Accounts,
    ///     who: &Principal,
    ///     organization: &OrganizationId,
    /// ) -> Result<Token, Error> {
    ///     accounts.set_organization(who, Some(organization)).await // a stranger: 404
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user is no member of it, or the principal has no session here, [`Error::SessionEnded`],
    /// [`Error::NotEnabled`], [`Error::Store`].
    pub async fn set_organization(
        &self,
        who: &Principal,
        organization: Option<&OrganizationId>,
    ) -> Result<Token, Error> {
        let (user, now) = (self.user(who).await?, self.now());
        let id = who.session().map(|session| SessionId::new(session.id())).ok_or(Error::NotFound)?;
        if let Some(organization) = organization {
            if !is_storable(organization.as_str()) {
                return Err(Error::NotFound);
            }
            self.organizations()?.member(organization, &user.id).await?.ok_or(Error::NotFound)?;
        }
        let sessions = &self.0.stores.sessions;
        let mut session = sessions.session(&id).await?.filter(|it| it.user == user.id).ok_or(Error::NotFound)?;
        if !session.is_open(now) || session.stamp != user.stamp {
            return Err(Error::SessionEnded);
        }
        if !sessions.set_organization(&id, organization).await? {
            return Err(Error::SessionEnded);
        }
        session.organization = organization.cloned();
        self.access_token(&user, &session, now).await
    }

    /// Invites an address to an organization, by mail, in the name of a member. See [`Organizations::invite`].
    ///
    /// # Errors
    /// Those of [`Organizations::invite`], [`Error::InvalidEmail`], [`Error::NotEnabled`] without organizations or a mailer,
    /// [`Error::RateLimited`].
    pub async fn invite(
        &self,
        who: &Principal,
        organization: &OrganizationId,
        email: &str,
        role: &str,
    ) -> Result<(), Error> {
        if self.0.mailer.is_none() {
            return Err(Error::NotEnabled("mail"));
        }
        let user = self.user_id(who)?;
        let email: EmailAddress = email.parse()?;
        self.count("invitation", user.as_str(), self.0.limits.invitations_per_account).await?;
        self.count("invitation", email.as_str(), self.0.limits.mails_per_address).await?;
        let token = self.organizations()?.invite(organization, &email, role, By::Member(&user)).await?;
        let link = self.link(MailKind::Invitation, &token);
        self.mail(Mail::new(email, MailKind::Invitation, link));
        Ok(())
    }

    /// Accepts an invitation for the account of a principal. The account has to have confirmed the address that was invited.
    ///
    /// # Errors
    /// [`Error::EmailUnconfirmed`], and those of [`Organizations::accept`]. After an error the invitation stays.
    pub async fn accept_invitation(&self, who: &Principal, token: &str) -> Result<Member, Error> {
        let user = self.user(who).await?;
        if user.email_confirmed_at.is_none() {
            return Err(Error::EmailUnconfirmed);
        }
        self.organizations()?.accept(token, &user.id, &user.email).await
    }

    /// The active organization of a session, and the user's role in it, while the user is a member.
    pub(crate) async fn active_in(&self, session: &Session) -> Result<Option<Member>, Error> {
        match (&self.0.organizations, &session.organization) {
            (Some(all), Some(active)) => all.member(active, &session.user).await,
            _ => Ok(None),
        }
    }
}
