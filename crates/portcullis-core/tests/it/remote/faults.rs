//! Answers that are no key set, and sets with something wrong in them.

use super::*;
use log::{Listener, listen};
use portcullis_core::testing::SigningKey;

/// Everything that an answer to a request for keys should not be. Where it has a word of its own, `SENTINEL` is in it.
pub(super) fn faults() -> Vec<(&'static str, HttpResponse)> {
    let good = jwk(2);
    let huge = format!(r#"{{"keys":["SENTINEL",{}]}}"#, vec!["{}"; 350_000].join(","));
    let deep = format!(r#"{{"keys":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
    let secret = base64url([7; 64]);
    vec![
        ("302", status(302).with_header("location", "https://SENTINEL.test/")),
        ("204", status(204)),
        ("206", HttpResponse::new(206, set(&[2]))),
        ("201", HttpResponse::new(201, set(&[2]))),
        ("404", HttpResponse::new(404, set(&[2]))),
        ("401", HttpResponse::new(401, "SENTINEL")),
        ("500", HttpResponse::new(500, set(&[2]))),
        ("503", status(503).with_header("retry-after", "1")),
        ("0", HttpResponse::new(0, set(&[2]))),
        ("65535", HttpResponse::new(u16::MAX, set(&[2]))),
        ("empty", ok("")),
        ("white space", ok("  \r\n\t ")),
        ("garbage", ok("SENTINEL")),
        ("half", ok(&set(&[2])[..80])),
        ("twice", ok(set(&[2]).repeat(2))),
        ("HTML", ok("<!doctype html><title>SENTINEL</title>").with_header("content-type", "text/html")),
        ("an array", ok(format!("[{good}]"))),
        ("a key alone", ok(good.clone())),
        ("null", ok("null")),
        ("huge", ok(huge)),
        ("deep", ok(deep)),
        ("invalid UTF-8", ok([set(&[2]).into_bytes(), vec![0xff]].concat())),
        (
            "invalid UTF-8 inside",
            ok(set(&[2])
                .replace("k2", "kX")
                .into_bytes()
                .iter()
                .map(|b| if *b == b'X' { 0xc3 } else { *b })
                .collect::<Vec<_>>()),
        ),
        ("UTF-16", ok(set(&[2]).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())),
        ("a byte order mark", ok(format!("\u{feff}{}", set(&[2])))),
        ("`keys` twice", ok(format!(r#"{{"keys":[{good}],"keys":[{good}]}}"#))),
        ("`keys` twice, escaped", ok(format!(r#"{{"keys":[{good}],"\u006beys":[{good}]}}"#))),
        ("no `keys`", ok(r#"{"SENTINEL":[]}"#)),
        ("`keys` an object", ok(format!(r#"{{"keys":{{"a":{good}}}}}"#))),
        ("`keys` null", ok(r#"{"keys":null}"#)),
        ("emptied", ok(r#"{"keys":[]}"#)),
        ("only null", ok(r#"{"keys":[null]}"#)),
        ("only a key with a duplicate member", ok(set_of([bare(2, r#","kid":"k2","kid":"k1""#)]))),
        ("only one for encryption", ok(set_of([bare(2, r#","kid":"k2","use":"enc""#)]))),
        ("only a secret", ok(set_of([format!(r#"{{"kty":"oct","k":"{secret}","kid":"k2"}}"#)]))),
        ("only a private one", ok(set_of([bare(2, &format!(r#","kid":"k2","d":"{secret}""#))]))),
        ("only of an unknown type", ok(set_of([r#"{"kty":"new","kid":"k2"}"#.to_owned()]))),
        ("only twins", ok(set_of([jwk(2), bare(3, r#","kid":"k2""#)]))),
    ]
}

#[test]
fn none_replaces_good_keys() {
    for (what, answer) in faults() {
        let rig = Rig::warm(Does::Give(answer.clone()));
        rig.advance(95);
        rig.expect(what, &[(&token(1), PASSES), (&token(1), PASSES)], 2);
        rig.advance(5);
        // Expired now, and asked once more.
        rig.expect(what, &[(&token(1), PASSES), (&token(2), UNAVAILABLE)], 3);
        rig.issuer.now(Does::Give(keys(&[2])));
        rig.advance(2);
        rig.expect(what, &[(&token(2), PASSES)], 4);
        let cold = Rig::new(Does::Give(answer));
        cold.expect(what, &[(&token(1), UNAVAILABLE), (&token(2), UNAVAILABLE)], 1);
    }
}

/// One line for the log that says what is wrong, and nothing of what came.
#[test]
fn one_line_in_the_log_without_what_came() {
    for (what, answer) in faults() {
        let rig = Rig::new(Does::Give(answer));
        let heard = listen(|| rig.expect(what, &[(&token(1), UNAVAILABLE), (&token(1), UNAVAILABLE)], 1));
        assert_eq!(heard.len(), 1, "{what}: {heard:?}");
        Listener::assert_quiet(what, &heard);
        assert!(
            heard[0].contains("the issuer's keys were not fetched: ") && heard[0].contains(URL),
            "{what}: {heard:?}"
        );
    }
}

/// An issuer, or who speaks for it, neither forges lines of the log nor fills the disk with it.
#[test]
fn what_keys_say_of_themselves_is_escaped_and_short_in_the_log() {
    let long = "SENTINEL".repeat(50_000);
    let bad = |what: &str| {
        [
            bare(2, &format!(r#","kid":"x","use":"{what}""#)),
            bare(2, &format!(r#","kid":"x","alg":"{what}""#)),
            format!(r#"{{"kty":"{what}","kid":"x"}}"#),
            format!(r#"{{"kty":"OKP","crv":"{what}","x":"","kid":"x"}}"#),
            bare(2, &format!(r#","kid":"{what}","use":"enc""#)),
        ]
    };
    for what in [&*long, r"a\nWARN forged", r"a\u001b[2J"] {
        for key in bad(what) {
            for set in [set_of([key.clone()]), set_of([jwk(1), key.clone()])] {
                let rig = Rig::new(Does::Give(ok(set)));
                let heard = listen(|| assert_ne!(rig.ask(&token(1)), WAITS));
                Listener::assert_bounded(&key[..key.len().min(200)], &heard);
                assert_eq!(rig.issuer.count(), 1);
            }
        }
    }
}

/// A thousand bad keys are not a thousand lines, and not again with every answer.
#[test]
fn a_set_with_many_bad_keys_does_not_flood_the_log() {
    let bad = (0..1000).map(|n| format!(r#"{{"kty":"new","kid":"{n}"}}"#));
    let rig = Rig::new(Does::Give(ok(set_of(bad.chain([jwk(1)])))));
    let heard = listen(|| rig.expect("many", &[(&token(1), PASSES)], 1));
    assert!(heard.len() <= 100, "{} lines", heard.len());
}

/// A set in which something is wrong serves with the rest.
#[test]
fn bad_keys_beside_a_good_one() {
    let secret = base64url([7; 64]);
    let p256 = r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"k2"}"#.to_owned();
    for (what, bad) in [
        ("a secret", format!(r#"{{"kty":"oct","k":"{secret}","kid":"k2"}}"#)),
        ("a secret that says HS256", format!(r#"{{"kty":"oct","k":"{secret}","alg":"HS256","kid":"k2"}}"#)),
        ("a secret that says EdDSA", format!(r#"{{"kty":"oct","k":"{secret}","alg":"EdDSA","kid":"k2"}}"#)),
        ("a private key", bare(2, &format!(r#","kid":"k2","d":"{secret}""#))),
        ("of an unknown type", r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA","kid":"k2"}"#.to_owned()),
        ("on an unknown curve", r#"{"kty":"OKP","crv":"Ed448","x":"AAAA","kid":"k2"}"#.to_owned()),
        ("for encryption", bare(2, r#","kid":"k2","use":"enc""#)),
        ("a duplicate member", bare(2, r#","kid":"k2","kid":"k2""#)),
        ("off its curve", p256),
        ("no object", "\"k2\"".to_owned()),
        ("null", "null".to_owned()),
        ("empty", "{}".to_owned()),
    ] {
        for set in [set_of([jwk(1), bad.clone()]), set_of([bad.clone(), jwk(1)])] {
            let rig = Rig::new(Does::Give(ok(set)));
            let heard = listen(|| rig.expect(what, &[(&token(1), PASSES)], 1));
            assert_eq!(heard.len(), 1, "{what}: {heard:?}");
            assert!(heard[0].contains("a key of the issuer is not used") && !heard[0].contains(&secret), "{heard:?}");
            assert_eq!(rig.ask(&token(2)), INVALID, "{what}");
            // The secret that everybody can read signs nothing.
            let forger = SigningKey::secret(Algorithm::Hs256, [7; 64]).unwrap();
            assert_eq!(rig.ask(&forger.sign(r#"{"alg":"HS256","kid":"k2"}"#, &claims(""))), INVALID, "{what}");
        }
    }
}

/// Of keys that could not be told apart none serves; the others do.
#[test]
fn duplicate_names() {
    for (what, twins, first) in [
        ("of one type", vec![jwk(2), bare(3, r#","kid":"k2""#)], INVALID),
        ("three", vec![jwk(2), bare(3, r#","kid":"k2""#), bare(4, r#","kid":"k2""#)], INVALID),
        ("of two types", vec![jwk(2), algorithms::es256("k2")], PASSES),
        ("one of them bad", vec![jwk(2), bare(3, r#","kid":"k2","use":"enc""#)], PASSES),
        ("names in other case", vec![jwk(2), bare(3, r#","kid":"K2""#)], PASSES),
    ] {
        let rig = Rig::new(Does::Give(ok(set_of([vec![jwk(1)], twins].concat()))));
        rig.expect(what, &[(&token(1), PASSES)], 1);
        assert_eq!(rig.ask(&token(2)), first, "{what}");
        let third = signed(3, r#"{"alg":"EdDSA","kid":"k2"}"#);
        assert_eq!(rig.ask(&third), INVALID, "{what}");
    }
}

/// A set with more keys than anybody needs is no more work than one with many. Those that are of no use do not count.
#[test]
fn more_keys_than_are_used() {
    let useless = (0..500).map(|n| format!(r#"{{"kty":"new","kid":"u{n}"}}"#));
    let many = (0..1500).map(|n| bare((n % 250) as u8, &format!(r#","kid":"n{n}""#)));
    let rig = Rig::new(Does::Give(ok(set_of(useless.chain([jwk(1)]).chain(many)))));
    let heard = listen(|| {
        rig.expect("the first thousand", &[(&token(1), PASSES), (&under(248, "n998"), PASSES)], 1);
        assert_eq!(rig.ask(&under(249, "n999")), INVALID);
    });
    let said = |what: &str| heard.iter().any(|line| line.contains(what));
    assert!(said("492 more keys of the issuer are not used"), "{heard:?}");
    assert!(said("501 keys of the issuer are not read: of a set, 1000 are used"), "{heard:?}");
}

/// Whatever a client lets through.
#[test]
fn more_bytes_than_are_read() {
    for (filling, says) in [(1 << 20, UNAVAILABLE), ((1 << 20) - set(&[1]).len(), PASSES)] {
        let rig = Rig::new(Does::Give(ok(set(&[1]) + &" ".repeat(filling))));
        let heard = listen(|| rig.expect("long", &[(&token(1), says)], 1));
        assert_eq!(heard.iter().any(|line| line.contains("more than 1048576 bytes")), says == UNAVAILABLE, "{heard:?}");
    }
}

/// The very same key twice is one, in whatever words. Keys without names that differ are all tried, up to four.
#[test]
fn the_same_key_twice_and_keys_without_names() {
    let named = |n: u8, more: &str| bare(n, &format!(r#","kid":"k2"{more}"#));
    for twice in [[jwk(2), jwk(2)], [jwk(2), named(2, "")], [named(2, ""), named(2, r#","alg":"Ed25519""#)]] {
        let rig = Rig::new(Does::Give(ok(set_of(twice.clone()))));
        let heard = listen(|| rig.expect(&twice[1], &[(&token(2), PASSES), (&under(3, "k2"), INVALID)], 1));
        assert!(heard.is_empty(), "{heard:?}");
    }
    let rig = Rig::new(Does::Give(ok(set_of((1..=5).flat_map(|n| [bare(n, ""), bare(n, "")])))));
    for n in 1..=6 {
        // A signature that fits none of them may be one of a new key.
        let (says, requests) = if n <= 4 { (PASSES, 1) } else { (INVALID, 2) };
        for token in [under(n, "any"), signed(n, r#"{"alg":"EdDSA"}"#)] {
            rig.expect("without names", &[(&token, says)], requests);
        }
    }
}

/// `null` is what is left out, where it may be left out.
#[test]
fn null_is_absent() {
    let key = bare(1, r#","kid":"k1","alg":null,"use":null,"key_ops":null,"d":null,"x5c":null"#);
    let rig = Rig::new(Does::Give(ok(set_of([key, bare(2, r#","kid":null"#)]))));
    rig.expect("null", &[(&token(1), PASSES), (&under(2, "any"), PASSES)], 1);
    assert_eq!(rig.ask(&under(1, "any")), INVALID);
    for (bad, why) in [(r#"{"kty":null}"#, "has no `kty`"), (r#"{"kty":"OKP","crv":"Ed25519","x":null}"#, "has no `x`")]
    {
        let error = portcullis_core::Key::jwk(bad).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// The reason of each, for the first of them.
#[test]
fn why_no_key_can_be_used() {
    let bad = [bare(1, r#","kid":"k1","use":"enc""#), r#"{"kty":"new"}"#.to_owned()];
    let many = (0..9).map(|n| format!(r#"{{"kty":"new","kid":"u{n}"}}"#));
    for (set, whys) in [
        (set_of(bad.clone()), vec!["`k1` is for `enc`, not for signatures; one without `kid` is of type `new`"]),
        (set_of(bad.into_iter().chain(many)), vec!["`k1` is for `enc`", "`u1` is of type", "and 7 more"]),
        (set_of([]), vec!["the JWK set has no keys", "`Key::secret`"]),
        (set_of([jwk(1), bare(2, r#","kid":"k1""#)]), vec!["`k1` has the same `kid` as another key"]),
    ] {
        let rig = Rig::new(Does::Give(ok(set)));
        let heard = listen(|| rig.expect("none", &[(&token(1), UNAVAILABLE)], 1));
        Listener::assert_bounded("none", &heard);
        assert!(whys.iter().all(|why| heard[0].contains(why)), "{heard:?}, not {whys:?}");
    }
}

/// Each says what to do.
#[test]
fn a_redirect() {
    for (rig, what) in [(Rig::new(Does::Keep), "set"), (Rig::discovering(Does::Keep), "document")] {
        rig.issuer.now(Does::Give(status(302).with_header("location", "https://SENTINEL.test/")));
        let heard = listen(|| rig.expect(what, &[(&token(1), UNAVAILABLE)], 1));
        assert!(
            heard[0].contains("a redirect (302)") && heard[0].contains("ask the address that it leads to"),
            "{heard:?}"
        );
        Listener::assert_quiet(what, &heard);
    }
}
