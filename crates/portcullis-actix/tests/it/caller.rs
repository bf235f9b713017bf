//! Handlers that ask policies themselves, and connections that end with a right.

use crate::ask::get_as;
use actix_web::{App, web};
use futures_util::FutureExt;
use portcullis_actix::{Caller, GateExt, Leased, Rejection, Routes};
use portcullis_core::{
    Authenticator, Credential, Error, ErrorKind, Gate, Lease, Membership, Principal, PrincipalKind, RoleHierarchy,
    Scheme, Standing, policy::*,
};
use std::{
    future::{pending, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// Whoever presents something is the user of that name.
#[derive(Debug)]
struct Names;

impl Authenticator for Names {
    async fn authenticate(&self, credential: &Credential<'_>) -> Result<Principal, Error> {
        tokio::task::yield_now().await;
        Ok(Principal::new(PrincipalKind::User, credential.expose()))
    }
}

/// Everybody is a member of room 1 and a stranger to room 2, until all are strangers.
#[derive(Debug, Clone, Default)]
struct Rooms {
    asked: Arc<AtomicUsize>,
    are_closed: Arc<Mutex<bool>>,
}

impl Membership for Rooms {
    type Id = u32;

    async fn standing(&self, _: &Principal, id: &u32) -> Result<Standing, Error> {
        self.asked.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        Ok(if *id == 1 && !*self.are_closed.lock().unwrap() { Standing::role("member") } else { Standing::stranger() })
    }
}

fn gate(rooms: &Rooms) -> Gate {
    let gate = Gate::builder().scheme(Scheme::new(Names).bearer()).membership("room", rooms.clone());
    let gate = gate.roles(RoleHierarchy::ranked(["member"]).unwrap());
    gate.baseline(when("banned", |question| question.principal().id().subject() != "bob"))
        .render(|_, default| default.with_body("text/plain", "rendered"))
        .build()
        .unwrap()
}

async fn enter(caller: Caller, room: web::Path<u32>) -> Result<String, Rejection> {
    let access = caller.require(role("member").on("room", id(room.into_inner()))).await?;
    let may_own = caller.allows(role("member").on("room", id(2))).await?;
    Ok(format!("{} {:?} {may_own}", caller.principal().id().subject(), access.role().map(ToString::to_string)))
}

fn routes(gate: &Gate) -> Routes {
    let member = role("member").on("room", path("room"));
    Routes::new(gate)
        .get("/rooms/{room}/enter", authenticated(), enter)
        .get("/rooms/{room}/guarded", member, enter)
        .get("/hidden", authenticated(), async |caller: Caller| -> Result<&'static str, Rejection> {
            caller.require(role("member").on("room", id(2)).hidden()).await?;
            Ok("in")
        })
        .get("/misspelt", authenticated(), async |caller: Caller| -> Result<&'static str, Rejection> {
            caller.require(role("membr").on("room", id(1))).await?;
            Ok("in")
        })
        .get("/public", anyone(), async |_: Caller| "in")
}

macro_rules! app {
    ($gate:expr) => {
        serve!(
            App::new()
                .app_data($gate.clone())
                .route("/open/{room}", web::get().to(enter))
                .configure(routes(&$gate).into_config())
        )
    };
}

