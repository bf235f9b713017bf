//! Where a claim stands: a name or a JSON pointer, wherever a claim is named.

use crate::{
    claims::alice,
    tokens::{at_noon, invalid, issuer, with_more},
};
use portcullis_core::{ClaimMap, ClaimPath, Error, ErrorKind, Rules, policy::claim};

const MALFORMED: [&str; 8] = ["", "/~", "/a~", "/~2", "/a/~x/b", "/~~0", "/a~/b", "/\u{e9}~"];

#[test]
fn a_place_is_a_name_or_a_pointer() {
    for good in ["a", "a~", "~", "a.b", "https://example.com/roles", "é", " ", "#/a", "/", "//", "/~0~1", "/a/0", "/é"]
    {
        let path: ClaimPath = good.parse().unwrap();
        assert_eq!((path.as_str(), path.to_string()), (good, good.to_owned()));
        assert_eq!(path, ClaimPath::from_static(good.to_owned().leak()));
    }
    for malformed in MALFORMED {
        let error = malformed.parse::<ClaimPath>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{malformed:?}");
        assert!(error.to_string().contains("is not the place of a claim"), "{error}");
        assert!(std::panic::catch_unwind(|| ClaimPath::from_static(malformed)).is_err(), "{malformed:?}");
        assert!(std::panic::catch_unwind(|| claim(malformed)).is_err(), "{malformed:?}");
    }
}

/// A malformed place is an error where it is said, wherever that is.
#[test]
fn a_malformed_place_is_an_error_where_it_is_said() {
    type Says = fn(&str) -> Result<(), Error>;
    let map = ClaimMap::new;
    let says: [(&str, Says); 11] = [
        ("subject", |path| ClaimMap::new().subject(path).map(drop)),
        ("roles", |path| ClaimMap::new().roles(path).map(drop)),
        ("scopes", |path| ClaimMap::new().scopes(path).map(drop)),
        ("permissions", |path| ClaimMap::new().permissions(path).map(drop)),
        ("staff", |path| ClaimMap::new().staff(path).map(drop)),
        ("organization", |path| ClaimMap::new().organization(path).map(drop)),
        ("session", |path| ClaimMap::new().session(path).map(drop)),
        ("require", |path| Rules::new().require(path, "x").map(drop)),
        ("one_of", |path| Rules::new().one_of(path, ["x"]).map(drop)),
        ("if_present", |path| Rules::new().if_present(path, ["x"]).map(drop)),
        ("forbid", |path| Rules::new().forbid(path).map(drop)),
    ];
    for (what, says) in says {
        for malformed in MALFORMED {
            assert_eq!(says(malformed).unwrap_err().kind(), ErrorKind::Misconfigured, "{what}({malformed:?})");
        }
        assert!(says("name").is_ok() && says("/a/b").is_ok(), "{what}");
    }
    let claims = alice(map(), r#""a":{"b":1}"#).token_claims().unwrap().clone();
    for malformed in MALFORMED {
        assert_eq!(claims.get::<u8>(malformed).unwrap_err().kind(), ErrorKind::Misconfigured, "{malformed:?}");
    }
    const PARSED: ClaimPath = ClaimPath::from_static("/a/b");
    assert_eq!(claims.get::<u8>(PARSED).unwrap(), Some(1));
    assert!(map().roles(PARSED).is_ok() && Rules::new().forbid(&PARSED).is_ok());
}

/// All that name a claim find the same one.
#[test]
fn one_place_means_one_claim() {
    let more = r#""a.b":"dot","https://example.com/x":"url","/a":"slash","a":{"b":"inside","~":["tilde"]}"#;
    let token = with_more(more);
    for (path, found) in [
        ("a.b", Some("dot")),
        ("https://example.com/x", Some("url")),
        ("/https:~1~1example.com~1x", Some("url")),
        ("/~1a", Some("slash")),
        ("/a/b", Some("inside")),
        ("/a/~0/0", Some("tilde")),
        ("/a/~0/1", None),
        ("a/b", None),
        ("/a.b", Some("dot")),
    ] {
        let claims = at_noon(issuer()).verify(&token).unwrap();
        assert_eq!(claims.get::<String>(path).unwrap().as_deref(), found, "{path}");
        let by = alice(ClaimMap::new().roles(path).unwrap(), more);
        assert_eq!(by.roles().iter().map(ToString::to_string).next().as_deref(), found, "{path}");
        let forbidden = at_noon(issuer().rules(Rules::new().forbid(path).unwrap())).verify(&token);
        assert_eq!(forbidden.is_err(), found.is_some(), "{path}");
        let required = Rules::new().require(path, found.unwrap_or("nothing")).unwrap();
        assert_eq!(at_noon(issuer().rules(required)).verify(&token).is_ok(), found.is_some(), "{path}");
        let other = at_noon(issuer().rules(Rules::new().if_present(path, ["other"]).unwrap())).verify(&token);
        assert_eq!(other.is_err(), found.is_some(), "{path}");
    }
}

#[test]
fn one_of_several_values() {
    let rules = Rules::new().one_of("azp", ["web", "mobile"]).unwrap();
    let wrong = || invalid("the claim `azp` is not `web` or `mobile`");
    crate::tokens::hold(
        &at_noon(issuer().rules(rules)),
        [
            ("the first", with_more(r#""azp":"web""#), Ok(())),
            ("the second", with_more(r#""azp":"mobile""#), Ok(())),
            ("another", with_more(r#""azp":"desktop""#), wrong()),
            ("both", with_more(r#""azp":["web","mobile"]"#), wrong()),
            ("none", with_more(""), wrong()),
        ],
    );
    for none in [Rules::new().one_of("azp", [""; 0]), Rules::new().if_present("azp", [""; 0])] {
        assert_eq!(none.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}
