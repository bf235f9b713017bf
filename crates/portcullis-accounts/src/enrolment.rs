//! What users do to their second factor: enrol, confirm, look at it, renew the recovery codes, remove it.

use crate::{
    accounts::Accounts,
    error::Error,
    event::Event,
    factor::FactorChange,
    id::SessionId,
    mailer::{Mail, MailKind},
    secret::{self, Digest, Token},
    totp::{self, Enrolment},
    user::User,
};
use data_encoding::BASE32_NOPAD;
use portcullis_core::Principal;
use std::time::{Duration, SystemTime};

/// The second factor of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecondFactor {
    /// Since when sign-ins ask for it.
    pub since: SystemTime,
    /// How many recovery codes were not used yet.
    pub recovery_codes: usize,
}

impl Accounts {
    /// How long after a sign-in its session may begin an enrolment without the password.
    const RECENT: Duration = Duration::from_secs(600);
    const RECOVERY_CODES: usize = 10;

    /// Begins to give a signed-in user a second factor: the code of an authenticator app (TOTP, RFC 6238).
    ///
    /// The page shows the [`Enrolment`] as a QR code. Sign-ins ask for the factor once
    /// [`confirm_totp`](Self::confirm_totp) has seen a code. Beginning again before that makes a new secret.
    ///
    /// A stolen access token is not enough: it needs the password, or a session that began at most ten minutes ago, for users
    /// without a password.
    ///
    /// # Errors
    /// [`Error::FactorExists`], [`Error::InvalidCredentials`] if the password is wrong, [`Error::SignInTooOld`] without a password
    /// and without a recent sign-in, [`Error::NotFound`], [`Error::Disabled`], [`Error::RateLimited`], [`Error::Busy`],
    /// [`Error::Store`].
    pub async fn enrol_totp(&self, who: &Principal, password: Option<&str>) -> Result<Enrolment, Error> {
        let user = self.user(who).await?;
        match password {
            Some(password) => self.verify_password(&user, password).await?,
            None if self.is_recent(who, &user).await? => {}
            None => return Err(Error::SignInTooOld),
        }
        let secret = secret::random::<{ totp::SECRET }>()?;
        let sealed = self.seal_factor(&user, &secret)?;
        if !self.0.stores.sessions.change_factor(&user.id, FactorChange::Enrol { sealed }).await? {
            return Err(Error::FactorExists);
        }
        Ok(Enrolment::new(self.totp_name(), &user.email, &secret))
    }

    /// Switches the second factor on with a code of the app, and returns ten recovery codes. They are shown once.
    ///
    /// A recovery code signs in once in the place of a code of the app, for users who have lost it. The owner gets a mail. Sessions
    /// that are open stay as they are: their `amr` has no `otp` until the next sign-in.
    ///
    /// # Errors
    /// [`Error::InvalidCode`], [`Error::NotFound`] without an enrolment, [`Error::Disabled`], [`Error::RateLimited`],
    /// [`Error::Store`].
    pub async fn confirm_totp(&self, who: &Principal, code: &str) -> Result<Vec<Token>, Error> {
        let user = self.user(who).await?;
        self.count("code", user.id.as_str(), self.0.limits.codes_per_account).await?;
        let factor = self.0.stores.sessions.factor(&user.id).await?.filter(|factor| factor.confirmed_at.is_none());
        let factor = factor.ok_or(Error::NotFound)?;
        let (secret, _) = self.open_factor(&user, &factor)?;
        let step = totp::step_of(&secret, code.trim(), self.now(), 0).ok_or(Error::InvalidCode)?;
        let (codes, recovery) = recovery_codes(Self::RECOVERY_CODES)?;
        let change = FactorChange::Confirm { sealed: factor.sealed, step, recovery, at: self.now() };
        if !self.0.stores.sessions.change_factor(&user.id, change).await? {
            return Err(Error::InvalidCode);
        }
        self.refund("code", user.id.as_str(), self.0.limits.codes_per_account).await;
        self.factor_changed(user, true);
        Ok(codes)
    }

