//! Tokens that an Application Load Balancer of AWS adds to requests, after it has signed the user in at an OpenID provider.
//!
//! ```
//! use portcullis_core::{Gate, Scheme};
//! use portcullis_providers::aws_load_balancer::LoadBalancer;
//! # use portcullis_core::{HttpClient, HttpRequest, Reply};
//! # #[derive(Debug)] struct Client;
//! # impl HttpClient for Client { fn send(&self, _: HttpRequest, reply: Reply) { drop(reply); } }
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let client = Client;
//! let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/50";
//! let balancer = LoadBalancer::new([arn], "https://id.example.com", client)?;
//! let gate =
//!     Gate::builder().scheme(Scheme::new(balancer).header("x-amzn-oidc-data")).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! All load balancers of a region sign with the same keys. What tells them apart is the `signer` in the header of the token,
//! which has to be one of the ARNs that are named here. The service should be reachable through the balancer only.
//!
//! The subject is `sub`, as the provider's UserInfo has it, and the issuer is the provider. All other claims of the user stay
//! readable. The token is good for about two minutes, and a new one comes with each request, for as long as the user's session at
//! the balancer: seven days by default.
//!
//! Everything is verified here. A key is fetched once, by its identifier, which has to be a UUID before it stands in an
//! address. Made-up identifiers cause at most four requests in half a minute, and no key that was used before is forgotten for
//! them.

use crate::parts::{is_name, is_uuid, misconfigured};
use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD,
        general_purpose::URL_SAFE_NO_PAD,
    },
};
use portcullis_core::{
    Algorithm, Answer, Audience, Authenticator, Clock, Credential, Error, ErrorKind, HttpClient, HttpRequest,
    HttpResponse, Issuer, Jwt, Principal, RemoteKeys, Reply, Rules, SystemClock,
};
use serde::Deserialize;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// How many keys that have verified a token are kept.
const MOST_KEYS: usize = 8;
/// How many keys are looked for that have verified none, and for how long.
const MOST_UNPROVEN: usize = 4;
const UNPROVEN_FOR: Duration = Duration::from_secs(30);

/// The longest header of a token, in base64.
const LONGEST_HEADER: usize = 4096;

/// Base64url with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Verifies the tokens of load balancers in one region.
#[derive(Debug, Clone)]
pub struct LoadBalancer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    signers: Vec<String>,
    issuer: Arc<str>,
    keys_at: String,
    client: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    keys: Mutex<Vec<KnownKey>>,
}

#[derive(Debug)]
struct KnownKey {
    id: String,
    verifier: Jwt,
    has_verified: bool,
    used: SystemTime,
}

impl LoadBalancer {
    /// Accepts the tokens of the load balancers with these ARNs, all in one region, for users of this OpenID provider.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if an ARN is none of an Application Load Balancer in a region of the partition `aws`, if
    /// they are in several regions, if there is none, or if `issuer` is empty.
    pub fn new<S: Into<String>>(
        arns: impl IntoIterator<Item = S>,
        issuer: impl Into<Arc<str>>,
        client: impl HttpClient + 'static,
    ) -> Result<Self, Error> {
        let (signers, issuer): (Vec<String>, _) = (arns.into_iter().map(Into::into).collect(), issuer.into());
        let mut regions: Vec<&str> = Vec::new();
        for arn in &signers {
            regions
                .push(region(arn).ok_or_else(|| misconfigured("the ARN is not that of an Application Load Balancer"))?);
        }
        regions.dedup();
        let [region] = *regions else {
            return Err(misconfigured("the load balancers are not in one region"));
        };
        if issuer.is_empty() {
            return Err(misconfigured("the issuer of a load balancer's users may not be empty"));
        }
        let keys_at = format!("https://public-keys.auth.elb.{region}.amazonaws.com");
        let (client, clock) = (Arc::new(client), Arc::new(SystemClock::default()));
        Ok(Self(Arc::new(Inner { signers, issuer, keys_at, client, clock, keys: Mutex::default() })))
    }

    /// Uses another clock than the system's.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if a token was verified already.
    pub fn clock(self, clock: impl Clock + 'static) -> Result<Self, Error> {
        let mut inner = Arc::try_unwrap(self.0).map_err(|_| misconfigured("the load balancer is in use already"))?;
        inner.clock = Arc::new(clock);
        Ok(Self(Arc::new(inner)))
    }

