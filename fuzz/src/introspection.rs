use crate::{
    NOW,
    claims::{Registered, is_of_another_kind, names},
    json::strict,
    scripted::{Scripted, at_once},
};
use portcullis_core::{
    Audience, ClaimMap, Credential, CredentialSource, ErrorKind, Gate, Introspection, Issuer, Rules as Asked, Scheme,
    testing::FixedClock,
};
use serde_json::{Map, Value};
use std::{sync::LazyLock, time::Duration};

const NAME: &str = "https://id.test";
const URL: &str = "https://id.test/introspect";
/// When somebody comes with the token: twice at once, while every answer is remembered, while only a good one is, and
/// when that is no more.
const COMES: [u64; 5] = [NOW, NOW, NOW + 1, NOW + 9, NOW + 10];

/// The rules of an issuer, and the same once more for the second reading.
struct Rules {
    issuer: Issuer,
    fits: fn(&Map<String, Value>, &Registered<'_>) -> bool,
    is_lenient: bool,
    leeway: f64,
    max_age: Option<f64>,
}

static RULES: LazyLock<[Rules; 3]> = LazyLock::new(|| {
    let issuer = |audience| Issuer::without_keys(NAME, audience).expect("the issuer is sound");
    let map = || ClaimMap::new().scopes("scope").expect("sound");
    let lenient = issuer(Audience::absent()).leeway(Duration::from_secs(5)).expect("a few seconds");
    [
        Rules {
            issuer: issuer(Audience::is("here")).claim_map(map()),
            fits: |_, claims| claims.names.as_ref().is_some_and(|names| names.contains(&"here")),
            is_lenient: false,
            leeway: 0.0,
            max_age: None,
        },
        Rules {
            issuer: lenient
                .max_token_age(Duration::from_secs(60))
                .rules(Asked::new().forbid("nonce").expect("sound"))
                .claim_map(map()),
            fits: |answer, claims| claims.names.is_none() && !answer.contains_key("nonce"),
            is_lenient: true,
            leeway: 5.0,
            max_age: Some(60.0),
        },
        Rules {
            issuer: issuer(Audience::client_id("app"))
                .rules(Asked::new().require("use", "access").expect("sound"))
                .claim_map(map()),
            fits: |answer, claims| {
                let says = |name: &str, text: &str| answer.get(name).is_some_and(|value| value == text);
                claims.names.is_none() && says("client_id", "app") && says("use", "access")
            },
            is_lenient: false,
            leeway: 0.0,
            max_age: None,
        },
    ]
});

/// The subject and the scopes of a good answer.
type Outcome = Result<(String, Vec<String>), ErrorKind>;

/// What an issuer answers that is asked about a token: accepted if it says that the token is active and fits the
/// issuer's rules, and only then. What is no answer is not the token's fault and is asked again after a pause; any other is
/// remembered.
pub fn introspection(data: &[u8]) -> bool {
    // Every one of them, also after one that accepts.
    RULES.iter().filter(|rules| rules.accept(data)).count() > 0
}

impl Rules {
    fn accept(&self, data: &[u8]) -> bool {
        let (client, clock) = (Scripted::new(&[data]), FixedClock::at(NOW));
        let asks = Introspection::new(self.issuer.clone(), URL, client.clone()).expect("the address is sound");
        let asks = if self.is_lenient { asks.allow_missing_token_type().dangerous_any_client() } else { asks };
        let gate = Gate::builder().scheme(Scheme::new(asks.clock(clock.clone())).bearer()).build();
        let gate = gate.expect("the gate is sound");
        let request = ["POST", URL, "token=opaque&token_type_hint=access_token"].map(str::to_owned);
        let (mut requests, mut remembered) = (Vec::new(), None);
        let mut accepted = false;
        for now in COMES {
            clock.advance(Duration::from_secs(now - clock.seconds()));
            let now = now as f64;
            let (expected, until) = remembered.filter(|(_, until)| now < *until).unwrap_or_else(|| {
                requests.push(request.clone());
                self.expected(data, now)
            });
            let shown = || format!("{:?} at {now}: {}", self.issuer, String::from_utf8_lossy(data));
            let who = at_once(gate.authenticate(Credential::new("opaque", CredentialSource::bearer())));
            let found =
                who.principal().map(|principal| (principal.id().subject().to_owned(), principal.scopes().to_vec()));
            assert_eq!(found.map_err(|error| error.kind()), expected, "{}", shown());
            let is_paused = requests.len() > 1 && client.asked().len() + 1 == requests.len();
            if is_paused && expected == Err(ErrorKind::Unavailable) {
                // In the pause after a failure, which is as long as chance has it.
                requests.pop();
            }
            assert_eq!(client.asked(), requests, "{}", shown());
            accepted |= expected.is_ok();
            remembered = Some((expected, until));
        }
        accepted
    }

