//! One change anywhere in an address, and it is refused.

use super::{LIFE, NOON, SECRET, answer, builder, gate, get, keys, sent, url};
use portcullis_core::{
    Gate, Scheme, SignedUrls,
    policy::signed,
    testing::{FixedClock, TestIssuer},
};
use proptest::{prelude::*, sample::Index};
use std::time::Duration;

const ADDRESS: &str = "/tiles/7/a%2Fb.png?layer=7&name=%C3%A9&name=b&empty=&flag";

fn is_valid(gate: &Gate, method: &str, address: &str) -> bool {
    answer(gate, signed("tiles"), &sent(method, address)) == "200"
}

#[test]
fn every_bit_counts() {
    let gate = gate(keys());
    let url = url(&gate, ADDRESS);
    for at in 0..url.len() {
        for bit in 0..7 {
            let mut bytes = url.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let other = String::from_utf8(bytes).unwrap();
            assert!(!is_valid(&gate, "GET", &other), "bit {bit} of byte {at}: {other}");
        }
    }
    assert!(is_valid(&gate, "GET", &url), "still");
}

#[test]
fn each_field_counts() {
    let gate = gate(keys());
    let url = url(&gate, ADDRESS);
    let signature = url.rsplit('=').next().unwrap();
    for (changed, code) in [
        (url.replace("%2F", "%2f"), "invalid_signature"),
        (url.replace("%2F", "/"), "invalid_signature"),
        (url.replace("%C3%A9", "é"), "invalid_signature"),
        (url.replace("/tiles", "/Tiles"), "invalid_signature"),
        (url.replace("/tiles", "//tiles"), "invalid_signature"),
        (url.replace("/tiles", "/x/../tiles"), "invalid_signature"),
        (url.replace(".png?", ".png/?"), "invalid_signature"),
        (url.replace("layer=7&", ""), "invalid_signature"),
        (url.replace("layer=7&name=%C3%A9", "name=%C3%A9&layer=7"), "invalid_signature"),
        (url.replace("name=%C3%A9&name=b", "name=b&name=%C3%A9"), "invalid_signature"),
        (url.replace("layer=7", "layer=7&layer=8"), "invalid_signature"),
        (url.replace("empty=", "empty"), "invalid_signature"),
        (url.replace("flag", "flag="), "invalid_signature"),
        (url.replace("flag", "flag&"), "invalid_signature"),
        (url.replace('?', "?&"), "invalid_signature"),
        (format!("{url}&"), "invalid_signature"),
        (format!("{url}&x=1"), "invalid_signature"),
        (format!("{url}="), "invalid_signature"),
        (format!("{url}%3D"), "invalid_signature"),
        (url.replace("expires=1700000600", "expires=1700000601"), "invalid_signature"),
        (url.replace("expires=1700000600", "expires=01700000600"), "invalid_signature"),
        (url.replace("expires=1700000600", "expires=%2B1700000600"), "invalid_signature"),
        (url.replace("expires=1700000600", "expires="), "invalid_signature"),
        (url.replace("expires=1700000600", "expires=99999999999999999999999"), "invalid_signature"),
        (url.replace("expires=1700000600&", ""), "invalid_signature"),
        (url.replace("expires=", "expires=1700000600&expires="), "invalid_signature"),
        (url.replace("expires", "%65xpires"), "invalid_signature"),
        (url.replace("key_id=a", "key_id=b"), "invalid_signature"),
        (url.replace("key_id=a&", ""), "invalid_signature"),
        (url.replace("key_id=a", "key_id=a&key_id=a"), "invalid_signature"),
        (url.replace("expires=1700000600&key_id=a", "key_id=a&expires=1700000600"), "invalid_signature"),
        (url.replace("signature=", "%73ignature="), "invalid_signature"),
        (url.replace("signature=", "signature"), "signature_required"),
        (url.replace(signature, ""), "invalid_signature"),
        (url.replace(signature, &signature[..42]), "invalid_signature"),
        (url.replace("signature=", &format!("signature={signature}&signature=")), "invalid_signature"),
        (url.replace(&format!("&signature={signature}"), ""), "signature_required"),
        (ADDRESS.to_owned(), "signature_required"),
    ] {
        assert_ne!(changed, url);
        assert_eq!(answer(&gate, signed("tiles"), &get(&changed)), format!("403 {code}"), "{changed}");
    }
    // The last character has two bits that no byte needs. There is one spelling all the same.
    for last in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']) {
        let other = format!("{}{last}", &url[..url.len() - 1]);
        assert_eq!(is_valid(&gate, "GET", &other), other == url, "{other}");
    }
}

#[test]
fn a_method_is_signed_and_get_serves_head() {
    let gate = gate(keys());
    for (signed_for, valid) in
        [("GET", &["GET", "HEAD"][..]), ("POST", &["POST"]), ("PUT", &["PUT"]), ("DELETE", &["DELETE"])]
    {
        let url = gate.sign("tiles", signed_for, ADDRESS, LIFE).unwrap();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", ""] {
            assert_eq!(is_valid(&gate, method, url.expose()), valid.contains(&method), "{signed_for}, {method}");
        }
    }
}

