//! Sign-in in two steps: what a way in leads to, and the code of the second step.

use crate::{
    accounts::{Accounts, SignIn},
    client::Client,
    error::Error,
    factor::{Factor, FactorChange},
    one_time::Purpose,
    secret::{Label, Token},
    totp,
    user::User,
};
use serde_json::{Map, Value};

/// What a sign-in leads to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SignInOutcome {
    /// The user is signed in.
    SignedIn(Box<SignIn>),
    /// The user has a second factor. [`Accounts::second_factor`] takes this token with a code, within five minutes.
    SecondFactor(Token),
}

impl SignInOutcome {
    /// The sign-in, for a service whose users have no second factor.
    ///
    /// # Errors
    /// [`Error::SecondFactorRequired`] if the user has one.
    pub fn signed_in(self) -> Result<SignIn, Error> {
        match self {
            Self::SignedIn(sign_in) => Ok(*sign_in),
            Self::SecondFactor(_) => Err(Error::SecondFactorRequired),
        }
    }
}

impl Accounts {
    /// How often one attempt may send a wrong code.
    const TRIES: u64 = 5;
    const METHODS: &str = "methods";
    const WRONG: &str = "wrong";

    /// The end of each way in: a session, or the question for the second factor.
    pub(crate) async fn complete(
        &self,
        user: User,
        methods: Vec<String>,
        client: &Client,
    ) -> Result<SignInOutcome, Error> {
        if self.confirmed_factor(&user).await?.is_none() {
            return Ok(SignInOutcome::SignedIn(Box::new(self.open(user, methods, client).await?)));
        }
        let attempt = Map::from_iter([(Self::METHODS.to_owned(), methods.into())]);
        // Others stay: a stranger who knows the password does not end the owner's attempt.
        let token = self.issue_one(Purpose::SecondFactor, Some(&user), attempt, false).await?;
        Ok(SignInOutcome::SecondFactor(token))
    }

    /// Completes a sign-in with a code of the user's app, or with a recovery code.
    ///
    /// The token is that of [`SignInOutcome::SecondFactor`]. A wrong code leaves it valid, five times. Each code signs in once.
    ///
    /// # Errors
    /// [`Error::InvalidToken`], [`Error::InvalidCode`] for a wrong and for a used code, [`Error::Disabled`],
    /// [`Error::EmailUnconfirmed`], [`Error::Unapproved`], [`Error::RateLimited`], [`Error::Store`].
    pub async fn second_factor(&self, token: &str, code: &str, client: &Client) -> Result<SignIn, Error> {
        self.count_network("second_factor", client, self.0.limits.sign_ins_per_network).await?;
        // Only one caller has it while the code is verified.
        let attempt = self.take(Purpose::SecondFactor, token).await?;
        let user = self.user_of(&attempt).await?;
        let first = attempt.payload.get(Self::METHODS).and_then(Value::as_array).ok_or(Error::InvalidToken)?;
        let first: Vec<String> = first.iter().filter_map(|method| method.as_str().map(str::to_owned)).collect();
        let second = match self.use_code(&user, code).await {
            Ok(second) => second,
            Err(error) => {
                let wrong = attempt.payload.get(Self::WRONG).and_then(Value::as_u64).unwrap_or(0);
                let wrong = wrong.saturating_add(u64::from(matches!(error, Error::InvalidCode)));
                if wrong < Self::TRIES {
                    let mut attempt = attempt;
                    attempt.payload.insert(Self::WRONG.to_owned(), wrong.into());
                    self.0.stores.sessions.keep(attempt, false).await?;
                }
                return Err(self.sign_in_failed(error, Some(&user.id), client));
            }
        };
        self.may_sign_in(&user).map_err(|error| self.sign_in_failed(error, Some(&user.id), client))?;
        // RFC 8176: `mfa` for several factors. A provider may have said so already.
        let mut methods = first;
        for method in [second, "mfa"] {
            if !methods.iter().any(|known| known == method) {
                methods.push(method.to_owned());
            }
        }
        self.open(user, methods, client).await
    }

    /// Uses a code up. Returns the method: `otp` for a code of the app, `recovery` for a recovery code.
    pub(crate) async fn use_code(&self, user: &User, code: &str) -> Result<&'static str, Error> {
        let limit = self.0.limits.codes_per_account;
        self.count("code", user.id.as_str(), limit).await?;
        let factor = self.confirmed_factor(user).await?.ok_or(Error::NotFound)?;
        let code = normal(code);
        let (method, change) = if code.len() == 6 {
            let (secret, is_current) = self.open_factor(user, &factor)?;
            let step = totp::step_of(&secret, &code, self.now(), factor.last_step).ok_or(Error::InvalidCode)?;
            let resealed = if is_current { None } else { Some(self.seal_factor(user, &secret)?) };
            ("otp", FactorChange::Use { sealed: factor.sealed, step, resealed })
        } else {
            ("recovery", FactorChange::Recover(Token::new(code).digest("recovery")))
        };
        if !self.0.stores.sessions.change_factor(&user.id, change).await? {
            return Err(Error::InvalidCode);
        }
        self.refund("code", user.id.as_str(), limit).await;
        Ok(method)
    }

    pub(crate) async fn confirmed_factor(&self, user: &User) -> Result<Option<Factor>, Error> {
        let factor = self.0.stores.sessions.factor(&user.id).await?;
        Ok(factor.filter(|factor| factor.confirmed_at.is_some()))
    }

    pub(crate) fn seal_factor(&self, user: &User, secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.secret.seal(Label::Factors, user.id.as_str().as_bytes(), secret)
    }

    /// The secret, and whether it was sealed with the present key.
    pub(crate) fn open_factor(
        &self,
        user: &User,
        factor: &Factor,
    ) -> Result<(zeroize::Zeroizing<Vec<u8>>, bool), Error> {
        let opened = self.0.secret.open(Label::Factors, user.id.as_str().as_bytes(), &factor.sealed);
        opened.ok_or_else(|| {
            tracing::error!(target: "portcullis", user = %user.id, "no secret of the service opens this second factor");
            Error::InvalidCode
        })
    }
}

/// As users type codes: with spaces, hyphens and capital letters.
fn normal(code: &str) -> String {
    let kept = code.chars().filter(|it| !it.is_whitespace() && *it != '-');
    kept.map(|it| it.to_ascii_lowercase()).collect()
}
