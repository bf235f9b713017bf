//! Guards by `wrap`: on an app, a scope, a resource and a route.

use crate::{
    ask::{Served, ask, expect, get_as},
    cast::{self, Except, Names, VIEW, open},
};
use actix_web::{App, web};
use portcullis_actix::GateExt;
use portcullis_core::{ErrorKind, Gate, Scheme, policy::*};
use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

async fn everywhere(gate: &Gate, policy: impl Policy + Clone + 'static) -> [Served; 5] {
    let guard = || gate.require(policy.clone());
    [
        serve!(App::new().route("/s/a", web::get().to(open)).wrap(guard())),
        serve!(App::new().service(web::scope("/s").route("/a", web::get().to(open)).wrap(guard()))),
        serve!(App::new().service(web::scope("/s").service(web::resource("/a").get(open).wrap(guard())))),
        serve!(App::new().service(web::resource("/s/a").route(web::get().to(open).wrap(guard())))),
        serve!(App::new().route("/s/a", web::get().to(open).wrap(guard()))),
    ]
}

#[actix_web::test]
async fn a_guard_works_on_apps_scopes_resources_and_routes() {
    for (_, gate) in cast::fast_and_slow() {
        for (place, app) in everywhere(&gate, staff()).await.iter().enumerate() {
            for (who, status) in
                [("", 401), ("broken", 401), ("expired", 401), ("down", 503), ("alice", 403), ("staff", 200)]
            {
                let answer = get_as(app, "/s/a", who).await;
                assert_eq!(answer.status, status, "{place} as {who:?}");
                assert_eq!(answer.body == "open", status == 200, "{place} as {who:?}");
            }
            // What is covered beyond the handler: unknown paths and methods, as far as the guard reaches.
            let unknown = [401, 401, 404, 404, 404][place];
            expect(app, "", &[("GET /s/unknown", unknown)]).await;
            expect(app, "staff", &[("GET /s/unknown", 404)]).await;
            let method = [401, 401, 401, 405, 404][place];
            expect(app, "", &[("PUT /s/a", method)]).await;
        }
    }
}

#[actix_web::test]
async fn policies_that_wait_accept_and_refuse() {
    let paid = Except { who: "debtor", code: "paid" };
    for (names, gate) in cast::fast_and_slow() {
        for app in everywhere(&gate, paid).await {
            for (who, status) in [("", 401), ("broken", 401), ("debtor", 403), ("unlucky", 503), ("alice", 200)] {
                expect(&app, who, &[("GET /s/a", status)]).await;
            }
            assert!(get_as(&app, "/s/a", "debtor").await.body.contains("\"paid\""));
            assert_eq!(names.verified(), 5);
        }
    }
}

#[actix_web::test]
async fn nested_guards_all_have_to_hold() {
    for (_, gate) in cast::fast_and_slow() {
        let deny = |code: &'static str, who: &'static str| gate.require(Except { who, code });
        let resource = web::resource("/{id}").get(open).wrap(deny("inner", "a")).wrap(deny("middle", "b"));
        let scope = web::scope("/s").service(resource).wrap(gate.require(not(staff())));
        let app = serve!(App::new().service(scope).wrap(deny("outer", "c")));
        for (who, code) in
            [("a", "inner"), ("b", "middle"), ("c", "outer"), ("staff", "not_allowed"), ("", "credential_missing")]
        {
            let answer = get_as(&app, "/s/42", who).await;
            assert!(answer.body.contains(&format!("\"{code}\"")), "{who:?}: {answer:?}");
        }
        expect(&app, "d", &[("GET /s/42", 200)]).await;
    }
}

/// The last `wrap` is the outermost, so it is the one that answers.
#[actix_web::test]
async fn the_outermost_guard_answers_first() {
    let gate = cast::gate();
    let no = |name: &'static str| gate.require(when(name, |_| false));
    let app = serve!(
        App::new()
            .service(web::resource("/a").get(open).wrap(no("first")).wrap(no("second")))
            .service(web::resource("/h").get(open).wrap(no("first")).wrap(gate.require(hidden(staff()))))
    );
    assert!(get_as(&app, "/a", "alice").await.body.contains("\"second\""));
    expect(&app, "alice", &[("GET /h", 404)]).await;
    expect(&app, "staff", &[("GET /h", 403)]).await;
}

