//! Keys that a process leaves to the next one.

use super::*;
use log::listen;

/// An export of a process that had the keys 1 and 2 at noon, for 100 seconds.
fn exported() -> String {
    let rig = Rig::new(Does::Give(keys(&[1, 2]).with_header("etag", "\"v1\"")));
    assert_eq!((rig.keys.export(), rig.ask(&token(1)), rig.issuer.count()), (None, PASSES, 1));
    rig.keys.export().unwrap()
}

fn importing(does: Does, export: &str) -> Rig {
    Rig::with(does, |keys| keys.import(export).unwrap())
}

#[test]
fn there_and_back() {
    let export = exported();
    let rig = importing(Does::Fail, &export);
    assert_eq!(rig.keys.export().as_deref(), Some(&*export));
    rig.expect("as if they were fetched", &[(&token(1), PASSES), (&token(2), PASSES)], 0);
    assert_eq!(rig.at_once(&token(1)), PASSES);
    // Before and after other settings, and with white space around.
    let keys = RemoteKeys::builder().max_stale(seconds(5)).import(&format!(" {export}\n")).unwrap();
    let late = Rig::of(rig.issuer.clone(), keys.jwks(URL, rig.issuer.clone()).unwrap());
    late.expect("settings stay", &[(&token(1), PASSES)], 0);
    late.advance(105);
    late.expect("with their `max_stale`", &[(&token(1), UNAVAILABLE)], 1);
}

#[tokio::test(flavor = "current_thread")]
async fn they_are_as_old_as_they_were() {
    let export = exported();
    for (after, fresh) in [(0, true), (69, true), (95, true), (100, false), (3600, false)] {
        let rig = importing(Does::Keep, &export);
        rig.advance(after);
        assert_eq!(rig.ask(&token(1)), if fresh { PASSES } else { WAITS }, "{after}");
        assert_eq!(rig.issuer.count(), usize::from(after >= 95), "{after}");
    }
    // The issuer is down when the process starts.
    for (after, want) in [(100, PASSES), (100 + 24 * 3600 - 1, PASSES), (100 + 24 * 3600, UNAVAILABLE)] {
        let rig = importing(Does::Fail, &export);
        rig.advance(after);
        assert_eq!(Says::from(rig.keys.ready().await), want, "{after}");
        rig.expect("down", &[(&token(1), want), (&token(2), want)], 1);
        rig.issuer.now(Does::Give(keys(&[2])));
        rig.advance(2);
        rig.expect("recovered", &[(&token(2), PASSES)], 2);
    }
}

#[test]
fn the_first_request_has_no_tag() {
    let rig = importing(Does::Keep, &exported());
    rig.advance(100);
    rig.expect("expired", &[(&token(1), WAITS)], 1);
    assert_eq!(rig.issuer.last_header("if-none-match"), None);
}

#[test]
fn ready_with_keys_at_hand() {
    let rig = importing(Does::Keep, &exported());
    assert!(rig.keys.ready().now_or_never().unwrap().is_ok());
    assert_eq!(rig.issuer.count(), 0);
}

