//! Tokens of Kubernetes service accounts, verified with the keys of the cluster.
//!
//! ```
//! use portcullis_core::Jwt;
//! use portcullis_providers::kubernetes;
//! # use portcullis_core::{Algorithm, testing::TestIssuer};
//! # use serde_json::json;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! # let name = "https://kubernetes.default.svc.cluster.local";
//! # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(name);
//! # let (keys, clock) = (tester.signing_key().key(), tester.clock());
//! # let token = |name: &str| {
//! #     let account = json!({ "namespace": "shop", "serviceaccount": { "name": name, "uid": "1" } });
//! #     let token = tester.token(&format!("system:serviceaccount:shop:{name}")).claim("aud", json!(["orders"]));
//! #     token.claim("kubernetes.io", account).sign()
//! # };
//! let issuer = "https://kubernetes.default.svc.cluster.local";
//! // In a pod: `kubernetes::keys(client)?`
//! let worker = kubernetes::service_accounts(["shop:worker"], issuer, "orders", keys)?;
//! let verifier = Jwt::new(worker).clock(clock);
//! assert!(verifier.verify(&token("worker")).is_ok());
//! assert!(verifier.verify(&token("mailer")).is_err());
//! # Ok(()) }
//! ```
//!
//! `issuer` is the `--service-account-issuer` of the cluster. The caller's pod gets a token for this audience from a projected volume
//! (`serviceAccountToken` with `audience`). The token that every pod has is for the API server, and refused. Every account of
//! the cluster can get a token for every audience. So the accounts or their namespaces are an argument.
//!
//! The principal is a service with `system:serviceaccount:NAMESPACE:NAME` as its subject, and the organization is the namespace. The
//! names of the pod and of the service account stay readable in the claim `kubernetes.io`.
//!
//! Everything is verified here, and only the [keys] are fetched. A token whose pod or service account was deleted is accepted until it
//! expires, after an hour by default; only the API server (`TokenReview`) knows earlier.

use crate::parts::{claims, invalid, misconfigured};
use portcullis_core::{
    Algorithm, Answer, Audience, ClaimMap, Error, ErrorKind, HttpClient, HttpRequest, Issuer, KeySource, Principal,
    PrincipalKind, RemoteKeys, Reply, Rules,
};
use serde::Deserialize;
use std::{fs, path::PathBuf, time::Duration};

/// What subjects begin with.
const SUBJECT: &str = "system:serviceaccount:";

/// Where a pod finds its own token.
const TOKEN_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Accepts the tokens of these service accounts of a cluster for this audience, each as `NAMESPACE:NAME`.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if there is no account or one has another form, a name is empty, or there is no RSA key.
pub fn service_accounts<S: AsRef<str>>(
    accounts: impl IntoIterator<Item = S>,
    issuer: &str,
    audience: &str,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    let subject = |account: S| {
        let account = account.as_ref();
        let parts = account.split_once(':').filter(|(namespace, name)| is_part(namespace) && is_part(name));
        parts.map(|_| format!("{SUBJECT}{account}")).ok_or_else(|| {
            misconfigured(format!("`{account}` is no service account, which is written as `NAMESPACE:NAME`"))
        })
    };
    let subjects = accounts.into_iter().map(subject).collect::<Result<Vec<_>, _>>()?;
    cluster(Rules::new().one_of("sub", subjects)?, issuer, audience, keys)
}

