//! Every endpoint, accepted.

use crate::{
    request::{Answer, delete, empty_post, get, post},
    world::{ALICE, BOB, Login, MODES, Mode, OTHER, PASSWORD, setup},
};
use portcullis::accounts::MailKind;
use serde_json::{Value, json};

const MAIL_SENT: &str = r#"{"status":"mail_sent"}"#;

/// Asserts where the tokens of an answer are, and returns what its body has besides.
#[track_caller]
fn tokens(mode: Mode, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut body = answer.json();
    let members = body.as_object_mut().unwrap();
    let in_body = ["access_token", "refresh_token", "token_type"].map(|name| members.remove(name).is_some());
    assert_eq!(in_body, [mode == Mode::Bodies; 3], "{answer:?}");
    let set = ["__Host-access", "__Host-refresh", "__Host-session"].map(|name| answer.cookie(name).is_some());
    assert_eq!(set, [mode == Mode::TwoCookies, mode == Mode::TwoCookies, mode == Mode::OneSession], "{answer:?}");
    body
}

/// How long the tokens are valid, as an answer says it.
fn lives(mode: Mode) -> Value {
    match mode {
        // No script refreshes a session that is never exchanged.
        Mode::OneSession => json!({ "refresh_expires_in": 30 * 86_400 }),
        _ => json!({ "expires_in": 900, "refresh_expires_in": 30 * 86_400 }),
    }
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body.as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

#[test]
fn a_life_from_sign_up_to_sign_out() {
    for mode in MODES {
        setup(mode).endpoints(|endpoints| endpoints.extra_fields(["plan"])).run(async |world| {
            let form =
                json!({ "email": ALICE, "password": PASSWORD, "plan": "free", "role": "admin", "is_staff": true });
            let answer = world.page(post("/auth/sign-up", form)).await;
            assert_eq!((answer.status, &*answer.body), (202, MAIL_SENT));
            assert!(answer.all("set-cookie").is_empty());
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "403 email_unconfirmed");

            let token = world.mailed(ALICE);
            let confirm = json!({ "token": token, "password": PASSWORD });
            let answer = world.page(post("/auth/confirm", confirm.clone())).await;
            assert_eq!((answer.status, &*answer.body), (200, r#"{"has_password":true}"#));
            assert_eq!(world.page(post("/auth/confirm", confirm)).await.code(), "400 invalid_token");

            let answer = world.sign_in(ALICE, PASSWORD).await;
            let id = world.id(ALICE).await;
            // Nobody becomes an administrator by a member of a form.
            let user = json!({
                "id": id.as_str(), "email": ALICE, "email_confirmed": true, "role": "", "extra": { "plan": "free" },
            });
            assert_eq!(tokens(mode, &answer), with(lives(mode), "user", user.clone()));
            let mut login = world.login(&answer);

            let answer = world.page_as(&login, get("/auth/me")).await;
            assert_eq!((answer.status, answer.json()), (200, json!({ "user": user })));
            assert_eq!(world.orders(&login).await, "200");

            world.pass(60);
            if mode != Mode::OneSession {
                let answer = world.send(world.refresh_of(&login)).await;
                let rest = json!({ "expires_in": 900, "refresh_expires_in": 30 * 86_400 - 60 });
                assert_eq!(tokens(mode, &answer), rest);
                login.update(&answer);
                assert_eq!(world.orders(&login).await, "200");
            }

            let answer = world.send(world.sign_out_of(&login)).await;
            assert_eq!((answer.status, &*answer.body), (200, "{}"));
            assert!(world.orders(&login).await.starts_with("401"));
            assert!(world.send(world.refresh_of(&login)).await.code().starts_with("4"));
            // Signed out, signed out again.
            assert_eq!(world.send(world.sign_out_of(&login)).await.status, 200);
        });
    }
}

#[test]
fn sessions_are_listed_and_ended() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let bob = world.signed_in(BOB).await;
            let first = world.signed_in(ALICE).await;
            world.pass(10);
            let request = post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }));
            let answer = world.page(request.header("user-agent", "a browser").peer("2001:db8::7")).await;
            let second = world.login(&answer);

            let answer = world.page_as(&second, get("/auth/sessions")).await;
            let list = answer.json()["sessions"].as_array().unwrap().clone();
            assert_eq!(list.len(), 2);
            let known = |place: usize, name: &str| list[place][name].clone();
            assert_eq!((known(0, "current"), known(1, "current")), (json!(true), json!(false)));
            assert_eq!((known(0, "user_agent"), known(1, "user_agent")), (json!("a browser"), Value::Null));
            assert_eq!((known(0, "address"), known(1, "address")), (json!("2001:db8::7"), json!("192.0.2.1")));
            assert_eq!(known(0, "created_at"), 1_800_000_010);
            let path = |place: usize| format!("/auth/sessions/{}", list[place]["id"].as_str().unwrap());

            // A stranger ends nothing, and learns nothing.
            let foreign = world.page_as(&bob, delete(&path(0))).await;
            let unknown = world.page_as(&bob, delete("/auth/sessions/unknown")).await;
            assert_eq!((foreign.code(), &foreign), ("404 not_found".to_owned(), &unknown));
            assert_eq!(world.orders(&second).await, "200");

            let answer = world.page_as(&second, delete(&path(1))).await;
            assert_eq!((answer.status, &*answer.body), (204, ""));
            assert!(answer.all("set-cookie").is_empty());
            assert!(world.orders(&first).await.starts_with("401"));
            assert_eq!(world.page_as(&second, delete(&path(1))).await.code(), "404 not_found");

            // One's own.
            assert_eq!(world.page_as(&second, delete(&path(0))).await.status, 204);
            assert!(world.orders(&second).await.starts_with("401"));
            assert_eq!(world.orders(&bob).await, "200");
        });
    }
}

