//! base64url as in tokens (RFC 7515, section 2): no padding, no white space, no spare bits.

use base64::{Engine, engine::general_purpose::NO_PAD};
use std::sync::LazyLock;

/// The fastest engine for this processor.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // `Engine::decode` has the allocator zero the memory, for which that of glibc takes a slower way.
    let mut bytes = Vec::with_capacity(base64::decoded_len_estimate(text.len()));
    ENGINE.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Decodes into a buffer on the stack, if it fits.
pub(crate) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = ENGINE.decode_slice(text, buffer).ok()?;
    buffer.get(..length)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}
