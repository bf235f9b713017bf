//! What an issuer's tokens, and its answers about them, have to say.

use super::{Issuer, audience::AudienceRule};
use crate::{
    claims::{Claims, LAST_SECOND, RegisteredClaims, Rules},
    clock::Time,
    error::{Error, ErrorKind, quote},
    json::{Object, Value},
    jwt::{
        header::{Header, is_media_type},
        shape::{UnverifiedToken, header, too_long},
    },
    principal::Principal,
};
use std::{borrow::Cow, ops::Range, time::SystemTime};

/// More than the rounding of seconds when they are compared.
const ROUNDED: f64 = 0.001;

/// What counts for a token before its issuer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    Nothing,
    /// The token itself says everything that it has to, such as its audience. The issuer confirms that by accepting the
    /// token.
    OwnClaims,
    /// The same, and its signature is valid.
    Signature,
}

impl Issuer {
    /// The principal of these claims.
    pub(crate) fn principal(&self, claims: &Claims, time: &Time) -> Result<Principal, Error> {
        let principal = self.map.principal(claims, self.name.clone(), self.ahead)?;
        if self.has_finish() { self.finished(principal, time.now()) } else { Ok(principal) }
    }

    /// The principal that the functions of the application make of it. They may end it earlier.
    #[inline(never)]
    fn finished(&self, principal: Principal, now: SystemTime) -> Result<Principal, Error> {
        let principal = self.finish.iter().try_fold(principal, |principal, finish| (finish.0)(principal))?;
        match self.is_over(&principal, now) {
            true => Err(Error::new(ErrorKind::Expired, "what the token stands for ended before the token")),
            false => Ok(principal),
        }
    }

    /// Whether a principal has ended that was given an earlier end than its token.
    pub(in crate::jwt) fn is_over(&self, principal: &Principal, now: SystemTime) -> bool {
        let end = principal.expires_at().filter(|_| self.has_finish());
        end.is_some_and(|end| end.checked_add(self.leeway).is_some_and(|end| end <= now))
    }

    /// Checks the header of a token, as it is encoded, with the rules for it.
    pub(in crate::jwt) fn check_header(&self, encoded: &str) -> Result<(), Error> {
        if self.header_rules.is_empty() { Ok(()) } else { self.header_rules.check(&header(encoded)?) }
    }

    pub(crate) fn check_length(&self, token: &str) -> Result<(), Error> {
        if token.len() > self.max_bytes { Err(too_long(self.max_bytes)) } else { Ok(()) }
    }

    /// When a valid token ends. Nothing that is remembered about it lasts longer.
    pub(crate) fn ends(&self, principal: &Principal) -> Option<SystemTime> {
        let issued = principal.token_claims().and_then(Claims::issued_at);
        let too_old =
            self.max_age.zip(issued).and_then(|(age, issued)| issued.checked_add(age)?.checked_add(self.leeway));
        principal.expires_at().into_iter().chain(too_old).min()
    }

    /// Refuses a JWT whose own claims rule it out, for which no signature is needed. The answer of its issuer may say what it
    /// leaves out.
    pub(crate) fn check_unverified(&self, token: &UnverifiedToken, now: f64) -> Result<Evidence, Error> {
        if !token.is_signed {
            return Err(Error::invalid("the token is not signed"));
        }
        let (claims, registered) = (&token.claims, RegisteredClaims::read(&token.claims)?);
        self.check_type(token.token_type.as_deref(), &registered)?;
        self.check_subject(&registered)?;
        if self.names_audience(claims) {
            self.check_audience(claims)?;
        }
        self.rules.check_present(claims)?;
        self.check_time(&registered, now, false)?;
        let age = self.check_age(&registered, now);
        if registered.issued_at.seconds().is_some() {
            age.clone()?;
        }
        let says_all = age.and_then(|()| self.check_audience(claims)).and_then(|()| self.rules.check(claims)).is_ok();
        Ok(if says_all { Evidence::OwnClaims } else { Evidence::Nothing })
    }

