//! `Routes`: merged, nested and configured in any order, by one gate or by two.

use crate::{
    ask::{Served, ask, expect, get_as},
    cast::{self, Staff, VIEW, open, routes},
};
use actix_web::{App, web};
use portcullis_actix::{Authenticated, Authorized, GateExt, Routes};
use portcullis_core::{Gate, policy::*, testing::acting_as};

type Step = fn(Routes, &Gate) -> Routes;

const STEPS: [Step; 5] = [
    |to, _| to.route("/a", staff(), web::get().to(open)),
    |to, _| to.route("/a", staff(), web::post().to(open)),
    |to, gate| to.merge(routes(gate).route("/b", staff(), web::get().to(open))),
    |to, gate| to.merge(routes(gate).route("/a", staff(), web::put().to(open))),
    |to, gate| to.nest("/n", routes(gate).route("/c", staff(), web::get().to(open))),
];

/// All orders of these many things.
fn orders(of: usize) -> Vec<Vec<usize>> {
    let Some(less) = of.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: Vec<usize>| {
        (0..of).map(move |place| {
            let mut order = order.clone();
            order.insert(place, less);
            order
        })
    };
    orders(less).into_iter().flat_map(insert).collect()
}

#[actix_web::test]
async fn the_order_of_the_calls_opens_nothing() {
    let gate = cast::gate();
    let table = |guarded, unknown| {
        let guarded =
            ["GET /a", "POST /a", "PUT /a", "PATCH /b", "GET /b", "GET /n/c", "POST /n/c"].map(|line| (line, guarded));
        let unknown = ["GET /z", "GET /n/z", "GET /n", "GET /c"].map(|line| (line, unknown));
        [guarded.as_slice(), &unknown].concat()
    };
    let all = orders(STEPS.len());
    assert_eq!(all.len(), 120);
    for order in all {
        let app = order.iter().fold(routes(&gate), |to, step| STEPS[*step](to, &gate));
        let app = serve!(App::new().configure(app.into_config()).wrap(gate.enforce()));
        expect(&app, "", &table(401, 404)).await;
        expect(&app, "alice", &table(403, 404)).await;
        let served = ["GET /a", "POST /a", "PUT /a", "GET /b", "GET /n/c"].map(|line| (line, 200));
        expect(&app, "staff", &served).await;
        expect(&app, "staff", &[("PATCH /a", 405), ("PATCH /b", 405), ("POST /n/c", 405)]).await;
    }
}

#[actix_web::test]
async fn one_path_on_both_sides_of_a_merge_keeps_both_policies() {
    for (_, gate) in cast::fast_and_slow() {
        let left = || routes(&gate).route("/p/{id}", VIEW, web::get().to(open));
        let right = || routes(&gate).route("/p/{id}", staff(), web::delete().to(open));
        for (merged, patch) in [(left().merge(right()), 403), (right().merge(left()), 405)] {
            let app = serve!(App::new().configure(merged.into_config()));
            let table = [("GET /p/42", 200), ("DELETE /p/42", 403), ("GET /p/43", 403), ("PATCH /p/42", patch)];
            expect(&app, "viewer", &table).await;
            expect(&app, "staff", &[("DELETE /p/42", 200), ("GET /p/42", 403)]).await;
            expect(&app, "", &[("GET /p/42", 401), ("DELETE /p/42", 401), ("PATCH /p/42", 401)]).await;
        }
    }
}

/// Below one path, the first that was nested there gets the requests. The second is out of reach, and not open.
#[actix_web::test]
async fn what_is_nested_below_one_path_twice_is_out_of_reach_and_not_open() {
    let gate = cast::gate();
    let one = |path, policy: bool| {
        let route = web::get().to(open);
        if policy { routes(&gate).route(path, staff(), route) } else { routes(&gate).route(path, anyone(), route) }
    };
    let all =
        routes(&gate).nest("/n", one("/a", true)).nest("/n", one("/b", false)).route("/n/c", anyone(), web::to(open));
    let app = serve!(App::new().configure(all.into_config()));
    expect(&app, "", &[("GET /n/a", 401), ("GET /n/b", 404), ("GET /n/c", 404)]).await;
    let all =
        routes(&gate).route("/n/c", staff(), web::to(open)).nest("/n", one("/c", false)).nest("", one("/d", true));
    let app = serve!(App::new().configure(all.into_config()));
    expect(&app, "", &[("GET /n/c", 401), ("GET /d", 401)]).await;
}