#[test]
fn an_address_ends() {
    let clock = FixedClock::at(NOON);
    let gate = |life| {
        let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
        let keys = keys().max_life(Duration::from_secs(life));
        Gate::builder().scheme(scheme).clock(clock.clone()).signer("tiles", keys).build().unwrap()
    };
    let (long, short) = (gate(600), gate(500));
    let url = url(&long, ADDRESS);
    for (now, here, there) in [
        (NOON, "200", "403 invalid_signature"),
        // The clock of the host that verifies is behind by a minute, or by more.
        (NOON - 60, "200", "403 invalid_signature"),
        (NOON - 61, "403 invalid_signature", "403 invalid_signature"),
        (NOON + 599, "200", "200"),
        (NOON + 600, "200", "200"),
        (NOON + 601, "403 signature_expired", "403 signature_expired"),
        (NOON + 1_000_000, "403 signature_expired", "403 signature_expired"),
    ] {
        clock.set(now);
        assert_eq!(answer(&long, signed("tiles"), &get(&url)), here, "{now}");
        assert_eq!(answer(&short, signed("tiles"), &get(&url)), there, "{now}, a shorter greatest life");
        let forged = url.replace("layer=7", "layer=8");
        assert_eq!(answer(&long, signed("tiles"), &get(&forged)), "403 invalid_signature", "{now}");
    }
}

#[test]
fn parameters_that_are_not_named_are_free() {
    let gate = gate(keys().only(["layer", "name"]));
    let url = url(&gate, ADDRESS);
    let signature = url.rsplit_once('&').unwrap().1;
    for (changed, valid) in [
        (url.clone(), true),
        (url.replace("empty=", "empty=1"), true),
        (url.replace("&flag", ""), true),
        (format!("{url}&bidx=1"), true),
        (url.replace('?', "?bidx=1&"), true),
        (
            url.replace('?', &format!("?{signature}&"))
                .replace(&format!("flag&expires=1700000600&key_id=a&{signature}"), "expires=1700000600&key_id=a"),
            true,
        ),
        (url.replace("layer=7", "layer=8"), false),
        (format!("{url}&layer=7"), false),
        (format!("{url}&layer=8"), false),
        (format!("{url}&%6Cayer=8"), false),
        (url.replace("layer=7", "%6Cayer=7"), false),
        (url.replace("layer=7&", ""), false),
        (url.replace("name=%C3%A9&name=b", "name=b&name=%C3%A9"), false),
        (url.replace("expires=1700000600&key_id=a", "key_id=a&expires=1700000600"), false),
        (format!("{url}&expires=1700000600"), false),
        (format!("{url}&{signature}"), false),
        (url.replace("/tiles/7", "/tiles/8"), false),
    ] {
        assert_eq!(is_valid(&gate, "GET", &changed), valid, "{changed}");
    }
    assert!(!is_valid(&gate, "POST", &url));
}