#[test]
fn what_is_no_export() {
    let with = |jwks: &str| format!(r#"{{"fetched":{NOW},"lifetime":100,"jwks":{jwks}}}"#);
    let secret = base64url([7; 64]);
    assert!(RemoteKeys::builder().import(&with(&set(&[1]))).is_ok());
    for (what, export) in [
        ("empty", String::new()),
        ("garbage", "garbage".to_owned()),
        ("null", "null".to_owned()),
        ("an array", "[]".to_owned()),
        ("a set alone", set(&[1])),
        ("half", exported()[..100].to_owned()),
        ("twice", exported().repeat(2)),
        ("no time", format!(r#"{{"lifetime":100,"jwks":{}}}"#, set(&[1]))),
        ("no lifetime", format!(r#"{{"fetched":{NOW},"jwks":{}}}"#, set(&[1]))),
        ("a time that is text", format!(r#"{{"fetched":"{NOW}","lifetime":100,"jwks":{}}}"#, set(&[1]))),
        ("before 1970", format!(r#"{{"fetched":-1,"lifetime":100,"jwks":{}}}"#, set(&[1]))),
        ("a lifetime below nothing", format!(r#"{{"fetched":{NOW},"lifetime":-1,"jwks":{}}}"#, set(&[1]))),
        ("a time beyond time", format!(r#"{{"fetched":1e300,"lifetime":100,"jwks":{}}}"#, set(&[1]))),
        ("a time twice", format!(r#"{{"fetched":{NOW},"fetched":{NOW},"lifetime":100,"jwks":{}}}"#, set(&[1]))),
        ("no keys", with(r#"{"keys":[]}"#)),
        ("no set", with("[]")),
        ("null as a set", with("null")),
        ("text as a set", with("\"keys\"")),
        ("`keys` twice", with(&format!(r#"{{"keys":[{0}],"keys":[{0}]}}"#, jwk(1)))),
        ("a private key", with(&set_of([bare(1, r#","d":"AAAA""#)]))),
        ("a secret", with(&set_of([format!(r#"{{"kty":"oct","k":"{secret}"}}"#)]))),
        ("twins", with(&set_of([jwk(1), bare(2, r#","kid":"k1""#)]))),
    ] {
        let error = RemoteKeys::builder().import(&export).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{what}: {error}");
        assert!(!format!("{error} {error:?}").contains(&secret));
    }
}

/// An export cannot make keys hold longer than this process lets them.
#[test]
fn a_lifetime_beyond_the_ceiling() {
    for lifetime in ["3601", "1e9", "1e18", "1.8e19", "3.5"] {
        let export = format!(r#"{{"fetched":{NOW},"lifetime":{lifetime},"jwks":{}}}"#, set(&[1]));
        let rig = importing(Does::Keep, &export);
        rig.expect("at first", &[(&token(1), PASSES)], 0);
        rig.advance(3600);
        rig.expect(lifetime, &[(&token(1), WAITS)], 1);
    }
}

/// Of an export from the future nobody knows how old it is: it is renewed, and no flood of requests follows.
#[test]
fn an_export_from_the_future() {
    let export = format!(r#"{{"fetched":{},"lifetime":100,"jwks":{}}}"#, NOW + 1_000_000_000, set(&[1]));
    let rig = importing(Does::Fail, &export);
    rig.expect("down", &[(&token(1), PASSES), (&token(1), PASSES)], 1);
    rig.issuer.now(Does::Give(keys(&[2])));
    rig.advance(1);
    rig.expect("renewed", &[(&token(2), PASSES)], 2);
    rig.advance(60);
    rig.expect("and good", &[(&token(2), PASSES)], 2);
}

/// What is exported is public, whatever the issuer published by mistake.
#[test]
fn no_secret_is_exported() {
    let secret = base64url([7; 64]);
    for bad in
        [format!(r#"{{"kty":"oct","k":"{secret}","kid":"s"}}"#), bare(2, &format!(r#","kid":"k2","d":"{secret}""#))]
    {
        let rig = Rig::new(Does::Give(ok(set_of([bad, jwk(1)]))));
        listen(|| rig.expect("the good one", &[(&token(1), PASSES)], 1));
        let export = rig.keys.export().unwrap();
        assert!(!export.contains(&secret), "{export}");
        importing(Does::Keep, &export).expect("imported", &[(&token(1), PASSES)], 0);
    }
}

#[test]
fn what_is_exported_is_what_was_fetched_last() {
    let rig = Rig::warm(Does::Give(keys(&[2])));
    rig.advance(100);
    rig.expect("renewed", &[(&token(2), PASSES)], 2);
    let export = rig.keys.export().unwrap();
    assert!(export.contains("k2") && !export.contains("k1"));
    rig.issuer.now(Does::Fail);
    rig.advance(100);
    rig.expect("down", &[(&token(2), PASSES)], 3);
    assert_eq!(rig.keys.export(), Some(export));
}