#[actix_web::test]
async fn a_public_policy_asks_nobody_and_covers_nothing() {
    for (names, gate) in cast::fast_and_slow() {
        for app in everywhere(&gate, anyone()).await {
            for who in ["", "broken", "down", "alice"] {
                expect(&app, who, &[("GET /s/a", 200), ("GET /unknown", 404)]).await;
            }
        }
        assert_eq!((names.begun(), names.verified()), (0, 0));
    }
}

#[actix_web::test]
async fn every_method_is_guarded() {
    let gate = cast::gate();
    let app = serve!(
        App::new()
            .service(web::resource("/any").to(open).wrap(gate.require(staff())))
            .service(web::resource("/get").get(open).wrap(gate.require(staff())))
    );
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PURGE"] {
        for path in ["/any", "/get"] {
            assert_eq!(ask(&app, method, path, "").await.status, 401, "{method} {path}");
            assert_eq!(ask(&app, method, path, "alice").await.status, 403, "{method} {path}");
        }
        assert_eq!(ask(&app, method, "/any", "staff").await.status, 200, "{method}");
        // actix-web does not answer HEAD by a handler for GET.
        let status = if method == "GET" { 200 } else { 405 };
        assert_eq!(ask(&app, method, "/get", "staff").await.status, status, "{method}");
    }
}

/// The message of a panic, which has to point to this file and not into the library.
fn panic_of(add: &dyn Fn()) -> String {
    let at = Arc::new(Mutex::new(String::new()));
    let (seen, here) = (at.clone(), std::thread::current().id());
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == here {
            *seen.lock().unwrap() = panic.location().map_or_else(String::new, |at| at.file().to_owned());
        } else {
            before(panic);
        }
    }));
    let panic = catch_unwind(AssertUnwindSafe(add)).expect_err("it panics");
    drop(panic::take_hook());
    assert!(at.lock().unwrap().ends_with("tests/it/require.rs"), "the panic points to {at:?}");
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

#[test]
fn a_name_that_the_gate_does_not_know_stops_the_program_where_it_was_written() {
    let gate = cast::gate();
    let bare = Gate::builder().scheme(Scheme::new(Names::default()).bearer()).build().unwrap();
    let unknown = ["no role `ownr`", "viewer", "manager", "owner"];
    let get = || web::get().to(open);
    let cases: [(&dyn Fn(), &[&str]); 6] = [
        (&|| drop(gate.require(role("ownr"))), &unknown),
        (&|| drop(gate.require(all((staff(), any((anyone(), not(role("ownr")))))))), &unknown),
        (&|| drop(cast::routes(&gate).route("/", role("ownr"), get())), &unknown),
        (
            &|| drop(cast::routes(&gate).route("/{id}", role("ownr").on("project", path("id")).hidden(), get())),
            &unknown,
        ),
        (&|| drop(cast::routes(&bare).route("/{id}", VIEW, get())), &["project", ".membership("]),
        (&|| drop(bare.require(role("viewer"))), &["no role `viewer`"]),
    ];
    for (add, words) in cases {
        let said = panic_of(add);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said:?}");
    }
    // What is spelt right stays quiet.
    let _ = cast::routes(&gate).route("/", role("owner"), get()).route("/{id}", VIEW, get());
    let _ = gate.require(role("owner"));
}

#[actix_web::test]
async fn try_require_returns_what_require_panics_with() {
    let gate = cast::gate();
    let error = gate.try_require(role("ownr")).expect_err("nobody knows it");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("no role `ownr`") && error.to_string().contains("manager"), "{error}");

    let put_together: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(role("owner"))];
    let misspelt: Vec<Arc<dyn Policy>> = vec![Arc::new(staff()), Arc::new(role("ownr"))];
    assert!(gate.try_require(any(misspelt)).is_err());
    let guard = gate.try_require(any(put_together)).unwrap();
    let app = serve!(App::new().service(web::resource("/").get(open).wrap(guard)));
    expect(&app, "alice", &[("GET /", 403)]).await;
    expect(&app, "staff", &[("GET /", 200)]).await;
}
