//! The answer to a refused request, and its one log event.

use super::Gate;
use crate::{
    error::{Error, ErrorKind},
    refusal::Refusal,
    telemetry::{Labels, refused},
};

impl Gate {
    /// The answer to a refused request.
    ///
    /// Also writes its one log event.
    #[must_use]
    pub fn refuse(&self, error: &Error) -> Refusal {
        log(error);
        refused(&self.0.labels, error);
        self.render(error)
    }

    #[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "for what is counted"))]
    pub(crate) fn labels(&self) -> &Labels {
        &self.0.labels
    }

    /// The same without a log event, for an error that is logged already.
    #[must_use]
    pub fn render(&self, error: &Error) -> Refusal {
        let default = Refusal::of(error, self.0.challenge.as_deref(), self.0.explains_denials);
        let default = if self.0.has_proofs { self.challenge(error, default) } else { default };
        match &self.0.render {
            Some(render) => render(error, default),
            None => default,
        }
    }

    /// The answer to an unknown path, which looks like a hidden denial.
    ///
    /// `Routes` of the adapters use it. A router of your own needs a fallback that does.
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// let gate = gate(&[])?.acting_as(acting_as("alice"));
    /// let plan = gate.plan(role("viewer").on("project", path("project_id")).hidden())?;
    /// let who = now(gate.establish(&project(1)));
    /// let hidden = now(gate.authorize(&who, &plan, &project(1))).unwrap_err();
    /// assert_eq!(gate.refuse(&hidden), gate.not_found());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn not_found(&self) -> Refusal {
        self.render(&Error::new(ErrorKind::Hidden, "there is no such path"))
    }
}

impl Error {
    /// The default answer to a request that failed with this error, where no [`Gate`] is at hand: see [`Gate::refuse`].
    #[must_use]
    pub fn refuse(&self) -> Refusal {
        log(self);
        Refusal::of(self, None, false)
    }
}

fn log(error: &Error) {
    macro_rules! refused {
        ($level:ident) => {
            tracing::$level!(
                target: "portcullis",
                code = error.code(),
                status = error.status(),
                issuer = error.issuer(),
                scheme = error.scheme(),
                source = error.credential_source().map(tracing::field::display),
                cause = std::error::Error::source(error),
                explanation = error.explanation().map(tracing::field::display),
                others = others(error).as_deref(),
                "refused: {error}"
            )
        };
    }
    match error.kind() {
        ErrorKind::Misconfigured => refused!(error),
        ErrorKind::Unavailable => refused!(warn),
        _ => refused!(info),
    }
}

/// At most this many of the other verifiers are logged.
const MAX_OTHERS: usize = 8;

/// Why the other verifiers did not recognize the credential.
fn others(error: &Error) -> Option<String> {
    let others = error.others();
    let told: Vec<String> = others.iter().take(MAX_OTHERS).map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join("; ") + if others.len() > MAX_OTHERS { "; …" } else { "" })
}
