//! base64url (RFC 7515, section 2) and UTF-8, one way only.

use super::*;

/// A token of which one part is written in another way, signed over what is written.
fn rewritten(at: usize, change: impl Fn(&str) -> String) -> String {
    let parts: Vec<String> = good().split('.').map(str::to_owned).collect();
    let write = |part: usize| if part == at { change(&parts[part]) } else { parts[part].clone() };
    let signed = sign_parts(&write(0), &write(1));
    if at < 2 {
        return signed;
    }
    format!("{}.{}", signed.rsplit_once('.').unwrap().0, write(2))
}

#[test]
fn base64url_has_one_form() {
    let last = |part: &str, by: u8| {
        // The spare bits of the last character.
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (front, end) = part.split_at(part.len() - 1);
        let value = ALPHABET.iter().position(|byte| *byte == end.as_bytes()[0]).unwrap();
        format!("{front}{}", char::from(ALPHABET[value | usize::from(by)]))
    };
    for (at, why) in [(0, "the header is not base64url"), (1, "the claims are not base64url"), (2, "the signature does not fit")] {
        let of = |change: &dyn Fn(&str) -> String| rewritten(at, change);
        let mut table = vec![
            ("as it is", of(&str::to_owned), PASSES),
            ("one =", of(&|part| format!("{part}=")), invalid(why)),
            ("two =", of(&|part| format!("{part}==")), invalid(why)),
            ("a space", of(&|part| format!("{part} ")), invalid(why)),
            ("a space in front", of(&|part| format!(" {part}")), invalid(why)),
            ("a line feed", of(&|part| format!("{part}\n")), invalid(why)),
            ("a line feed inside", of(&|part| format!("{}\r\n{}", &part[..8], &part[8..])), invalid(why)),
            ("a tab inside", of(&|part| format!("{}\t{}", &part[..8], &part[8..])), invalid(why)),
            ("NUL", of(&|part| format!("{part}\0")), invalid(why)),
            ("an exclamation mark", of(&|part| format!("{part}!!")), invalid(why)),
            ("one character more", of(&|part| format!("{part}{}", "A".repeat(5 - part.len() % 4))), invalid(why)),
            ("percent encoding", of(&|part| part.replace('e', "%65")), if at == 2 { PASSES } else { invalid(why) }),
        ];
        // What the table above cannot say of every part: these lengths leave spare bits in all three of them.
        table.retain(|(what, token, _)| *what != "percent encoding" || token.contains('%'));
        for row in &mut table {
            if row.0 == "percent encoding" {
                row.2 = invalid(why);
            }
        }
        hold(&verifier(), table);
        let part = rewritten(at, &|part: &str| last(part, 1));
        if part != good() {
            hold(&verifier(), [("good", good(), PASSES), ("a spare bit", part, invalid(why))]);
        }
    }
}

