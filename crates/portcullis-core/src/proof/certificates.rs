//! Certificates of clients, as a proxy passes them on (RFC 8705, RFC 9440).

use crate::{
    error::{Error, ErrorKind, quote},
    head::{RequestHead, only_header},
    jwt::base64url,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{fmt, net::IpAddr};

/// The longest certificate that is read, encoded.
const MAX_CERTIFICATE: usize = 16 * 1024;

/// Reads the certificates of clients, for tokens that are bound to one (RFC 8705, section 3).
///
/// A proxy ends the TLS connection and passes the client's certificate on in a header. Whoever reaches the service around the
/// proxy could write any certificate there. So the header counts only in requests from the addresses of your proxies. In a
/// request from any other address it is refused with 400.
///
/// A token that is bound to a certificate has its thumbprint in the claim `cnf`, as `x5t#S256`. It is refused without that
/// certificate, whichever scheme reads it. Tokens that are bound to none need none.
///
/// ```
/// use portcullis_core::{ClientCertificates, Error, Gate, Scheme, testing::TestIssuer};
/// use serde_json::json;
/// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::{get, now};
///
/// # fn main() -> Result<(), Error> {
/// let proxies = ClientCertificates::from_proxies(["10.0.0.7", "fd00::/8"])?
///     .thumbprint_in("x-client-cert-sha256");
/// let issuer = TestIssuer::new();
/// let scheme = Scheme::new(issuer.verifier()).bearer();
/// let gate = Gate::builder().scheme(scheme).client_certificates(proxies).build()?;
///
/// // RFC 8705, appendix A
/// let thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
/// let bound_to = json!({ "x5t#S256": thumbprint });
/// let token = issuer.token("alice").claim("cnf", bound_to).sign();
/// let request = get("/").bearer(&token).header("x-client-cert-sha256", thumbprint);
///
/// let by_proxy = request.clone().peer("10.0.0.7");
/// assert_eq!(now(gate.establish(&by_proxy)).principal()?.id().subject(), "alice");
///
/// let status = |request| {
///     let established = now(gate.establish(&request));
///     established.principal().err().map(|error| error.status())
/// };
/// assert_eq!(status(request.peer("192.0.2.1")), Some(400));
/// assert_eq!(status(get("/").bearer(&token).peer("10.0.0.7")), Some(401));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClientCertificates {
    header: String,
    form: Form,
    proxies: Vec<Network>,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Certificate,
    Thumbprint,
}

impl ClientCertificates {
    /// From proxies with these addresses, such as `10.0.0.7` or `10.1.0.0/16`. It is the address of the connection, which
    /// [`RequestHead::peer`] returns, and never one that a header names.
    ///
    /// They pass the certificate on in `Client-Cert` (RFC 9440, section 2.2), and remove that header from what clients send.
    ///
    /// ```
    /// use portcullis_core::ClientCertificates;
    ///
    /// assert!(ClientCertificates::from_proxies(["10.0.0.7", "10.1.0.0/16", "fd00::/8"]).is_ok());
    /// assert!(ClientCertificates::from_proxies(["proxy.internal"]).is_err());
    /// // an address, or 10.1.0.0/16?
    /// assert!(ClientCertificates::from_proxies(["10.1.0.7/16"]).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if one of them is not an address or a network, or if there are none.
    pub fn from_proxies<S: AsRef<str>>(addresses: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let proxies = addresses.into_iter().map(|text| {
            let text = text.as_ref();
            Network::read(text).ok_or_else(|| {
                let detail = format!(
                    "{} is not the address of a proxy; it is an IP address, or a network such as `10.1.0.0/16`",
                    quote(text)
                );
                Error::misconfigured(detail)
            })
        });
        let proxies = proxies.collect::<Result<Vec<_>, _>>()?;
        if proxies.is_empty() {
            return Err(Error::misconfigured("certificates of clients come from no proxy; name its address"));
        }
        Ok(Self { header: "client-cert".to_owned(), form: Form::Certificate, proxies })
    }

    /// Reads the SHA-256 of the certificate from this header instead, in base64url or in hexadecimal. For proxies that cannot
    /// write `Client-Cert`.
    #[must_use]
    pub fn thumbprint_in(mut self, header: &str) -> Self {
        (self.header, self.form) = (header.to_ascii_lowercase(), Form::Thumbprint);
        self
    }

    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// The thumbprint of the certificate that the client has, in base64url. `None` if it has none.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the header is not from a proxy, or cannot be read.
    pub(crate) fn read(&self, head: &dyn RequestHead) -> Result<Option<String>, Error> {
        let refused = |why: &str| Error::new(ErrorKind::Malformed, format!("the header `{}` {why}", self.header));
        let Some(text) = only_header(head, &self.header)? else { return Ok(None) };
        let peer = head.peer().map(|peer| peer.to_canonical());
        if !peer.is_some_and(|peer| self.proxies.iter().any(|proxy| proxy.has(peer))) {
            let from = peer.map_or("an address that is not known".to_owned(), |peer| peer.to_string());
            return Err(refused(&format!("is from {from}, which is none of the proxies")));
        }
        let thumbprint = match self.form {
            // Some proxies write an empty header where a client has no certificate.
            _ if text.is_empty() => return Ok(None),
            Form::Thumbprint => thumbprint(text),
            Form::Certificate => certificate(text).map(|der| digest(&SHA256, &der).as_ref().to_vec()),
        };
        match thumbprint {
            Some(thumbprint) => Ok(Some(base64url::encode(&thumbprint))),
            None => Err(refused("cannot be read")),
        }
    }
}

/// A byte sequence (RFC 8941, section 3.3.5).
fn certificate(text: &str) -> Option<Vec<u8>> {
    let encoded = text.strip_prefix(':')?.strip_suffix(':').filter(|encoded| encoded.len() <= MAX_CERTIFICATE)?;
    STANDARD.decode(encoded).ok().filter(|der| !der.is_empty())
}

fn thumbprint(text: &str) -> Option<Vec<u8>> {
    let bytes = match text.len() {
        64 => {
            let pairs = text.as_bytes().chunks_exact(2).map(|pair| str::from_utf8(pair).ok());
            let byte = |pair: &str| u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'));
            pairs.map(|pair| byte(pair?)).collect()
        }
        _ => base64url::decode(text.as_bytes()),
    };
    bytes.filter(|bytes| bytes.len() == 32)
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("ClientCertificates");
        shown.field("header", &self.header).field("form", &self.form).field("proxies", &self.proxies).finish()
    }
}

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// `None` if it is none, or if bits behind the prefix are set.
    fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix)),
            None => (text.parse::<IpAddr>().ok()?.to_canonical(), None),
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        let network = Self { address, prefix };
        ((1..=most).contains(&prefix) && network.first_bits(address) == bits(address)).then_some(network)
    }

    fn has(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && self.first_bits(address) == bits(self.address)
    }

    fn first_bits(&self, address: IpAddr) -> u128 {
        bits(address) & u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix)).unwrap_or(0)
    }
}

/// The bits of an address, from the highest on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}
