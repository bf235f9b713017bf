//! Policies made of policies: their order, what ends them early, and how they explain themselves.

use crate::{
    asking::{Data, Members, Quiet, ask, decide, gate, shared, why},
    head::Head,
};
use portcullis_core::{
    Decision, Error, ErrorKind, Gate, Question, RoleHierarchy,
    policy::{values::Staff, *},
    testing::{TestIssuer, acting_as},
};
use std::sync::{Arc, Mutex};

/// A policy that says what it was told to, at once or later, and writes down that it was asked.
#[derive(Debug, Clone)]
struct Says {
    word: char,
    later: bool,
    code: &'static str,
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl Rule for Says {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        if self.later {
            tokio::task::yield_now().await;
        }
        self.asked.lock().unwrap().push(self.code);
        match self.word {
            'Y' => Ok(Decision::allow()),
            'N' => Ok(Decision::deny(self.code)),
            _ => Err(Error::new(ErrorKind::Unavailable, "it cannot be known").with_code(self.code)),
        }
    }
}

const CODES: [&str; 3] = ["first", "second", "third"];

/// What a list of words comes to: the code of the denial or error, and how many are asked.
fn model(all: bool, words: &str) -> (Result<(), (ErrorKind, &'static str)>, usize) {
    let mut denied = None;
    for (place, word) in words.chars().enumerate() {
        match word {
            'Y' if !all => return (Ok(()), place + 1),
            'Y' => {}
            'N' if all => return (Err((ErrorKind::Denied, CODES[place])), place + 1),
            'N' => denied = Some(CODES[place]),
            _ => return (Err((ErrorKind::Unavailable, CODES[place])), place + 1),
        }
    }
    match (words, denied) {
        ("", _) => (Err((ErrorKind::Misconfigured, "misconfigured")), 0),
        (_, None) => (Ok(()), words.len()),
        (_, Some(code)) => (Err((ErrorKind::Denied, code)), words.len()),
    }
}

fn words() -> Vec<String> {
    let longer = |words: &[String]| {
        words.iter().flat_map(|word| ["Y", "N", "E"].map(|next| format!("{word}{next}"))).collect::<Vec<_>>()
    };
    let one = longer(&[String::new()]);
    let two = longer(&one);
    let three = longer(&two);
    [vec![String::new()], one, two, three].concat()
}

/// Every list of up to three answers, each of them at once or later.
#[tokio::test]
async fn lists_are_asked_in_order_up_to_what_settles_them() {
    let gate = gate(|builder| builder).acting_as(acting_as("alice"));
    let head = Head::new();
    let who = gate.establish(&head).await;
    for words in words() {
        for mask in 0..1_usize << words.len() {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let say =
                |(place, word)| Says { word, later: mask >> place & 1 == 1, code: CODES[place], asked: asked.clone() };
            let list: Vec<Arc<dyn Policy>> =
                words.chars().enumerate().map(say).map(|says| Arc::new(says) as _).collect();
            let (every, one) = (all(list.clone()), any(list));
            for (is_all, policy) in [(true, shared(every)), (false, shared(one))] {
                for explained in [false, true] {
                    let plan = gate.plan(policy.clone());
                    assert_eq!(plan.is_err(), words.is_empty(), "{words}");
                    // An empty list that nobody sees is found where it is asked.
                    let plan = plan.or_else(|_| gate.plan(Quiet(policy.clone()))).unwrap();
                    let found = if explained {
                        gate.explain(&who, &plan, &head).await.map(|decision| match decision {
                            Decision::Allow(_) => Ok(()),
                            Decision::Deny(denial) => Err((ErrorKind::Denied, denial.code().to_owned())),
                        })
                    } else {
                        gate.authorize(&who, &plan, &head).await.map(|_| Ok(()))
                    };
                    let found = found.unwrap_or_else(|error| Err((error.kind(), error.code().to_owned())));
                    let (expected, count) = model(is_all, &words);
                    assert_eq!(
                        found,
                        expected.map_err(|(kind, code)| (kind, code.to_owned())),
                        "{words} {mask:b} {is_all}"
                    );
                    assert_eq!(
                        std::mem::take(&mut *asked.lock().unwrap()),
                        CODES[..count],
                        "{words} {mask:b} {is_all}"
                    );
                }
                // What cannot be known cannot be turned around.
                let turned = decide(&gate, &who, not(policy), &head).await;
                let expected = match model(is_all, &words).0 {
                    Ok(()) => Some((ErrorKind::Denied, "not_allowed")),
                    Err((ErrorKind::Denied, _)) => None,
                    Err(error) => Some(error),
                };
                assert_eq!(
                    turned.err().map(|error| why::<()>(Err(error))),
                    expected.map(|(kind, code)| (kind, code.to_owned()))
                );
                asked.lock().unwrap().clear();
            }
        }
    }
}

#[tokio::test]
async fn lists_are_tuples_arrays_and_vectors() {
    let gate = gate(|builder| builder);
    let alice = acting_as("alice");
    let (yes, no) = (authenticated(), staff());
    let allowed = [
        shared(all((yes,))),
        shared(any((yes,))),
        shared(all((yes, yes, yes, yes, yes, yes, yes, yes))),
        shared(any((no, no, no, no, no, no, no, yes))),
        shared(all([yes, yes])),
        shared(any([Box::new(no) as Box<dyn Policy>, Box::new(yes)])),
        shared(any((all((yes, no)), all((yes, any((no, yes))))))),
        shared(shared(yes)),
    ];
    let refused = [
        shared(all((yes, yes, yes, yes, yes, yes, yes, no))),
        shared(any((no, no, no, no, no, no, no, no))),
        shared(any((all((yes, no)), all((no, any((yes, yes))))))),
    ];
    for policy in allowed {
        assert!(ask(&gate, &alice, policy.clone(), &Head::new()).await.is_ok(), "{policy:?}");
    }
    for policy in refused {
        assert_eq!(
            why(ask(&gate, &alice, policy.clone(), &Head::new()).await),
            (ErrorKind::Denied, "staff_required".to_owned())
        );
    }
    const NONE: Vec<Arc<dyn Policy>> = Vec::new();
    // No policy at all neither allows nor denies, and nothing makes a yes of it.
    for policy in [
        shared(all::<[Staff; 0]>([])),
        shared(any::<[Staff; 0]>([])),
        shared(all(NONE)),
        shared(any(NONE)),
        shared(not(all(NONE))),
        shared(not(not(any(NONE)))),
        shared(hidden(all(NONE))),
        shared(any((no, all(NONE)))),
        shared(all((yes, not(any(NONE))))),
    ] {
        assert_eq!(
            why(ask(&gate, &alice, policy.clone(), &Head::new()).await).0,
            ErrorKind::Misconfigured,
            "{policy:?}"
        );
        assert_eq!(why(ask(&gate, &alice, Quiet(policy.clone()), &Head::new()).await).0, ErrorKind::Misconfigured);
        assert!(!policy.describe().is_public(), "{policy:?}");
        let checked = gate.plan(policy).unwrap_err();
        assert!(checked.to_string().contains("an empty list"), "{checked}");
    }
}

#[tokio::test]
async fn one_hidden_part_hides_the_whole() {
    let gate = gate(|builder| builder);
    for (policy, shown) in [
        (shared(hidden(staff())), None),
        (shared(all((hidden(staff()), scope("a")))), None),
        (shared(any((hidden(staff()), scope("a")))), None),
        (shared(any((scope("a"), hidden(staff())))), None),
        (shared(any((any((scope("a"), hidden(staff()))), scope("b")))), None),
        (shared(hidden(not(authenticated()))), None),
        (shared(all((scope("a"), hidden(staff())))), Some("insufficient_scope")),
        (shared(not(hidden(authenticated()))), Some("not_allowed")),
    ] {
        let error = ask(&gate, &acting_as("alice"), policy.clone(), &Head::new()).await.unwrap_err();
        let expected = shown.map_or((ErrorKind::Hidden, "not_found"), |code| (ErrorKind::Denied, code));
        assert_eq!((error.kind(), error.code()), expected, "{policy:?}");
    }
    assert!(ask(&gate, &acting_as("alice"), hidden(authenticated()), &Head::new()).await.is_ok());
}

#[tokio::test]
async fn the_scope_is_told_only_where_it_was_the_reason() {
    let gate = gate(|builder| builder);
    for (policy, expected) in [
        (shared(scope("a")), Some("a")),
        (shared(all((scope("a"), staff()))), Some("a")),
        (shared(any((staff(), scope("a")))), Some("a")),
        (shared(any((scope("a"), scope("b")))), Some("b")),
        (shared(any((scope("a"), staff()))), None),
        (shared(not(any((scope("a"), authenticated())))), None),
        (shared(staff()), None),
    ] {
        let error = ask(&gate, &acting_as("alice"), policy.clone(), &Head::new()).await.unwrap_err();
        assert_eq!(error.scope(), expected, "{policy:?}");
    }
}

#[test]
fn what_needs_no_waiting_is_answered_at_once() {
    let roles = RoleHierarchy::ranked(["viewer"]).unwrap();
    let gate = gate(|builder| builder.roles(roles).members(&Data::default())).acting_as(acting_as("alice"));
    let head = Head::new().query("id=1");
    let who = gate.establish(&head).ready().unwrap();
    let on = || role("viewer").on("project", query("id"));
    let later = || Says { word: 'Y', later: true, code: "later", asked: Arc::default() };
    for (policy, now) in [
        (shared(anyone()), true),
        (shared(all((authenticated(), not(staff()), when("now", |_| true)))), true),
        (
            shared(any((
                scope("a"),
                permission("kb:read"),
                role("viewer"),
                claim("a"),
                claim("a").is("b"),
                hidden(staff()),
            ))),
            true,
        ),
        // What is waited for and does not have to be is there at once too.
        (shared(on()), true),
        (shared(later()), false),
        (shared(hidden(not(all((authenticated(), later()))))), false),
        // What is settled before it comes to that needs no waiting either.
        (shared(all((staff(), on(), later()))), true),
        (shared(any((authenticated(), on(), later()))), true),
        (shared(role("viewer").on("project", query("nothing"))), true),
    ] {
        let plan = gate.plan(policy).unwrap();
        assert_eq!(gate.authorize(&who, &plan, &head).ready().is_ok(), now, "{plan:?}");
        assert_eq!(gate.explain(&who, &plan, &head).ready().is_ok(), now, "{plan:?}");
    }
}

#[test]
fn what_is_public_says_so() {
    let gate = gate(|builder| builder);
    for (policy, public) in [
        (shared(anyone()), true),
        (shared(authenticated()), false),
        (shared(staff()), false),
        (shared(when("always", |_| true)), false),
        (shared(any((staff(), anyone()))), true),
        (shared(any((staff(), authenticated()))), false),
        (shared(all((anyone(), anyone()))), true),
        (shared(all((anyone(), authenticated()))), false),
        (shared(all((any((staff(), anyone())), anyone()))), true),
        (shared(hidden(anyone())), true),
        (shared(hidden(staff())), false),
        (shared(not(anyone())), false),
        (shared(not(not(anyone()))), false),
        (shared(Box::new(anyone()) as Box<dyn Policy>), true),
        (shared(shared(anyone())), true),
        (shared(shared(staff())), false),
    ] {
        assert_eq!(policy.describe().is_public(), public, "{policy:?}");
        assert_eq!(gate.plan(policy).unwrap().is_public(), public);
    }
}

async fn explained(gate: &Gate, policy: impl Policy + 'static, head: &Head) -> String {
    let who = gate.establish(head).await;
    let plan = gate.plan(policy).unwrap();
    gate.explain(&who, &plan, head).await.unwrap().explain().unwrap().to_string()
}

#[tokio::test]
async fn explanations_are_trees() {
    let roles = RoleHierarchy::builder().ranked(["viewer", "manager"]).permits("manager", ["kb:*"]).inherits("team");
    let data = Data::default().parents("project:1", &["team:a"]).role("team:a", "viewer");
    let gate = gate(|builder| builder.roles(roles.build().unwrap()).members(&data));
    let issuer = TestIssuer::new();
    let head = Head::new().bearer(&issuer.token("alice").role("manager").sign()).query("id=1");
    let on_project = |name| role(name).on("project", query("id"));
    let says = Says { word: 'N', later: false, code: "own", asked: Arc::default() };

    let policy = any((
        staff(),
        all((permission("kb:read"), not(role("viewer")), scope("never-asked"))),
        hidden(says),
        on_project("viewer"),
    ));
    assert_eq!(
        explained(&gate, policy, &head).await,
        "+ a User of `https://issuer.test` by bearer header
  + any of
    - staff
    - all of
      + permission `kb:read` (by the role `manager` of the credential)
      - not
        + role `viewer` (by the role `manager` of the credential)
    - Says
    + role `viewer` on project \"1\" (has the role `viewer`, inherited from team \"a\")"
    );
    let denied = all((claim("plan").is("gold"), anyone()));
    let whole = explained(&gate.acting_as(acting_as("alice")), denied, &head).await;
    assert_eq!(whole, "- a User\n  - all of\n    - claim `plan` is `gold`");
    let here = explained(&gate.acting_as(acting_as("alice")), on_project("manager"), &head).await;
    let note = "(has the role `viewer`, inherited from team \"a\")";
    assert_eq!(here, format!("- a User\n  - role `manager` on project \"1\" {note}"));
    let there =
        explained(&gate, on_project("viewer"), &Head::new().bearer(&issuer.token("bob").sign()).query("id=%22%0a1"))
            .await;
    assert!(there.ends_with("\n  - role `viewer` on project \"\\\"\\n1\" (no role there)"), "{there}");
}
