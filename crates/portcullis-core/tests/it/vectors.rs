//! Published vectors, and tokens that another implementation signed.
//!
//! The examples of RFC 7515 that carry claims are verified as they stand, a moment before they expire. Those that carry
//! plain text are no JWTs and are refused for that; with their keys, which are published too, tokens are signed here.

use crate::tokens::{NOW, PASSES, at_noon, base64url, claims, hold, invalid, issuer_with};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{
    Algorithm, Audience, Issuer, Jwt, Key,
    testing::{FixedClock, SigningKey},
};
use std::time::Duration;

/// The claims of RFC 7515, appendices A.1 to A.3, and RFC 7519, section 3.1.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const JOE_EXPIRES: u64 = 1_300_819_380;

fn joe(algorithm: Algorithm, jwk: &str) -> Jwt {
    let issuer = Issuer::new("joe", Audience::absent(), [algorithm], Key::jwk(jwk).unwrap()).unwrap();
    Jwt::new(issuer).clock(FixedClock::at(JOE_EXPIRES - 1))
}

fn holds(algorithm: Algorithm, jwk: &str, header: &str, signature: &str) {
    let verifier = joe(algorithm, jwk);
    let token = format!("{header}.{JOE}.{signature}");
    let claims = verifier.verify(&token).unwrap();
    assert_eq!(claims.issuer().as_deref(), Some("joe"));
    assert_eq!(claims.get::<bool>("http://example.com/is_root").unwrap(), Some(true));
    assert_eq!(claims.expires_at(), Some(std::time::UNIX_EPOCH + Duration::from_secs(JOE_EXPIRES)));
    let other = format!("{header}.{}.{signature}", JOE.replace("p0cnVl", "p0cnVF"));
    let root = format!("{header}.{}.{signature}", base64url(r#"{"iss":"joe","exp":1300819380}"#));
    let table = [("published", token, PASSES), ("other claims", root, invalid("the signature does not fit"))];
    hold(&verifier, table);
    assert!(verifier.verify(&other).is_err());
}

#[test]
fn rfc_7515_a1_hs256() {
    let jwk =
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    holds(Algorithm::Hs256, jwk, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", signature);
}

#[test]
fn rfc_7515_a2_rs256() {
    let jwk = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    holds(Algorithm::Rs256, jwk, "eyJhbGciOiJSUzI1NiJ9", signature);
}

#[test]
fn rfc_7515_a3_es256() {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    holds(Algorithm::Es256, jwk, "eyJhbGciOiJFUzI1NiJ9", signature);
}

#[test]
fn rfc_7515_a4_es512() {
    let x = "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk";
    let y = "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2";
    let d = "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C";
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let point = [vec![4], decode(x), decode(y)].concat();
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P521_SHA512_FIXED_SIGNING, &decode(d), &point).unwrap();
    let sign = |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    let key = Key::jwk(&format!(r#"{{"kty":"EC","crv":"P-521","x":"{x}","y":"{y}"}}"#)).unwrap();
    let published = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    signed_with("eyJhbGciOiJFUzUxMiJ9", Algorithm::Es512, key, sign, published);
}

#[test]
fn rfc_8037_a4_ed25519() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let d = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &URL_SAFE_NO_PAD.decode(x).unwrap()).unwrap();
    let key = Key::jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)).unwrap();
    let published = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    // Ed25519 is deterministic, so that what is signed here is signed as published.
    let (message, signature) = published.rsplit_once('.').unwrap();
    assert_eq!(base64url(pair.sign(message.as_bytes())), signature);
    signed_with(
        "eyJhbGciOiJFZERTQSJ9",
        Algorithm::EdDsa,
        key,
        |message| pair.sign(message).as_ref().to_vec(),
        published,
    );
}

/// The published token is no JWT and is refused for that; one with claims, signed with the published key, is not.
fn signed_with(header: &str, algorithm: Algorithm, key: Key, sign: impl Fn(&[u8]) -> Vec<u8>, published: &str) {
    let message = format!("{header}.{}", base64url(claims("")));
    let token = format!("{message}.{}", base64url(sign(message.as_bytes())));
    let other = format!("{message}.{}", published.rsplit_once('.').unwrap().1);
    hold(
        &at_noon(issuer_with(key, algorithm)),
        [
            ("with claims", token, PASSES),
            ("published", published.to_owned(), invalid("the claims are not a JSON object")),
            ("the published signature of something else", other, invalid("the signature does not fit")),
        ],
    );
}

#[test]
fn rfc_9449_dpop_proof() {
    let jwk = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
    let token = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let issuer = |key: Key| {
        let issuer = Issuer::new("nobody", Audience::absent(), [Algorithm::Es256], key).unwrap();
        issuer.dangerous_any_name().dangerous_without_expiry()
    };
    let ours = || issuer(Key::jwk(jwk).unwrap()).token_type("dpop+jwt").max_token_age(Duration::from_secs(60));
    let at = |issuer: Issuer, time| Jwt::new(issuer).clock(FixedClock::at(time));
    assert!(at(ours(), 1_562_262_616).verify(token).is_ok());
    let as_access_token = at(issuer(Key::jwk(jwk).unwrap()), 1_562_262_616).verify(token).unwrap_err();
    assert!(as_access_token.to_string().contains("`dpop+jwt`"), "{as_access_token}");
    assert!(at(ours(), 1_562_262_676).verify(token).unwrap_err().to_string().contains("issued too long ago"));
    // The key that the header offers is the right one here, and still only ours counts.
    let other = issuer(SigningKey::embedded(Algorithm::Es256).key()).token_type("dpop+jwt");
    assert!(at(other, 1_562_262_616).verify(token).unwrap_err().to_string().contains("signature does not fit"));
}

#[test]
fn what_the_standards_show_and_we_refuse() {
    let jwk =
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let hs256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    hold(
        &joe(Algorithm::Hs256, jwk),
        [
            ("RFC 7519, 3.1", format!("{hs256}.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), PASSES),
            ("RFC 7519, 6.1: unsecured", format!("eyJhbGciOiJub25lIn0.{JOE}."), invalid("the algorithm `none` is not accepted")),
            (
                "RFC 7515, E: a demand that nobody understands",
                "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.".to_owned(),
                invalid("demands extensions (`crit`)"),
            ),
            (
                "RFC 7797, 4.2: not encoded",
                "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY".to_owned(),
                invalid("an encoding of its own (`b64`)"),
            ),
            (
                "RFC 7516, A.3: encrypted",
                "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ".to_owned(),
                invalid("the token is encrypted"),
            ),
        ],
    );
}

#[test]
fn tokens_that_openssl_signed() {
    let mut algorithms = Vec::new();
    for line in include_str!("data/openssl.txt").lines() {
        let (name, token) = line.split_once(' ').unwrap();
        let algorithm = name.parse::<Algorithm>().unwrap();
        let verifier = at_noon(issuer_with(SigningKey::embedded(algorithm).key(), algorithm));
        let claims = verifier.verify(token).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(claims.subject().as_deref(), Some("openssl"));
        assert_eq!(claims.issued_at(), Some(std::time::UNIX_EPOCH + Duration::from_secs(NOW)));
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert!(verifier.verify(&format!("{signed}.AAAA")).is_err());
        algorithms.push(algorithm);
    }
    algorithms.dedup();
    assert_eq!(algorithms, Algorithm::ALL);
}
