//! How long keys hold: `Cache-Control`, `Age`, and `ETag`.

use super::*;

/// How many seconds the keys hold: then, and not a second before, a token waits for the next ones.
fn holds(headers: &[(&str, &str)], settings: impl Fn(RemoteKeysBuilder) -> RemoteKeysBuilder) -> u64 {
    let answer = headers.iter().fold(ok(set(&[1])), |answer, (name, value)| answer.with_header(name, *value));
    let waits_after = |millis: u64| {
        let rig = Rig::with(Does::Give(answer.clone()), &settings);
        assert_eq!((rig.ask(&token(1)), rig.issuer.count()), (PASSES, 1), "{headers:?}");
        rig.issuer.now(Does::Keep);
        rig.clock.advance(Duration::from_millis(millis));
        let says = rig.ask(&token(1));
        assert!(rig.issuer.count() <= 2);
        says == WAITS
    };
    let (mut low, mut high) = (0, 200_000_000);
    assert!(waits_after(high));
    while high - low > 1 {
        let middle = low.midpoint(high);
        if waits_after(middle) { high = middle } else { low = middle }
    }
    assert_eq!(high % 1000, 0, "{headers:?}");
    high / 1000
}

fn control(value: &str) -> u64 {
    holds(&[("cache-control", value)], |keys| keys)
}

#[test]
fn what_the_issuer_says() {
    assert_eq!(holds(&[], |keys| keys), 300);
    for (value, want) in [
        ("max-age=600", 600),
        ("Max-Age=600", 600),
        ("MAX-AGE=600", 600),
        ("public, max-age=600, must-revalidate", 600),
        ("max-age=600,public", 600),
        (" \tmax-age=600\t ", 600),
        (",,max-age=600,,", 600),
        ("max-age=\"600\"", 600),
        ("max-age=0600", 600),
        ("max-age=0", 1),
        ("max-age=1", 1),
        ("max-age=3600", 3600),
        ("max-age=3601", 3600),
        ("max-age=31536000", 3600),
        ("no-store", 1),
        ("no-cache", 1),
        ("No-Store", 1),
        ("max-age=600, no-store", 1),
        ("no-cache, max-age=600", 1),
        ("no-cache=\"x\", max-age=600", 600),
        // Nothing that it says: five minutes.
        ("", 300),
        ("public", 300),
        ("private", 300),
        ("s-maxage=600", 300),
        ("x-max-age=600", 300),
        ("max-age", 300),
    ] {
        assert_eq!(control(value), want, "{value}");
    }
}

/// What nobody can read holds no longer than what is not said.
#[test]
fn what_the_issuer_means() {
    for value in [
        "max-age=",
        "max-age=-1",
        "max-age=-600",
        "max-age=+-600",
        "max-age=600.5",
        "max-age=1e3",
        "max-age=ten",
        "max-age=\u{661}",
        "max-age = 600",
        "max-age=600 seconds",
        "max-age='600'",
        "max-age=0x258",
        "max-age=600;public",
        "max-age=18446744073709551616",
        "max-age=99999999999999999999999999",
    ] {
        assert!(control(value) <= 300, "{value}: {}", control(value));
    }
    assert_eq!(control("max-age=18446744073709551615"), 3600);
    // Twice: the first, or the shorter (RFC 9111, section 4.2.1).
    assert!(control("max-age=10, max-age=20") <= 20);
    assert!(control("max-age=20, max-age=10") <= 20);
}

/// Several lines are one list (RFC 9110, section 5.3).
#[test]
fn two_lines() {
    let lines = |one, two| holds(&[("cache-control", one), ("cache-control", two)], |keys| keys);
    assert_eq!(lines("max-age=600", "public"), 600);
    assert_eq!(lines("public", "max-age=60"), 60);
    assert_eq!(lines("max-age=600", "no-store"), 1);
}

#[test]
fn the_age_that_it_has_already() {
    let aged = |max_age: &str, age: &str| holds(&[("cache-control", max_age), ("age", age)], |keys| keys);
    for (max_age, age, want) in [
        ("max-age=600", "0", 600),
        ("max-age=600", "500", 100),
        ("max-age=600", " 500 ", 100),
        ("max-age=600", "599", 1),
        ("max-age=600", "600", 1),
        ("max-age=600", "100000", 1),
        ("max-age=600", "18446744073709551615", 1),
        ("max-age=7200", "3600", 3600),
        ("max-age=600", "-5", 600),
        ("max-age=600", "old", 600),
        ("no-store", "5", 1),
        ("public", "500", 300),
    ] {
        assert_eq!(aged(max_age, age), want, "{max_age} {age}");
    }
}

