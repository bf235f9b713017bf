//! When and how a principal signed in.
//!
//! The claims of its token say it. A verifier without tokens says it by the setters. Only policies about the sign-in ask, so
//! nothing of it is read before.

use super::Principal;
use crate::claims::{Claims, NumericDate};
use std::{borrow::Cow, time::SystemTime};

/// What a verifier says about a sign-in.
#[derive(Clone)]
pub(super) struct SignIn {
    at: Option<SystemTime>,
    methods: Vec<String>,
    class: Option<String>,
}

impl SignIn {
    pub(super) const UNKNOWN: Self = Self { at: None, methods: Vec::new(), class: None };
}

impl Principal {
    fn with_sign_in(self, change: impl FnOnce(&mut SignIn)) -> Self {
        self.with(|inner| change(&mut inner.more_mut().sign_in))
    }

    /// With the time of its sign-in, instead of the `auth_time` of its token. A time of which it is not certain that a person
    /// signed in then, such as that of a refresh, is left out.
    #[must_use]
    pub fn with_authenticated_at(self, at: SystemTime) -> Self {
        self.with_sign_in(|sign_in| sign_in.at = Some(at))
    }

    /// With the methods of its sign-in, such as `pwd` and `otp` (RFC 8176), instead of the `amr` of its token.
    #[must_use]
    pub fn with_authentication_methods(self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with_sign_in(|sign_in| sign_in.methods = methods.into_iter().map(Into::into).collect())
    }

    /// With the class of its sign-in, instead of the `acr` of its token.
    #[must_use]
    pub fn with_authentication_class(self, class: impl Into<String>) -> Self {
        self.with_sign_in(|sign_in| sign_in.class = Some(class.into()))
    }

    /// When it signed in: the `auth_time` of its token (OpenID Connect Core, section 2), or what its verifier says. `None` if
    /// that is not known. The time of issue does not count, because a refreshed token has a new one.
    ///
    /// The policy [`signed_in_within`](crate::policy::signed_in_within) compares it.
    ///
    /// ```
    /// use portcullis_core::{Principal, PrincipalKind};
    /// use std::time::SystemTime;
    ///
    /// let now = SystemTime::now();
    /// let alice = Principal::new(PrincipalKind::User, "alice").with_times(Some(now), None);
    /// assert_eq!((alice.authenticated_at(), alice.issued_at()), (None, Some(now)));
    ///
    /// let alice = alice
    ///     .with_authenticated_at(now)
    ///     .with_authentication_methods(["pwd", "otp"])
    ///     .with_authentication_class("urn:example:gold");
    /// assert_eq!(alice.authenticated_at(), Some(now));
    /// assert_eq!(alice.authentication_methods(), ["pwd", "otp"]);
    /// assert_eq!(alice.authentication_class().as_deref(), Some("urn:example:gold"));
    /// ```
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        let own = self.0.more().sign_in.at;
        let of_token = || self.claim(|claims| claims.at("auth_time"))?.as_number().map(NumericDate)?.time();
        own.or_else(of_token)
    }

    /// How it signed in: the `amr` of its token (RFC 8176), or what its verifier says. Empty if that is not known.
    #[must_use]
    pub fn authentication_methods(&self) -> Vec<Cow<'_, str>> {
        let own = &self.0.more().sign_in.methods;
        if !own.is_empty() {
            return own.iter().map(|one| one.as_str().into()).collect();
        }
        let names = self.claim(|claims| claims.at("amr")?.elements());
        names.map(|names| names.filter_map(|name| name.as_str()).collect()).unwrap_or_default()
    }

    /// How strong its sign-in was: the `acr` of its token (OpenID Connect Core, section 2), or what its verifier says. The
    /// issuer defines what it means.
    #[must_use]
    pub fn authentication_class(&self) -> Option<Cow<'_, str>> {
        let own = self.0.more().sign_in.class.as_deref();
        own.map(Cow::Borrowed).or_else(|| self.claim(|claims| claims.at("acr"))?.as_str())
    }

    /// Of its own claims, or else of those of its token, if its issuer was asked. Both are verified.
    fn claim<'p, T>(&'p self, read: impl Fn(&'p Claims) -> Option<T>) -> Option<T> {
        self.all_claims().find_map(read)
    }
}
