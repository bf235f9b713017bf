//! Certificates and keys as PEM.
//!
//! No error here has a cause that shows what was read: it may be a private key in the wrong place.

use portcullis_core::{Error, ErrorKind};
use reqwest::{Certificate, Identity};
use rustls::{
    CertificateError, InconsistentKeys, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{PemObject, SectionKind},
    },
    sign::CertifiedKey,
};

/// Authorities to trust, one or more.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    let certificates = certificates(pem, "root certificates")?;
    for (index, certificate) in certificates.iter().enumerate() {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| {
            misconfigured(format!("root certificate {} of its PEM cannot be read", index + 1)).with_cause(error)
        })?;
    }
    certificates.iter().map(|certificate| Certificate::from_der(certificate).map_err(unexpected)).collect()
}

/// A certificate with those between it and its authority, and its key.
pub(crate) fn identity(chain: &[u8], key: &[u8]) -> Result<Identity, Error> {
    let certificates = certificates(chain, "client certificate")?;
    let mut sections = sections(key, "key of the client certificate")?;
    let private = match (sections.pop(), sections.is_empty()) {
        (Some((SectionKind::PrivateKey, der)), true) => PrivateKeyDer::Pkcs8(der.into()),
        (Some((SectionKind::RsaPrivateKey, der)), true) => PrivateKeyDer::Pkcs1(der.into()),
        (Some((SectionKind::EcPrivateKey, der)), true) => PrivateKeyDer::Sec1(der.into()),
        _ => {
            let detail = "the PEM of the key of the client certificate has to be one private key that is not \
                          encrypted, and nothing else";
            return Err(misconfigured(detail));
        }
    };
    // As reqwest chooses it.
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| aws_lc_rs::default_provider().into());
    let private = provider.key_provider.load_private_key(private).map_err(|error| {
        misconfigured("the key of the client certificate is of a kind that TLS cannot use").with_cause(error)
    })?;
    match CertifiedKey::new(certificates, private).keys_match() {
        // Some kinds of keys do not show their public half.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(misconfigured("the client certificate belongs to another key than the one given with it"));
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::BadEncoding)) => {
            return Err(misconfigured("the client certificate cannot be read"));
        }
        Err(error) => return Err(misconfigured("the client certificate cannot be used").with_cause(error)),
    }
    Identity::from_pem(&[chain, b"\n", key].concat()).map_err(unexpected)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let sections = sections(pem, what)?;
    if sections.is_empty() {
        return Err(misconfigured(format!("the PEM of the {what} has no `BEGIN CERTIFICATE` line")));
    }
    let certificate = |(kind, der)| match kind {
        SectionKind::Certificate => Ok(CertificateDer::from(der)),
        _ => Err(misconfigured(format!("the PEM of the {what} has something else than certificates in it"))),
    };
    sections.into_iter().map(certificate).collect()
}

fn sections(pem: &[u8], what: &str) -> Result<Vec<(SectionKind, Vec<u8>)>, Error> {
    PemObject::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| misconfigured(format!("the PEM of the {what} is damaged")))
}

fn misconfigured(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, detail.into())
}

/// The PEM was already parsed here, so this is not expected.
fn unexpected(error: reqwest::Error) -> Error {
    misconfigured("the HTTP client does not take a certificate").with_cause(error)
}
