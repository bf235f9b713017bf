//! Policies about the sign-in, and the answer that tells a client to sign in again (RFC 9470).

use crate::{
    asking::{Data, Members, Quiet, ask, gate, shared, why},
    head::Head,
};
use futures_util::FutureExt;
use portcullis_core::{
    Decision, Dpop, Error, ErrorKind, Forecast, Gate, GateBuilder, Holder, KeyScopes, Principal, PrincipalKind,
    Refusal, RoleHierarchy, Scheme, SuperuserScope,
    policy::*,
    testing::{FixedClock, TestIssuer, acting_as},
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

const STEP_UP: (ErrorKind, &str) = (ErrorKind::InsufficientAuthentication, "insufficient_user_authentication");
const RECENT: &dyn Policy = &signed_in_within(minutes(5));
const OTP: &dyn Policy = &factor("otp");

/// A gate without memberships, which needs no time for anything else.
fn plain() -> (TestIssuer, Gate) {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer()).build().unwrap();
    (issuer, gate)
}

fn answer(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> Result<(), Error> {
    let plan = gate.plan(policy)?;
    let who = gate.establish_for(&plan, head).now_or_never().unwrap();
    gate.authorize(&who, &plan, head).now_or_never().unwrap().map(drop)
}

/// The answer to a caller whose token has these claims.
fn with_claims(policy: &'static dyn Policy, claims: &[(&str, Value)]) -> Result<(), (ErrorKind, String)> {
    let (issuer, gate) = plain();
    let token = claims.iter().fold(issuer.token("alice"), |token, (name, value)| token.claim(name, value.clone()));
    answer(&gate, policy, &Head::new().bearer(&token.sign())).map_err(|error| why::<()>(Err(error)))
}

fn step_up() -> Result<(), (ErrorKind, String)> {
    Err((STEP_UP.0, STEP_UP.1.to_owned()))
}

fn header<'r>(refusal: &'r Refusal, name: &str) -> Option<&'r str> {
    refusal.headers().find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[test]
fn a_sign_in_is_recent_up_to_the_second() {
    let now = TestIssuer::new().clock().seconds();
    for (auth_time, holds) in [
        (json!(now), true),
        (json!(now - 299), true),
        (json!(now - 300), true),
        (json!(now - 301), false),
        (json!(now - 86400), false),
        // The clock of the issuer may be ahead, a little.
        (json!(now + 60), true),
        (json!(now + 61), false),
        (json!(now + 1_000_000), false),
        // Unknown.
        (json!(null), false),
        (json!(now.to_string()), false),
        (json!([now]), false),
        (json!(-1), false),
        (json!(1e300), false),
    ] {
        let expected = if holds { Ok(()) } else { step_up() };
        assert_eq!(with_claims(RECENT, &[("auth_time", auth_time.clone())]), expected, "{auth_time} at {now}");
    }
    assert_eq!(with_claims(RECENT, &[]), step_up(), "`iat` is no time of a sign-in");
}

#[test]
fn a_refresh_does_not_make_a_sign_in_recent() {
    let (issuer, gate) = plain();
    let auth_time = issuer.clock().seconds();
    let request = || Head::new().bearer(&issuer.token("alice").claim("auth_time", auth_time).sign());
    assert!(answer(&gate, RECENT, &request()).is_ok());
    issuer.clock().advance(Duration::from_secs(299));
    assert!(answer(&gate, RECENT, &request()).is_ok());
    // Each of these tokens is issued now.
    issuer.clock().advance(Duration::from_secs(2));
    assert_eq!(why(answer(&gate, RECENT, &request())).0, STEP_UP.0);
}