    /// Checks everything that an answer of the issuer says about a token. The answer decides when the token expires. If the
    /// token does not say everything itself, the answer has to.
    pub(crate) fn check_answer(
        &self,
        rules: &Rules,
        evidence: Evidence,
        any_client: bool,
        registered: &RegisteredClaims,
        claims: &Object,
        now: f64,
    ) -> Result<(), Error> {
        if let Some(name) = claims.member("iss").and_then(Value::as_str).filter(|name| !self.is_called(name)) {
            return Err(Error::invalid(format!("the token is of {}, not of `{}`", quote(&name), self.name)));
        }
        self.check_subject(registered)?;
        match evidence {
            // The answer may have another audience than the token, as that of UserInfo does.
            Evidence::Signature => {}
            Evidence::OwnClaims => {
                if self.names_audience(claims) {
                    self.check_audience(claims)?;
                }
                self.rules.check_present(claims)?;
            }
            Evidence::Nothing => {
                if self.names_audience(claims) || !any_client {
                    self.check_audience(claims)?;
                }
                if self.audience == AudienceRule::Absent && !any_client {
                    return Err(Error::invalid(
                        "the issuer's answer does not say for whom the token is; dangerous_any_client() accepts those of any client",
                    ));
                }
                self.rules.check(claims)?;
            }
        }
        rules.check(claims)?;
        self.check_time(registered, now, false)?;
        if evidence == Evidence::Nothing { self.check_age(registered, now) } else { Ok(()) }
    }

    /// Checks everything in a token except its signature and its `iss`.
    pub(in crate::jwt) fn check(
        &self,
        header: &Header,
        registered: &RegisteredClaims,
        claims: &Object,
        now: f64,
    ) -> Result<(), Error> {
        self.check_type(header.token_type.as_deref(), registered)?;
        self.check_subject(registered)?;
        self.check_audience(claims)?;
        self.rules.check(claims)?;
        self.check_own_time(registered, now)
    }

    /// Checks the times of a token.
    pub(in crate::jwt) fn check_own_time(&self, registered: &RegisteredClaims, now: f64) -> Result<(), Error> {
        self.check_time(registered, now, !self.expiry_optional)?;
        self.check_age(registered, now)
    }

    /// The whole seconds in which these times are valid, whatever the leeway.
    pub(in crate::jwt) fn surely(&self, times: &RegisteredClaims) -> Range<u32> {
        let issued = times.issued_at.seconds().filter(|_| !self.issued_unchecked);
        let from = times.not_before.seconds().into_iter().chain(issued).fold(0.0, f64::max);
        let too_old = self.max_age.zip(times.issued_at.seconds()).map(|(age, issued)| issued + age.as_secs_f64());
        let until = times.expires_at.seconds().into_iter().chain(too_old).fold(LAST_SECOND, f64::min);
        // Nothing after 2106 is among them.
        from.ceil() as u32..(until - ROUNDED).floor() as u32
    }

    /// RFC 8725, section 3.11: a token that was issued for another use is not an access token.
    fn check_type(&self, found: Option<&str>, registered: &RegisteredClaims) -> Result<(), Error> {
        let fits = match &*self.token_types {
            [] if self.any_type => true,
            [] => found.is_none_or(|found| {
                found == "JWT" || ["jwt", "at+jwt"].iter().any(|usual| is_media_type(found, usual))
            }),
            asked => found.is_some_and(|found| asked.iter().any(|one| is_media_type(found, one))),
        };
        if !fits {
            return Err(Error::invalid(format!("the token's `typ` {} is not accepted", quote(found.unwrap_or("")))));
        }
        self.check_kind(registered, &self.rules)
    }

    /// The same for the claims of a token or of an answer about one, except those that these rules ask for.
    pub(crate) fn check_kind(&self, registered: &RegisteredClaims, rules: &Rules) -> Result<(), Error> {
        let accepted = self.other_kinds.or(rules.kinds());
        match registered.other_kind.claim_beside(accepted).filter(|_| !self.any_type) {
            Some(claim) => Err(Error::invalid(format!(
                "the claim `{claim}` says that this is no access token; Issuer::token_type tells how others are accepted"
            ))),
            None => Ok(()),
        }
    }

    /// RFC 7519, section 4.1.2: a string, unless the issuer's map accepts integers.
    fn check_subject(&self, registered: &RegisteredClaims) -> Result<(), Error> {
        if registered.has_integer_subject && !self.map.takes_integers() {
            return Err(Error::invalid("`sub` is not a string but an integer; ClaimMap::integer_subject accepts it"));
        }
        Ok(())
    }

