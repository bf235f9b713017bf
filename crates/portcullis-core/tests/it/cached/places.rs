//! A token belongs to the verifier that verified it, and to its place in the gate.

use super::{
    keys::{jwk, pair},
    *,
};
use portcullis_core::{ClaimMap, Key};

/// A verifier of the key number `n` under the usual name, with roles from this claim.
fn verifier(issuer: &str, n: u8, roles: &str) -> Jwt {
    let key = Key::jwk(&jwk("k", n)).unwrap();
    let issuer = Issuer::new(issuer, Audience::is("test"), [Algorithm::EdDsa], key).unwrap();
    Jwt::new(issuer.claim_map(ClaimMap::new().roles(roles).unwrap())).clock(FixedClock::at(NOW))
}

fn gate(verifiers: impl IntoIterator<Item = Jwt>) -> Gate {
    let schemes = verifiers.into_iter().map(|jwt| Scheme::new(jwt).bearer());
    schemes.fold(Gate::builder().cache(roomy()), GateBuilder::scheme).build().unwrap()
}

fn who(gate: &Gate, token: &str) -> Result<Principal, ErrorKind> {
    let who = gate.establish(&Head::new().bearer(token)).ready().unwrap();
    who.principal().cloned().map_err(|error| error.kind())
}

fn role(gate: &Gate, token: &str) -> Result<String, ErrorKind> {
    who(gate, token).map(|principal| principal.roles().iter().map(ToString::to_string).collect())
}