#[test]
fn a_factor_is_a_method_or_the_class() {
    for (claims, holds) in [
        (&[("amr", json!(["pwd", "otp"]))][..], true),
        (&[("amr", json!(["pwd"])), ("acr", json!("otp"))], true),
        (&[("acr", json!("otp"))], true),
        (&[("amr", json!(["pwd"]))], false),
        (&[("amr", json!(["OTP", "otp "]))], false),
        (&[("amr", json!("otp"))], false),
        (&[("amr", json!({ "otp": true }))], false),
        (&[("amr", json!([["otp"]]))], false),
        (&[("acr", json!(["otp"]))], false),
        (&[("acr", json!("pwd otp"))], false),
        (&[("amr", json!(null)), ("acr", json!(null))], false),
        (&[("otp", json!(true))], false),
        (&[], false),
    ] {
        let expected = if holds { Ok(()) } else { step_up() };
        assert_eq!(with_claims(OTP, claims), expected, "{claims:?}");
    }
}

#[tokio::test]
async fn what_a_verifier_says_counts_before_the_token() {
    let clock = FixedClock::at(1_800_000_000);
    let at = |before: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 - before);
    let gate = gate(|builder| builder.clock(clock.clone()));
    let alice = || acting_as("alice");
    for (who, holds) in [
        (alice().with_authenticated_at(at(300)), true),
        (alice().with_authenticated_at(at(301)), false),
        (alice().with_times(Some(at(0)), None), false),
        (alice(), false),
    ] {
        assert_eq!(ask(&gate, &who, RECENT, &Head::new()).await.is_ok(), holds);
    }
    for (who, holds) in [
        (alice().with_authentication_methods(["pwd", "otp"]), true),
        (alice().with_authentication_class("otp"), true),
        (alice().with_authentication_methods(["pwd"]).with_authentication_class("gold"), false),
    ] {
        assert_eq!(ask(&gate, &who, OTP, &Head::new()).await.is_ok(), holds);
    }
}

#[tokio::test]
async fn who_is_no_person_cannot_sign_in() {
    let now = SystemTime::now();
    let both = || all((RECENT, OTP));
    let signed_in = |who: Principal| who.with_authenticated_at(now).with_authentication_methods(["otp"]);
    let gate = gate(|builder| builder);
    for kind in [PrincipalKind::Key, PrincipalKind::Service] {
        for who in [acting_as("sync").with_kind(kind), signed_in(acting_as("sync").with_kind(kind))] {
            for policy in [shared(RECENT), shared(OTP), shared(both()), shared(any((both(), OTP)))] {
                let error = ask(&gate, &who, policy, &Head::new()).await.unwrap_err();
                assert_eq!((error.status(), error.code()), (403, "user_required"));
                assert_eq!(error.challenge(None), None);
            }
        }
    }
    let clock = TestIssuer::new().clock();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(clock.seconds());
    let alice = acting_as("alice").with_authenticated_at(now).with_authentication_methods(["otp"]);
    assert!(ask(&gate, &alice, both(), &Head::new()).await.is_ok());
    // A key with scopes passes only where one is named, as everywhere.
    let key = acting_as("key").with_kind(PrincipalKind::Key).with_key_scopes(KeyScopes::new(["kb:read"]).unwrap());
    assert_eq!(why(ask(&gate, &key, RECENT, &Head::new()).await).1, "scope_required");
}