#[test]
fn sign_out_everywhere_ends_all_sessions_of_one_user() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let (bob, first) = (world.signed_in(BOB).await, world.signed_in(ALICE).await);
            let answer = world.sign_in(ALICE, PASSWORD).await;
            let second = world.login(&answer);
            let answer = world.page_as(&second, empty_post("/auth/sign-out-everywhere")).await;
            assert_eq!((answer.status, &*answer.body), (200, r#"{"ended":2}"#));
            assert_eq!(answer.all("set-cookie").is_empty(), mode == Mode::Bodies);
            for ended in [&first, &second] {
                assert!(world.orders(ended).await.starts_with("401"));
                assert!(world.send(world.refresh_of(ended)).await.code().starts_with("4"));
            }
            assert_eq!(world.orders(&bob).await, "200");
        });
    }
}

#[test]
fn a_password_is_reset_by_mail() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let before = world.signed_in(ALICE).await;
            let known = world.page(post("/auth/reset/request", json!({ "email": ALICE }))).await;
            let unknown = world.page(post("/auth/reset/request", json!({ "email": BOB }))).await;
            assert_eq!((known.status, &*known.body, &known), (202, MAIL_SENT, &unknown));
            assert!(world.mailbox.last_to(BOB).is_none());
            let token = world.mailed(ALICE);

            // A password that is refused does not use the token up.
            let answer = world.page(post("/auth/reset", json!({ "token": token, "password": "short" }))).await;
            assert_eq!(answer.code(), "422 password_rejected");
            assert_eq!(answer.json()["rules"], json!(["too_short"]));
            let answer = world.page(post("/auth/reset", json!({ "token": token, "password": OTHER }))).await;
            assert_eq!((answer.status, &*answer.body), (200, "{}"));
            let answer = world.page(post("/auth/reset", json!({ "token": token, "password": OTHER }))).await;
            assert_eq!(answer.code(), "400 invalid_token");

            assert!(world.orders(&before).await.starts_with("401"));
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "401 invalid_credentials");
            assert_eq!(world.sign_in(ALICE, OTHER).await.status, 200);
        });
    }
}

#[test]
fn a_password_is_changed_with_the_old_one() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let before = world.signed_in(ALICE).await;
            let change = |old: &str, new: &str| post("/auth/password", json!({ "old": old, "new": new }));
            assert_eq!(world.page_as(&before, change(OTHER, OTHER)).await.code(), "401 invalid_credentials");
            assert_eq!(world.page_as(&before, change(PASSWORD, "short")).await.code(), "422 password_rejected");
            assert_eq!(world.orders(&before).await, "200");

            let answer = world.page_as(&before, change(PASSWORD, OTHER)).await;
            assert_eq!(tokens(mode, &answer), lives(mode));
            let mut after = before.clone();
            after.update(&answer);
            assert_eq!(world.orders(&after).await, "200");
            assert!(world.orders(&before).await.starts_with("401"));
            assert_eq!(world.mailbox.last_to(ALICE).unwrap().kind, MailKind::PasswordChanged);
        });
    }
}