/// The fields of the message are apart: nothing moves from one to the next.
#[test]
fn fields_do_not_run_into_each_other() {
    let gate = builder().signer("ab", keys()).signer("a", keys()).build().unwrap();
    let sign = |name: &str, method: &str, address: &str| gate.sign(name, method, address, LIFE).unwrap();
    let mut all: Vec<String> = [
        sign("ab", "GET", "/a?b=1"),
        sign("a", "GET", "/a?b=1"),
        sign("a", "GET", "/a?b=1&"),
        sign("a", "GET", "/a?b=&1"),
        sign("a", "GET", "/a?b&=1"),
        sign("a", "GET", "/ab?=1"),
        sign("a", "GET", "/ab=1"),
        sign("a", "GETA", "/b=1"),
    ]
    .iter()
    .map(|url| url.expose().rsplit('=').next().unwrap().to_owned())
    .collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn one_signer_is_not_another() {
    let other = SignedUrls::new("a", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU").unwrap();
    let both =
        |tiles: SignedUrls, files: SignedUrls| builder().signer("tiles", tiles).signer("files", files).build().unwrap();
    let gate = both(keys(), keys());
    let url = url(&gate, ADDRESS);
    assert_eq!(answer(&gate, signed("tiles"), &get(&url)), "200");
    assert_eq!(answer(&gate, signed("files"), &get(&url)), "403 invalid_signature", "the secret is the same");
    assert_eq!(answer(&both(other, keys()), signed("tiles"), &get(&url)), "403 invalid_signature");
    let bound = both(keys().bound_to_caller(), keys());
    assert_eq!(answer(&bound, signed("tiles"), &get(&url)), "401 credential_missing");
    // Nor is the signature of a payload one of an address, whatever the payload is.
    let payload = both(keys().dangerous_payload("signature", |_| Some(String::new())), keys());
    assert_eq!(answer(&payload, signed("tiles"), &get(&url)), "403 invalid_signature");
}

#[test]
fn keys_are_changed_without_a_gap() {
    let next = "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU";
    let renamed = SignedUrls::new("b", SECRET).unwrap();
    let (former, after) = (gate(keys()), gate(SignedUrls::new("b", next).unwrap()));
    let during = gate(SignedUrls::new("b", next).unwrap().also("a", SECRET).unwrap());
    let [by_former, by_during] = [&former, &during].map(|gate| url(gate, ADDRESS));
    assert!(by_former.contains("key_id=a") && by_during.contains("key_id=b"), "the first key signs");
    for (host, url, valid) in [
        (&former, &by_former, true),
        (&during, &by_former, true),
        (&during, &by_during, true),
        (&after, &by_during, true),
        (&after, &by_former, false),
        (&former, &by_during, false),
        (&gate(renamed), &by_former, false),
    ] {
        assert_eq!(is_valid(host, "GET", url), valid, "{url}");
    }
    let payload =
        |keys: SignedUrls| gate(keys.dangerous_payload("secure", |head| head.query()?.get(..7).map(str::to_owned)));
    let [former, next] = [("a", SECRET), ("b", next)].map(|(id, secret)| SignedUrls::new(id, secret).unwrap());
    let url = url(&payload(former), ADDRESS);
    assert!(is_valid(&payload(next.clone().also("a", SECRET).unwrap()), "GET", &url), "each key is tried");
    assert!(!is_valid(&payload(next), "GET", &url));
}

/// A change of a text: flips, insertions, deletions, swaps of bytes and of parameters, and copies of parameters.
fn change(text: &str, kind: usize, at: Index, to: Index, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (from, into) = (at.index(bytes.len()), to.index(bytes.len()));
    match kind {
        0 => bytes[from] = byte,
        1 => bytes.insert(from, byte),
        2 => drop(bytes.remove(from)),
        3 => bytes.swap(from, into),
        4 => bytes[from] = bytes[from].to_ascii_uppercase(),
        _ => {
            let (path, query) = text.split_once('?').unwrap();
            let mut pairs: Vec<&str> = query.split('&').collect();
            let (from, into) = (at.index(pairs.len()), to.index(pairs.len()));
            match kind {
                5 => pairs.swap(from, into),
                6 => pairs.insert(into, pairs[from]),
                _ => drop(pairs.remove(from)),
            }
            return format!("{path}?{}", pairs.join("&"));
        }
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Any change is refused. Where only some parameters are covered, it is accepted only if they and the path are the same.
    #[test]
    fn any_change_is_refused(
        path in "/[a-z0-9/]{0,12}[a-z0-9]",
        query in "([ab]=[a-z0-9]{0,3}(&[abc](=[a-z0-9]{0,3})?){0,4})?",
        changes in prop::collection::vec((0..8_usize, any::<Index>(), any::<Index>(), 0x21..0x7f_u8), 1..3),
    ) {
        prop_assume!(!path.contains("//"));
        let address = format!("{path}?{query}");
        let whole = gate(keys());
        let url = url(&whole, &address);
        prop_assert!(is_valid(&whole, "GET", &url));
        let changed = changes.into_iter().fold(url.clone(), |text, (kind, at, to, byte)| match text.contains('?') {
            true => change(&text, kind, at, to, byte),
            false => text,
        });
        prop_assert_eq!(is_valid(&whole, "GET", &changed), changed == url, "{} from {}", changed, url);
    }

    #[test]
    fn only_what_is_not_covered_can_change(
        query in "a=[a-z0-9]{0,3}(&[abc](=[a-z0-9]{0,3})?){0,4}",
        changes in prop::collection::vec((0..8_usize, any::<Index>(), any::<Index>(), 0x21..0x7f_u8), 1..4),
    ) {
        let some = gate(keys().only(["a"]));
        let url = url(&some, &format!("/t?{query}"));
        prop_assert!(is_valid(&some, "GET", &url));
        let changed = changes.into_iter().fold(url.clone(), |text, (kind, at, to, byte)| match text.contains('?') {
            true => change(&text, kind, at, to, byte),
            false => text,
        });
        let covered = |text: &str| {
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            let mut kept = vec![path.to_owned()];
            let mut signatures = Vec::new();
            for pair in query.split('&') {
                let name = form_urlencoded::parse(pair.as_bytes()).next().map_or(String::new(), |(name, _)| name.into());
                match name.as_str() {
                    "a" | "expires" | "key_id" => kept.push(pair.to_owned()),
                    "signature" => signatures.push(pair.to_owned()),
                    _ => {}
                }
            }
            (kept, signatures)
        };
        prop_assert_eq!(is_valid(&some, "GET", &changed), covered(&changed) == covered(&url), "{} from {}", changed, url);
    }
}
