//! What middleware further in sees of credentials, and that guards still read them.

use crate::{
    ask::{Served, expect, get_as, request, send},
    cast::{self, Names, VIEW, builder_of, open, scheme},
};
use actix_web::{App, HttpRequest, HttpResponse, dev::Service, http::header::HeaderMap, web};
use portcullis_actix::{Authenticated, GateExt};
use portcullis_core::{Gate, Scheme, policy::*};
use std::sync::{Arc, Mutex};

/// What a curious middleware wrote down.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The address in each way that there is to ask for it.
fn addresses(request: &HttpRequest) -> String {
    let uri = request.uri();
    assert_eq!(uri.query().unwrap_or_default(), request.query_string());
    assert_eq!(uri.path(), request.path());
    uri.to_string()
}

macro_rules! curious {
    ($seen:expr) => {{
        let seen = $seen.clone();
        move |request, next| {
            seen.note(addresses(actix_web::dev::ServiceRequest::request(&request)));
            next.call(request)
        }
    }};
}

fn reading_queries() -> Gate {
    builder_of(scheme(&Names::default()).query("token").websocket_query("ws")).build().unwrap()
}

async fn watched(gate: &Gate, seen: &Seen) -> Served {
    let me = async |Authenticated(who): Authenticated, request: HttpRequest| {
        format!("{} {}", who.id().subject(), request.query_string())
    };
    serve!(
        App::new()
            .app_data(gate.clone())
            .service(web::resource("/me").to(me))
            .service(web::resource("/p/{id}").to(open).wrap(gate.require(VIEW)).wrap_fn(curious!(seen)))
            .wrap_fn(curious!(seen))
            .wrap(gate.scrub())
    )
}

#[actix_web::test]
async fn tokens_in_the_query_are_seen_by_guards_and_extractors_only() {
    let (gate, seen) = (reading_queries(), Seen::default());
    let app = watched(&gate, &seen).await;
    for (sent, scrubbed) in [
        ("token=viewer", "token=redact"),
        ("a=1&token=viewer&b=2", "a=1&token=redact&b=2"),
        ("%74oken=viewer", "%74oken=redact"),
        ("tok%65n=viewer&a=%20", "tok%65n=redact&a=%20"),
        ("token=%76iewer", "token=redacted"),
        ("a&token=viewer&&=&b=", "a&token=redact&&=&b="),
    ] {
        let answer = get_as(&app, &format!("/me?{sent}"), "").await;
        assert_eq!(answer.body, format!("viewer {scrubbed}"), "{sent}");
        assert_eq!(seen.take(), [format!("/me?{scrubbed}")]);
        expect(&app, "", &[(&format!("GET /p/42?{sent}"), 200), (&format!("GET /p/43?{sent}"), 403)]).await;
        let seen = seen.take();
        assert!(seen.len() == 4 && seen.iter().all(|line| line.ends_with(scrubbed)), "{seen:?}");
    }
    // Refused all the same, and scrubbed all the same.
    for (sent, status) in [("token=broken", 401), ("token=viewer&token=alice", 400), ("token=a%20b", 401)] {
        expect(&app, "", &[(&format!("GET /me?{sent}"), status), (&format!("GET /p/42?{sent}"), status)]).await;
        let seen = seen.take();
        assert!(seen.iter().all(|line| !["broken", "viewer", "alice", "b"].iter().any(|word| line.ends_with(word))));
    }
}

#[actix_web::test]
async fn what_has_no_credential_in_it_stays_as_it_is() {
    let (gate, seen) = (reading_queries(), Seen::default());
    let app = watched(&gate, &seen).await;
    for path in [
        "/me",
        "/me?",
        "/me?a=1",
        "/me?a=1&b=token&tokens=2",
        "/me?Token=x",
        "/me?a=%zz&&=;",
        "/me?token&ws=x",
        "/me?ws&token=",
    ] {
        expect(&app, "alice", &[(&format!("GET {path}"), 200)]).await;
        let seen = seen.take();
        assert_eq!(seen, [path], "{path}");
    }
    let without = cast::gate();
    let app = watched(&without, &seen).await;
    expect(&app, "alice", &[("GET /me?token=x", 200)]).await;
    assert_eq!(seen.take(), ["/me?token=x"], "this gate reads no query");
}

/// On other requests a parameter of that name is the application's own.
#[actix_web::test]
async fn parameters_for_websockets_are_touched_on_upgrades_only() {
    let (gate, seen) = (reading_queries(), Seen::default());
    let app = watched(&gate, &seen).await;
    for (headers, expected) in [
        (&[][..], "/me?ws=abcdefgh&a"),
        (&[("upgrade", "h2c")], "/me?ws=abcdefgh&a"),
        (&[("upgrade", "websocket")], "/me?ws=redacted&a"),
        (&[("upgrade", "h2c, WebSocket")], "/me?ws=redacted&a"),
    ] {
        let sent = request("GET", "/me?ws=abcdefgh&a", "");
        send(&app, headers.iter().fold(sent, |sent, header| sent.insert_header(*header))).await;
        assert_eq!(seen.take(), [expected], "{headers:?}");
    }
}

