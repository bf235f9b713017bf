//! Proof of possession: a token that is bound to a key is valid only together with a proof that the caller has the key.
//!
//! `binding.rs` reads what a token is bound to. [`Dpop`] checks proofs in a header (RFC 9449), by a memory of recent ones
//! (`memory.rs`) and nonces of the service (`nonces.rs`). [`ClientCertificates`] reads the certificate of a client (RFC 8705). The gate asks after the token was verified, in `gate/proof.rs`.

mod address;
mod binding;
mod certificates;
mod dpop;
mod memory;
mod nonces;

pub(crate) use binding::Binding;
pub use certificates::ClientCertificates;
pub use dpop::Dpop;
pub(crate) use dpop::{INVALID_PROOF, USE_NONCE};
pub use memory::{ProofMemory, RecentProofs};

use crate::{
    credential::CredentialSource,
    error::{Error, ErrorKind},
    head::RequestHead,
};

/// What a request presents beside its token. Not verified.
pub(crate) struct Presented {
    method: String,
    path: String,
    /// The token behind `Authorization: DPoP`.
    token: Option<String>,
    /// The `DPoP` header.
    proof: Result<Option<String>, Error>,
    /// The thumbprint of the client's certificate.
    pub(crate) certificate: Option<String>,
}

/// The longest proof that is read.
const MAX_PROOF: usize = 8 * 1024;

impl Presented {
    /// Reads it, without verifying anything. A credential that came without a request has none.
    pub(crate) fn read(head: Option<&dyn RequestHead>, certificate: Option<String>) -> Self {
        let Some(head) = head else {
            return Self { method: String::new(), path: String::new(), token: None, proof: Ok(None), certificate };
        };
        let token = CredentialSource::dpop().read(head).ok().flatten();
        Self {
            method: head.method().to_owned(),
            path: head.path().to_owned(),
            token: token.map(|token| token.expose().to_owned()),
            proof: only_proof(head),
            certificate,
        }
    }
}

/// RFC 9449, section 4.3: there is not more than one.
fn only_proof(head: &dyn RequestHead) -> Result<Option<String>, Error> {
    let (mut found, mut count) = (None, 0_usize);
    head.each_header("dpop", &mut |value| {
        found = Some(value);
        count = count.saturating_add(1);
    });
    let Some(value) = found else { return Ok(None) };
    match str::from_utf8(value) {
        _ if count > 1 => Err(invalid_proof("the request has more than one")),
        _ if value.len() > MAX_PROOF => Err(invalid_proof(&format!("it has more than {MAX_PROOF} bytes"))),
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']).to_owned())),
        Err(_) => Err(invalid_proof("it is not text")),
    }
}

fn invalid_proof(why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("the DPoP proof is refused: {why}")).with_code(INVALID_PROOF)
}
