//! Configuration that cannot work, found when the gate is built.

use super::Parts;
use crate::{
    credential::CredentialSource,
    error::Error,
    jwt::Issuer,
    rights::{Rights, RoleHierarchy},
    scheme::{Scheme, SchemeSet},
    verifier::Kind,
};
use std::sync::Arc;

pub(super) fn check(parts: &Parts, rights: &Rights) -> Result<(), Error> {
    let problem = schemes(&parts.schemes)
        .or_else(|| roles(rights))
        .or_else(|| super::signing::check(parts, rights))
        .or_else(|| without_effect(parts).map(str::to_owned));
    problem.map_or(Ok(()), |problem| Err(Error::misconfigured(problem)))
}

/// What the gate would know by its candidate roles, for each candidate.
pub(super) fn candidates(rights: &Rights, given: Vec<GivenRoles>) -> Result<Vec<(&'static str, Arc<Rights>)>, Error> {
    let mut candidates: Vec<(&'static str, Rights)> = Vec::new();
    for (name, kind, roles) in given {
        let place = candidates.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            // A candidate has none beside itself.
            candidates.push((name, Rights { shadows: Arc::default(), ..rights.clone() }));
            candidates.len().saturating_sub(1)
        });
        let Some((_, candidate)) = candidates.get_mut(place) else { continue };
        match kind {
            Some(kind) => drop(candidate.roles_on.insert(kind, roles)),
            None => candidate.roles = roles,
        }
    }
    let check = |(name, candidate): (&'static str, Rights)| match roles(&candidate) {
        Some(problem) => Err(Error::misconfigured(format!("the candidate `{name}`: {problem}"))),
        None => Ok((name, Arc::new(candidate))),
    };
    candidates.into_iter().map(check).collect()
}

