//! What a service is asked, and what cannot be asked.

use super::{ALICE, ME, NO_RIGHTS, RIGHTS, ask, asking, asking_one, client::*, issuer, subject};
use crate::{asking::decide, head::Head};
use futures_util::FutureExt;
use portcullis_core::{Credential, CredentialSource, ErrorKind, Gate, Scheme, WhoAmI, policy::authenticated};

#[test]
fn a_get_with_the_token_as_the_bearer() {
    for token in ["abc", "a+b/c==", "a-b_c.d~e", "a%41&b?c#d", &"x".repeat(8192)] {
        let service = Service::of_alice();
        assert_eq!(subject(&ask(&asking(&service), token)), "alice");
        assert_eq!(service.addresses(), [ME, RIGHTS], "in the order in which they were named");
        let request = service.last();
        assert_eq!((request.method(), request.body()), ("GET", ""));
        // As it is: whatever is encoded in an address is not in a header.
        assert_eq!(header(&request, "authorization"), [format!("Bearer {token}")]);
        assert_eq!(header(&request, "accept"), ["application/json"]);
        assert_eq!(request.headers().count(), 2);
    }
}

#[test]
fn as_many_addresses_as_are_named() {
    let third = "https://issuer.test/third";
    let service = Service::of_alice();
    assert!(ask(&asking_one(&service, "/data"), "abc").is_ok());
    assert_eq!(service.addresses(), [ME]);
    let more = asking(&service).and(third).unwrap().and(ME).unwrap();
    assert!(ask(&more, "abc").is_ok());
    assert_eq!(service.addresses()[1..], [ME, RIGHTS, third, ME]);
    // One that refuses is the last that is asked.
    for (refusing, asked) in [(ME, 1), (RIGHTS, 2), (third, 3)] {
        for answer in [status(401), status(403), status(404), status(500), outage()] {
            let service = Service::answering(move |request| match request.url() {
                url if url == refusing => answer.clone(),
                ME => ok(ALICE),
                _ => ok(NO_RIGHTS),
            });
            assert!(ask(&asking(&service).and(third).unwrap(), "abc").is_err());
            assert_eq!(service.addresses(), [ME, RIGHTS, third][..asked]);
        }
    }
}

#[test]
fn only_an_http_address_can_be_asked() {
    let new = |url: &str| WhoAmI::new(issuer(), url, Service::later());
    let both = |url: &str| [new(url).map(drop), new(ME).unwrap().and(url).map(drop)];
    for url in ["https://issuer.test/me", "http://localhost:8055/users/me?fields=id"] {
        assert!(both(url).iter().all(Result::is_ok), "{url}");
    }
    for url in ["", "issuer.test", "https://", "ftp://issuer.test", "https://a b", "https://a\r\nx: y", "//a.test"] {
        for outcome in both(url) {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Misconfigured, "{url:?}");
        }
    }
    // Addresses are shown, so there is no place for a secret in them.
    for outcome in both("https://admin:swordfish@issuer.test/me") {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(!format!("{error} {error:?}").contains("swordfish"));
    }
}

/// What would end a header begins no request.
#[test]
fn nothing_that_a_request_presents_splits_a_header() {
    let service = Service::of_alice();
    let scheme = Scheme::new(asking(&service)).cookie("session").header("x-key").query("token").bearer();
    let gate = Gate::builder().scheme(scheme).build().unwrap();
    let enter = |head: &Head| {
        let who = gate.establish(head).now_or_never().unwrap();
        let outcome = decide(&gate, &who, authenticated(), head).now_or_never().unwrap();
        outcome.map(drop).map_err(|error| error.status())
    };
    let presented = |text: &str| {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        [
            Head::new().bearer(text),
            Head::of(&[("cookie", &format!("session={text}"))]),
            Head::of(&[("cookie", &format!("session=\"{text}\""))]),
            Head::of(&[("x-key", text)]),
            Head::new().query(&format!("token={encoded}")),
        ]
    };
    for text in ["a\r\nx: y", "a\nx: y", "a\rb", "a\0b", "a b", "a\tb", "a\u{7f}b", "aé", "a\u{a0}b", "a\u{2028}b"] {
        for head in presented(text) {
            assert_eq!(enter(&head), Err(401), "{text:?} in {head:?}");
        }
    }
    assert_eq!(service.asked(), 0);
    for head in presented("abc") {
        assert_eq!(enter(&head), Ok(()), "{head:?}");
    }
    assert_eq!(service.asked(), 2, "the same token in five places");
}

/// A credential that comes from elsewhere, such as the first message on a WebSocket, may be any text. One that no header can
/// hold is nobody's token, and the client never sees it.
#[test]
fn a_text_that_no_header_can_hold_is_refused_unasked() {
    let service = Service::of_alice();
    let gate = Gate::builder().scheme(Scheme::new(asking(&service)).bearer()).build().unwrap();
    let enter = |text: &str| {
        let who = gate.authenticate(Credential::new(text, CredentialSource::bearer())).now_or_never().unwrap();
        who.principal()
            .map(|who| who.id().subject().to_owned())
            .map_err(|error| (error.kind(), error.issuer().is_some()))
    };
    for text in ["a\r\nx: y", "a\nx: y", "a\r", "\n", "a\0", "\u{7f}", " ", "a b", " a", "a ", "a\tb", "é", "a\u{2028}"]
    {
        assert_eq!(enter(text), Err((ErrorKind::Invalid, true)), "{text:?}");
    }
    assert_eq!(service.asked(), 0);
    for text in ["a", "!", "~", "a;b,c=\"d\"", "{}"] {
        assert_eq!(enter(text), Ok("alice".to_owned()), "{text:?}");
        assert_eq!(header(&service.last(), "authorization"), [format!("Bearer {text}")]);
    }
    assert_eq!(service.asked(), 10);
}
