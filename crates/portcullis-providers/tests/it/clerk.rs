//! Sessions of Clerk.

use crate::{gate::Head, shapes::*, tokens::now};
use portcullis_core::{Error, ErrorKind, Gate, Jwt, Permission, Principal, Scheme, testing::TestIssuer};
use portcullis_providers::clerk::Instance;
use serde_json::{Value, json};
use std::time::Duration;

fn enter(changes: Value) -> Result<Principal, Error> {
    of("Clerk").enter(changes)
}

fn refused(changes: Value) -> Option<ErrorKind> {
    enter(changes).err().map(|error| error.kind())
}

/// What a grant in version 2 permits.
fn permitted(features: &str, actions: &str, masks: &str) -> Vec<String> {
    let o = json!({ "id": "org_1", "rol": "admin", "per": actions, "fpm": masks });
    let principal = enter(json!({ "fea": features, "o": o })).unwrap();
    let mut all = Vec::new();
    for feature in features.split(',').filter_map(|feature| feature.split_once(':')) {
        for action in actions.split(',') {
            let name = format!("{}:{action}", feature.1);
            if name.parse::<Permission>().is_ok_and(|name| principal.has_permission(&name)) {
                all.push(name);
            }
        }
    }
    all
}

/// Case 141.
#[test]
fn tokens_of_both_versions_become_equal_principals() {
    let second = enter(json!({})).unwrap();
    let permissions = ["org:dashboard:manage", "org:dashboard:read", "org:teams:read"];
    let first = enter(json!({
        "v": null, "fea": null, "o": null, "org_id": "org_1", "org_slug": "acme", "org_role": "org:admin",
        "org_permissions": permissions,
    }))
    .unwrap();
    for principal in [&first, &second] {
        assert_eq!(principal.roles(), ["org:admin".into()]);
        assert_eq!(principal.organization(), Some("org_1"));
        assert_eq!(principal.session().unwrap().id(), "sess_1");
        for name in ["dashboard:manage", "dashboard:read", "teams:read"] {
            assert!(principal.has_permission(&name.parse().unwrap()), "{name}");
        }
        assert!(!principal.has_permission(&"teams:manage".parse().unwrap()));
    }
    assert_eq!((first.id(), first.permissions()), (second.id(), second.permissions()));
    // without an active organization there are neither roles nor permissions
    for changes in [json!({ "o": null }), json!({ "v": null, "o": null, "org_permissions": permissions })] {
        let alone = enter(changes).unwrap();
        assert_eq!((alone.roles().len(), alone.organization()), (0, None));
        assert!(!alone.has_permission(&"dashboard:read".parse().unwrap()));
    }
    assert_eq!(refused(json!({ "v": 3 })), Some(ErrorKind::Invalid));
    assert_eq!(refused(json!({ "v": "2" })), Some(ErrorKind::Invalid));
}

/// Case 142.
#[test]
fn masks_are_read_bit_by_bit_and_malformed_ones_grant_nothing() {
    let all = ["dashboard:manage", "dashboard:read", "teams:read"];
    assert_eq!(permitted("o:dashboard,o:teams", "manage,read", "3,2"), all);
    let actions: Vec<String> = (0..54).map(|number| format!("p{number}")).collect();
    assert_eq!(permitted("o:f", &actions.join(","), "9007199254740993"), ["f:p0", "f:p53"]);
    for mask in ["-1", "1.5", "1invalid", "", "+1", "0x3", "1e3", "340282366920938463463374607431768211456", " "] {
        assert!(permitted("o:f", "manage,read", mask).is_empty(), "{mask:?}");
    }
    assert_eq!(permitted("o:a,o:b", "read", "x,1"), ["b:read"]);
    // more features than masks, and the reverse
    assert_eq!(permitted("o:a,o:b", "read", "1"), ["a:read"]);
    assert_eq!(permitted("o:a", "read", "1,1,1"), ["a:read"]);
    // more actions than bits
    let many: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    assert_eq!(permitted("o:f", &many.join(","), &u128::MAX.to_string()).len(), 128);
    // no permission by its text
    assert!(permitted("o:*", "read", "1").is_empty() && permitted("o:f", "*", "1").is_empty());
}

