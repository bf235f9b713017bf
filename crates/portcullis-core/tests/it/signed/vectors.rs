//! Addresses that were signed by another program. They must never change.

use super::{LIFE, NOON, answer, builder, gate, get, keys, sent};
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_core::{PrincipalId, PrincipalKind, RequestHead, SignedUrls, policy::signed};

const VECTORS: [(&str, &str, &str, &str); 4] = [
    ("GET", "/t/1/2.png", "?", "-Y0bDkYPh3aoUP2VFm8EB5gpd_omDrvqD-gL-S3J1Ws"),
    ("GET", "/t/a%2Fb?layer=7&b=%20x&b&", "&", "BUSmvyYlezoJUhax8XyNzDRrq3_cNuAkVaZA8fHwVoA"),
    ("PUT", "/t?", "", "CI_uyRFQAKO5p4kG5Hznarfzn0xnupiKQ6sLmjuO_WE"),
    ("GET", "/", "?", "hTmb5Q29JYpeyIHcmgfTrI2vcOUyphI1KUImO9oLhig"),
];

#[test]
fn our_format() {
    let gate = gate(keys());
    for (method, address, between, signature) in VECTORS {
        let url = gate.sign("tiles", method, address, LIFE).unwrap();
        let expected = format!("{address}{between}expires=1700000600&key_id=a&signature={signature}");
        assert_eq!(url.expose(), expected);
        assert_eq!(answer(&gate, signed("tiles"), &sent(method, &expected)), "200");
    }
}

#[test]
fn of_a_caller() {
    let gate = gate(keys().bound_to_caller());
    let alice = PrincipalId::new(PrincipalKind::User, "alice");
    let url = gate.sign_for("tiles", &alice, "GET", "/t/1/2.png", LIFE).unwrap();
    assert!(url.expose().ends_with("&signature=Xj6h6el3YQWyC3ZF0bU39hAX5Pk5HdVAOdAIniBvFvk"), "{}", url.expose());
}

/// The value of the first of these parameters, as it is written.
fn payload(head: &dyn RequestHead) -> Option<String> {
    let value = |name: &str| head.query()?.split('&').find_map(|pair| Some(pair.strip_prefix(name)?.to_owned()));
    value("id=").or_else(|| Some(value("filter=")? + &value("limit=")?))
}

/// A rule of a cache that the service D2S has.
#[test]
fn a_payload_alone() {
    let secret = STANDARD.decode("dGlsZS1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWJjZGVm").unwrap();
    let keys = SignedUrls::new("a", secret).unwrap().dangerous_payload("secure", payload);
    let gate = builder().signer("tiles", keys).build().unwrap();
    for (address, mac) in [
        (
            "/cog/1?id=11111111-2222-4333-8444-555555555555",
            "0xc24b1aefc04eeeecc7aeb3772ad233cfd17f95c700f4630699f40797b36ca81c",
        ),
        (
            "/mvt/1?filter=layer_id%3D%27AbCdEfGhIjK%27&limit=-1",
            "0xb4dfe512a1ec987a338d2830b778550df17fbef9c2ebc4cd04d9ed9f20e109ae",
        ),
    ] {
        let url = gate.sign("tiles", "GET", address, LIFE).unwrap();
        assert_eq!(url.expose(), format!("{address}&expires={}&secure={mac}", NOON + 600));
        for (from, to, expected) in [
            ("", "", "200"),
            ("0x", "0X", "403 invalid_signature"),
            ("secure=0x", "secure=", "403 invalid_signature"),
            (mac, &mac.to_ascii_uppercase(), "403 invalid_signature"),
            (mac, &mac.to_ascii_uppercase().replace("0X", "0x"), "403 invalid_signature"),
            ("expires=1700000600", "expires=1700000601", "403 invalid_signature"),
            ("expires=1700000600", "expires=01700000600", "403 invalid_signature"),
            ("expires=1700000600&", "", "403 invalid_signature"),
            ("&secure=", "&insecure=", "403 signature_required"),
            ("id=", "ident=", "403 invalid_signature"),
            ("%27", "'", "403 invalid_signature"),
            // What the payload does not have is free.
            ("?", "?url=elsewhere&", "200"),
            ("/1?", "/2?", "200"),
        ] {
            let changed = url.expose().replace(from, to);
            if from.is_empty() || changed != url.expose() {
                assert_eq!(answer(&gate, signed("tiles"), &get(&changed)), expected, "{changed}");
            }
        }
    }
    assert!(gate.sign("tiles", "GET", "/cog/1?other=1", LIFE).is_err(), "no payload");
}