/// The candidate, the kind of resource, and its roles there.
pub(super) type GivenRoles = (&'static str, Option<String>, RoleHierarchy);

/// Warns of settings that work and are rarely meant.
pub(super) fn warn(schemes: &[Scheme], explains_denials: bool) {
    if explains_denials {
        tracing::warn!(
            target: "portcullis",
            "denials are explained to clients; leave `.dangerous_explain_denials()` out in production"
        );
    }
    for (place, scheme) in schemes.iter().enumerate() {
        let (what, it) = match scheme.verifier.kind() {
            Kind::Secret(_) => ("a shared secret", "the secret"),
            Kind::Keys(_) => ("API keys", "a key"),
            _ => continue,
        };
        if scheme.name.is_none() && !scheme.may_be_unnamed {
            tracing::warn!(
                target: "portcullis",
                "scheme {} has {what} and no name, so {it} opens every route; name it by `Scheme::named` and accept it by `via`, or \
                 write `Scheme::dangerous_unnamed`",
                place.saturating_add(1)
            );
        }
    }
}

fn schemes(schemes: &[Scheme]) -> Option<String> {
    if schemes.is_empty() || schemes.len() > SchemeSet::MOST {
        return Some(format!(
            "the gate has {} schemes, and needs one to {}; add one by `.scheme(…)`",
            schemes.len(),
            SchemeSet::MOST
        ));
    }
    schemes.iter().enumerate().find_map(|(place, scheme)| {
        let before = schemes.get(..place).unwrap_or_default();
        let problem = alone(scheme).or_else(|| behind(scheme, before))?;
        let name = scheme.name.map_or_else(|| place.saturating_add(1).to_string(), |name| format!("`{name}`"));
        Some(format!("scheme {name} {problem}"))
    })
}

/// What is wrong with a scheme by itself.
fn alone(scheme: &Scheme) -> Option<String> {
    let without_keys = |issuer: &Issuer| (!issuer.has_keys()).then(|| issuer.name.clone());
    scheme.check().err().or_else(|| match scheme.verifier.kind() {
        Kind::Tokens(jwt) => jwt.issuers().iter().find_map(without_keys).map(|name| {
            format!(
                "verifies tokens of `{name}` and has no keys of it; give it keys by `Issuer::new`, or ask the issuer by \
                 `Introspection` or `WhoAmI`"
            )
        }),
        Kind::Asks(asks) if asks.is_for_sessions_only() => without_keys(asks.issuer()).map(|name| {
            format!(
                "asks `{name}`, has `sessions_only` and no keys to verify other tokens with; give it keys by `Issuer::new`"
            )
        }),
        Kind::Trusted(_) | Kind::Asks(_) | Kind::Secret(_) | Kind::Keys(_) | Kind::Own(_) => None,
    })
}

/// What is wrong with a scheme behind those before it.
fn behind(scheme: &Scheme, before: &[Scheme]) -> Option<String> {
    if let Some(name) = scheme.name
        && before.iter().any(|earlier| earlier.name == Some(name))
    {
        return Some("has the name of another scheme".to_owned());
    }
    for source in &scheme.sources {
        let hides = |earlier: &&CredentialSource| earlier.hides(source);
        if let Some(other) = before.iter().flat_map(|earlier| &earlier.sources).find(hides) {
            return Some(format!("reads the {source} after the {other}, which takes every value; name it first"));
        }
        let mut readers = before.iter().filter(|earlier| earlier.sources.contains(source));
        if let Some(problem) = readers.find_map(|earlier| shadowed(scheme, earlier)) {
            return Some(format!("{problem} (in the {source})"));
        }
    }
    let within = |place: usize, source: &CredentialSource| scheme.sources.iter().take(place).any(|it| it.hides(source));
    let mut places = scheme.sources.iter().enumerate();
    let hidden = places.find(|(place, source)| within(*place, source));
    hidden.map(|(_, source)| format!("reads the {source} after one without a prefix, which takes every value"))
}

/// What is wrong with a scheme that reads the same source as one before it.
fn shadowed(scheme: &Scheme, earlier: &Scheme) -> Option<String> {
    if let Kind::Asks(asks) = earlier.verifier.kind()
        && asks.takes_any_opaque()
        && !matches!(scheme.verifier.kind(), Kind::Asks(this) if this.issuer().name == asks.issuer().name)
    {
        let name = &asks.issuer().name;
        return Some(format!(
            "is behind the one that asks `{name}` about opaque credentials, so `{name}` would see this one's; put that one last, \
             or limit it by `opaque_tokens`"
        ));
    }
    // A scheme with a name may be the only one that a route accepts.
    if scheme.name.is_some() || earlier.name.is_some() {
        return None;
    }
    let decides = |issuer: &Issuer| issuers(earlier).any(|other| other.covers(issuer));
    match (scheme.verifier.kind(), earlier.verifier.kind()) {
        (Kind::Secret(ours), Kind::Secret(theirs)) if ours.overlaps(theirs) => {
            Some("has the shared secret of one before it; two principals cannot have the same".to_owned())
        }
        (Kind::Tokens(_), _) => issuers(scheme).find(|issuer| decides(issuer)).map(|issuer| {
            format!(
                "is never asked about tokens of `{}`, since one before it decides; name an issuer once",
                issuer.name
            )
        }),
        (Kind::Asks(this), Kind::Asks(other)) if other.takes_any_opaque() && decides(this.issuer()) => Some(format!(
            "is never asked about tokens of `{}`, since one before it decides; name an issuer once",
            this.issuer().name
        )),
        _ => None,
    }
}

/// The issuers about whose tokens a scheme decides.
pub(super) fn issuers(scheme: &Scheme) -> impl Iterator<Item = &Issuer> {
    let (verified, asked) = match scheme.verifier.kind() {
        Kind::Tokens(jwt) => (jwt.issuers(), None),
        Kind::Asks(asks) => (&[][..], Some(asks.issuer())),
        Kind::Trusted(_) | Kind::Secret(_) | Kind::Keys(_) | Kind::Own(_) => (&[][..], None),
    };
    verified.iter().chain(asked)
}

fn roles(rights: &Rights) -> Option<String> {
    let everywhere = std::iter::once((None, &rights.roles));
    let on_kinds = rights.roles_on.iter().map(|(kind, roles)| (Some(kind), roles));
    everywhere.chain(on_kinds).find_map(|(kind, roles)| {
        if let Some(kind) = kind
            && !rights.memberships.contains_key(kind)
        {
            return Some(format!(
                "the gate has `.roles_on({kind:?}, …)`, and no `.membership({kind:?}, …)` that says who has them"
            ));
        }
        if let Some(unknown) = rights.permissions.as_ref().and_then(|all| roles.permits_beside(all)) {
            return Some(format!(
                "a role permits `{unknown}`, which `.permissions(…)` does not list; add it there, or correct it"
            ));
        }
        roles.inherited().find_map(|(from, there)| inherited(rights, from, there))
    })
}

/// What is wrong with inheriting from resources of a kind: no membership, no roles, or an unknown role.
fn inherited<'a>(rights: &Rights, from: &str, there: Option<impl Iterator<Item = &'a str>>) -> Option<String> {
    if !rights.memberships.contains_key(from) {
        return Some(format!(
            "roles are inherited from a `{from}`, and the gate has no `.membership({from:?}, …)` that says who has them"
        ));
    }
    let known = rights.roles_on(from);
    if known.names().is_empty() {
        return Some(format!(
            "roles are inherited from a `{from}`, and the gate knows none there; name them by `.roles_on({from:?}, …)`"
        ));
    }
    let unknown = there.into_iter().flatten().find(|role| !known.knows(role))?;
    let names = known.names();
    Some(format!("roles are inherited from the role `{unknown}` on a `{from}`, where the gate knows {names:?}"))
}

fn without_effect(parts: &Parts) -> Option<&'static str> {
    let verifies = || parts.schemes.iter().any(|scheme| scheme.verifier.is_jwt());
    if parts.cache.is_some() && !verifies() {
        return Some("the gate has a `.cache(…)`, and no scheme whose answers may be in it, such as one of a `Jwt`");
    }
    if parts.reject_conflicts && parts.schemes.iter().map(|scheme| scheme.sources.len()).sum::<usize>() < 2 {
        return Some("one source cannot conflict; name another one, or leave `.reject_conflicts()` out");
    }
    None
}