#[test]
fn the_challenge_says_what_is_required() {
    let (issuer, _) = plain();
    let new = || Gate::builder().scheme(Scheme::new(issuer.verifier()).bearer());
    let words = r#"error="insufficient_user_authentication", error_description="a more recent or a stronger sign-in is required""#;
    let refused =
        |gate: &Gate, policy: Arc<dyn Policy>, head: &Head| gate.refuse(&answer(gate, policy, head).unwrap_err());
    let head = Head::new().bearer(&issuer.token("alice").sign());
    let gate = new().build().unwrap();
    let head_of =
        |code: &str, members: &str| format!(r#"{{{members}"code":"{code}","status":401,"title":"Unauthorized"}}"#);
    for (policy, parameters, body) in [
        (shared(RECENT), r#", max_age="300""#, r#"{"code":"insufficient_user_authentication","max_age":300,"status":401,"title":"Unauthorized"}"#.to_owned()),
        (shared(OTP), r#", acr_values="otp""#, head_of(STEP_UP.1, r#""acr_values":"otp","#)),
        (
            shared(all((RECENT, OTP))),
            r#", acr_values="otp", max_age="300""#,
            r#"{"acr_values":"otp","code":"insufficient_user_authentication","max_age":300,"status":401,"title":"Unauthorized"}"#.to_owned(),
        ),
        (shared(factor("urn:example:gold")), r#", acr_values="urn:example:gold""#, head_of(STEP_UP.1, r#""acr_values":"urn:example:gold","#)),
    ] {
        let refusal = refused(&gate, policy, &head);
        assert_eq!(refusal.status(), 401);
        assert_eq!(header(&refusal, "www-authenticate"), Some(&*format!("Bearer {words}{parameters}")));
        assert_eq!(String::from_utf8_lossy(refusal.body()), body);
    }
    let realm = new().realm("api").build().unwrap();
    let challenge = format!(r#"Bearer realm="api", {words}, max_age="300""#);
    assert_eq!(header(&refused(&realm, shared(RECENT), &head), "www-authenticate"), Some(&*challenge));
    // Without a credential, and with one that is not valid, it is the usual 401.
    let nobody = refused(&gate, shared(RECENT), &Head::new());
    assert_eq!((nobody.status(), header(&nobody, "www-authenticate")), (401, Some("Bearer")));
    let forged = refused(&gate, shared(RECENT), &Head::new().bearer("forged"));
    assert!(header(&forged, "www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
    // The scheme of the challenge is that of the caller.
    let dpop = Dpop::new("https://api.test").unwrap();
    let scheme = Scheme::new(issuer.verifier()).bearer().dpop(dpop);
    let both = Gate::builder().scheme(scheme).build().unwrap();
    let by_bearer = refused(&both, shared(RECENT), &head);
    let challenge = header(&by_bearer, "www-authenticate").unwrap().to_owned();
    assert!(challenge.starts_with(&format!(r#"Bearer {words}, max_age="300", DPoP algs="#)), "{challenge}");
}

const YES: &dyn Policy = &authenticated();
const NO: &dyn Policy = &staff();
const NO_SCOPE: &dyn Policy = &scope("write");
const HOUR: &dyn Policy = &signed_in_within(minutes(60));
/// By which everybody signed in.
const FACE: &dyn Policy = &factor("face");
const HARDWARE: &dyn Policy = &factor("hwk");
const SIGNED_OUT: &dyn Policy = &role("viewer").on("project", path("id")).hidden();
const BROKEN: &dyn Policy = &role("viewer").on("team", path("id"));

fn roles() -> RoleHierarchy {
    RoleHierarchy::ranked(["viewer", "owner"]).unwrap()
}

fn joined(policy: impl Policy + 'static) -> String {
    let alice = acting_as("alice").with_authentication_methods(["face"]);
    joined_in(gate(|builder| builder.roles(roles()).members(&Data::default())), alice, policy)
}

/// The status, the code, and what a step-up requires; the same for a part that waits, and explained.
fn joined_in(gate: Gate, who: Principal, policy: impl Policy + 'static) -> String {
    let gate = gate.acting_as(who);
    let plan = gate.plan(policy).unwrap();
    let head = Head::new().param("id", "1");
    let who = gate.establish(&head).now_or_never().unwrap();
    let explained = gate.explain(&who, &plan, &head).now_or_never().unwrap();
    match gate.authorize(&who, &plan, &head).now_or_never().unwrap() {
        Ok(_) => {
            assert!(explained.unwrap().is_allowed());
            "200".to_owned()
        }
        Err(error) => {
            if let Ok(Decision::Deny(denial)) = explained {
                assert!(denial.code() == error.code() || error.kind() == ErrorKind::Hidden, "{error:?}");
            }
            let (required, max_age) =
                error.denial().map(|denial| (denial.required(), denial.max_age())).unwrap_or_default();
            let what = [required.map(str::to_owned), max_age.map(|age| age.as_secs().to_string())];
            let what = what.into_iter().flatten().collect::<Vec<_>>();
            match error.status() {
                401 => format!("401 {}", what.join(" ")),
                status => format!("{status} {}", error.code()),
            }
        }
    }
}

#[test]
fn another_denial_of_an_all_is_firm() {
    for (policy, expected) in [
        (shared(all((RECENT, YES))), "401 300"),
        (shared(all((YES, RECENT))), "401 300"),
        (shared(all((RECENT, NO))), "403 staff_required"),
        (shared(all((NO, RECENT))), "403 staff_required"),
        (shared(all((RECENT, NO_SCOPE, NO))), "403 insufficient_scope"),
        (shared(all((RECENT, SIGNED_OUT))), "404 not_found"),
        (shared(all((SIGNED_OUT, RECENT))), "404 not_found"),
        // Both are one answer. The shorter time counts, and the first factor.
        (shared(all((RECENT, OTP))), "401 otp 300"),
        (shared(all((OTP, RECENT))), "401 otp 300"),
        (shared(all((HOUR, YES, RECENT, HOUR))), "401 300"),
        (shared(all((OTP, HARDWARE))), "401 otp"),
        (shared(all((FACE, OTP))), "401 otp"),
        // What the last sign-in met, the next one has to meet again.
        (shared(all((FACE, RECENT))), "401 face 300"),
        (shared(all((RECENT, all((YES, FACE))))), "401 face 300"),
        (shared(all((RECENT, any((OTP, YES))))), "401 300"),
        (shared(all((all((RECENT, YES)), all((YES, OTP))))), "401 otp 300"),
        (shared(all((all((RECENT, YES)), all((YES, NO))))), "403 staff_required"),
        (shared(all((RECENT, not(YES)))), "403 not_allowed"),
        (shared(all((hidden(RECENT), YES))), "404 not_found"),
        (shared(hidden(all((RECENT, YES)))), "404 not_found"),
        (shared(all((RECENT, hidden(NO)))), "404 not_found"),
    ] {
        let description = policy.describe();
        assert_eq!(joined(policy), expected, "{description}");
    }
}

#[test]
fn a_step_up_of_an_any_is_the_answer() {
    for (policy, expected) in [
        (shared(any((RECENT, YES))), "200"),
        (shared(any((RECENT, NO))), "401 300"),
        (shared(any((NO, RECENT))), "401 300"),
        (shared(any((NO, RECENT, NO_SCOPE))), "401 300"),
        // One of both is enough.
        (shared(any((RECENT, OTP))), "401 otp"),
        (shared(any((all((RECENT, OTP)), NO))), "401 otp 300"),
        (shared(any((all((RECENT, NO)), NO_SCOPE))), "403 insufficient_scope"),
        (shared(any((all((RECENT, NO)), all((OTP, YES))))), "401 otp"),
        // Whoever would be allowed may know.
        (shared(any((RECENT, SIGNED_OUT))), "401 300"),
        (shared(any((SIGNED_OUT, RECENT))), "401 300"),
        (shared(any((hidden(RECENT), NO))), "404 not_found"),
        (shared(any((hidden(RECENT), OTP))), "401 otp"),
        (shared(any((OTP, hidden(RECENT)))), "401 otp"),
        (shared(visitors(any((SIGNED_OUT, RECENT)))), "401 300"),
    ] {
        let description = policy.describe();
        assert_eq!(joined(policy), expected, "{description}");
    }
}

#[test]
fn what_cannot_be_judged_is_an_error_still() {
    let broken = || gate(|builder| builder.roles(roles()).members(&Data::down()));
    let alice = || acting_as("alice");
    assert_eq!(joined_in(broken(), alice(), all((RECENT, BROKEN))), "503 unavailable");
    assert_eq!(joined_in(broken(), alice(), any((RECENT, BROKEN))), "503 unavailable");
    assert_eq!(joined_in(broken(), alice(), all((RECENT, NO, BROKEN))), "403 staff_required");
    // Below `not`, callers of whom nothing is known would be allowed.
    let gate = gate(|builder| builder);
    for policy in [shared(not(RECENT)), shared(not(OTP)), shared(not(all((YES, not(any((NO, OTP)))))))] {
        assert_eq!(gate.plan(policy.clone()).unwrap_err().kind(), ErrorKind::Misconfigured, "{policy:?}");
        let at_request = ask(&gate, &acting_as("alice"), Quiet(policy), &Head::new()).now_or_never().unwrap();
        assert_eq!(at_request.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
    assert!(gate.plan(shadow("turned", YES, not(OTP))).is_err());
}

#[test]
fn the_baseline_and_superusers_have_it_too() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(TestIssuer::new().clock().seconds());
    let with = |parts: fn(GateBuilder) -> GateBuilder| gate(|builder| parts(builder.roles(roles())));
    let fresh = || acting_as("alice").with_authenticated_at(now);
    let baseline = || with(|builder| builder.baseline(signed_in_within(minutes(5))));
    assert_eq!(joined_in(baseline(), fresh(), YES), "200");
    assert_eq!(joined_in(baseline(), acting_as("alice"), YES), "401 300");
    assert_eq!(joined_in(baseline(), acting_as("alice"), NO), "401 300", "the baseline is asked first");
    assert_eq!(joined_in(baseline(), fresh(), NO), "403 staff_required");
    assert_eq!(joined_in(baseline(), acting_as("alice"), without_baseline(YES)), "200");

    // A superuser passes without a role, and not without a sign-in that the route requires.
    let superuser = || with(|builder| builder.superuser(staff(), SuperuserScope::every_role_and_permission()));
    let strict = || all((role("owner"), signed_in_within(minutes(5))));
    assert_eq!(joined_in(superuser(), fresh().with_staff(true), strict()), "200");
    assert_eq!(joined_in(superuser(), acting_as("root").with_staff(true), strict()), "401 300");
    assert_eq!(joined_in(superuser(), fresh(), strict()), "403 role_required");

    // A superuser only after a sign-in is told so, if it would pass then.
    let sudo = || {
        with(|builder| {
            let operators = all((staff(), signed_in_within(minutes(15))));
            builder.superuser(operators, SuperuserScope::every_role_and_permission())
        })
    };
    assert_eq!(joined_in(sudo(), fresh().with_staff(true), role("owner")), "200");
    assert_eq!(joined_in(sudo(), acting_as("root").with_staff(true), role("owner")), "401 900");
    assert_eq!(
        joined_in(sudo(), acting_as("root").with_staff(true), all((role("owner"), NO_SCOPE))),
        "403 role_required"
    );
    assert_eq!(joined_in(sudo(), acting_as("bob"), role("owner")), "403 role_required");
}

#[tokio::test]
async fn handlers_lists_and_candidates_take_it_for_a_no() {
    let gate = gate(|builder| builder.roles(roles()).members(&Data::default().role("project:1", "viewer")));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(TestIssuer::new().clock().seconds());
    let read = || all((role("viewer").on("project", path("id")), signed_in_within(minutes(5))));
    for (who, rows) in [(acting_as("alice").with_authenticated_at(now), vec!["1"]), (acting_as("alice"), vec![])] {
        let is_recent = !rows.is_empty();
        let acting = gate.acting_as(who);
        let caller = acting.establish(&Head::new()).await.caller(&Head::new()).unwrap();
        assert_eq!(caller.allows(RECENT).await.unwrap(), is_recent);
        assert_eq!(caller.filter(read(), "id", ["1", "2"], |id| (*id).to_owned()).await.unwrap(), rows);
        let required = caller.require(RECENT).await.map(drop).map_err(|error| error.status());
        assert_eq!(required, if is_recent { Ok(()) } else { Err(401) });
    }
    let stale = gate.acting_as(acting_as("alice"));
    let plan = stale.plan(shadow("recent", YES, RECENT)).unwrap();
    let who = stale.establish(&Head::new()).await;
    assert!(stale.authorize(&who, &plan, &Head::new()).await.is_ok());
    assert_eq!(stale.shadow("recent").unwrap().would_deny, 1);
}

#[test]
fn documents_and_forecasts_know_it() {
    let gate = gate(|builder| builder.roles(roles()));
    let refusals = |policy: Arc<dyn Policy>| gate.refusals(&gate.plan(policy).unwrap());
    let found = refusals(shared(RECENT));
    let refusal = |code: &str| found.iter().find(|(known, _)| known == code).map(|(_, refusal)| refusal);
    let step_up = refusal(STEP_UP.1).unwrap();
    assert_eq!(step_up.status(), 401);
    assert!(header(step_up, "www-authenticate").unwrap().ends_with(r#"max_age="300""#));
    assert_eq!(refusal("user_required").map(Refusal::status), Some(403));
    let both = refusals(shared(all((YES, RECENT, OTP))));
    let both = both.iter().find(|(code, _)| code == STEP_UP.1).map(|(_, refusal)| refusal);
    assert!(header(both.unwrap(), "www-authenticate").unwrap().ends_with(r#", acr_values="otp", max_age="300""#));
    for policy in [shared(YES), shared(hidden(RECENT))] {
        assert!(refusals(policy).iter().all(|(code, _)| code != STEP_UP.1 && code != "user_required"));
    }

    let plan = gate.plan(all((role("owner"), RECENT, OTP))).unwrap();
    assert_eq!(plan.description().to_string(), "role owner and signed in within 300s and factor otp");
    let holder = |role: &str| Holder::Role { role: role.to_owned(), on: None };
    let on = ["signed in within 300s", "factor otp"].map(str::to_owned).to_vec();
    assert_eq!(plan.forecast(&holder("owner")), Forecast::Depends(on));
    assert_eq!(plan.forecast(&holder("viewer")), Forecast::Deny);
    assert_eq!(plan.forecast(&Holder::Visitor), Forecast::Deny);
}

#[test]
fn explanations_say_when_and_how_the_caller_signed_in() {
    let gate = gate(|builder| builder.clock(FixedClock::at(1000)));
    let explained = |who: Principal, policy: &'static dyn Policy| {
        let gate = gate.acting_as(who);
        let plan = gate.plan(policy).unwrap();
        let who = gate.establish(&Head::new()).now_or_never().unwrap();
        let decision = gate.explain(&who, &plan, &Head::new()).now_or_never().unwrap().unwrap();
        decision.explain().unwrap().to_string().lines().nth(1).unwrap().trim().to_owned()
    };
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let alice = || acting_as("alice");
    for (who, policy, expected) in [
        (alice().with_authenticated_at(at(699)), RECENT, "- signed in within 300s (signed in 301 s ago)"),
        (alice().with_authenticated_at(at(990)), RECENT, "+ signed in within 300s (signed in 10 s ago)"),
        (alice(), RECENT, "- signed in within 300s (it is not known when it signed in)"),
        (alice().with_kind(PrincipalKind::Key), RECENT, "- signed in within 300s (only people sign in)"),
        (alice(), OTP, "- factor otp (it is not known how it signed in)"),
        (alice().with_authentication_methods(["pwd", "mfa"]), OTP, "- factor otp (signed in by pwd, mfa)"),
        (alice().with_authentication_class("otp"), OTP, "+ factor otp (signed in as otp)"),
    ] {
        assert_eq!(explained(who, policy), expected);
    }
}

#[test]
fn a_time_shorter_than_a_second_and_a_factor_that_is_no_word_are_refused() {
    let is_made = |made: fn() -> Arc<dyn Policy>| std::panic::catch_unwind(made).is_ok();
    assert!(is_made(|| shared(signed_in_within(Duration::from_secs(1)))) && is_made(|| shared(factor("a:b"))));
    assert!(!is_made(|| shared(signed_in_within(Duration::from_millis(999)))));
    assert!(
        !is_made(|| shared(factor(""))) && !is_made(|| shared(factor("a b"))) && !is_made(|| shared(factor("a\"b")))
    );
    assert_eq!((minutes(5), minutes(u64::MAX)), (Duration::from_secs(300), Duration::from_secs(u64::MAX)));
}
