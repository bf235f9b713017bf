//! Which answers refuse a token, which ones are an outage, and what is kept of either.

use super::{ALICE, NO_RIGHTS, ask, asking, asking_of, assert_is, client::*, down};
use crate::tokens::{ISSUER, NOW, PASSES, Want, invalid};
use portcullis_core::{Error, ErrorKind, HttpResponse, testing::FixedClock};
use std::time::{Duration, Instant};

/// Asks twice with the same answers, of which the second is given at the second address: what was no answer is asked for
/// again, from the first address on.
fn hold(rows: impl IntoIterator<Item = (String, Answered, Answered, Want, usize)>) {
    let (mut passed, mut refused) = (false, false);
    for (what, first, second, want, asked) in rows {
        let service = Service::saying(first, second);
        let clock = FixedClock::at(NOW);
        let asking = asking_of(super::issuer(), &service, &clock);
        let is_outage = matches!(want, Err((ErrorKind::Unavailable, _)));
        for _ in 0..2 {
            let outcome = ask(&asking, "secret-token");
            assert_is(&what, &outcome, want);
            if is_outage {
                clock.advance(Duration::from_secs(1));
            }
            if let Err(error) = outcome {
                assert_eq!(error.issuer(), Some(ISSUER), "{what}");
                assert!(!format!("{error} {error:?}").contains("secret-token"), "{what}");
            }
        }
        assert_eq!(service.asked(), if is_outage { 2 * asked } else { asked }, "{what}: how often it is asked");
        passed |= want.is_ok();
        refused |= want.is_err();
    }
    assert!(passed && refused, "a table needs both sides");
}

/// The answer at the first address, and then the one at the second.
fn at_each(what: &str, answer: &Answered, want: Want) -> [(String, Answered, Answered, Want, usize); 2] {
    [
        (format!("{what}, first"), answer.clone(), ok(NO_RIGHTS), want, 1),
        (format!("{what}, second"), ok(ALICE), answer.clone(), want, 2),
    ]
}

#[test]
fn statuses() {
    let mut rows = vec![("200".to_owned(), ok(ALICE), ok(NO_RIGHTS), PASSES, 2)];
    for refusal in [401, 403] {
        rows.extend(at_each(&refusal.to_string(), &status(refusal), invalid("the issuer refuses the token with 40")));
    }
    let others = [
        100, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308, 400, 402, 404, 405, 407, 410, 418, 429,
        451, 500, 501, 502, 503, 504, 511, 599,
    ];
    for other in others {
        // Whatever the body says: a proxy's word is not the service's.
        for body in [ALICE, "", "<title>Sign in</title>"] {
            let answer = HttpResponse::new(other, body).with_header("location", "https://issuer.test/login");
            rows.extend(at_each(&other.to_string(), &Ok(answer), down("the issuer answered with the status ")));
        }
    }
    hold(rows);
}

