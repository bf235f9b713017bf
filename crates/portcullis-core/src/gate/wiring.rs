//! Wiring that cannot work, found when the gate is built.

use super::Parts;
use crate::{
    error::Error,
    jwt::Issuer,
    rights::{Rights, RoleHierarchy},
    shared_secret::SharedSecret,
    verifier::Kind,
};

pub(super) fn check(parts: &Parts) -> Result<(), Error> {
    let problem =
        verifiers(parts).or_else(|| roles(&parts.rights)).or_else(|| without_effect(parts).map(str::to_owned));
    problem.map_or(Ok(()), |problem| Err(Error::misconfigured(problem)))
}

/// What the verifiers that were looked at answer for good, so that those after them are not asked about it.
#[derive(Default)]
struct Taken<'a> {
    issuers: Vec<&'a Issuer>,
    opaque: bool,
    secrets: Vec<&'a SharedSecret>,
}

impl Taken<'_> {
    fn all_of(&self, issuer: &Issuer) -> bool {
        self.issuers.iter().any(|earlier| earlier.any_name || !issuer.any_name && earlier.name == issuer.name)
    }
}

fn verifiers(parts: &Parts) -> Option<String> {
    let mut taken = Taken::default();
    for (place, verifier) in (1..).zip(&parts.verifiers) {
        let problem = match verifier.kind() {
            Kind::Own(_) => None,
            Kind::Tokens(jwt) => jwt.issuers().iter().find_map(|issuer| verifies(issuer, &taken)),
            Kind::Asks(asked) => asks(asked.issuer(), asked.is_for_sessions_only(), &taken),
            Kind::Secret(secret) => knows(secret, parts, &taken),
        };
        if let Some(problem) = problem {
            return Some(format!("authenticator {place}, {problem}"));
        }
        match verifier.kind() {
            Kind::Own(_) => {}
            Kind::Tokens(jwt) => taken.issuers.extend(jwt.issuers()),
            Kind::Asks(asked) => {
                taken.opaque |= asked.takes_any_opaque();
                taken.issuers.push(asked.issuer());
            }
            Kind::Secret(secret) => taken.secrets.push(secret),
        }
    }
    None
}

fn verifies(issuer: &Issuer, taken: &Taken<'_>) -> Option<String> {
    let name = &issuer.name;
    if !issuer.has_keys() {
        return Some(format!(
            "a verifier of `{name}`, has no keys of it; give it keys by `Issuer::new`, or ask the issuer by `Introspection` or \
             `WhoAmI`"
        ));
    }
    taken.all_of(issuer).then(|| {
        format!("a verifier of `{name}`, is never asked: one before it decides about these tokens; name an issuer once")
    })
}

fn asks(issuer: &Issuer, sessions_only: bool, taken: &Taken<'_>) -> Option<String> {
    let name = &issuer.name;
    if sessions_only && !issuer.has_keys() {
        return Some(format!(
            "which asks `{name}`, has `sessions_only` and no keys to verify other tokens with; give it keys by `Issuer::new`"
        ));
    }
    (taken.opaque && taken.all_of(issuer)).then(|| {
        format!(
            "which asks `{name}`, is never asked: those before it decide about its tokens and about opaque ones; name an \
             issuer once"
        )
    })
}

fn knows(secret: &SharedSecret, parts: &Parts, taken: &Taken<'_>) -> Option<String> {
    if taken.opaque {
        // And the secret would be shown to somebody else.
        let problem = "is never asked: one before it asks an issuer about all that is opaque; put the secret first";
        return Some(format!("a shared secret, {problem}"));
    }
    if taken.secrets.iter().any(|other| secret.is_behind(other)) {
        return Some("a shared secret, is that of one before it; two principals cannot have the same".to_owned());
    }
    secret.check(&parts.sources).err().map(|problem| format!("a shared secret, {problem}"))
}

fn roles(rights: &Rights) -> Option<String> {
    let everywhere = std::iter::once((None, &rights.roles));
    let on_kinds = rights.roles_on.iter().map(|(kind, roles)| (Some(kind), roles));
    for (kind, roles) in everywhere.chain(on_kinds) {
        if rights.membership.is_none() && (kind.is_some() || roles.inherits()) {
            return Some("the gate has roles on resources and no `.membership(…)` to ask who has them".to_owned());
        }
        if let Some(unknown) = rights.permissions.as_ref().and_then(|all| roles.permits_beside(all)) {
            return Some(format!(
                "a role permits `{unknown}`, which is nothing in `.permissions(…)`; add it there, or correct it"
            ));
        }
        if let Some(problem) = roles.inherited().find_map(|(from, there)| inherited(rights, from, there)) {
            return Some(problem);
        }
    }
    None
}

/// Whether there can be such roles on resources of a kind.
fn inherited<'a>(rights: &Rights, from: &str, there: Option<impl Iterator<Item = &'a str>>) -> Option<String> {
    let known: Option<&RoleHierarchy> = match &there {
        None if !rights.roles.names().is_empty() => return None,
        _ => rights.roles_on.get(from),
    };
    let Some(known) = known else {
        return Some(format!(
            "roles are inherited from a `{from}`, and the gate knows none there; name them by `.roles_on({from:?}, …)`"
        ));
    };
    let unknown = there.into_iter().flatten().find(|role| !known.knows(role))?;
    let names = known.names();
    Some(format!("roles are inherited from the role `{unknown}` on a `{from}`, where the gate knows {names:?}"))
}

fn without_effect(parts: &Parts) -> Option<&'static str> {
    let verifies = || parts.verifiers.iter().any(|verifier| verifier.jwt().is_some());
    if parts.cache.is_some() && !verifies() {
        return Some("the gate has a `.cache(…)`, and no authenticator whose answers may be in it, such as a `Jwt`");
    }
    if parts.reject_conflicts && parts.sources.len() < 2 {
        return Some("one source cannot conflict; name another one, or leave `.reject_conflicts()` out");
    }
    if !parts.origins.allowed.is_empty() && !parts.sources.iter().any(|source| source.is_ambient()) {
        return Some(
            "an origin is allowed and no cookie is read, which is all that it is about; CORS is answered by a layer of \
             the framework",
        );
    }
    None
}