fn by(n: u8) -> String {
    signed(n, "k", &claims("good", r#","one":"viewer","two":"owner""#))
}

/// Two issuers of one name, with other keys and other rules: what one gate knows is nothing to the other.
#[test]
fn in_two_gates() {
    let (one, two) = (gate([verifier(ISSUER, 1, "one")]), gate([verifier(ISSUER, 2, "two")]));
    let same_key = gate([verifier(ISSUER, 1, "two")]);
    for _ in 0..3 {
        assert_eq!(role(&one, &by(1)), Ok("viewer".to_owned()));
        assert_eq!(role(&same_key, &by(1)), Ok("owner".to_owned()));
        assert_eq!(role(&two, &by(1)), Err(ErrorKind::Invalid));
        assert_eq!(role(&two, &by(2)), Ok("owner".to_owned()));
        assert_eq!(role(&one, &by(2)), Err(ErrorKind::Invalid));
    }
}

/// The second verifier's tokens are known at its own place, whatever the first says about them.
#[test]
fn at_the_second_place() {
    let (first, second) = (verifier("https://first.test", 1, "one"), verifier(ISSUER, 1, "two"));
    let third = verifier("https://third.test", 1, "one");
    let gate = gate([first, second, third]);
    let of_first = signed(1, "k", &claims("first", r#","one":"viewer""#).replace(ISSUER, "https://first.test"));
    let (one, other) = (who(&gate, &of_first).unwrap(), who(&gate, &by(1)).unwrap());
    assert_ne!(one.issuer(), other.issuer());
    for _ in 0..3 {
        assert!(share(&one, &who(&gate, &of_first).unwrap()));
        assert!(share(&other, &who(&gate, &by(1)).unwrap()));
        assert_eq!(who(&gate, &by(2)).unwrap_err(), ErrorKind::Invalid);
        assert_eq!(who(&gate, &by(1).replacen('.', "..", 1)).unwrap_err(), ErrorKind::Unrecognized);
    }
}

/// The second verifier's times and keys decide about its tokens, and not those of the first, which are less strict.
#[test]
fn by_the_rules_of_its_place() {
    let clock = FixedClock::at(NOW);
    let jwt = |name: &str, leeway| {
        let key = Key::jwk(&jwk("k", 1)).unwrap();
        let issuer = Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::EdDsa], key).unwrap();
        Jwt::new(issuer.leeway(seconds(leeway)).unwrap()).clock(clock.clone())
    };
    let gate = gate([jwt("https://first.test", 60), jwt(ISSUER, 0)]);
    let of_first = signed(1, "k", &claims("first", "").replace(ISSUER, "https://first.test"));
    let both = || [&of_first, &by(1)].map(|token| who(&gate, token).map(drop));
    assert_eq!((both(), both()), ([Ok(()), Ok(())], [Ok(()), Ok(())]));
    clock.advance(seconds(3600));
    assert_eq!(both(), [Ok(()), Err(ErrorKind::Expired)]);
    clock.advance(seconds(60));
    assert_eq!(both(), [Err(ErrorKind::Expired); 2]);
}

/// Two verifiers inside one do not get in each other's way either.
#[test]
fn of_several_issuers_in_one_verifier() {
    let issuer = |name: &str, n| {
        let key = Key::jwk(&jwk("k", n)).unwrap();
        Issuer::new(name.to_owned(), Audience::is("test"), [Algorithm::EdDsa], key).unwrap()
    };
    let jwt = Jwt::new(issuer("https://first.test", 1)).issuer(issuer(ISSUER, 2)).unwrap().clock(FixedClock::at(NOW));
    let gate = gate([jwt]);
    for (name, n) in [("https://first.test", 1), (ISSUER, 2)] {
        let token = |n| signed(n, "k", &claims("good", "").replace(ISSUER, name));
        let first = who(&gate, &token(n)).unwrap();
        assert!(share(&first, &who(&gate, &token(n)).unwrap()), "{name}");
        assert_eq!(first.issuer(), Some(name));
        assert_eq!(who(&gate, &token(3 - n)).unwrap_err(), ErrorKind::Invalid, "{name}");
    }
}

/// A token that the second verifier has accepted from a cookie is the first one's to refuse where both read it. The cache
/// knows that, and a token that the first leaves is known in both places.
#[test]
fn what_one_before_it_decides_about() {
    use base64::{Engine, engine::general_purpose::URL_SAFE};
    let key = || Key::jwk(&jwk("k", 1)).unwrap();
    let issuer = |name: &str, audience| Issuer::new(name.to_owned(), audience, [Algorithm::EdDsa], key()).unwrap();
    let first = || issuer("https://first.test", Audience::is("test"));
    let own = || issuer(ISSUER, Audience::is("test"));
    let padded = {
        let parts = [r#"{"alg":"EdDSA", "kid": "k"}"#.to_owned(), claims("good", r#","x":"1""#)];
        let signed = parts.map(|part| URL_SAFE.encode(part)).join(".");
        let signature = URL_SAFE.encode(pair(1).sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    };
    let elsewhere = || Jwt::new(issuer(ISSUER, Audience::is("other")));
    let also = || issuer("https://second.test", Audience::is("test")).also_called(ISSUER).unwrap();
    let table = [
        ("apart", Jwt::new(first()), Jwt::new(own()), by(1), Ok(())),
        ("one of its names", elsewhere(), Jwt::new(also()), by(1), Err(ErrorKind::Invalid)),
        ("any name", elsewhere(), Jwt::new(own().dangerous_any_name()), by(1), Err(ErrorKind::Invalid)),
        ("too long", Jwt::new(first().max_token_bytes(200)), Jwt::new(own()), by(1), Err(ErrorKind::Invalid)),
        ("padded", Jwt::new(first()), Jwt::new(own()).padded(), padded, Err(ErrorKind::Invalid)),
    ];
    for (case, first, second, token, expected) in table {
        let [first, second] = [first, second].map(|jwt| jwt.clock(FixedClock::at(NOW)));
        for cache in [None, Some(roomy())] {
            let gate = cache.into_iter().fold(Gate::builder(), GateBuilder::cache);
            let gate = gate.scheme(Scheme::new(first.clone()).header("x-token"));
            let gate = gate.scheme(Scheme::new(second.clone()).header("x-token").cookie("session")).build().unwrap();
            let who = |name, value: &str| {
                let who = gate.establish(&Head::new().header(name, value)).ready().unwrap();
                who.principal().map(drop).map_err(|error| error.kind())
            };
            for _ in 0..2 {
                assert_eq!(who("cookie", &format!("session={token}")), Ok(()), "{case}");
                assert_eq!(who("x-token", &token), expected, "{case}");
            }
        }
    }
}
