//! The audience that the tokens of an issuer are for.

/// The audience that a token has to be meant for.
///
/// An issuer usually signs tokens for many services. The audience is what keeps a token for one of them from being used at
/// another. So an issuer has none by default: you choose one of these.
///
/// ```
/// use portcullis_core::{
///     Audience, Error, Jwt,
///     testing::{TestIssuer, TestToken},
/// };
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let tester = TestIssuer::new();
/// let accepts = |audience: Audience, token: &TestToken<'_>| {
///     let verifier = Jwt::new(tester.issuer().for_audience(audience)?).clock(tester.clock());
///     Ok::<_, Error>(verifier.verify(&token.clone().sign()).is_ok())
/// };
/// let orders = tester.token("alice").claim("aud", "orders");
/// assert!(accepts(Audience::is("orders"), &orders)?);
/// assert!(!accepts(Audience::is("billing"), &orders)?);
/// assert!(accepts(Audience::any_of(["billing", "orders"]), &orders)?);
///
/// // Amazon Cognito names the client, and no audience.
/// let cognito = tester.token("alice").without("aud").claim("client_id", "web");
/// assert!(accepts(Audience::client_id("web"), &cognito)?);
/// assert!(!accepts(Audience::client_ids(["app", "cli"]), &cognito)?);
///
/// // Directus names neither.
/// let directus = tester.token("alice").without("aud");
/// assert!(accepts(Audience::absent(), &directus)?);
/// assert!(!accepts(Audience::absent(), &orders)?);
///
/// // A gateway in front of all services passes the token on, and the service behind it checks
/// // its audience.
/// assert!(accepts(Audience::dangerous_anybody(), &orders)?);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(pub(super) AudienceRule);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AudienceRule {
    AnyOf(Vec<String>),
    ClientIds(Vec<String>),
    Absent,
    Anybody,
}

impl Audience {
    /// `aud` is this, or an array that contains this (RFC 7519, section 4.1.3).
    #[must_use]
    pub fn is(audience: impl Into<String>) -> Self {
        Self(AudienceRule::AnyOf(vec![audience.into()]))
    }

    /// `aud` is one of these, or an array that contains one of these.
    #[must_use]
    pub fn any_of<S: Into<String>>(audiences: impl IntoIterator<Item = S>) -> Self {
        Self(AudienceRule::AnyOf(audiences.into_iter().map(Into::into).collect()))
    }

    /// `client_id` is this and there is no `aud`, as in the access tokens of Amazon Cognito.
    #[must_use]
    pub fn client_id(id: impl Into<String>) -> Self {
        Self::client_ids([id])
    }

    /// `client_id` is one of these and there is no `aud`.
    #[must_use]
    pub fn client_ids<S: Into<String>>(ids: impl IntoIterator<Item = S>) -> Self {
        Self(AudienceRule::ClientIds(ids.into_iter().map(Into::into).collect()))
    }

    /// There is no `aud`, as in the tokens of Directus. A token that has one is meant for another service. If the issuer is
    /// asked about opaque tokens, its answers do not name the audience either, which has to be
    /// [allowed](crate::WhoAmI::dangerous_any_client).
    #[must_use]
    pub fn absent() -> Self {
        Self(AudienceRule::Absent)
    }

    /// Any `aud`, or none. Then every service that trusts the issuer can use its callers' tokens here.
    #[must_use]
    pub fn dangerous_anybody() -> Self {
        Self(AudienceRule::Anybody)
    }

    /// Whether it can be met at all: an empty list or an empty name is a mistake of the configuration.
    pub(super) fn is_sound(&self) -> bool {
        match &self.0 {
            AudienceRule::AnyOf(names) | AudienceRule::ClientIds(names) => {
                !names.is_empty() && !names.iter().any(String::is_empty)
            }
            AudienceRule::Absent | AudienceRule::Anybody => true,
        }
    }
}