    /// What comes of asking now, and until when it is remembered.
    fn expected(&self, data: &[u8], now: f64) -> (Outcome, f64) {
        match self.read(data, now) {
            Ok((outcome, ends)) => (Ok(outcome), ends.min(now + 10.0)),
            Err(ErrorKind::Unavailable) => (Err(ErrorKind::Unavailable), now),
            Err(kind) => (Err(kind), now + 2.0),
        }
    }

    /// RFC 7662, section 2.2, read a second time: whom the token is about, its scopes, and when it ends.
    fn read(&self, data: &[u8], now: f64) -> Result<((String, Vec<String>), f64), ErrorKind> {
        let holds = |condition: bool| if condition { Ok(()) } else { Err(ErrorKind::Invalid) };
        let answer = strict(data).ok_or(ErrorKind::Unavailable)?;
        let active = answer.get("active").and_then(Value::as_bool).ok_or(ErrorKind::Unavailable)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let types: Vec<&Value> = ["token_type", "token_use"].iter().filter_map(|name| answer.get(*name)).collect();
        let gives_access = |kind: &&Value| {
            let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
            ["bearer", "access_token", "access"].contains(&&*kind)
        };
        holds(active && (self.is_lenient || !types.is_empty()) && types.iter().all(gives_access))?;
        let claims = Registered::read(&answer).ok_or(ErrorKind::Invalid)?;
        holds(!is_of_another_kind(&answer))?;
        holds(text("iss").is_none_or(|name| name == NAME) && (self.fits)(&answer, &claims))?;
        let expiry = claims.expiry.map_or(f64::INFINITY, |expiry| expiry + self.leeway);
        let too_old = match (self.max_age, claims.issued) {
            (Some(age), Some(issued)) => issued + age + self.leeway,
            _ => f64::INFINITY,
        };
        if now >= expiry {
            return Err(ErrorKind::Expired);
        }
        let ahead = if self.leeway == 0.0 { 60.0 } else { self.leeway };
        let begun = |time: Option<f64>| time.is_none_or(|time| time <= now + ahead);
        holds(begun(claims.start) && begun(claims.issued))?;
        if now >= too_old {
            return Err(ErrorKind::Expired);
        }
        holds(self.max_age.is_none() || claims.issued.is_some())?;
        let subject = text("sub").filter(|subject| !subject.is_empty()).ok_or(ErrorKind::Invalid)?;
        let session = |value: &Value| value.is_string() || value.is_null() || value.is_i64() || value.is_u64();
        holds(answer.get("sid").is_none_or(session))?;
        let scopes = names(answer.get("scope")).ok_or(ErrorKind::Invalid)?;
        let scopes = scopes.into_iter().flat_map(|text| text.split(' ')).filter(|scope| !scope.is_empty());
        let scopes = scopes.map(str::to_owned).collect();
        // It is remembered for no longer than it says, leeway or not.
        Ok(((subject.to_owned(), scopes), claims.expiry.unwrap_or(f64::INFINITY).min(too_old)))
    }
}
