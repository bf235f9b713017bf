//! Path parameters: a plain tower service has none, and a framework that has some tells them exactly.

use crate::cast::{self, Text, ask, echo};
use http::{Request, request::Parts};
use portcullis_core::{
    ErrorKind, Gate, RequestHead, Scheme,
    policy::{values::OnResource, *},
};
use portcullis_tower::{Framework, GateExt, Head, Params, RequireLayer};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tower::Layer;

const VIEW: OnResource = role("viewer").on("project", path("id"));

fn panic_of(add: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(add)).expect_err("it panics").downcast::<String>().unwrap()
}

#[test]
fn what_cannot_work_stops_the_program_with_what_to_do() {
    let gate = cast::gate();
    let bare = Gate::builder().scheme(Scheme::new(cast::Names::default()).bearer()).build().unwrap();
    type Require<'a> = Box<dyn Fn() -> Result<RequireLayer, portcullis_core::Error> + 'a>;
    type Case<'a> = (Require<'a>, &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        (
            Box::new(|| gate.try_require(VIEW)),
            &["path parameter `id`", "plain tower service", "portcullis::axum::GateExt"],
        ),
        (Box::new(|| gate.try_require(any((staff(), not(VIEW.hidden()))))), &["path parameter `id`"]),
        (Box::new(|| gate.try_require(role("ownr"))), &["`ownr`", "viewer", "owner"]),
        (Box::new(|| gate.try_require(role("ownr").on("project", query("id")))), &["`ownr`", "viewer", "owner"]),
        (Box::new(|| bare.try_require(permission("kb:read").on("project", query("id")))), &["project", ".membership("]),
    ];
    for (require, words) in cases {
        let error = require().expect_err("it cannot work");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let said = panic_of(|| drop(RequireLayer::or_panic(require())));
        assert_eq!(said, error.to_string());
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said:?}");
    }
    assert_eq!(panic_of(|| drop(gate.require(VIEW))), gate.try_require(VIEW).unwrap_err().to_string());
    // Their neighbours work.
    for fine in [
        gate.try_require(role("owner")),
        gate.try_require(role("viewer").on("project", query("id"))),
        gate.try_require(staff()),
    ] {
        assert!(fine.is_ok());
    }
}

/// A framework that takes every segment of the path for a parameter, named by its place.
fn segments(parts: &mut Parts) -> Params {
    let named = |(place, value): (usize, &str)| (Arc::from(["id", "of", "id"][place]), value.to_owned());
    match parts.uri.path() {
        "/unreadable" => Params::Unreadable,
        "/absent" => Params::Absent,
        path => Params::Read(path.split('/').skip(1).enumerate().map(named).collect()),
    }
}

/// Policies that say what they ask for and those that do not see the same. Nothing of it is asked before who is known.
#[tokio::test]
async fn a_framework_tells_parameters_its_own_way() {
    /// Reads from the extensions, which is all that frameworks have when a policy asks by itself.
    fn extension(parts: &mut Parts) -> Params {
        let id = parts.extensions.get::<Arc<str>>();
        id.map_or(Params::Absent, |id| Params::Read(vec![("id".into(), id.to_string())]))
    }
    let gate = cast::gate();
    let calls = Arc::default();
    let said = RequireLayer::new(&gate, VIEW, Some(Framework::new(extension, |_| None, |_| None)))
        .unwrap()
        .layer(echo(&calls));
    let own = when("is-42", |question| question.param("id").is_ok_and(|id| id == "42"));
    let unsaid =
        RequireLayer::new(&gate, own, Some(Framework::new(extension, |_| None, |_| None))).unwrap().layer(echo(&calls));
    let nothing = gate.require(own).layer(echo(&calls));
    for (id, who, by_said, by_unsaid) in
        [("42", "viewer", 200, 200), ("42", "alice", 403, 200), ("43", "viewer", 403, 403), ("42", "", 401, 401)]
    {
        let request = || {
            let mut request = cast::request("/", who);
            request.extensions_mut().insert::<Arc<str>>(id.into());
            request
        };
        assert_eq!(cast::send(&said, request()).await.status, by_said, "{id} as {who:?}");
        assert_eq!(cast::send(&unsaid, request()).await.status, by_unsaid, "{id} as {who:?}");
        assert_ne!(cast::send(&nothing, request()).await.status, 200, "a plain tower service has no parameters");
    }
}

#[tokio::test]
async fn what_the_path_has_not_or_has_twice_is_not_decided_about() {
    let gate = cast::gate();
    let calls = Arc::default();
    let guarded =
        RequireLayer::new(&gate, VIEW, Some(Framework::new(segments, |_| None, |_| None))).unwrap().layer(echo(&calls));
    for (path, who, status) in [
        ("/42", "viewer", 200),
        ("/42/43", "viewer", 200),
        ("/43/42", "viewer", 403),
        ("/42/of/42", "viewer", 500),
        ("/42/of/43", "viewer", 500),
        ("/42/of/43", "", 401),
        ("/unreadable", "viewer", 400),
        ("/unreadable", "", 401),
        ("/absent", "viewer", 500),
        ("/absent", "broken", 401),
    ] {
        assert_eq!(ask(&guarded, path, who).await.status, status, "{path} as {who:?}");
    }
}

#[test]
fn a_head_tells_absent_unreadable_and_ambiguous_apart() {
    let (parts, _) = Request::get("/").body(Text::default()).unwrap().into_parts();
    let read = |pairs: &[(&str, &str)]| {
        Params::Read(pairs.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect())
    };
    let ask = |params: &Params| {
        let found = Head::new(&parts, params).param("id").map(|value| value.map(std::borrow::Cow::into_owned));
        found.map_err(|error| error.kind())
    };
    for (params, expected) in [
        (Params::Absent, Ok(None)),
        (Params::default(), Ok(None)),
        (Params::Unreadable, Err(ErrorKind::Malformed)),
        (read(&[]), Ok(None)),
        (read(&[("Id", "1"), ("id ", "2")]), Ok(None)),
        (read(&[("of", "1"), ("id", "2")]), Ok(Some("2".to_owned()))),
        (read(&[("id", "")]), Ok(Some(String::new()))),
        (read(&[("id", "1"), ("id", "1")]), Err(ErrorKind::Misconfigured)),
        (Params::OnDemand(|_| Params::Unreadable), Err(ErrorKind::Malformed)),
        (Params::OnDemand(|_| Params::Absent), Ok(None)),
        (Params::OnDemand(|_| Params::Read(vec![("id".into(), "7".into())])), Ok(Some("7".to_owned()))),
    ] {
        assert_eq!(ask(&params), expected, "{params:?}");
    }
}