#[test]
fn an_address_is_changed_with_the_password_and_a_link_to_the_new_one() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let change = |password: &str| post("/auth/email", json!({ "email": BOB, "password": password }));
            assert_eq!(world.page_as(&login, change(OTHER)).await.code(), "401 invalid_credentials");
            assert!(world.mailbox.last_to(BOB).is_none());
            let answer = world.page_as(&login, change(PASSWORD)).await;
            assert_eq!((answer.status, &*answer.body), (202, MAIL_SENT));

            let confirm = post("/auth/email/confirm", json!({ "token": world.mailed(BOB) }));
            let answer = world.page(confirm.clone()).await;
            assert_eq!((answer.status, &*answer.body), (200, "{}"));
            assert_eq!(world.page(confirm).await.code(), "400 invalid_token");
            let answer = world.page_as(&login, get("/auth/me")).await;
            assert_eq!(answer.json()["user"]["email"], BOB);
            assert_eq!(world.mailbox.last_to(ALICE).unwrap().kind, MailKind::EmailChanged);
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "401 invalid_credentials");
            assert_eq!(world.sign_in(BOB, PASSWORD).await.status, 200);
        });
    }
}

#[test]
fn an_address_that_was_taken_meanwhile_is_told_to_its_owner_only() {
    setup(Mode::Bodies).run(async |world| {
        let login = world.signed_in(ALICE).await;
        let change = post("/auth/email", json!({ "email": BOB, "password": PASSWORD }));
        assert_eq!(world.page_as(&login, change).await.status, 202);
        let token = world.mailed(BOB);
        world.signed_in(BOB).await;
        let answer = world.page(post("/auth/email/confirm", json!({ "token": token }))).await;
        assert_eq!(answer.code(), "409 email_taken");
    });
}

#[test]
fn a_link_signs_in_where_that_is_switched_on() {
    for mode in MODES {
        let ask = || post("/auth/magic-link/request", json!({ "email": ALICE }));
        setup(mode).accounts(|accounts| accounts.magic_links()).run(async |world| {
            let answer = world.page(ask()).await;
            assert_eq!((answer.status, &*answer.body), (202, MAIL_SENT));
            let enter = post("/auth/magic-link", json!({ "token": world.mailed(ALICE) }));
            let answer = world.page(enter.clone()).await;
            let user = json!({
                "id": world.id(ALICE).await.as_str(), "email": ALICE, "email_confirmed": true, "role": "", "extra": {},
            });
            assert_eq!(tokens(mode, &answer), with(lives(mode), "user", user));
            let login = world.login(&answer);
            assert_eq!(world.orders(&login).await, "200");
            assert_eq!(world.page(enter).await.code(), "400 invalid_token");
        });
        // Elsewhere the endpoints are unknown paths.
        setup(mode).run(async |world| {
            assert_eq!(world.page(ask()).await, world.page(post("/auth/unknown", json!({}))).await);
        });
    }
}

#[test]
fn a_confirmation_is_sent_again() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let form = json!({ "email": ALICE, "password": PASSWORD });
            assert_eq!(world.page(post("/auth/sign-up", form)).await.status, 202);
            let first = world.mailed(ALICE);
            let known = world.page(post("/auth/confirm/resend", json!({ "email": ALICE }))).await;
            let unknown = world.page(post("/auth/confirm/resend", json!({ "email": BOB }))).await;
            assert_eq!((known.status, &*known.body, &known), (202, MAIL_SENT, &unknown));
            assert!(world.mailbox.last_to(BOB).is_none());
            let confirm = |token: String| post("/auth/confirm", json!({ "token": token, "password": PASSWORD }));
            assert_eq!(world.page(confirm(first)).await.code(), "400 invalid_token");
            let second = world.mailed(ALICE);
            assert_eq!(world.page(confirm(second)).await.status, 200);
        });
    }
}

/// Without a proof, the address is confirmed and the password of whoever signed up is gone.
#[test]
fn a_link_alone_confirms_the_address_and_removes_the_password() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let form = json!({ "email": ALICE, "password": PASSWORD });
            world.page(post("/auth/sign-up", form)).await;
            let answer = world.page(post("/auth/confirm", json!({ "token": world.mailed(ALICE) }))).await;
            assert_eq!((answer.status, &*answer.body), (200, r#"{"has_password":false}"#));
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "401 invalid_credentials");
        });
    }
}

