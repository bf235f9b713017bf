//! What a gate reads of a request before anything is verified, and what logs must not show of it.

use super::Gate;
use crate::{
    credential::{self, Credential, CredentialSource, Scrubber},
    error::Error,
    head::{RequestHead, is_websocket},
    jwt::too_long,
    scheme::Sources,
};

impl Gate {
    /// Reads the credential that decides about this request, by the schemes without a name.
    ///
    /// Nothing is verified yet.
    ///
    /// For logs and rate limits before authentication. Anybody can write a credential, so decide nothing by it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if credentials are presented in a way that is not allowed,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if one is present and unreadable,
    /// [`ErrorKind::CrossOrigin`](crate::ErrorKind::CrossOrigin) if it is a cookie and a page of another origin makes the
    /// request.
    pub fn read<'h>(&self, head: &'h dyn RequestHead) -> Result<Option<Credential<'h>>, Error> {
        Ok(self.read_from(&self.0.unnamed, head)?.map(|(credential, _)| credential))
    }

    /// The credential, and the place of its source.
    pub(super) fn read_from<'h>(
        &self,
        sources: &Sources,
        head: &'h dyn RequestHead,
    ) -> Result<Option<(Credential<'h>, usize)>, Error> {
        let read = match self.0.reject_conflicts {
            true => credential::agreed(sources, head)?,
            false => match credential::find(sources, head)? {
                Some(found) => {
                    let place = found.place;
                    // Before each of its bytes is looked at.
                    if let Some(longest) = sources.longest(place).filter(|longest| found.bytes().len() > *longest) {
                        return Err(too_long(longest).with_source(found.source));
                    }
                    Some((found.check()?, place))
                }
                None => None,
            },
        };
        if let Some((credential, _)) = &read {
            self.admit(credential.source(), head)?;
        }
        Ok(read)
    }

    /// Where the browser adds the credential by itself, checks that the page may make the request.
    #[inline]
    pub(super) fn admit(&self, source: &CredentialSource, head: &dyn RequestHead) -> Result<(), Error> {
        if !source.is_ambient() {
            return Ok(());
        }
        self.check_origin(head).map_err(|error| error.with_source(source))
    }

    /// Checks that no page of another origin makes this request, as the gate does for a credential in a cookie.
    ///
    /// For routes that change something without a credential, such as sign-in: any page could otherwise sign its visitors in to
    /// an account of the attacker (login CSRF). The rules and settings are those of
    /// [`GateBuilder::allow_origin`](crate::GateBuilder::allow_origin). GET, HEAD, OPTIONS and TRACE pass, unless they open a
    /// WebSocket or another site loads the answer into its page. With
    /// [`GateBuilder::dangerous_allow_cross_origin`](crate::GateBuilder::dangerous_allow_cross_origin) every request passes.
    ///
    /// A request that changes something and has neither `Sec-Fetch-Site` nor `Origin` is refused. Browsers send at least one of
    /// them, and no page can prevent that. Programs may send neither. A route for both checks only the requests that have one
    /// of them, or a cookie:
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// fn check_sign_in(gate: &Gate, head: &dyn RequestHead) -> Result<(), Error> {
    ///     let mut may_be_browser = false;
    ///     for name in ["sec-fetch-site", "origin", "cookie"] {
    ///         head.each_header(name, &mut |_| may_be_browser = true);
    ///     }
    ///     if may_be_browser { gate.check_origin(head) } else { Ok(()) }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let gate = builder()?.allow_origin("https://app.example.com").build()?;
    /// let sign_in = || post("/sign-in").header("host", "api.example.com");
    /// assert!(gate.check_origin(&sign_in().header("sec-fetch-site", "same-origin")).is_ok());
    /// assert!(gate.check_origin(&sign_in().header("origin", "https://app.example.com")).is_ok());
    ///
    /// let elsewhere = sign_in().header("origin", "https://evil.example");
    /// let error = gate.check_origin(&elsewhere).unwrap_err();
    /// assert_eq!((error.status(), error.code()), (403, "cross_origin"));
    ///
    /// assert!(gate.check_origin(&sign_in()).is_err()); // a program, refused
    /// assert!(check_sign_in(&gate, &sign_in()).is_ok()); // and accepted
    /// assert!(check_sign_in(&gate, &elsewhere).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::CrossOrigin`](crate::ErrorKind::CrossOrigin) if another origin's page makes the request, or may have made
    /// it; [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if a header that decides about it is present twice.
    pub fn check_origin(&self, head: &dyn RequestHead) -> Result<(), Error> {
        self.0.origins.admit(head)
    }

    /// The sources of all schemes, in order.
    pub fn sources(&self) -> impl Iterator<Item = &CredentialSource> {
        self.0.all.sources.iter()
    }

    /// What must not appear in logs of this request. See `scrub` of the adapters.
    #[must_use]
    pub fn scrubber(&self, head: &dyn RequestHead) -> Scrubber<'_> {
        self.credential_scrubber(head).and_signatures(&self.0.signatures)
    }

    /// Leaves the signature of the address, which policies read from the copy of a head.
    pub(super) fn credential_scrubber(&self, head: &dyn RequestHead) -> Scrubber<'_> {
        Scrubber::new(&self.0.all.sources, self.0.context.as_ref().map(|context| context.header()), is_websocket(head))
    }
}