#[test]
fn floor_and_ceiling() {
    let between = |value, floor, ceiling| {
        holds(&[("cache-control", value)], |keys| keys.lifetime(seconds(floor), seconds(ceiling)))
    };
    assert_eq!(between("max-age=5", 60, 120), 60);
    assert_eq!(between("no-store", 60, 120), 60);
    assert_eq!(between("max-age=100", 60, 120), 100);
    assert_eq!(between("max-age=600", 60, 120), 120);
    assert_eq!(between("public", 60, 120), 120);
    assert_eq!(between("max-age=86400", 60, 100_000), 86_400);
    // A ceiling below the floor is the floor.
    assert_eq!(between("max-age=600", 60, 10), 60);
}

/// RFC 9111, section 5.3: by the issuer's own clock if it tells it, and only where there is no `max-age`.
#[test]
fn expires() {
    // `NOW` is noon of 1 January 2026.
    let (date, later) = ("Thu, 01 Jan 2026 12:00:00 GMT", "Thu, 01 Jan 2026 12:10:00 GMT");
    let held = |headers: &[(&str, &str)]| holds(headers, |keys| keys);
    for (headers, want) in [
        (&[("expires", later)][..], 600),
        (&[("expires", "Thursday, 01-Jan-26 12:10:00 GMT")], 600),
        (&[("expires", later), ("date", date)], 600),
        (&[("expires", later), ("date", "Thu, 01 Jan 2026 12:08:00 GMT")], 120),
        (&[("expires", later), ("date", "Thu, 01 Jan 2026 12:08:00 GMT"), ("age", "20")], 100),
        (&[("expires", later), ("date", "yesterday")], 600),
        (&[("expires", later), ("cache-control", "s-maxage=5")], 600),
        (&[("expires", later), ("cache-control", "public, max-age=50")], 50),
        (&[("expires", later), ("cache-control", "no-cache")], 1),
        (&[("expires", "Thu, 01 Jan 1970 00:00:00 GMT"), ("cache-control", "max-age=50")], 50),
        (&[("expires", date)], 1),
        (&[("expires", "Thu, 01 Jan 1970 00:00:00 GMT")], 1),
        (&[("expires", "0")], 1),
        (&[("expires", "-1"), ("date", date)], 1),
        (&[("date", date)], 300),
    ] {
        assert_eq!(held(headers), want, "{headers:?}");
    }
}

/// What is not set by the application is a minute, so that no issuer has itself asked with every other token.
#[test]
fn the_default_floor() {
    for value in ["no-cache", "no-store", "max-age=0, must-revalidate", "max-age=5", "max-age=60"] {
        let client = Scripted::new(Does::Give(ok(set(&[1])).with_header("cache-control", value)));
        let rig = Rig::of(client.clone(), RemoteKeys::jwks(URL, client).unwrap());
        for _ in 0..42 {
            assert_eq!(rig.ask(&token(1)), PASSES);
            rig.advance(1);
        }
        assert_eq!(rig.issuer.count(), 1, "{value}");
        rig.advance(18);
        rig.expect(value, &[(&token(1), PASSES)], 2);
    }
}

/// Keys that may not be kept at all are fetched for each token, and once for each at most.
#[test]
fn no_lifetime_at_all() {
    let answer = ok(set(&[1])).with_header("cache-control", "no-store");
    let rig = Rig::with(Does::Give(answer), |keys| keys.lifetime(Duration::ZERO, Duration::ZERO));
    rig.expect("one", &[(&token(1), PASSES)], 1);
    assert_eq!(rig.ask(&token(1)), PASSES);
    assert!(rig.issuer.count() <= 2);
}

fn tagged(numbers: &[u8], etag: &str) -> HttpResponse {
    keys(numbers).with_header("ETag", etag)
}

