//! base64url (RFC 7515, section 2) and UTF-8, one way only.

use super::*;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The three parts of a good token, each with spare bits in its last character and a character that standard base64
/// writes differently.
fn parts() -> [String; 3] {
    let encode =
        |text: &str| base64url(if text.len().is_multiple_of(3) { format!("{text} ") } else { text.to_owned() });
    let tokens = (0..100).map(|n| {
        let claims = claims(&format!(r#""n":"~?>~?>~?>{n}""#));
        sign_parts(&encode(r#"{"alg":"HS256","n":"~?>~?>~?>"}"#), &encode(&claims))
    });
    let parts = tokens.map(|token| -> Vec<String> { token.split('.').map(str::to_owned).collect() });
    let mut fit = parts.filter(|parts| parts.iter().all(|part| part.contains(['-', '_']) && part.len() % 4 != 0));
    fit.next().unwrap().try_into().unwrap()
}

/// The good token with one part written in another way, and signed over what is written.
fn rewritten(at: usize, change: impl Fn(&str) -> String) -> String {
    let mut parts = parts();
    parts[at] = change(&parts[at]);
    if at == 2 { parts.join(".") } else { sign_parts(&parts[0], &parts[1]) }
}

#[test]
fn base64url_has_one_form() {
    let spare = |part: &str| {
        let (front, end) = part.split_at(part.len() - 1);
        let value = ALPHABET.iter().position(|byte| *byte == end.as_bytes()[0]).unwrap();
        format!("{front}{}", char::from(ALPHABET[value | 1]))
    };
    // What has another first part is no JWT at all.
    let reasons =
        [unrecognized("not a JWT"), invalid("the claims are not base64url"), invalid("the signature does not fit")];
    for (at, why) in reasons.into_iter().enumerate() {
        let in_front = if at == 0 { invalid("the header is not base64url") } else { why };
        let of = |change: &dyn Fn(&str) -> String| rewritten(at, change);
        hold(
            &verifier(),
            [
                ("as it is", of(&str::to_owned), PASSES),
                ("padding as RFC 4648 has it", of(&|p| format!("{p}{}", "=".repeat(4 - p.len() % 4))), why),
                ("one =", of(&|p| format!("{p}=")), why),
                ("four =", of(&|p| format!("{p}====")), why),
                ("the standard alphabet", of(&|p| p.replace('-', "+").replace('_', "/")), why),
                ("a spare bit", of(&spare), why),
                ("a space behind", of(&|p| format!("{p} ")), why),
                ("a space in front", of(&|p| format!(" {p}")), in_front),
                ("a line feed behind", of(&|p| format!("{p}\n")), why),
                ("lines", of(&|p| format!("{}\r\n{}", &p[..8], &p[8..])), why),
                ("a tab", of(&|p| format!("{}\t{}", &p[..8], &p[8..])), why),
                ("NUL behind", of(&|p| format!("{p}\0")), why),
                ("an exclamation mark", of(&|p| format!("{p}!")), why),
                ("percent encoding", of(&|p| format!("%{:02X}{}", p.as_bytes()[0], &p[1..])), why),
                ("a character short of a byte", of(&|p| format!("{p}{}", "A".repeat(5 - p.len() % 4))), why),
            ],
        );
    }
}

#[test]
fn texts_are_utf_8_without_a_mark() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let utf16_mark =
        |text: &str| [&[0xFF, 0xFE][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()].concat();
    let utf32 = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    let latin1 = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
    let mark = |text: &str| format!("\u{feff}{text}").into_bytes();
    let header = |bytes: Vec<u8>| sign_parts(&base64url(bytes), &base64url(claims("")));
    let payload = |bytes: Vec<u8>| sign_parts(&base64url(HEADER), &base64url(bytes));
    let umlaut = r#"{"alg":"HS256","n":"ü"}"#;
    let more = claims(r#""name":"ü""#);
    let overlong = |text: &str| {
        text.bytes().flat_map(|byte| if byte == b'"' { vec![0xC0, 0xA2] } else { vec![byte] }).collect::<Vec<u8>>()
    };
    hold(
        &verifier(),
        [
            ("UTF-8 in the header", header(umlaut.into()), PASSES),
            ("UTF-8 in the claims", payload(more.clone().into()), PASSES),
            ("white space around", header(format!(" \r\n\t{HEADER}\n").into()), PASSES),
            ("white space around the claims", payload(format!(" \r\n\t{more}\n").into()), PASSES),
            ("UTF-16 in the header", header(utf16(HEADER)), unrecognized("not a JWT")),
            ("UTF-16 with a mark", header(utf16_mark(umlaut)), unrecognized("not a JWT")),
            ("UTF-32 in the header", header(utf32(HEADER)), unrecognized("not a JWT")),
            ("Latin-1 in the header", header(latin1(umlaut)), invalid("the header is not UTF-8")),
            ("a byte order mark in the header", header(mark(HEADER)), unrecognized("not a JWT")),
            ("overlong quotes in the header", header(overlong(HEADER)), unrecognized("not a JWT")),
            ("UTF-16 in the claims", payload(utf16(&claims(""))), invalid("the claims are not a JSON object")),
            ("UTF-16 with a mark in the claims", payload(utf16_mark(&more)), invalid("the claims are not UTF-8")),
            ("Latin-1 in the claims", payload(latin1(&more)), invalid("the claims are not UTF-8")),
            ("a byte order mark in the claims", payload(mark(&more)), invalid("the claims are not a JSON object")),
            ("overlong quotes in the claims", payload(overlong(&more)), invalid("the claims are not UTF-8")),
            ("a no-break space", payload(format!("{more}\u{a0}").into()), invalid("the claims are not a JSON object")),
        ],
    );
}
