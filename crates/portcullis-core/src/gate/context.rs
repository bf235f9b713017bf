//! The organization context of a gate: its header, and what it makes of the caller.

use super::{Authentication, GateBuilder, Parts};
use crate::{
    answer::Answer,
    credential::CredentialSource,
    error::Error,
    head::{RequestHead, only_header},
    organization_context::{ChosenOrganization, OrganizationContext, UnexpiringContext},
    principal::Principal,
};
use std::sync::Arc;

/// The header, and who verifies it.
pub(super) struct Context {
    header: CredentialSource,
    kind: ContextKind,
}

enum ContextKind {
    Signed(OrganizationContext),
    Unexpiring(UnexpiringContext),
}

impl GateBuilder {
    /// Reads from this header in which organization a caller acts: see [`OrganizationContext`].
    ///
    /// A valid context sets [`Principal::organization`] and [`Principal::organization_version`] for this request. Without the
    /// header the credential and the account decide, as without this setting.
    ///
    /// A context that is malformed, expired, outdated or issued to another principal is refused: 401 with the code
    /// `invalid_context`, and a challenge that does not call the credential invalid. So is a context for another organization
    /// than that of the credential or account. A credential that belongs to an organization never gets out of it.
    ///
    /// The header is as sensitive as a credential: [`Scrubber`](crate::Scrubber) says so. A [`Lease`](crate::Lease) keeps the
    /// organization with which its connection began, and ends when the caller is no longer a member.
    #[must_use]
    pub fn organization_context(self, header: &str, context: OrganizationContext) -> Self {
        self.context(".organization_context(…)", header, ContextKind::Signed(context))
    }

    /// Reads contexts of another system from this header, which never expire: see [`UnexpiringContext`].
    ///
    /// Whatever is wrong with one, it is ignored: the request goes on without an organization.
    #[must_use]
    pub fn dangerous_unexpiring_context(self, header: &str, context: UnexpiringContext) -> Self {
        self.context(".dangerous_unexpiring_context(…)", header, ContextKind::Unexpiring(context))
    }

    fn context(mut self, what: &str, header: &str, kind: ContextKind) -> Self {
        self.once(what, self.parts.context.is_none());
        self.parts.context = Some(Arc::new(Context { header: CredentialSource::header(header), kind }));
        self
    }
}

/// Checks the header, and sets the clock.
pub(super) fn settle(parts: &Parts) -> Result<(), Error> {
    let Some(context) = &parts.context else { return Ok(()) };
    let wrong = |error| Error::misconfigured(format!("the organization context cannot be read: {error}"));
    context.header.check().map_err(wrong)?;
    if parts.all.sources.iter().any(|source| source.header_name() == context.header.header_name()) {
        return Err(Error::misconfigured(
            "the organization context is in a header in which a scheme reads its credential; name another one",
        ));
    }
    match &context.kind {
        ContextKind::Signed(signed) => signed.settle(&parts.time),
        ContextKind::Unexpiring(_) => Ok(()),
    }
}

impl Context {
    pub(super) fn header(&self) -> &CredentialSource {
        &self.header
    }

    /// The caller in the organization that the request chooses.
    pub(super) fn enter(
        self: &Arc<Self>,
        found: Answer<'static, Authentication>,
        head: &dyn RequestHead,
    ) -> Answer<'static, Authentication> {
        let header = self.header.header_name().unwrap_or_default();
        let presented = match only_header(head, header) {
            Ok(None) => return found,
            Ok(Some(text)) => Ok(text.to_owned()),
            Err(error) => Err(error),
        };
        let context = self.clone();
        match found.ready() {
            Ok(who) => context.enter_as(who, presented),
            Err(later) => Answer::later(async move { context.enter_as(later.await, presented).await }),
        }
    }

    fn enter_as(&self, who: Authentication, presented: Result<String, Error>) -> Answer<'static, Authentication> {
        let Ok(Some(principal)) = who.visitor() else { return Answer::now(who) };
        let entered = match &self.kind {
            ContextKind::Signed(signed) => {
                match presented.and_then(|text| signed.verify(principal, &text, who.gate.now())) {
                    Ok(chosen) => signed.enter(principal.clone(), chosen),
                    Err(error) => Answer::now(Err(error)),
                }
            }
            ContextKind::Unexpiring(unexpiring) => {
                let chosen = presented.ok().and_then(|text| unexpiring.read(principal, &text));
                let entered = chosen.and_then(|chosen| principal.clone().acting_in(chosen).ok());
                Answer::now(Ok(entered.unwrap_or_else(|| principal.clone())))
            }
        };
        entered.map(|outcome| who.with_outcome(outcome))
    }

    /// The caller of an open connection, in the organization that it chose before.
    pub(super) async fn stay(&self, who: Authentication, chosen: &ChosenOrganization) -> Authentication {
        let Ok(Some(principal)) = who.visitor() else { return who };
        let principal: Principal = principal.clone();
        let outcome = match &self.kind {
            ContextKind::Signed(signed) => signed.stay(principal, chosen.clone()).await,
            ContextKind::Unexpiring(_) => principal.acting_in(chosen.clone()),
        };
        who.with_outcome(outcome)
    }
}