/// A second tab refreshes with the same token, and both are signed in. Later, the session ends.
#[test]
fn a_refresh_token_is_used_twice() {
    for mode in [Mode::Bodies, Mode::TwoCookies] {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let answers = [world.send(world.refresh_of(&login)).await, world.send(world.refresh_of(&login)).await];
            let [first, second] = answers.map(|answer| world.login(&answer));
            assert_eq!(first.refresh, second.refresh);
            assert_eq!((world.orders(&first).await, world.orders(&second).await), ("200".into(), "200".into()));

            world.pass(31);
            let answer = world.send(world.refresh_of(&login)).await;
            assert_eq!(answer.code(), "401 session_reused");
            assert!(answer.all("set-cookie").is_empty());
            assert_eq!(world.send(world.refresh_of(&first)).await.code(), "401 session_ended");
            assert!(world.orders(&first).await.starts_with("401"));
        });
    }
}

#[test]
fn an_access_token_expires_and_a_refresh_gives_another() {
    for mode in [Mode::Bodies, Mode::TwoCookies] {
        setup(mode).run(async |world| {
            let mut login = world.signed_in(ALICE).await;
            world.pass(901);
            assert_eq!(world.orders(&login).await, "401 token_expired");
            let answer = world.send(world.refresh_of(&login)).await;
            login.update(&answer);
            assert_eq!(world.orders(&login).await, "200");
            world.pass(30 * 86_400);
            let answer = world.send(world.refresh_of(&login)).await;
            assert_eq!((answer.code(), answer.all("set-cookie").len()), ("401 session_expired".to_owned(), 0));
            // Signing out works all the same.
            assert_eq!(world.send(world.sign_out_of(&login)).await.status, 200);
        });
    }
}

/// A user who was disabled is signed out, and whoever knows the password learns why.
#[test]
fn a_disabled_user() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let id = world.id(ALICE).await;
            world.accounts.admin_as("a test").disable(&id, true).await.unwrap();
            assert!(world.orders(&login).await.starts_with("401"));
            assert!(world.send(world.refresh_of(&login)).await.code().starts_with("4"));
            assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "403 account_disabled");
            assert_eq!(world.sign_in(ALICE, OTHER).await.code(), "401 invalid_credentials");
        });
    }
}

#[test]
fn settings_that_close_an_endpoint() {
    let form = || post("/auth/sign-up", json!({ "email": ALICE, "password": PASSWORD }));
    setup(Mode::Bodies).accounts(|it| it.without_sign_up()).run(async |world| {
        assert_eq!(world.page(form()).await.code(), "403 sign_up_disabled");
    });
    setup(Mode::TwoCookies).accounts(|it| it.dangerous_without_confirmation()).run(async |world| {
        let answer = world.page(form()).await;
        assert_eq!(tokens(Mode::TwoCookies, &answer).as_object().unwrap().len(), 3);
        assert_eq!(world.page(form()).await.code(), "409 email_taken");
        let resend = world.page(post("/auth/confirm/resend", json!({ "email": ALICE }))).await;
        assert_eq!(resend.code(), "404 not_enabled");
    });
    setup(Mode::Bodies).accounts(|it| it.approval()).run(async |world| {
        world.page(form()).await;
        let confirm = json!({ "token": world.mailed(ALICE), "password": PASSWORD });
        assert_eq!(world.page(post("/auth/confirm", confirm)).await.status, 200);
        assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "403 unapproved");
        let id = world.id(ALICE).await;
        world.accounts.admin_as("a test").approve(&id).await.unwrap();
        assert_eq!(world.sign_in(ALICE, PASSWORD).await.status, 200);
    });
}

/// Two clients of one service: one in a browser, one not. Each session is its own.
#[test]
fn a_client_that_is_no_browser_gets_its_tokens_in_the_body() {
    for mode in MODES {
        setup(mode).run(async |world| {
            world.signed_in(ALICE).await;
            let answer = world.send(post("/auth/sign-in", json!({ "email": ALICE, "password": PASSWORD }))).await;
            assert_eq!(answer.all("set-cookie").len(), 0);
            let refresh = answer.text("refresh_token");
            let orders = get("/orders").bearer(&answer.text("access_token"));
            assert_eq!(world.send(orders).await.status, 200);
            let answer = world.send(post("/auth/refresh", json!({ "refresh_token": refresh }))).await;
            assert_eq!((answer.status, answer.all("set-cookie").len()), (200, 0));
            let refresh = answer.text("refresh_token");
            let out = world.send(post("/auth/sign-out", json!({ "refresh_token": refresh }))).await;
            assert_eq!((out.status, out.all("set-cookie").len()), (200, 0));
            assert_eq!(world.send(get("/orders").bearer(&answer.text("access_token"))).await.status, 401);
            let nobody = Login::default();
            assert_eq!(world.orders(&nobody).await, "401 credential_missing");
        });
    }
}