/// actix-web's `Logger` prints `Referer` by default.
#[actix_web::test]
async fn headers_that_repeat_an_address_lose_the_credential_too() {
    let gate = reading_queries();
    let tell = async |request: HttpRequest| {
        let values = request.headers().get_all("referer").chain(request.headers().get_all("x-original-url"));
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        values.collect::<Vec<_>>().join(" ")
    };
    let app = serve!(App::new().service(web::resource("/").to(tell)).wrap(gate.scrub()));
    for (header, came, expected) in [
        ("referer", "https://a.example/p?b=1&token=abcdefgh", "https://a.example/p?b=1&token=redacted"),
        ("referer", "https://a.example/p?token=abc", "https://a.example/p?token=red"),
        ("referer", "https://a.example/p?ws=abc", "https://a.example/p?ws=abc"),
        ("x-original-url", "/p?%74oken=abcdefgh&c", "/p?%74oken=redacted&c"),
    ] {
        let sent = request("GET", "/", "").insert_header((header, came));
        assert_eq!(send(&app, sent).await.body, expected, "{came}");
    }
    let two =
        request("GET", "/", "").append_header(("referer", "?token=abc")).append_header(("referer", "?token=de&f"));
    assert_eq!(send(&app, two).await.body, "?token=red ?token=re&f");
    let socket = request("GET", "/", "").insert_header(("upgrade", "websocket")).insert_header(("referer", "?ws=abc"));
    assert_eq!(send(&app, socket).await.body, "?ws=red");
}

#[actix_web::test]
async fn an_address_with_an_authority_keeps_it() {
    let (gate, seen) = (reading_queries(), Seen::default());
    let app = watched(&gate, &seen).await;
    let answer = get_as(&app, "https://example.com:8443/me?token=viewer", "").await;
    assert_eq!(answer.body, "viewer token=redact");
    assert_eq!(seen.take(), ["https://example.com:8443/me?token=redact"]);
}

/// The path parameters know the address as well, and `Debug` of a request shows them.
#[actix_web::test]
async fn debug_of_a_request_does_not_show_the_token() {
    let gate = reading_queries();
    let app = serve!(
        App::new()
            .service(web::resource("/p/{id}").to(async |request: HttpRequest| format!("{request:?}")))
            .wrap(gate.scrub())
    );
    let sent = request("GET", "/p/42?token=hidden-query", "hidden-bearer");
    let answer = send(&app, sent.insert_header(("cookie", "session=hidden-cookie"))).await;
    assert!(answer.body.contains("/p/42") && answer.body.contains("redacted"), "{answer:?}");
    assert!(!answer.body.contains("hidden"), "{}", answer.body);
}

#[actix_web::test]
async fn headers_with_credentials_are_marked() {
    fn told(headers: &HeaderMap) -> HttpResponse {
        let names = ["cookie", "authorization", "x-api-key", "sec-websocket-protocol", "x-other"];
        let lines = names.map(|name| format!("{name} {:?}", headers.get_all(name).collect::<Vec<_>>()));
        HttpResponse::Ok().body(lines.join("\n"))
    }
    let gate = builder_of(scheme(&Names::default()).header("X-Api-Key").websocket_protocol()).build().unwrap();
    let tell = || web::resource("/").to(async |request: HttpRequest| told(request.headers()));
    let raw = || {
        web::resource("/raw").to(async |request: HttpRequest| {
            let values =
                ["cookie", "x-api-key"].map(|name| request.headers().get_all(name).cloned().collect::<Vec<_>>());
            values.concat().iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        })
    };
    let app = serve!(App::new().service(tell()).service(raw()).wrap(gate.scrub()));
    let sent = |path: &str| {
        request("GET", path, "secret1")
            .append_header(("cookie", "a=secret2"))
            .append_header(("cookie", "session=secret3"))
            .append_header(("x-api-key", "secret4"))
            .append_header(("sec-websocket-protocol", "bearer, secret5"))
            .append_header(("x-other", "seen"))
    };
    let answer = send(&app, sent("/")).await;
    assert!(answer.body.contains("x-other [\"seen\"]") && answer.body.contains("cookie [Sensitive, Sensitive]"));
    assert!(!answer.body.contains("secret"), "{}", answer.body);
    assert_eq!(send(&app, sent("/raw")).await.body, "a=secret2 session=secret3 secret4", "values and order stay");
    let plain = serve!(App::new().service(tell()));
    assert!(send(&plain, sent("/")).await.body.contains("secret5"), "without the middleware");
}

