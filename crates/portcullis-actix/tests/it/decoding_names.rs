//! Path parameters by name: those that are there twice, not at all, or for rules of the application's own.

use crate::{
    ask::{expect, get_as},
    cast::{self, View},
    log::Log,
};
use actix_web::{App, web};
use portcullis_actix::{Authorized, GateExt, Routes};
use portcullis_core::{Decision, Question, Requirement, policy::*};
use std::collections::HashMap;

async fn last(all: web::Path<Vec<String>>) -> String {
    all.last().cloned().unwrap_or_default()
}

/// Which of two parameters of one name a handler goes by depends on how it takes them, so the guard goes by neither.
#[actix_web::test]
async fn two_parameters_of_one_name_are_an_error() {
    for (_, gate) in cast::fast_and_slow() {
        let inner = web::scope("/s/{id}")
            .service(web::resource("/x/{id}").to(last).wrap(gate.require(cast::VIEW)))
            .service(web::resource("/e/{id}").to(async |_: Authorized<View>| ""))
            .service(web::resource("/y/{other}").to(last).wrap(gate.require(cast::VIEW)));
        let nested = Routes::new(&gate).route("/x/{id}", cast::VIEW, web::get().to(last));
        // A scope of actix-web's own: `Routes::nest` refuses the path at start.
        let scope = web::scope("/n/{id}").configure(nested.into_config());
        let app = serve!(App::new().app_data(gate).service(inner).service(scope));
        let log = Log::listen();
        // A handler with a tuple may go by the second: by the first, 43 would be open to the viewers of 42.
        for path in ["/s/42/x/43", "/s/43/x/42", "/s/42/x/42", "/s/42/e/42", "/n/42/x/43", "/n/%34%32/x/42"] {
            let answer = get_as(&app, path, "viewer").await;
            assert_eq!(answer.body, r#"{"status":500,"title":"Internal Server Error"}"#, "{path}");
            assert_eq!(answer.status, 500, "{path}");
            let lines = log.lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("ERROR") && lines[0].contains("two parameters `id`"), "{lines:?}");
        }
        expect(&app, "", &[("GET /s/42/x/43", 401), ("GET /s/42/e/43", 401), ("GET /n/42/x/43", 401)]).await;
        expect(&app, "viewer", &[("GET /s/42/y/43", 200), ("GET /s/43/y/42", 403)]).await;
    }
}

/// A guard of a scope runs before the routing further in: it knows the parameters of the prefix and no others. What an
/// inner resource of the same name makes of it is not its business; name them apart.
#[actix_web::test]
async fn a_guard_of_a_scope_knows_the_prefix_only() {
    let gate = cast::gate();
    let scope = web::scope("/s/{id}").route("/x/{id}", web::get().to(last)).route("/y", web::get().to(last));
    let app = serve!(
        App::new()
            .service(scope.wrap(gate.require(cast::VIEW)))
            .service(web::scope("/t").route("/{id}", web::get().to(last)).wrap(gate.require(cast::VIEW)))
    );
    expect(&app, "viewer", &[("GET /s/42/y", 200), ("GET /s/43/y", 403), ("GET /s/43/x/42", 403)]).await;
    assert_eq!(get_as(&app, "/s/42/x/43", "viewer").await.body, "43", "the guard was about 42");
    let log = Log::listen();
    expect(&app, "viewer", &[("GET /t/42", 500)]).await;
    assert!(log.lines()[0].contains("`id`"));
}

/// A parameter that the path has not is an error that tells the client nothing.
#[actix_web::test]
async fn an_unknown_parameter_is_an_error() {
    struct Other;
    impl Requirement for Other {
        const POLICY: &'static dyn Policy = &role("viewer").on("project", path("project_id"));
    }
    for (_, gate) in cast::fast_and_slow() {
        let app = serve!(
            App::new()
                .app_data(gate.clone())
                .route("/e/{id}", web::get().to(async |_: Authorized<Other>| ""))
                .route("/f/{project_id}", web::get().to(async |_: Authorized<Other>| ""))
                .service(web::resource("/g/{id}").to(cast::open).wrap(gate.require(Other::POLICY)))
                .service(web::resource("/h/{project_id}").to(cast::open).wrap(gate.require(Other::POLICY)))
                .service(web::resource("/n").to(cast::open).wrap(gate.require(Other::POLICY)))
        );
        let log = Log::listen();
        for path in ["/e/42", "/g/42", "/n"] {
            let answer = get_as(&app, path, "viewer").await;
            assert_eq!(answer.body, r#"{"status":500,"title":"Internal Server Error"}"#, "{path}");
            let lines = log.lines();
            assert!(lines.len() == 1 && lines[0].contains("`project_id`"), "{lines:?}");
            expect(&app, "", &[(&format!("GET {path}"), 401)]).await;
            log.lines();
        }
        expect(&app, "viewer", &[("GET /f/42", 200), ("GET /h/42", 200), ("GET /f/43", 403), ("GET /h/43", 403)]).await;
    }
}

#[derive(Debug)]
struct SameName;

impl Rule for SameName {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        let same = question.param("name")? == question.principal().id().subject();
        Ok(if same { Decision::allow() } else { Decision::deny("other_name") })
    }
}

/// Closures and rules of the application's own need not say beforehand which parameters they ask for.
#[actix_web::test]
async fn closures_and_rules_read_parameters() {
    for (_, gate) in cast::fast_and_slow() {
        let own = |question: &Question<'_>| {
            question.param("name").is_ok_and(|name| name == question.principal().id().subject())
        };
        let none = |question: &Question<'_>| question.param("name").is_err();
        let get = || web::get().to(cast::open);
        let routes = Routes::new(&gate)
            .route("/when/{name}", when("own", own), get())
            .route("/not/{name}", when("not-own", none), get())
            .route("/own/{name}", SameName, get())
            .route("/all/{name}", all((authenticated(), SameName, when("own", own))), get())
            .route("/mixed/{name}/{id}", all((SameName, cast::VIEW)), get())
            .nest("/n/{name}", Routes::new(&gate).route("/x", when("own", own), get()));
        let app = serve!(App::new().configure(routes.into_config()));
        for (path, rest) in [("/when/", ""), ("/own/", ""), ("/all/", ""), ("/n/", "/x")] {
            for (name, status) in [("viewer", 200), ("%76iewer", 200), ("someone", 403), ("viewer%2F", 403)] {
                expect(&app, "viewer", &[(&format!("GET {path}{name}{rest}"), status)]).await;
            }
        }
        expect(&app, "viewer", &[("GET /not/viewer", 403), ("GET /mixed/viewer/42", 200)]).await;
        expect(&app, "viewer", &[("GET /mixed/viewer/43", 403), ("GET /mixed/someone/42", 403)]).await;
    }
}

/// Not a matter of guards: actix-web has no maps of path parameters, and answers what it cannot read with 404 itself.
#[actix_web::test]
async fn handlers_cannot_take_maps() {
    let gate = cast::gate();
    let map = async |map: web::Path<HashMap<String, String>>| map.len().to_string();
    let app = serve!(App::new().service(web::resource("/{id}").to(map).wrap(gate.require(cast::VIEW))));
    expect(&app, "viewer", &[("GET /42", 404), ("GET /43", 403)]).await;
}