#[test]
fn a_tag_is_sent_back_and_304_renews() {
    for tag in ["\"v1\"", "W/\"v1\"", "\"\"", "unquoted"] {
        let rig = Rig::new(Does::Give(tagged(&[1], tag)));
        rig.expect("first", &[(&token(1), PASSES)], 1);
        assert_eq!(rig.issuer.last_header("if-none-match"), None);
        rig.issuer.now(Does::Give(status(304).with_header("cache-control", "max-age=50")));
        for requests in [2, 3] {
            rig.advance(100);
            rig.expect("unchanged", &[(&token(1), PASSES)], requests);
            assert_eq!(rig.issuer.last_header("if-none-match").as_deref(), Some(tag));
        }
        rig.advance(34);
        rig.expect("for 50 seconds", &[(&token(1), PASSES)], 3);
        rig.issuer.now(Does::Give(tagged(&[2], "\"v2\"")));
        rig.advance(16);
        rig.expect("changed", &[(&token(2), PASSES)], 4);
        assert_eq!(rig.ask(&token(1)), INVALID);
        rig.advance(100);
        assert_eq!(rig.ask(&token(2)), PASSES);
        assert_eq!(rig.issuer.last_header("if-none-match").as_deref(), Some("\"v2\""));
    }
}

#[test]
fn a_set_without_a_tag_forgets_the_old_one() {
    let rig = Rig::new(Does::Give(tagged(&[1], "\"v1\"")));
    rig.expect("first", &[(&token(1), PASSES)], 1);
    rig.issuer.now(Does::Give(keys(&[1])));
    rig.advance(100);
    rig.expect("second", &[(&token(1), PASSES)], 2);
    rig.advance(100);
    rig.expect("third", &[(&token(1), PASSES)], 3);
    assert_eq!(rig.issuer.last_header("if-none-match"), None);
}

/// The very same text again is an answer like others: tag, time and lifetime are its own. So it is with another text that has
/// the same keys, and with another key.
#[test]
fn the_same_text_once_more() {
    let same = set(&[1]);
    for (body, passes) in [(same.clone(), 1), (same.replace(',', ", "), 1), (set(&[2]), 2)] {
        let rig = Rig::with(Does::Give(tagged(&[1], "\"v1\"")), |keys| keys.max_stale(Duration::ZERO));
        rig.expect("first", &[(&token(1), PASSES)], 1);
        let second = ok(body.clone()).with_header("cache-control", "max-age=50").with_header("etag", "\"v2\"");
        rig.issuer.now(Does::Give(second));
        rig.advance(100);
        rig.expect(&body, &[(&token(passes), PASSES), (&under(9, &format!("k{passes}")), INVALID)], 2);
        let export = rig.keys.export().unwrap();
        assert!(export.starts_with(&format!(r#"{{"fetched":{},"lifetime":50,"#, NOW + 100)), "{export}");
        rig.issuer.now(Does::Keep);
        rig.advance(49);
        assert_eq!(rig.ask(&token(passes)), PASSES, "{body}");
        rig.advance(1);
        rig.expect(&body, &[(&token(passes), WAITS)], 3);
        assert_eq!(rig.issuer.last_header("if-none-match").as_deref(), Some("\"v2\""), "{body}");
    }
}

/// 304 also for keys that had been given up.
#[test]
fn unchanged_after_a_long_outage() {
    let rig = Rig::with(Does::Give(tagged(&[1], "\"v1\"")), |keys| keys.max_stale(Duration::ZERO));
    rig.expect("first", &[(&token(1), PASSES)], 1);
    rig.issuer.now(Does::Fail);
    rig.advance(100);
    rig.expect("down", &[(&token(1), UNAVAILABLE)], 2);
    rig.issuer.now(Does::Give(status(304)));
    rig.advance(1);
    rig.expect("unchanged", &[(&token(1), PASSES)], 3);
    assert_eq!(rig.verify(&token(1)), PASSES);
}

/// Nobody has asked whether it changed: not known, or known without a tag.
#[test]
fn unchanged_without_a_question_is_a_failure() {
    let rig = Rig::new(Does::Give(status(304)));
    rig.expect("nothing known", &[(&token(1), UNAVAILABLE), (&token(1), UNAVAILABLE)], 1);
    let rig = Rig::warm_with(Does::Give(status(304)), |keys| keys.max_stale(Duration::ZERO));
    rig.advance(100);
    rig.expect("known without a tag", &[(&token(1), UNAVAILABLE)], 2);
}