async fn me(Authenticated(who): Authenticated) -> String {
    who.id().subject().to_owned()
}

/// A gate that lets one in by name, and only as themselves.
fn of(name: &str) -> Gate {
    cast::gate().acting_as(acting_as(name))
}

#[actix_web::test]
async fn nested_and_merged_routes_stay_guarded_by_their_own_gate() {
    let (users, others) = (cast::gate(), of("machine"));
    let closed = || routes(&others).route("/closed", staff(), web::get().to(open));
    let opened = || closed().route("/opened", authenticated(), web::get().to(me));
    let home = || routes(&users).route("/home", authenticated(), web::get().to(me));
    for (app, prefix) in [(home().nest("/n", opened()), "/n"), (home().merge(opened()), "")] {
        let app = serve!(App::new().configure(app.into_config()));
        let at = |path: &str| format!("GET {prefix}{path}");
        expect(&app, "staff", &[(&at("/closed"), 403), ("GET /home", 200)]).await;
        expect(&app, "", &[(&at("/closed"), 403), ("GET /home", 401)]).await;
        assert_eq!(get_as(&app, "/home", "alice").await.body, "alice");
        // The extractors as well.
        assert_eq!(get_as(&app, &format!("{prefix}/opened"), "alice").await.body, "machine");
    }
}

/// The methods of one path may have different gates: each is guarded, and its handler served, by its own. The last one
/// guards the methods that the path does not have.
#[actix_web::test]
async fn one_path_with_two_gates_goes_by_each() {
    let (users, others) = (cast::gate(), of("machine"));
    let left = || routes(&users).get("/a", authenticated(), me);
    let right = || routes(&others).put("/a", authenticated(), me).post("/a", staff(), me);
    for (all, patch) in [(left().merge(right()), 403), (right().merge(left()), 401)] {
        let app = serve!(App::new().configure(all.into_config()));
        expect(&app, "", &[("GET /a", 401), ("PUT /a", 200), ("POST /a", 403), ("PATCH /a", patch)]).await;
        assert_eq!(get_as(&app, "/a", "alice").await.body, "alice");
        assert_eq!(ask(&app, "PUT", "/a", "alice").await.body, "machine");
    }
}

/// Two sets of routes side by side in one app: the extractors of each go by the gate that its guards go by.
#[actix_web::test]
async fn routes_configured_side_by_side_keep_their_gates() {
    async fn app(first: &Gate, second: &Gate) -> Served {
        let first = routes(first).route("/first", authenticated(), web::get().to(me));
        let second = routes(second).route("/second", authenticated(), web::get().to(me));
        serve!(App::new().configure(first.into_config()).configure(second.into_config()))
    }
    let app = app(&of("first"), &of("second")).await;
    for name in ["first", "second"] {
        assert_eq!(get_as(&app, &format!("/{name}"), "").await.body, name, "the guard let in `{name}`");
    }
}

/// What the guard of a route let in, an extractor of it does not judge by somebody else's gate.
#[actix_web::test]
async fn a_gate_of_the_app_does_not_displace_that_of_the_routes() {
    let (inner, outer) = (of("inner"), of("outer"));
    let all = || routes(&inner).route("/me", authenticated(), web::get().to(me));
    let before = serve!(App::new().app_data(outer.clone()).configure(all().into_config()));
    let after = serve!(App::new().configure(all().into_config()).app_data(outer.clone()));
    // Which of two forms is further in cannot be told, and a guard need not.
    let data = serve!(App::new().app_data(web::Data::new(outer)).configure(all().into_config()));
    for (place, app) in [before, after, data].iter().enumerate() {
        assert_eq!(get_as(app, "/me", "").await.body, "inner", "{place}");
    }
}

#[actix_web::test]
async fn extractors_find_the_gate_of_the_routes() {
    for (_, gate) in cast::fast_and_slow() {
        let staff_only = || web::get().to(async |_: Authorized<Staff>| "staff");
        let inner = routes(&gate).route("/staff", authenticated(), staff_only());
        let all = routes(&gate).route("/staff", anyone(), staff_only()).nest("/n", inner);
        let app = serve!(App::new().configure(all.into_config()));
        for path in ["GET /staff", "GET /n/staff"] {
            expect(&app, "", &[(path, 401)]).await;
            expect(&app, "alice", &[(path, 403)]).await;
            expect(&app, "staff", &[(path, 200)]).await;
        }
    }
}