#[test]
fn what_is_no_json_object() {
    let bodies: [(&str, Vec<u8>); 14] = [
        ("nothing", "".into()),
        ("space", " \n".into()),
        ("a page", "<!doctype html><title>Sign in</title>".into()),
        ("cut off", ALICE[..ALICE.len() - 1].into()),
        ("twice", format!("{ALICE}{ALICE}").into()),
        ("an array", format!("[{ALICE}]").into()),
        ("a text", r#""alice""#.into()),
        ("null", "null".into()),
        ("a mark before it", format!("\u{feff}{ALICE}").into()),
        ("other quotes", ALICE.replace('"', "'").into()),
        ("half a character", r#"{"data":{"id":"\ud800"}}"#.into()),
        ("UTF-16", ALICE.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("zeros", vec![0; 64]),
        ("nested without end", format!("{{\"data\":{}", "[".repeat(200_000)).into()),
    ];
    let mut rows = vec![
        ("good".to_owned(), ok(ALICE), ok(NO_RIGHTS), PASSES, 2),
        ("spaces".to_owned(), ok(ALICE.replace(':', " :\r\n\t")), ok(format!(" {NO_RIGHTS}\n")), PASSES, 2),
        ("nobody".to_owned(), ok("{}"), ok("{}"), invalid(""), 2),
    ];
    for (what, body) in bodies {
        // Both are asked for before either is read.
        let answer = ok(body);
        rows.extend(
            at_each(what, &answer, down("the issuer answered with JSON that is"))
                .map(|row| (row.0, row.1, row.2, row.3, 2)),
        );
    }
    let latin = ok(b"{\"data\":{\"id\":\"al\xefce\"}}".to_vec());
    rows.extend(at_each("Latin-1", &latin, down("no UTF-8")).map(|row| (row.0, row.1, row.2, row.3, 2)));
    hold(rows);
}

#[test]
fn answers_of_any_size() {
    let nested = |depth: usize| ok(format!(r#"{{"data":{{"x":{}{}}}}}"#, "[".repeat(depth), "]".repeat(depth)));
    let many: Vec<String> = (0..3_000).map(|at| format!(r#""m{at}":{at}"#)).collect();
    let many = ok(format!(r#"{{"data":{{{}}}}}"#, many.join(",")));
    let long = ok(format!(r#"{{"data":{{"x":"{}"}}}}"#, "x".repeat(1 << 20)));
    hold([
        ("a long text".to_owned(), ok(ALICE), long, PASSES, 2),
        ("many members".to_owned(), ok(ALICE), many.clone(), PASSES, 2),
        ("and nobody among them".to_owned(), many.clone(), many, invalid("has no valid subject"), 2),
        ("nested".to_owned(), ok(ALICE), nested(60), PASSES, 2),
        ("nested deeper".to_owned(), ok(ALICE), nested(65), down("nested too deeply"), 2),
    ]);
}

/// A client that found out nothing has refused no token, whatever kind its error is of.
#[test]
fn an_error_of_the_client_is_an_outage() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Misconfigured,
        ErrorKind::Invalid,
        ErrorKind::Expired,
        ErrorKind::Unrecognized,
        ErrorKind::Missing,
        ErrorKind::Denied,
    ] {
        let failing = Err(Error::new(kind, "a certificate that nobody trusts"));
        for (first, second, asked) in [(failing.clone(), ok(NO_RIGHTS), 1), (ok(ALICE), failing, 2)] {
            let service = Service::saying(first, second);
            let clock = FixedClock::at(NOW);
            let asking = asking_of(super::issuer(), &service, &clock);
            for again in 1..=3 {
                clock.advance(Duration::from_secs(60));
                let error = ask(&asking, "abc").unwrap_err();
                assert!(error.status() >= 500, "{kind:?}: {error:?}");
                assert_eq!(service.asked(), again * asked, "{kind:?}");
            }
            service.become_like(&Service::of_alice());
            clock.advance(Duration::from_secs(60));
            assert!(ask(&asking, "abc").is_ok(), "{kind:?}");
        }
    }
}

/// Outages are 503, are never remembered, and are over when the service answers again.
#[test]
fn outages_and_their_end() {
    for (what, out) in [
        ("refused", Service::answering(|_| outage())),
        ("429", Service::answering(|_| status(429))),
        ("no second address", Service::saying(ok(ALICE), status(404))),
        ("garbage", Service::answering(|_| ok("garbage"))),
        ("dropped", Service::dropping()),
    ] {
        let service = Service::of_alice();
        service.become_like(&out);
        let clock = FixedClock::at(NOW);
        let asking = asking_of(super::issuer(), &service, &clock);
        for _ in 0..5 {
            clock.advance(Duration::from_secs(60));
            let error = ask(&asking, "abc").unwrap_err();
            assert_eq!((error.kind(), error.status(), error.issuer()), (ErrorKind::Unavailable, 503, Some(ISSUER)));
            assert_eq!(error.retry_after(), None, "{what}");
        }
        service.become_like(&Service::of_alice());
        let before = service.asked();
        clock.advance(Duration::from_secs(60));
        assert!(ask(&asking, "abc").is_ok(), "{what}");
        // Nor does an outage end what is remembered.
        service.become_like(&out);
        assert!(ask(&asking, "abc").is_ok(), "{what}");
        assert_eq!(service.asked(), before + 2, "{what}");
    }
}

/// Less than a megabyte, which is what a client lets through, and no reason to keep a thread of the runtime: looking for each
/// member among all before it took a quarter of a minute in release.
#[test]
fn many_members_take_no_time() {
    let many: Vec<String> = (0..80_000).map(|at| format!(r#""{at}":1"#)).collect();
    let service = Service::saying(ok(ALICE), ok(format!(r#"{{"data":{{{}}}}}"#, many.join(","))));
    let began = Instant::now();
    assert!(ask(&asking(&service), "abc").is_ok());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

/// A service that says when to come again is left alone until then, whoever comes, and what is remembered holds.
#[test]
fn a_service_that_asks_to_be_left_alone() {
    let busy = || status(429).map(|answer| answer.with_header("Retry-After", "7"));
    for (first, second, asked) in [(busy(), outage(), 1), (ok(ALICE), busy(), 2)] {
        let (service, clock) = (Service::of_alice(), FixedClock::at(NOW));
        let asking = asking_of(super::issuer(), &service, &clock);
        assert!(ask(&asking, "known").is_ok());
        service.become_like(&Service::saying(first, second));
        for left in (1..=7).rev() {
            for token in ["abc", "another"] {
                let error = ask(&asking, token).unwrap_err();
                assert_eq!((error.status(), error.retry_after()), (503, Some(Duration::from_secs(left))));
            }
            assert!(ask(&asking, "known").is_ok());
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(service.asked(), 2 + asked);
        service.become_like(&Service::of_alice());
        assert!(ask(&asking, "abc").is_ok());
    }
}