/// Where the two ways to count features differ, what both grant.
#[test]
fn features_of_the_user_cannot_shift_those_of_the_organization() {
    assert_eq!(permitted("u:prof,o:dash", "manage,read", "3,2"), ["dash:read"]);
    assert!(permitted("u:prof,o:dash", "manage,read", "1,2").is_empty());
    assert_eq!(permitted("o:dash,u:prof", "manage,read", "2,3"), ["dash:read"]);
}

/// Case 143.
#[test]
fn the_page_that_asked_is_listed() {
    assert_eq!(refused(json!({})), None);
    assert_eq!(refused(json!({ "azp": "https://evil.example.net" })), Some(ErrorKind::Invalid));
    assert_eq!(refused(json!({ "azp": null })), Some(ErrorKind::Invalid));
    let tester = of("Clerk").tester();
    let any = Instance::new(PUBLISHABLE_KEY).unwrap().sessions(tester.signing_key().key()).unwrap();
    let token = of("Clerk").token(&tester, &json!({ "azp": null })).sign();
    assert!(Jwt::new(any).clock(tester.clock()).verify(&token).is_ok());
}

/// Case 144.
#[test]
fn clocks_may_differ_by_five_seconds() {
    let at = of("Clerk").tester().clock().seconds();
    assert_eq!(refused(json!({ "exp": at - 4 })), None);
    assert_eq!(refused(json!({ "exp": at - 6 })), Some(ErrorKind::Expired));
    for claim in ["nbf", "iat"] {
        assert_eq!(refused(json!({ claim: at + 4 })), None, "{claim}");
        assert_eq!(refused(json!({ claim: at + 7 })), Some(ErrorKind::Invalid), "{claim}");
    }
}

/// Case 145.
#[test]
fn the_cookie_of_the_instance_comes_first() {
    let (instance, tester) = (Instance::new(PUBLISHABLE_KEY).unwrap(), of("Clerk").tester());
    assert_eq!(instance.session_cookie(), "__session_l2OS3d9k");
    let verifier = Jwt::new(instance.sessions(tester.signing_key().key()).unwrap());
    let scheme = Scheme::new(verifier).cookie(&instance.session_cookie()).cookie("__session");
    let gate = Gate::builder().clock(tester.clock()).scheme(scheme).build().unwrap();
    let token = |user: &str| of("Clerk").token(&tester, &json!({ "sub": user })).sign();
    let subject = |cookies: String| {
        let established = now(gate.establish(&Head::of(&[("cookie", &cookies)])));
        established.principal().map(|principal| principal.id().subject().to_owned()).map_err(|error| error.status())
    };
    let (own, other) = (token("own"), token("other"));
    assert_eq!(subject(format!("__session={other}; __session_l2OS3d9k={own}")).as_deref(), Ok("own"));
    assert_eq!(subject(format!("__session={other}")).as_deref(), Ok("other"));
    // one of another instance
    assert_eq!(subject(format!("__session_AAAAAAAA={own}")), Err(401));
}

/// Cases 146 and 147.
#[test]
fn only_complete_sessions_are_accepted() {
    assert_eq!(refused(json!({ "sts": null })), None);
    assert_eq!(refused(json!({ "sts": "pending" })), Some(ErrorKind::Invalid));
    assert_eq!(refused(json!({ "sts": 1 })), Some(ErrorKind::Invalid));
    assert_eq!(refused(json!({ "sid": null })), Some(ErrorKind::Invalid));
    assert_eq!(refused(json!({ "sid": "" })), Some(ErrorKind::Invalid));

    let with = |category: &'static str| {
        let shape = of("Clerk");
        let tester = shape.tester();
        let token = shape.token(&tester, &json!({})).header("cat", category).header("oiat", 1).sign();
        let verifier = Instance::new(PUBLISHABLE_KEY).unwrap().sessions(tester.signing_key().key()).unwrap();
        let verifier = Jwt::new(verifier).clock(tester.clock());
        assert_eq!(verifier.verify(&token).is_ok(), crate::tokens::enter(&verifier.clone(), &token).is_ok());
        // a header that was seen before
        assert_eq!(verifier.verify(&token).is_ok(), verifier.verify(&token).is_ok());
        verifier.verify(&token).is_ok()
    };
    assert!(with("cl_B7d4PD111AAA"));
    for category in ["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "cl_I7d4PD111III", ""] {
        assert!(!with(category), "{category}");
    }
    let untyped = of("Clerk").enter_as(json!({}), |token| token.header("typ", "at+jwt"));
    assert_eq!(untyped.unwrap_err().kind(), ErrorKind::Invalid);
}

