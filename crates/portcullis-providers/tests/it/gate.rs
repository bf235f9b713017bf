//! Behind a gate: where tokens stand, and what asks nobody.

use crate::{instance::*, tokens::*};
use portcullis_core::{
    CredentialSource, Error, Gate, RequestHead, Scheme, Verifier,
    policy::{authenticated, staff},
};
use portcullis_providers::directus::SESSION_COOKIE;
use serde_json::json;
use std::borrow::Cow;

/// A `GET /` with these headers.
pub struct Head {
    headers: Vec<(&'static str, String)>,
    query: Option<String>,
}

impl Head {
    pub fn of(headers: &[(&'static str, &str)]) -> Self {
        Self { headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), query: None }
    }

    /// With this organization in the query.
    pub fn at(self, organization: &str) -> Self {
        Self { query: Some(format!("organization={organization}")), ..self }
    }

    pub fn bearer(token: &str) -> Self {
        Self::of(&[("authorization", &format!("Bearer {token}"))])
    }
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(found, _)| *found == name).for_each(|(_, value)| see(value.as_bytes()));
    }

    fn headers<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| see(name, value.as_bytes()));
    }

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(None)
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(Vec::new())
    }
}

/// The header before the cookie, as Directus has it.
pub fn gate(directus: impl Into<Verifier>) -> Gate {
    Gate::builder().scheme(Scheme::new(directus).bearer().cookie(SESSION_COOKIE)).build().unwrap()
}

fn who(gate: &Gate, head: &Head) -> Result<String, u16> {
    let who = now(gate.establish(head));
    who.principal().map(|principal| principal.id().subject().to_owned()).map_err(|error| error.status())
}

/// Cases 105 and 106: the system that this stands in for asked Directus about `undefined`.
#[test]
fn what_presents_nothing_asks_nobody() {
    let instance = Instance::knowing("abc", Standing::user("u1", false));
    for way in [instance.hybrid(), instance.introspect()] {
        let gate = gate(way);
        let before = instance.asked();
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Basic  abc",
            "abcdefghijkl",
            "Token abc",
            "Bearer a b",
            "Bearer\tabc",
            "Bearer é",
        ] {
            assert_eq!(who(&gate, &Head::of(&[("authorization", value)])), Err(401), "{value:?}");
        }
        for cookie in
            ["", "directus_session_token=", "directus_session_token=\"\"", "directus_refresh_token=abc", "other=abc"]
        {
            assert_eq!(who(&gate, &Head::of(&[("cookie", cookie)])), Err(401), "{cookie:?}");
        }
        let query = Head { query: Some("access_token=abc".into()), ..Head::of(&[]) };
        assert_eq!(who(&gate, &query), Err(401), "no source that the gate reads");
        assert_eq!(instance.asked(), before);
        // Cases 65 and 108.
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(who(&gate, &Head::of(&[("authorization", &format!("{scheme} abc"))])), Ok("u1".into()));
        }
        assert_eq!(instance.asked(), before + 2, "one token, asked about once");
    }
}

/// Cases 75 and 77: static tokens and sessions in either place.
#[test]
fn in_the_header_and_in_the_cookie() {
    let instance =
        Instance::knowing("static", Standing::user("u9", false)).and(&session(), Standing::user("u1", false));
    for way in [instance.hybrid(), instance.introspect()] {
        let gate = gate(way);
        for (token, user) in [("static", "u9"), (&session(), "u1")] {
            assert_eq!(who(&gate, &Head::bearer(token)), Ok(user.into()));
            assert_eq!(who(&gate, &Head::of(&[("cookie", &format!("{SESSION_COOKIE}={token}"))])), Ok(user.into()));
        }
        for token in ["Static", &format!("{}x", session())] {
            assert_eq!(who(&gate, &Head::bearer(token)), Err(401));
            assert_eq!(who(&gate, &Head::of(&[("cookie", &format!("{SESSION_COOKIE}={token}"))])), Err(401));
        }
    }
}

/// Cases 68 and 69: the header decides, whatever the cookie holds, and its refusal is final.
#[test]
fn the_header_before_the_cookie() {
    let instance =
        Instance::knowing("member", Standing::user("member", false)).and("admin", Standing::user("admin", true));
    let gate = gate(instance.hybrid());
    let both = |bearer: &str, cookie: &str| {
        who(
            &gate,
            &Head::of(&[
                ("authorization", &format!("Bearer {bearer}")),
                ("cookie", &format!("{SESSION_COOKIE}={cookie}")),
            ]),
        )
    };
    assert_eq!(both("member", "admin"), Ok("member".into()));
    assert_eq!(instance.asked(), 2, "nobody is asked about the other");
    assert_eq!(both("member", "garbage"), Ok("member".into()));
    assert_eq!(both("garbage", "admin"), Err(401));
    let cookie_only = Head::of(&[("cookie", &format!("{SESSION_COOKIE}=admin"))]);
    assert_eq!(who(&gate, &cookie_only), Ok("admin".into()));
}

/// Cases 103, 109, 112 and 113: what a client is answered.
#[test]
fn statuses_of_a_user_s_and_a_staff_route() {
    let instance = Instance::knowing("of-u1", Standing::user("u1", false)).and("of-u2", Standing::user("u2", true));
    let instance = instance.and("late", Standing::fails(503, "SERVICE_UNAVAILABLE"));
    let rows = [("of-u1", 200, 403), ("of-u2", 200, 200), ("nobody", 401, 401), ("late", 503, 503)];
    for way in [instance.hybrid(), instance.introspect()] {
        let gate = gate(way);
        for (token, user, admin) in rows {
            let head = Head::bearer(token);
            let who = now(gate.establish(&head));
            let [user_plan, admin_plan] = [gate.plan(authenticated()), gate.plan(staff())].map(Result::unwrap);
            let status = |plan| {
                let outcome = now(gate.authorize(&who, plan, &head));
                outcome.map_or_else(|error| gate.refuse(&error).status(), |_: portcullis_core::Access| 200)
            };
            assert_eq!(status(&user_plan), user, "{token}");
            assert_eq!(status(&admin_plan), admin, "{token}");
        }
    }
}

/// What a credential that no source has read may hold, is asked about as it is, or refused: never in an address.
#[test]
fn a_credential_from_elsewhere() {
    let instance = Instance::knowing("abc", Standing::user("u1", false));
    let gate = gate(instance.hybrid());
    let ask = |text: &str| {
        let who = now(gate.authenticate(portcullis_core::Credential::new(text, CredentialSource::bearer())));
        who.principal().map(|principal| principal.id().subject().to_owned()).map_err(|error| error.status())
    };
    assert_eq!(ask("abc"), Ok("u1".into()));
    for text in ["abc?admin=1", "abc/../x", "abc ", " abc", "ab c"] {
        assert_eq!(ask(text), Err(401), "{text:?}");
    }
    assert!(instance.addresses().iter().all(|url| url.ends_with(ME) || url.ends_with(GLOBALS)));
    assert_eq!(ask(&token(json!({}))), Ok("u1".into()));
}