#[actix_web::test]
async fn nested_scrubs_and_two_gates_take_away_what_each_reads() {
    let seen = Seen::default();
    let [one, two] =
        ["one", "two"].map(|name| Gate::builder().scheme(Scheme::new(Names::default()).query(name)).build().unwrap());
    let inner = web::scope("/s")
        .service(web::resource("/one").to(open).wrap(one.require(staff())))
        .service(web::resource("/two").to(open).wrap(two.require(staff())))
        .wrap_fn(curious!(seen))
        .wrap(two.scrub())
        .wrap(one.scrub())
        .wrap_fn(curious!(seen))
        .wrap(one.scrub());
    let app = serve!(App::new().service(inner));
    for (path, status) in [("/s/one", 200), ("/s/two", 403)] {
        expect(&app, "", &[(&format!("GET {path}?two=alice&one=staff"), status)]).await;
        let seen = seen.take();
        assert_eq!(seen, [format!("{path}?two=alice&one=redac"), format!("{path}?two=redac&one=redac")]);
    }
    expect(&app, "", &[("GET /s/one?two=staff", 401), ("GET /s/two?two=staff", 200)]).await;
}

/// A client that sends what `scrub` puts there gets nowhere by it.
#[actix_web::test]
async fn redacted_is_a_credential_like_any_other() {
    let gate = builder_of(scheme(&Names::default()).query("token")).build().unwrap();
    let app = serve!(App::new().service(web::resource("/").to(open).wrap(gate.require(staff()))).wrap(gate.scrub()));
    expect(&app, "", &[("GET /?token=redacted", 403), ("GET /?token=staff", 200), ("GET /", 401)]).await;
}

/// Below a scope, the routing has begun; what it has matched stays where it is.
#[actix_web::test]
async fn scrubbing_below_a_scope_keeps_its_parameters() {
    let gate = reading_queries();
    let seen =
        async |all: web::Path<(String, String)>, request: HttpRequest| format!("{} {} {request:?}", all.0, all.1);
    let inner =
        web::scope("/in").service(web::resource("/{part}").to(seen).wrap(gate.require(VIEW)).wrap(gate.scrub()));
    let app = serve!(
        App::new()
            .service(web::scope("/p/{id}").service(inner).wrap(gate.scrub()))
            .wrap(actix_web::middleware::NormalizePath::trim())
    );
    for path in ["/p/42/in/a?token=viewer", "/p/%34%32/in/%61?token=viewer", "/p/42//in/a/?token=viewer&b=c"] {
        let answer = get_as(&app, path, "").await;
        assert!(answer.body.starts_with("42 a ") && !answer.body.contains("viewer"), "{path}: {answer:?}");
    }
    expect(&app, "", &[("GET /p/43/in/a?token=viewer", 403), ("GET /p/42/in/a", 401)]).await;
}

/// A middleware that rewrites the address after that has the last word: what it took away does not come back.
#[actix_web::test]
async fn an_address_that_is_rewritten_counts_as_it_is_then() {
    let gate = reading_queries();
    macro_rules! rewrite {
        ($to:expr) => {
            |mut request, next| {
                actix_web::dev::ServiceRequest::head_mut(&mut request).uri = $to.parse().unwrap();
                next.call(request)
            }
        };
    }
    let at = |path: &str| web::resource(path).to(open).wrap(gate.require(staff()));
    let app = serve!(
        App::new()
            .service(at("/away").wrap_fn(rewrite!("/away")))
            .service(at("/other").wrap_fn(rewrite!("/other?token=alice")))
            .service(at("/same").wrap_fn(rewrite!("/same?token=redac")))
            .wrap(gate.scrub())
    );
    let table = [("GET /away?token=staff", 401), ("GET /other?token=staff", 403), ("GET /same?token=staff", 200)];
    expect(&app, "", &table).await;
}

/// actix-web routes by an address of its own; a middleware that rewrites that of the head leaves it as it was. A scrub
/// must not turn the one into the other: routing would end up elsewhere, and what it has matched out of bounds.
#[actix_web::test]
async fn scrubbing_leaves_the_routing_alone() {
    let gate = reading_queries();
    let id = async |id: web::Path<String>| id.into_inner();
    let scope = web::scope("/p/{id}").service(web::resource("/x").to(id).wrap(gate.require(VIEW))).wrap(gate.scrub());
    let app = serve!(App::new().service(scope.wrap_fn(|mut request, next| {
        request.head_mut().uri = "/?token=viewer".parse().unwrap();
        next.call(request)
    })));
    assert_eq!(get_as(&app, "/p/42/x", "").await.body, "42");
    expect(&app, "", &[("GET /p/43/x", 403)]).await;
}
