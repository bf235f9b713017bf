//! What an issuer is called in its tokens.

use super::Issuer;
use crate::error::Error;
use std::sync::Arc;

/// What `iss` has to be in an issuer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Its name.
    Named,
    /// There has to be none.
    Unnamed,
    Any,
}

impl Issuer {
    /// Another name of the same issuer, for tokens that name it differently in `iss`. Principals have the first name.
    ///
    /// ```
    /// # use portcullis_core::{Credential, CredentialSource, Jwt, testing::TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// let tester = TestIssuer::new().named("https://id.example.com");
    /// let issuer = tester.issuer().also_called("https://id.internal")?;
    /// let verifier = Jwt::new(issuer).clock(tester.clock());
    /// let by = |name: &str| {
    ///     let token = tester.token("alice").claim("iss", name).sign();
    ///     Credential::new(token, CredentialSource::bearer())
    /// };
    /// let alice = verifier.authenticate(&by("https://id.internal")).await?;
    /// assert_eq!(alice.id(), verifier.authenticate(&by("https://id.example.com")).await?.id());
    /// assert!(verifier.authenticate(&by("https://id.example.org")).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the name is empty.
    pub fn also_called(mut self, name: impl Into<Arc<str>>) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() {
            return Err(Error::misconfigured(format!("issuer `{}`: its other name may not be empty", self.name)));
        }
        self.other_names.push(name);
        Ok(self)
    }

    /// Accepts only tokens without `iss`, such as those that a service issues for itself. The name of the issuer is then only
    /// used for principals and in the log.
    ///
    /// ```
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// use portcullis_core::{Algorithm, Audience, Issuer, Jwt, Rules};
    /// # use portcullis_core::testing::TestIssuer;
    ///
    /// # let tester = TestIssuer::with_algorithm(Algorithm::Hs256);
    /// # let key = tester.signing_key().key();
    /// let ours = Issuer::new("shop", Audience::absent(), [Algorithm::Hs256], key)?
    ///     .unnamed()
    ///     .rules(Rules::new().require("type", "access")?);
    /// let verifier = Jwt::new(ours).clock(tester.clock());
    /// let token = tester.token("alice").without("aud").claim("type", "access");
    /// assert!(verifier.verify(&token.clone().without("iss").sign()).is_ok());
    /// assert!(verifier.verify(&token.sign()).is_err()); // it has an `iss`
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.naming = Naming::Unnamed;
        self
    }

    /// Accepts tokens with any `iss`, and without one, as long as a key of this issuer signed them. Such an issuer has to be
    /// the only one of its verifier.
    ///
    /// ```
    /// # use portcullis_core::{Jwt, testing::TestIssuer};
    /// # fn main() -> Result<(), portcullis_core::Error> {
    /// // The issuer writes the host of a tenant into `iss`, and there are too many tenants to list.
    /// // They share its key.
    /// let (issuer, tenant) =
    ///     (TestIssuer::new(), TestIssuer::new().named("https://acme.example.com"));
    /// let verifier = Jwt::new(issuer.issuer().dangerous_any_name()).clock(issuer.clock());
    /// let token = tenant.token("alice").sign();
    /// assert!(verifier.verify(&token).is_ok() && issuer.verifier().verify(&token).is_err());
    /// assert!(verifier.issuer(tenant.issuer()).is_err()); // it has to be the only one
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dangerous_any_name(mut self) -> Self {
        self.naming = Naming::Any;
        self
    }

    /// The name. Unless the issuer is [`unnamed`](Self::unnamed) or accepts [any name](Self::dangerous_any_name), `iss` has to be
    /// this.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `iss` may have this value.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        match self.naming {
            Naming::Named => *self.name == *name || self.other_names.iter().any(|other| **other == *name),
            Naming::Unnamed => false,
            Naming::Any => true,
        }
    }

    pub(crate) fn is_unnamed(&self) -> bool {
        self.naming == Naming::Unnamed
    }

    pub(crate) fn has_any_name(&self) -> bool {
        self.naming == Naming::Any
    }

    /// Whether no token can be of both.
    pub(in crate::jwt) fn is_apart(&self, other: &Self) -> bool {
        match (self.naming, other.naming) {
            (Naming::Any, _) | (_, Naming::Any) | (Naming::Unnamed, Naming::Unnamed) => false,
            (Naming::Named, Naming::Named) => self.shares_name(other).is_none(),
            (Naming::Named, Naming::Unnamed) | (Naming::Unnamed, Naming::Named) => true,
        }
    }

    /// Whether this issuer also accepts the tokens of the other one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.naming, other.naming) {
            (Naming::Any, _) | (Naming::Unnamed, Naming::Unnamed) => true,
            (Naming::Named, Naming::Named) => other.names().all(|name| self.is_called(name)),
            _ => false,
        }
    }

    /// A name that both issuers have.
    pub(in crate::jwt) fn shares_name(&self, other: &Self) -> Option<&str> {
        self.names().find(|name| other.names().any(|theirs| theirs == *name))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name].into_iter().chain(&self.other_names).map(|name| &**name)
    }
}
