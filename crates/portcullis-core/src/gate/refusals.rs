//! The refusals that a guard can answer with, worked out from the gate and the policy: for documents about an API.

use super::Gate;
use crate::{
    decision::Denial,
    error::{Error, ErrorKind},
    jwt::Issuer,
    policy::{Description, Plan, required},
    proof::{INVALID_PROOF, USE_NONCE},
    refusal::Refusal,
    scheme::Scheme,
    verifier::Kind,
};

impl Gate {
    /// The schemes, in the order in which they were added.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.0.schemes.iter()
    }

    /// The schemes whose credentials are read on a route with this policy. A public route reads none by itself.
    pub fn schemes_for(&self, plan: &Plan) -> impl Iterator<Item = &Scheme> {
        let read = plan.sources().schemes;
        self.schemes()
            .enumerate()
            .filter(move |(place, _)| !plan.is_public() && read.has(*place))
            .map(|(_, scheme)| scheme)
    }

    /// The refusals that a guard with this policy can answer with, each with its code, as the gate renders them.
    ///
    /// It lists too many rather than too few. Not listed: 500, which is a mistake in the service, codes that a `Rule`, a
    /// `Membership` or a `Directory` makes up, and what handlers answer.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.build()?;
    /// let refusals = gate.refusals(&gate.plan(role("viewer"))?);
    /// let role_required = refusals.iter().find(|(code, _)| code == "role_required");
    /// assert_eq!(role_required.map(|(_, refusal)| refusal.status()), Some(403));
    /// assert!(refusals.iter().all(|(_, refusal)| refusal.status() != 404));
    /// assert!(gate.refusals(&gate.plan(anyone())?).is_empty());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn refusals(&self, plan: &Plan) -> Vec<(String, Refusal)> {
        if plan.is_public() {
            return Vec::new();
        }
        let baseline = self.baseline_of(plan);
        let superuser = self.0.superuser.as_ref().filter(|_| plan.has_superuser());
        let mut errors = Vec::new();
        let reads = !plan.reads_nothing();
        if reads || self.0.context.is_some() {
            errors.extend(
                [ErrorKind::Malformed, ErrorKind::Missing, ErrorKind::Invalid, ErrorKind::Expired].map(of_kind),
            );
        }
        if self.0.context.is_some() {
            errors.push(Error::invalid_context("sample"));
        }
        let proves = self.schemes_for(plan).any(|scheme| scheme.dpop.is_some());
        if proves {
            errors.extend([INVALID_PROOF, USE_NONCE].map(|code| of_kind(ErrorKind::Invalid).with_code(code)));
        }
        if self.0.directory.is_some() && reads {
            errors.extend([Error::no_account(), Error::denied("denied")]);
        }
        let is_ambient = |scheme: &Scheme| scheme.sources.iter().any(|source| source.is_ambient());
        if self.schemes_for(plan).any(|scheme| matches!(scheme.verifier.kind(), Kind::Keys(_))) {
            errors.push(of_kind(ErrorKind::Denied).with_denial(Denial::of_key(None)));
        }
        if !self.0.origins.is_any_allowed && self.schemes_for(plan).any(is_ambient) {
            errors.push(of_kind(ErrorKind::CrossOrigin));
        }
        let mut asks = self.0.directory.is_some() || self.0.revocations.is_some() || self.0.context.is_some();
        asks = asks || proves || self.schemes_for(plan).any(|scheme| asks_others(scheme.verifier.kind()));
        for plan in [Some(plan), baseline, superuser].into_iter().flatten() {
            asks = asks || asks_others_too(plan.description());
            denials(plan.description(), &mut errors);
        }
        if asks {
            errors.push(of_kind(ErrorKind::Unavailable));
        }
        let mut refusals: Vec<(String, Refusal)> = Vec::new();
        for error in errors {
            if !refusals.iter().any(|(code, _)| code == error.code()) {
                refusals.push((error.code().to_owned(), self.render(&error)));
            }
        }
        refusals
    }
}

fn of_kind(kind: ErrorKind) -> Error {
    Error::new(kind, "a sample for a document")
}

/// Whether something else may have to answer before a credential is verified.
fn asks_others(verifier: &Kind) -> bool {
    match verifier {
        Kind::Tokens(jwt) => jwt.issuers().iter().any(Issuer::is_remote),
        Kind::Secret(_) => false,
        Kind::Trusted(_) | Kind::Keys(_) | Kind::Asks(_) | Kind::Own(_) => true,
    }
}

fn asks_others_too(policy: &Description) -> bool {
    let mut asks = false;
    policy.walk(false, &mut |part, _| {
        asks = asks || part.on().is_some() || matches!(part, Description::Engine { .. } | Description::Rule { .. });
    });
    asks
}

/// What the parts of a policy deny with.
fn denials(policy: &Description, all: &mut Vec<Error>) {
    let mut errors = Vec::new();
    let mut is_hidden = false;
    policy.walk(false, &mut |part, _| {
        if let Some(step_up) = required(part) {
            errors.push(Error::denied("user_required"));
            errors.push(of_kind(ErrorKind::InsufficientAuthentication).with_denial(step_up));
        }
        let code = match part {
            Description::Staff => "staff_required",
            Description::Role { .. } => "role_required",
            Description::Permission { .. } => "permission_required",
            Description::Claim { .. } => "claim_required",
            Description::Engine { .. } => "engine_denied",
            Description::Not(_) | Description::Rule { .. } => "not_allowed",
            Description::Via { .. } if !std::ptr::eq(part, policy) => "scheme_required",
            Description::When { code } | Description::Account { code } | Description::Row { code, .. } => code,
            Description::Scope(scope) => {
                let denial = Denial::new("insufficient_scope");
                let denial = denial.with(|why| (why.required, why.is_scope) = (Some(*scope), true));
                return errors.push(of_kind(ErrorKind::Denied).with_denial(denial));
            }
            Description::Signed { .. } => {
                let codes = ["signature_required", "invalid_signature", "signature_expired"];
                return errors.extend(codes.map(Error::denied));
            }
            Description::Hidden(_) => return is_hidden = true,
            _ => return,
        };
        errors.push(Error::denied(code.to_owned()));
        if let Some(on) = part.on() {
            is_hidden = true; // a resource that is missing
            errors.push(Error::denied("not_a_member"));
            errors.extend(
                on.params
                    .first()
                    .map(|param| of_kind(ErrorKind::Malformed).with_code("invalid_id").with_parameter(param)),
            );
        }
        if matches!(part, Description::Rule { .. }) {
            is_hidden = true;
            errors.push(of_kind(ErrorKind::Malformed));
        }
    });
    // Then each of its denials is.
    if matches!(policy, Description::Hidden(_)) {
        errors.retain(|error| !matches!(error.kind(), ErrorKind::Denied | ErrorKind::InsufficientAuthentication));
    }
    if is_hidden {
        errors.push(of_kind(ErrorKind::Hidden));
    }
    all.extend(errors);
}
