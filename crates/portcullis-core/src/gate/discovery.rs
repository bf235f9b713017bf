//! What a gate tells clients that have no token yet.

use super::{Gate, GateBuilder, Parts, wiring::issuers};
use crate::{
    credential::CredentialSource, error::Error, jwt::Issuer, protected_resource::ProtectedResource, scheme::Scheme,
};

impl GateBuilder {
    /// Tells clients where they get a token for this service: see [`ProtectedResource`].
    ///
    /// Each challenge then has `resource_metadata`, the address of the metadata (RFC 9728, section 5.1).
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// use portcullis_core::ProtectedResource;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let resource = ProtectedResource::new("https://api.example.com")?;
    /// let gate = builder()?.protected_resource(resource.clone()).build()?;
    /// let who = now(gate.establish(&get("/orders")));
    /// let refusal = gate.refuse(&who.principal().unwrap_err());
    /// let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate");
    /// let metadata = "https://api.example.com/.well-known/oauth-protected-resource";
    /// assert_eq!(
    ///     challenge.map(|(_, value)| value.to_owned()),
    ///     Some(format!("Bearer resource_metadata=\"{metadata}\""))
    /// );
    ///
    /// // No scheme reads bearer tokens.
    /// let cookies = Scheme::new(TestIssuer::new().verifier()).cookie("session");
    /// assert!(Gate::builder().scheme(cookies).protected_resource(resource).build().is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn protected_resource(mut self, resource: ProtectedResource) -> Self {
        self.once(".protected_resource(…)", self.parts.protected_resource.is_none());
        self.parts.protected_resource = Some(resource);
        self
    }
}

impl Gate {
    /// What it tells clients that have no token yet, completed with what its schemes say.
    #[must_use]
    pub fn protected_resource(&self) -> Option<&ProtectedResource> {
        self.0.protected_resource.as_ref()
    }
}

/// Completes the resource, and the parameters of challenges.
pub(super) fn settle(parts: &mut Parts) -> Result<(), Error> {
    let Some(resource) = &mut parts.protected_resource else { return Ok(()) };
    let is_read = |is: fn(&CredentialSource) -> bool| parts.schemes.iter().flat_map(|scheme| &scheme.sources).any(is);
    let reads_token = |scheme: &&Scheme| scheme.sources.iter().any(|source| source.is_bearer() || source.is_dpop());
    let for_tokens = || parts.schemes.iter().filter(reads_token);
    if for_tokens().next().is_none() {
        return Err(Error::misconfigured(
            "`.protected_resource(…)` tells clients how to get a bearer token, and no scheme reads one; add `.bearer()` to one",
        ));
    }
    let in_header = is_read(CredentialSource::is_bearer);
    let in_query = is_read(|source| source.query_name() == Some("access_token"));
    let methods = in_header.then_some("header").into_iter().chain(in_query.then_some("query"));
    let dpop = for_tokens().find_map(|scheme| scheme.dpop.as_deref());
    let dpop = dpop.map(|dpop| (dpop.algorithm_names(), !in_header && !in_query));
    let names = for_tokens().flat_map(issuers).filter(|issuer| !issuer.has_any_name()).map(Issuer::name);
    resource.settle(names, methods.collect(), dpop)?;
    let parameters = parts.challenge.take().into_iter().chain([resource.challenge()]);
    parts.challenge = Some(parameters.collect::<Vec<_>>().join(", "));
    Ok(())
}