    /// Whether these claims name an audience.
    fn names_audience(&self, claims: &Object) -> bool {
        let is_by_client = matches!(self.audience, AudienceRule::ClientIds(_));
        claims.member("aud").is_some() || is_by_client && claims.member("client_id").is_some()
    }

    /// RFC 7519, section 4.1.3, or `client_id` where the issuer writes no audience. The error shows at most four of
    /// the names in the token.
    fn check_audience(&self, claims: &Object) -> Result<(), Error> {
        let audience = claims.member("aud");
        let names = || audience.into_iter().flat_map(audience_names);
        let problem = match &self.audience {
            AudienceRule::Anybody => return Ok(()),
            AudienceRule::AnyOf(ours) if names().any(|name| ours.iter().any(|our| *our == name)) => return Ok(()),
            AudienceRule::AnyOf(ours) if audience.is_none() => {
                format!("the token has no `aud`; expected `{}`", ours.join("` or `"))
            }
            AudienceRule::AnyOf(ours) => {
                let theirs: Vec<_> = names().take(4).collect();
                format!("the token is for {}, not for `{}`", quote(&theirs.join(", ")), ours.join("` or `"))
            }
            AudienceRule::Absent | AudienceRule::ClientIds(_) if audience.is_some() => {
                "the token has an `aud`, so it is meant for another service; see Audience::is".to_owned()
            }
            AudienceRule::Absent => return Ok(()),
            AudienceRule::ClientIds(ours) => match claims.member("client_id").and_then(Value::as_str) {
                Some(theirs) if ours.iter().any(|our| *our == theirs) => return Ok(()),
                theirs => {
                    let theirs = quote(&theirs.unwrap_or_default());
                    format!("the token's `client_id` is {theirs}, not `{}`", ours.join("` or `"))
                }
            },
        };
        Err(Error::invalid(problem))
    }

    /// RFC 7519, sections 4.1.4 to 4.1.6: expired from `exp` on, valid from `nbf` on, never issued in the future.
    fn check_time(&self, times: &RegisteredClaims, now: f64, needs_expiry: bool) -> Result<(), Error> {
        let (leeway, room) = (self.leeway.as_secs_f64(), self.ahead.as_secs_f64());
        let ahead = |name: &str, time: f64| {
            format!(
                "the token's `{name}` is {:.1} s ahead of this clock; Issuer::leeway allows for clocks that differ",
                time - now
            )
        };
        match times.expires_at.seconds() {
            Some(expiry) if now >= expiry + leeway => {
                let detail = format!("the token expired {} s ago", (now - expiry) as u64);
                return Err(Error::new(ErrorKind::Expired, detail));
            }
            None if needs_expiry => return Err(Error::invalid("the token has no `exp`")),
            _ => {}
        }
        if let Some(start) = times.not_before.seconds().filter(|start| *start > now + room) {
            return Err(Error::invalid(ahead("nbf", start)));
        }
        let issued = times.issued_at.seconds();
        if let Some(issued) = issued.filter(|issued| !self.issued_unchecked && *issued > now + room) {
            return Err(Error::invalid(ahead("iat", issued)));
        }
        Ok(())
    }

    /// The issuer's own limit in addition to `exp`: how long ago a token may have been issued.
    fn check_age(&self, times: &RegisteredClaims, now: f64) -> Result<(), Error> {
        match (self.max_age, times.issued_at.seconds()) {
            (Some(max), Some(issued)) if now - issued >= max.as_secs_f64() + self.leeway.as_secs_f64() => {
                Err(Error::new(ErrorKind::Expired, "the token was issued too long ago"))
            }
            (Some(_), None) => Err(Error::invalid("the token does not say when it was issued (`iat`)")),
            _ => Ok(()),
        }
    }
}

/// The names in a checked `aud`: one string or an array of strings.
fn audience_names(value: Value<'_>) -> impl Iterator<Item = Cow<'_, str>> {
    let one = value.as_str();
    value.elements().into_iter().flatten().filter_map(Value::as_str).chain(one)
}