    /// The verifier with the key of this identifier.
    fn verifier(&self, id: &str) -> Result<Jwt, Error> {
        let now = self.0.clock.now();
        let mut keys = self.keys();
        if let Some(known) = keys.iter_mut().find(|known| known.id == id) {
            known.used = now;
            return Ok(known.verifier.clone());
        }
        let is_over = |known: &KnownKey| {
            !known.has_verified && now.duration_since(known.used).is_ok_and(|since| since >= UNPROVEN_FOR)
        };
        keys.retain(|known| !is_over(known));
        if keys.iter().filter(|known| !known.has_verified).count() >= MOST_UNPROVEN {
            let detail = "too many keys of the load balancer are looked for";
            return Err(Error::new(ErrorKind::Unavailable, detail).with_retry_after(UNPROVEN_FOR));
        }
        let verifier = self.0.with_key(id)?;
        keys.push(KnownKey { id: id.to_owned(), verifier: verifier.clone(), has_verified: false, used: now });
        Ok(verifier)
    }

    /// Remembers that a key has verified a token.
    fn proven(&self, id: &str) {
        let mut keys = self.keys();
        if let Some(known) = keys.iter_mut().find(|known| known.id == id) {
            known.has_verified = true;
        }
        let proven = keys.iter().filter(|known| known.has_verified);
        if proven.clone().count() > MOST_KEYS
            && let Some(oldest) = proven.min_by_key(|known| known.used).map(|known| known.id.clone())
        {
            keys.retain(|known| known.id != oldest);
        }
    }

    fn keys(&self) -> MutexGuard<'_, Vec<KnownKey>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn with_key(&self, id: &str) -> Result<Jwt, Error> {
        let client = PemAsJwk { client: self.client.clone() };
        let keys = RemoteKeys::jwks(format!("{}/{id}", self.keys_at), client)?;
        let rules = Rules::new().one_of("signer", self.signers.clone())?.require("kid", id)?;
        // There is no audience. What the token is for says the signer.
        let issuer = Issuer::new(self.issuer.clone(), Audience::dangerous_anybody(), [Algorithm::Es256], keys)?;
        Ok(Jwt::new(issuer.header_rules(rules)).padded().clock(self.clock.clone()))
    }
}

/// What the header says before the signature is verified. It can only refuse the token, and names its key.
#[derive(Deserialize)]
struct Header {
    kid: String,
    signer: String,
}

impl Authenticator for LoadBalancer {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        let token = credential.expose();
        let header = token.split_once('.').map(|(header, _)| header).filter(|header| header.len() <= LONGEST_HEADER);
        let header = header.and_then(|header| serde_json::from_slice::<Header>(&BASE64.decode(header).ok()?).ok());
        let header = header.ok_or_else(|| Error::new(ErrorKind::Unrecognized, "not a token of a load balancer"))?;
        if !self.0.signers.contains(&header.signer) {
            return Err(Error::new(ErrorKind::Invalid, "the token is not of this load balancer"));
        }
        if !is_uuid(&header.kid) {
            return Err(Error::new(ErrorKind::Invalid, "the key of the token is not named by a UUID"));
        }
        let principal = self.verifier(&header.kid)?.authenticate(credential).await?;
        self.proven(&header.kid);
        Ok(principal)
    }
}

/// The region in the ARN of an Application Load Balancer.
fn region(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws:elasticloadbalancing:")?;
    let (region, rest) = rest.split_once(':')?;
    let (account, name) = rest.split_once(":loadbalancer/app/")?;
    let is_region = !region.is_empty() && is_name(region) && !region.contains(['.', '_']);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_region && is_account && !name.is_empty()).then_some(region)
}

/// Gives a key that is published as PEM as a JWK set.
#[derive(Debug)]
struct PemAsJwk {
    client: Arc<dyn HttpClient>,
}

impl HttpClient for PemAsJwk {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let then = move |answer: Result<HttpResponse, Error>| {
            reply.give(answer.map(|answer| match (answer.status(), as_jwk_set(answer.body())) {
                (200, Some(set)) => HttpResponse::new(200, set),
                (200, None) => HttpResponse::new(502, ""),
                (status, _) => HttpResponse::new(status, ""),
            }));
        };
        self.client.send(request, Reply::new(then));
    }

    fn time_limit(&self) -> Duration {
        self.client.time_limit()
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        self.client.sleep(time)
    }
}

/// The head of a `SubjectPublicKeyInfo` with an uncompressed point of P-256 (RFC 5480, section 2).
const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

fn as_jwk_set(pem: &[u8]) -> Option<String> {
    let text = str::from_utf8(pem).ok()?.trim();
    let encoded = text.strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let der = STANDARD.decode(encoded.split_whitespace().collect::<String>()).ok()?;
    let (x, y) = der.strip_prefix(&P256)?.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    Some(format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}]}}"#))
}