/// Case 148.
#[test]
fn instances_in_one_process_are_apart() {
    let instances = ["https://clerk.one.example.com", "https://clerk.two.example.com"].map(|name| {
        let tester = TestIssuer::with_algorithm(portcullis_core::Algorithm::Rs256).named(name);
        use base64::{Engine, engine::general_purpose::STANDARD};
        let key = format!("pk_live_{}", STANDARD.encode(format!("{}$", name.trim_start_matches("https://"))));
        let instance = Instance::new(&key).unwrap();
        assert_eq!((instance.issuer(), instance.is_live()), (name, true));
        let verifier = Jwt::new(instance.sessions(tester.signing_key().key()).unwrap()).clock(tester.clock());
        (tester, verifier)
    });
    for (place, (tester, _)) in instances.iter().enumerate() {
        let token = tester.token("user_1").without("aud").claim("sid", "s").expires_in(Duration::from_secs(60)).sign();
        for (other, (_, verifier)) in instances.iter().enumerate() {
            assert_eq!(verifier.verify(&token).is_ok(), place == other);
        }
    }
}

/// Case 149.
#[test]
fn keys_of_test_and_live_are_not_mixed() {
    let test = Instance::new(PUBLISHABLE_KEY).unwrap();
    assert!(test.check_secret_key("sk_test_1").is_ok() && !test.is_live());
    for wrong in ["sk_live_1", "sk_test_", "", "pk_test_1", PUBLISHABLE_KEY] {
        assert_eq!(test.check_secret_key(wrong).unwrap_err().kind(), ErrorKind::Misconfigured, "{wrong}");
    }
    let live = Instance::new("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k").unwrap();
    assert!(live.check_secret_key("sk_live_1").is_ok() && live.check_secret_key("sk_test_1").is_err());
    assert_ne!(live.session_cookie(), test.session_cookie());
    // `clerk.example.com` without `$`, an address, a path, a port, and no base64
    for wrong in [
        "",
        "pk_test_",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20",
        "pk_other_Y2xlcmsuZXhhbXBsZS5jb20k",
        "pk_test_%%%",
        "pk_test_aHR0cHM6Ly9jbGVyay5leGFtcGxlLmNvbSQ=",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20vYSQ=",
        "pk_test_YS5iOjgwJA==",
    ] {
        assert!(Instance::new(wrong).is_err(), "{wrong}");
    }
}

/// An empty item of a list has a place, so what follows keeps its own.
#[test]
fn empty_items_of_packed_permissions_have_places() {
    let tester = of("Clerk").tester();
    let instance = Instance::new(PUBLISHABLE_KEY).unwrap();
    let verifier = Jwt::new(instance.sessions(tester.signing_key().key()).unwrap()).clock(tester.clock());
    let enter = |role: &str, mask: &str| {
        let organization = json!({ "id": "org_1", "rol": role, "per": "read,,manage", "fpm": mask });
        let token = tester.token("user_1").without("aud").claim("sid", "s").claim("v", 2).claim("fea", "o:teams");
        crate::tokens::enter(&verifier, &token.claim("o", organization).sign()).unwrap()
    };
    let manages = |mask| enter("admin", mask).has_permission(&"teams:manage".parse().unwrap());
    assert!(!manages("3") && manages("4"));
    assert!(enter("", "3").roles().is_empty() && !enter("admin", "3").roles().is_empty());
}