/// Accepts the tokens of all service accounts in these namespaces of a cluster for this audience.
///
/// ```
/// # use portcullis_core::{Algorithm, Jwt, testing::TestIssuer};
/// # use portcullis_providers::kubernetes;
/// # use serde_json::json;
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let issuer = "https://kubernetes.default.svc.cluster.local";
/// # let tester = TestIssuer::with_algorithm(Algorithm::Rs256).named(issuer).for_audience("orders");
/// # let keys = tester.signing_key().key();
/// let shop = kubernetes::namespaces(["shop"], issuer, "orders", keys)?;
/// let verifier = Jwt::new(shop).clock(tester.clock());
/// let token = |namespace: &str| {
///     let account = json!({ "namespace": namespace, "serviceaccount": { "name": "worker" } });
///     let token = tester.token(&format!("system:serviceaccount:{namespace}:worker"));
///     token.claim("kubernetes.io", account).sign()
/// };
/// assert!(verifier.verify(&token("shop")).is_ok());
/// assert!(verifier.verify(&token("default")).is_err());
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`service_accounts`].
pub fn namespaces<S: Into<String>>(
    namespaces: impl IntoIterator<Item = S>,
    issuer: &str,
    audience: &str,
    keys: impl Into<KeySource>,
) -> Result<Issuer, Error> {
    cluster(Rules::new().one_of("/kubernetes.io/namespace", namespaces)?, issuer, audience, keys)
}

fn cluster(rules: Rules, issuer: &str, audience: &str, keys: impl Into<KeySource>) -> Result<Issuer, Error> {
    let map = ClaimMap::new().kind(PrincipalKind::Service).organization("/kubernetes.io/namespace")?;
    let issuer = Issuer::new(issuer, Audience::is(audience), [Algorithm::Rs256], keys)?;
    Ok(issuer.rules(rules).claim_map(map).finish(of_account))
}

/// A name of Kubernetes (RFC 1123, as its documentation calls it).
fn is_part(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.bytes().all(is_usual)
}

/// The keys of the cluster that this pod is in, fetched from the API server with this client and the token of the pod.
///
/// The client has to trust the authority of the cluster, whose certificate is beside the token, in `ca.crt`.
///
/// # Errors
/// None that can happen.
pub fn keys(client: impl HttpClient + 'static) -> Result<RemoteKeys, Error> {
    let client = WithTokenFile::new(client, TOKEN_FILE);
    RemoteKeys::jwks("https://kubernetes.default.svc/openid/v1/jwks", client)
}

/// A client that sends the token in a file with each request. The file is read each time, because Kubernetes replaces it.
///
/// ```
/// use portcullis_core::{RemoteKeys, testing::TestIssuer};
/// use portcullis_providers::kubernetes::WithTokenFile;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
/// let client = WithTokenFile::new(TestIssuer::new(), "/there/is/no/such/file");
/// assert!(RemoteKeys::jwks("https://issuer.test/jwks", client)?.ready().await.is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WithTokenFile<C> {
    client: C,
    file: PathBuf,
}

impl<C: HttpClient> WithTokenFile<C> {
    /// A client that sends the token in this file.
    pub fn new(client: C, file: impl Into<PathBuf>) -> Self {
        Self { client, file: file.into() }
    }
}

impl<C: HttpClient> HttpClient for WithTokenFile<C> {
    fn send(&self, request: HttpRequest, reply: Reply) {
        match fs::read_to_string(&self.file) {
            Ok(token) => {
                self.client.send(request.with_header("authorization", format!("Bearer {}", token.trim())), reply);
            }
            Err(error) => {
                let detail = format!("the token in `{}` was not read", self.file.display());
                reply.give(Err(Error::new(ErrorKind::Unavailable, detail).with_cause(error)));
            }
        }
    }

    fn time_limit(&self) -> Duration {
        self.client.time_limit()
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        self.client.sleep(time)
    }
}

#[derive(Deserialize)]
struct Bound {
    namespace: String,
    serviceaccount: Account,
}

#[derive(Deserialize)]
struct Account {
    name: String,
}

/// The subject has to be the service account that the token is bound to.
fn of_account(principal: Principal) -> Result<Principal, Error> {
    let bound: Option<Bound> = claims(&principal)?.get("kubernetes.io")?;
    let bound =
        bound.ok_or_else(|| invalid("the token has no `kubernetes.io`, so it is not that of a service account"))?;
    let subject = format!("{SUBJECT}{}:{}", bound.namespace, bound.serviceaccount.name);
    match principal.id().subject() == subject {
        true => Ok(principal),
        false => Err(invalid("the subject is not the service account in `kubernetes.io`")),
    }
}
