//! Codes of authenticator apps (RFC 6238, RFC 4226): HMAC-SHA-1, six digits, steps of 30 seconds.

use crate::{email::EmailAddress, secret::Token};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

const STEP: Duration = Duration::from_secs(30);

/// The length of a secret: that of SHA-1's output (RFC 4226, section 4).
pub(crate) const SECRET: usize = 20;

/// A secret to put into an authenticator app. `Debug` does not show it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Enrolment {
    /// The address that a QR code of the page shows: `otpauth://totp/…`.
    pub uri: Token,
    /// The secret in base32, for users who type it.
    pub secret: Token,
}

impl Enrolment {
    pub(crate) fn new(service: &str, account: &EmailAddress, secret: &[u8; SECRET]) -> Self {
        let secret = BASE32_NOPAD.encode(secret);
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let (service, account) = (encoded(service), encoded(account.as_str()));
        let uri = format!("otpauth://totp/{service}:{account}?secret={secret}&issuer={service}");
        Self { uri: Token::new(uri), secret: Token::new(secret) }
    }
}

/// The step of this time.
fn step_at(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / STEP.as_secs()).unwrap_or(i64::MAX)
}

/// The code of a step (RFC 4226, section 5.3).
fn code(secret: &[u8], step: i64) -> Code {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let offset = mac.as_ref().last().map_or(0, |last| usize::from(last & 0xf));
    let four = mac.as_ref().iter().skip(offset).take(4);
    let number = four.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
    Code(format!("{:06}", number % 1_000_000))
}

struct Code(String);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// The step after the last used one whose code this is. The step before and the one after the present one count too, since
/// clocks differ and typing takes time.
pub(crate) fn step_of(secret: &[u8], text: &str, now: SystemTime, last: i64) -> Option<i64> {
    let now = step_at(now);
    let steps = [now, now.saturating_sub(1), now.saturating_add(1)].into_iter().filter(|step| *step > last);
    let fits = |step: &i64| verify_slices_are_equal(code(secret, *step).0.as_bytes(), text.as_bytes()).is_ok();
    steps.filter(fits).collect::<Vec<_>>().first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the vectors.
    const RFC: &[u8; SECRET] = b"12345678901234567890";

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// RFC 4226, appendix D, and the last six digits of RFC 6238, appendix B.
    #[test]
    fn vectors() {
        let hotp = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, expected) in hotp.iter().enumerate() {
            assert_eq!(code(RFC, i64::try_from(step).unwrap_or_default()).0, *expected);
        }
        let totp = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, expected) in totp {
            assert_eq!(code(RFC, step_at(at(seconds))).0, expected, "{seconds}");
            assert_eq!(step_of(RFC, expected, at(seconds), 0), Some(step_at(at(seconds))));
        }
    }

    #[test]
    fn one_step_of_difference_and_no_step_twice() {
        let (now, step) = (at(1_111_111_111), 37_037_037);
        for (text, expected) in [
            (code(RFC, step).0, Some(step)),
            (code(RFC, step - 1).0, Some(step - 1)),
            (code(RFC, step + 1).0, Some(step + 1)),
            (code(RFC, step - 2).0, None),
            (code(RFC, step + 2).0, None),
            (String::new(), None),
            ("50471".to_owned(), None),
            ("0504711".to_owned(), None),
            ("٠٥٠٤٧١".to_owned(), None),
        ] {
            assert_eq!(step_of(RFC, &text, now, 0), expected, "{text}");
        }
        assert_eq!(step_of(RFC, &code(RFC, step).0, now, step), None, "a step that was used");
        assert_eq!(step_of(RFC, &code(RFC, step - 1).0, now, step), None, "a step before it");
        assert_eq!(step_of(RFC, &code(RFC, step + 1).0, now, step), Some(step + 1));
    }

    /// Google's "Key URI Format": the label is `issuer:account`, and each part is encoded.
    #[test]
    fn the_address_for_apps() -> Result<(), crate::Error> {
        let enrolment = Enrolment::new("Shop & Söhne", &"alice+1@example.com".parse()?, RFC);
        let (service, account) = ("Shop%20%26%20S%C3%B6hne", "alice%2B1%40example%2Ecom");
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(enrolment.secret.expose(), secret);
        let expected = format!("otpauth://totp/{service}:{account}?secret={secret}&issuer={service}");
        assert_eq!(enrolment.uri.expose(), expected);
        assert_eq!(format!("{enrolment:?}"), "Enrolment { uri: Token(..), secret: Token(..) }");
        Ok(())
    }
}