#[actix_web::test]
async fn a_handler_asks_and_the_guard_of_its_route_answers() {
    let rooms = Rooms::default();
    let gate = gate(&rooms);
    let app = app!(gate);
    for (path, who, status, body) in [
        ("/rooms/1/enter", "alice", 200, r#"alice Some("member") false"#),
        ("/rooms/2/enter", "alice", 403, "rendered"),
        ("/rooms/1/enter", "bob", 403, "rendered"),
        ("/rooms/1/enter", "", 401, "rendered"),
        ("/rooms/1/guarded", "alice", 200, r#"alice Some("member") false"#),
        ("/rooms/2/guarded", "alice", 403, "rendered"),
        ("/hidden", "alice", 404, "rendered"),
        ("/misspelt", "alice", 500, "rendered"),
        ("/public", "alice", 200, "in"),
        ("/public", "bob", 403, "rendered"),
        ("/public", "", 401, "rendered"),
        ("/open/1", "alice", 200, r#"alice Some("member") false"#),
        ("/open/1", "bob", 403, "rendered"),
        ("/open/1", "", 401, "rendered"),
    ] {
        let answer = get_as(&app, path, who).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (status, body), "{path} as {who:?}");
    }
    // Without a guard, an error that the handler returns is answered by default.
    let answer = get_as(&app, "/open/2", "alice").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("not_a_member"), "{}", answer.body);
}

#[actix_web::test]
async fn what_a_guard_has_asked_is_not_asked_again() {
    let rooms = Rooms::default();
    let gate = gate(&rooms);
    let app = app!(gate);
    for path in ["/rooms/1/enter", "/rooms/1/guarded", "/open/1"] {
        assert_eq!(get_as(&app, path, "alice").await.status, 200);
        assert_eq!(rooms.asked.swap(0, SeqCst), 2, "{path}: each of the two rooms once");
    }
}

#[actix_web::test]
async fn a_connection_ends_with_the_right_that_its_guard_has_asked_for() {
    let (rooms, kept) = (Rooms::default(), Arc::new(Mutex::new(Vec::<Lease>::new())));
    let gate = gate(&rooms);
    let keep = {
        let kept = kept.clone();
        move |Leased(lease): Leased| {
            kept.lock().unwrap().push(lease);
            ready("opened")
        }
    };
    let routes = Routes::new(&gate).get("/rooms/{room}", role("member").on("room", path("room")), keep.clone()).get(
        "/lobby",
        authenticated(),
        keep,
    );
    let app = serve!(App::new().configure(routes.into_config()));
    assert_eq!(get_as(&app, "/rooms/2", "alice").await.status, 403);
    assert_eq!(get_as(&app, "/rooms/1", "alice").await.status, 200);
    assert_eq!(get_as(&app, "/lobby", "alice").await.status, 200);
    let leases: Vec<Lease> = kept.lock().unwrap().drain(..).collect();
    for lease in &leases {
        assert!(end(lease).await.is_none(), "nothing has changed");
    }
    *rooms.are_closed.lock().unwrap() = true;
    assert_eq!(end(&leases[0]).await.map(|error| error.kind()), Some(ErrorKind::Denied));
    assert!(end(&leases[1]).await.is_none(), "the lobby asks for no right");
}

/// Guards around the route's own count as well, if they are of its gate.
#[actix_web::test]
async fn a_connection_ends_with_a_right_that_an_outer_guard_has_asked_for() {
    let (rooms, kept) = (Rooms::default(), Arc::new(Mutex::new(Vec::<Lease>::new())));
    let (one, other) = (gate(&rooms), gate(&rooms));
    let keep = {
        let kept = kept.clone();
        move |Leased(lease): Leased| {
            kept.lock().unwrap().push(lease);
            ready("opened")
        }
    };
    let member = || role("member").on("room", path("room"));
    let at = |path: &str| web::resource(path).to(keep.clone());
    // The outermost guard stands last.
    let app = serve!(
        App::new()
            .service(at("/outer/{room}").wrap(one.require(authenticated())).wrap(one.require(member())))
            .service(at("/inner/{room}").wrap(one.require(member())).wrap(one.require(authenticated())))
            .service(at("/around-public/{room}").wrap(one.require(anyone())).wrap(one.require(member())))
            .service(
                at("/outermost/{room}")
                    .wrap(one.require(authenticated()))
                    .wrap(one.require(anyone()))
                    .wrap(one.require(member()))
            )
            .service(
                at("/of-two-gates/{room}")
                    .wrap(one.require(authenticated()))
                    .wrap(other.require(authenticated()))
                    .wrap(one.require(member()))
            )
            .service(at("/public/{room}").wrap(one.require(authenticated())).wrap(one.require(anyone())))
            .service(at("/of-another-gate/{room}").wrap(one.require(authenticated())).wrap(other.require(member())))
            .service(
                web::scope("/scope/{room}")
                    .wrap(one.require(member()))
                    .configure(Routes::new(&one).get("/lobby", authenticated(), keep.clone()).into_config())
            )
    );
    let routes = [
        ("outer/1", true),
        ("inner/1", true),
        ("around-public/1", true),
        ("outermost/1", true),
        ("of-two-gates/1", true),
        ("public/1", false),
        ("of-another-gate/1", false),
        ("scope/1/lobby", true),
    ];
    let mut opened = Vec::new();
    for (path, is_asked) in routes {
        assert_eq!(get_as(&app, &format!("/{path}"), "alice").await.status, 200, "{path}");
        let lease = kept.lock().unwrap().pop().unwrap();
        assert!(end(&lease).await.is_none(), "{path}: nothing has changed");
        opened.push((path, lease, is_asked.then_some(ErrorKind::Denied)));
    }
    *rooms.are_closed.lock().unwrap() = true;
    for (path, lease, expected) in opened {
        assert_eq!(end(&lease).await.map(|error| error.kind()), expected, "{path}");
    }
}

/// The end of a connection, if it comes within some checks: one follows the other at once, and each may take its time.
async fn end(lease: &Lease) -> Option<Error> {
    let mut end = lease.watch(async |time| match time.as_secs() {
        10 => pending().await,
        _ => tokio::task::yield_now().await,
    });
    for _ in 0..100 {
        if let Some(error) = (&mut end).now_or_never() {
            return Some(error);
        }
        tokio::task::yield_now().await;
    }
    None
}
