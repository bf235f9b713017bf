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

/// Decodes up to 64 characters, such as the signature of an HMAC. Returns a block, and how many of its bytes are the result.
///
/// The engine decodes blocks of 32 characters at once, but not the last one, and not less than two. So the text is filled up
/// with zeros to one quantum more.
pub(crate) fn decode_short(text: &[u8]) -> Option<([u8; 51], usize)> {
    let (mut filled, mut bytes) = ([b'A'; 68], [0; 51]);
    filled.get_mut(..64)?.get_mut(..text.len())?.copy_from_slice(text);
    ENGINE.decode_slice(filled, &mut bytes).ok()?;
    let length = text.len() * 6 / 8;
    // The bits of the last character that are not of a byte have to be zero, and they are less than a character.
    (text.len() % 4 != 1 && bytes.get(length) == Some(&0)).then_some((bytes, length))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::{decode, decode_short, encode};

    fn short(text: &[u8]) -> Option<Vec<u8>> {
        let (bytes, length) = decode_short(text)?;
        Some(bytes[..length].to_vec())
    }

    /// The long way and the short one say the same of texts of every length, and of these with any character changed.
    #[test]
    fn short_texts_are_read_as_long_ones() {
        let bytes: Vec<u8> = (0..51_u8).map(|byte| byte.wrapping_mul(197) ^ 0xA5).collect();
        for length in 0..=64 {
            let text = encode(&bytes).into_bytes();
            let text = &text[..length];
            assert_eq!(short(text), decode(text), "{length}");
            for place in 0..length {
                for changed in [b'A', b'B', b'Q', b'_', b'=', b'+', b'.', 0, 0xFF] {
                    let mut text = text.to_vec();
                    text[place] = changed;
                    assert_eq!(short(&text), decode(&text), "{length}, {place}, {changed}");
                }
            }
        }
        assert_eq!(short(encode(&bytes[..32]).as_bytes()).as_deref(), Some(&bytes[..32]));
        assert_eq!(short(&[b'A'; 65]), None);
    }
}
