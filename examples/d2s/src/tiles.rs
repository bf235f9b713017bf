//! Tiles by signed addresses, which the original has verified by a rule of Varnish.
//!
//! Whoever may read a data product gets an address that is valid for ten minutes. The cache in front of the tile servers
//! verifies it, and knows no callers.

use portcullis::{Error, RequestHead, SignedUrls};

/// Signs as the original does: the data product of a raster, or the filter and the limit of a vector layer. Neither the path nor
/// any other parameter is signed.
///
/// # Errors
/// If the secret has fewer than 32 bytes.
pub fn signer(secret: impl AsRef<[u8]>) -> Result<SignedUrls, Error> {
    Ok(SignedUrls::new("tiles", secret)?.dangerous_payload("secure", payload))
}

/// The values as they are written in the query, by the part of the service that the path names.
fn payload(head: &dyn RequestHead) -> Option<String> {
    // A parameter that is there twice may be read as either.
    let only = |name: &str| {
        let mut values = head.query()?.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        values.next().filter(|_| values.next().is_none())
    };
    match head.path().split('/').nth(1)? {
        "cog" => only("dataProductId").map(str::to_owned),
        "mvt" => Some(format!("{}{}", only("filter")?, only("limit")?)),
        _ => None,
    }
}