    /// The second factor of a signed-in user, if sign-ins ask for one.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Disabled`], [`Error::Store`].
    pub async fn totp(&self, who: &Principal) -> Result<Option<SecondFactor>, Error> {
        let factor = self.0.stores.sessions.factor(&self.user(who).await?.id).await?;
        Ok(factor.and_then(|factor| {
            factor.confirmed_at.map(|since| SecondFactor { since, recovery_codes: factor.recovery.len() })
        }))
    }

    /// Replaces the recovery codes. It needs a code of the app, or one of the codes before.
    ///
    /// # Errors
    /// [`Error::InvalidCode`], [`Error::NotFound`] without a second factor, [`Error::Disabled`], [`Error::RateLimited`],
    /// [`Error::Store`].
    pub async fn renew_recovery_codes(&self, who: &Principal, code: &str) -> Result<Vec<Token>, Error> {
        let user = self.user(who).await?;
        self.use_code(&user, code).await?;
        let (codes, recovery) = recovery_codes(Self::RECOVERY_CODES)?;
        match self.0.stores.sessions.change_factor(&user.id, FactorChange::Renew(recovery)).await? {
            true => Ok(codes),
            false => Err(Error::NotFound),
        }
    }

    /// Removes the second factor. It needs a code of the app, or a recovery code. The owner gets a mail.
    ///
    /// Users who have lost both turn to [`Admin::remove_factor`](crate::Admin::remove_factor).
    ///
    /// # Errors
    /// As [`renew_recovery_codes`](Self::renew_recovery_codes).
    pub async fn remove_totp(&self, who: &Principal, code: &str) -> Result<(), Error> {
        let user = self.user(who).await?;
        self.use_code(&user, code).await?;
        self.delete_factor(user).await
    }

    pub(crate) async fn delete_factor(&self, user: User) -> Result<(), Error> {
        if !self.0.stores.sessions.change_factor(&user.id, FactorChange::Remove).await? {
            return Err(Error::NotFound);
        }
        self.factor_changed(user, false);
        Ok(())
    }

    fn factor_changed(&self, user: User, is_set: bool) {
        tracing::info!(target: "portcullis", user = %user.id, is_set, "the second factor was changed");
        let kind = if is_set { MailKind::FactorAdded } else { MailKind::FactorRemoved };
        self.mail(Mail::new(user.email, kind, None));
        self.event(Event::FactorChanged { user: user.id, is_set });
    }

    /// Whether the session of this principal is the user's, is open, and began recently.
    pub(crate) async fn is_recent(&self, who: &Principal, user: &User) -> Result<bool, Error> {
        let Some(id) = who.session() else { return Ok(false) };
        let session = self.0.stores.sessions.session(&SessionId::new(id.id())).await?;
        let now = self.now();
        Ok(session.is_some_and(|session| {
            let age = now.duration_since(session.created_at).unwrap_or_default();
            session.user == user.id && session.is_open(now) && age <= Self::RECENT
        }))
    }

    /// The name of the service in an app: that of the builder, or else the issuer without its scheme.
    fn totp_name(&self) -> &str {
        let issuer = self.issuer();
        let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        self.0.options.totp_name.as_deref().unwrap_or(host)
    }
}

/// New codes of 80 random bits, with their digests: `abcd-efgh-ijkl-mnop`.
fn recovery_codes(count: usize) -> Result<(Vec<Token>, Vec<Digest>), Error> {
    let code = |_| {
        let text = BASE32_NOPAD.encode(&secret::random::<10>()?).to_lowercase();
        let digest = Token::new(text.clone()).digest("recovery");
        let parts: Vec<&str> = [0..4, 4..8, 8..12, 12..16].into_iter().filter_map(|part| text.get(part)).collect();
        Ok((Token::new(parts.join("-")), digest))
    };
    let codes: Result<Vec<(Token, Digest)>, Error> = (0..count).map(code).collect();
    Ok(codes?.into_iter().unzip())
}
