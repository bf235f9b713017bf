//! What a fetched key serves: what its issuer allows and its type can do, and nothing else.

use super::*;
use portcullis_core::testing::SigningKey;

const RSA: &[u8] = include_bytes!("../../../src/testing/keys/rsa.spki");
const P256: &[u8] = include_bytes!("../../../src/testing/keys/p256.spki");

const RSA_ALGORITHMS: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

fn rsa(more: &str) -> String {
    format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB","kid":"r"{more}}}"#, base64url(&RSA[33..33 + 256]))
}

pub(super) fn es256(kid: &str) -> String {
    let (x, y) = P256[P256.len() - 64..].split_at(32);
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}","kid":"{kid}"}}"#, base64url(x), base64url(y))
}

fn of(algorithm: Algorithm, kid: &str) -> String {
    SigningKey::embedded(algorithm).sign(&format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#), &claims(""))
}

fn verifier(algorithms: &[Algorithm], set: &str) -> (Scripted, Jwt) {
    let client = Scripted::new(Does::Give(ok(set.to_owned())));
    let clock = FixedClock::at(NOW);
    let keys = RemoteKeys::jwks(URL, client.clone()).unwrap();
    let issuer = Issuer::new(ISSUER, Audience::is("test"), algorithms.iter().copied(), keys).unwrap();
    (client, Jwt::new(issuer).clock(clock))
}

#[test]
fn a_key_without_alg() {
    for allowed in
        [&RSA_ALGORITHMS[..], &RSA_ALGORITHMS[..1], &RSA_ALGORITHMS[3..4], &[Algorithm::Rs512, Algorithm::Es256]]
    {
        let (client, jwt) = verifier(allowed, &set_of([rsa("")]));
        for algorithm in RSA_ALGORITHMS {
            let want = if allowed.contains(&algorithm) { PASSES } else { INVALID };
            assert_eq!(Says::from(jwt.verify(&of(algorithm, "r"))), want, "{algorithm} of {allowed:?}");
        }
        // Whatever is not allowed costs nothing either.
        assert_eq!(client.count(), 1);
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256] {
            assert_eq!(Says::from(jwt.verify(&of(algorithm, "r"))), INVALID, "{algorithm} of {allowed:?}");
        }
    }
}

#[test]
fn a_key_with_alg_serves_that_one() {
    for named in RSA_ALGORITHMS {
        let (_, jwt) = verifier(&RSA_ALGORITHMS, &set_of([rsa(&format!(r#","alg":"{named}""#))]));
        for algorithm in RSA_ALGORITHMS {
            let want = if named == algorithm { PASSES } else { INVALID };
            assert_eq!(Says::from(jwt.verify(&of(algorithm, "r"))), want, "{algorithm} of {named}");
        }
    }
}

/// The algorithm that the issuer does not allow is refused before anything is fetched.
#[test]
fn an_algorithm_that_is_not_allowed() {
    let (client, jwt) = verifier(&[Algorithm::Rs256], &set_of([rsa(""), es256("e")]));
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Rs256) {
        let error = jwt.verify(&of(algorithm, "r")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{algorithm}");
        assert_eq!(error.to_string(), format!("the algorithm {algorithm} is not accepted of this issuer"));
    }
    assert_eq!(client.count(), 0);
    assert_eq!(Says::from(jwt.verify(&of(Algorithm::Rs256, "r"))), PASSES);
    assert_eq!(client.count(), 1);
}

/// Sets that one `kid` has keys of several types in.
#[test]
fn the_type_tells_keys_of_one_name_apart() {
    let set = set_of([rsa(""), es256("r"), bare(1, r#","kid":"r""#)]);
    let (client, jwt) = verifier(&[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa], &set);
    for token in [of(Algorithm::Rs256, "r"), of(Algorithm::Es256, "r"), under(1, "r")] {
        assert_eq!(Says::from(jwt.verify(&token)), PASSES);
    }
    assert_eq!(client.count(), 1);
}

/// The same key listed for two algorithms, and listed twice for one of them.
#[test]
fn twins_by_algorithm() {
    let both = [Algorithm::Rs256, Algorithm::Ps256];
    let (rs, ps) = (rsa(r#","alg":"RS256""#), rsa(r#","alg":"PS256""#));
    for (set, want) in [
        (vec![rs.clone(), ps.clone()], [PASSES, PASSES]),
        (vec![rs.clone(), rsa(""), es256("e")], [PASSES, PASSES]),
        (vec![rs.clone(), rs.clone(), ps], [PASSES, PASSES]),
        (vec![rs.clone(), rs], [PASSES, INVALID]),
    ] {
        let (client, jwt) = verifier(&both, &set_of(set.clone()));
        let found = both.map(|algorithm| Says::from(jwt.verify(&of(algorithm, "r"))));
        assert_eq!(found, want, "{set:?}");
        assert!(client.count() <= 2);
    }
}

#[test]
fn a_secret_is_not_fetched() {
    let client = Scripted::new(Does::Keep);
    for algorithms in [vec![Algorithm::Hs256], vec![Algorithm::Hs512], vec![Algorithm::Rs256, Algorithm::Hs384], vec![]]
    {
        let keys = RemoteKeys::jwks(URL, client.clone()).unwrap();
        let error = Issuer::new(ISSUER, Audience::is("test"), algorithms.clone(), keys).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{algorithms:?}");
    }
    assert_eq!(client.count(), 0);
}

/// A key that its issuer calls by no name serves any name, as keys at hand do.
#[test]
fn a_key_without_kid() {
    let (client, jwt) = verifier(&[Algorithm::EdDsa], &set_of([bare(1, ""), jwk(2)]));
    for (token, want) in [
        (under(1, "any"), PASSES),
        (token(2), PASSES),
        (under(1, "k2"), INVALID),
        (under(2, "any"), INVALID),
        (signed(1, r#"{"alg":"EdDSA"}"#), PASSES),
        (signed(2, r#"{"alg":"EdDSA"}"#), INVALID),
        (signed(1, r#"{"alg":"Ed25519","kid":"any"}"#), PASSES),
    ] {
        assert_eq!(Says::from(jwt.verify(&token)), want);
    }
    assert!(client.count() <= 2);
}
