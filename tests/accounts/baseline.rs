//! Users whose address is not confirmed, and how the endpoints are mounted.

use crate::{
    request::{Request, delete, empty_post, get, post},
    world::{ALICE, BOB, MODES, Mode, Mount, OTHER, PASSWORD, Setup, setup},
};
use portcullis::{
    Gate, Scheme,
    accounts::{Accounts, SameSite, Secret, TokenCookies, User, store::MemoryStore},
    actix, axum as on_axum,
    policy::account,
};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn unconfirmed(mode: Mode) -> Setup {
    setup(mode).accounts(|accounts| accounts.sign_in_unconfirmed().magic_links()).gate(|gate, accounts| {
        let is_confirmed = account("email_unconfirmed", |user: &User| user.email_confirmed_at.is_some());
        gate.directory(accounts.directory()).baseline(is_confirmed)
    })
}

#[test]
fn a_session_of_a_sign_up_confirms_resends_and_signs_out_only() {
    for mode in MODES {
        for mount in [Mount::Plain, Mount::Nested, Mount::Enforced] {
            unconfirmed(mode).mount(mount).run(async |world| {
                let form = json!({ "email": ALICE, "password": PASSWORD });
                let answer = world.page(post("/auth/sign-up", form)).await;
                assert_eq!((answer.status, answer.json()["user"]["email_confirmed"].clone()), (200, json!(false)));
                let mut login = world.login(&answer);

                let session = world.accounts.sessions(&world.principal(&login).await).await.unwrap()[0].id.clone();
                let refused: [Request; 6] = [
                    get("/orders"),
                    get("/auth/me"),
                    get("/auth/sessions"),
                    delete(&format!("/auth/sessions/{session}")),
                    post("/auth/password", json!({ "old": PASSWORD, "new": OTHER })),
                    post("/auth/email", json!({ "email": BOB, "password": PASSWORD })),
                ];
                for request in refused {
                    let answer = world.page_as(&login, request).await;
                    assert_eq!(answer.code(), "403 email_unconfirmed");
                }
                let answer = world.page_as(&login, post("/auth/confirm/resend", json!({ "email": ALICE }))).await;
                assert_eq!(answer.status, 202);
                if mode != Mode::OneSession {
                    let answer = world.send(world.refresh_of(&login)).await;
                    assert_eq!(answer.status, 200);
                    login.update(&answer);
                }
                let confirm = post("/auth/confirm", json!({ "token": world.mailed(ALICE) }));
                let answer = world.page_as(&login, confirm).await;
                assert_eq!((answer.status, &*answer.body), (200, r#"{"has_password":true}"#));
                assert_eq!(world.orders(&login).await, "200");
                assert_eq!(world.page_as(&login, get("/auth/me")).await.json()["user"]["email_confirmed"], true);

                // Another one signs out instead, here and everywhere.
                for everywhere in [false, true] {
                    let email = if everywhere { "carol@example.com" } else { BOB };
                    let answer =
                        world.page(post("/auth/sign-up", json!({ "email": email, "password": PASSWORD }))).await;
                    let login = world.login(&answer);
                    let answer = match everywhere {
                        true => world.page_as(&login, empty_post("/auth/sign-out-everywhere")).await,
                        false => world.send(world.sign_out_of(&login)).await,
                    };
                    assert_eq!(answer.status, 200);
                    assert!(world.orders(&login).await.starts_with("401"));
                    assert_eq!(world.sign_in(email, PASSWORD).await.code(), "403 email_unconfirmed");
                }
            });
        }
    }
}

/// The session of somebody else is no proof, and no hindrance.
#[test]
fn a_link_that_another_user_opens() {
    for mode in MODES {
        unconfirmed(mode).run(async |world| {
            let bob = world.signed_in(BOB).await;
            let answer = world.page(post("/auth/sign-up", json!({ "email": ALICE, "password": PASSWORD }))).await;
            let stranger = world.login(&answer);
            let confirm = post("/auth/confirm", json!({ "token": world.mailed(ALICE) }));
            let answer = world.page_as(&bob, confirm).await;
            assert_eq!((answer.status, &*answer.body), (200, r#"{"has_password":false}"#));
            assert!(world.orders(&stranger).await.starts_with("401"));
            assert_eq!(world.orders(&bob).await, "200");
        });
    }
}

#[test]
fn every_mount_answers_everything() {
    for mode in MODES {
        for mount in [Mount::Plain, Mount::Nested, Mount::Enforced] {
            setup(mode).mount(mount).run(async |world| {
                let login = world.signed_in(ALICE).await;
                assert_eq!(world.page_as(&login, get("/auth/me")).await.status, 200);
                let sessions = world.page_as(&login, get("/auth/sessions")).await.json();
                let id = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
                // None of these is the 500 of a route that nothing guards.
                assert_eq!(world.page(post("/auth/sign-in", json!({}))).await.status, 400);
                assert_eq!(world.page(get("/auth/unknown")).await.status, 404);
                assert_eq!(world.page(get("/auth/me")).await.status, 401);
                assert_eq!(world.page_as(&login, delete(&format!("/auth/sessions/{id}"))).await.status, 204);
                assert!(world.orders(&login).await.starts_with("401"));
            });
        }
    }
}

const TABLE: &str = "\
POST /auth/sign-up | anyone |
POST /auth/sign-in | anyone |
POST /auth/second-factor | anyone |
POST /auth/refresh | anyone |
POST /auth/sign-out | anyone |
POST /auth/sign-out-everywhere | authenticated, without the baseline |
GET /auth/me | authenticated | unless email_unconfirmed
GET /auth/sessions | authenticated | unless email_unconfirmed
DELETE /auth/sessions/{id} | authenticated | unless email_unconfirmed
POST /auth/confirm | anyone |
POST /auth/confirm/resend | anyone |
POST /auth/reset/request | anyone |
POST /auth/reset | anyone |
POST /auth/password | authenticated | unless email_unconfirmed
POST /auth/email | authenticated | unless email_unconfirmed
POST /auth/email/confirm | anyone |
GET /auth/totp | authenticated | unless email_unconfirmed
POST /auth/totp | authenticated | unless email_unconfirmed
POST /auth/totp/confirm | authenticated | unless email_unconfirmed
POST /auth/totp/recovery-codes | authenticated | unless email_unconfirmed
POST /auth/totp/remove | authenticated | unless email_unconfirmed
POST /auth/magic-link/request | anyone |
POST /auth/magic-link | anyone |
";

fn accounts() -> Accounts {
    let secret = Secret::new(crate::world::SECRET).unwrap();
    let builder = Accounts::builder("https://shop.test", secret, MemoryStore::new()).argon2(64, 1, 1);
    builder.dangerous_without_confirmation().build().unwrap()
}

fn message<T>(run: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(run()))).expect_err("it starts");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap()
}

#[test]
fn the_table_of_routes_has_all_endpoints() {
    let accounts = {
        let secret = Secret::new(crate::world::SECRET).unwrap();
        let builder = Accounts::builder("https://shop.test", secret, MemoryStore::new()).argon2(64, 1, 1);
        let mailbox = portcullis::accounts::testing::Mailbox::new();
        let links = portcullis::accounts::Links::below("https://app.shop.test");
        builder.magic_links().mailer(mailbox, links).build().unwrap()
    };
    let is_confirmed = account("email_unconfirmed", |user: &User| user.email_confirmed_at.is_some());
    let gate = Gate::builder()
        .scheme(&accounts)
        .revocations(accounts.revocations())
        .directory(accounts.directory())
        .baseline(is_confirmed)
        .build()
        .unwrap();
    let tables = [
        on_axum::Routes::<()>::new(&gate).accounts("/auth", &accounts.endpoints()).table(),
        actix::Routes::new(&gate).accounts("/auth", &accounts.endpoints()).table(),
        on_axum::Routes::<()>::new(&gate).accounts("/auth/", &accounts.endpoints()).table(),
    ];
    for table in tables {
        let rows = table.rows().map(|row| {
            let baseline = row.baseline().map(|plan| format!(" {plan}")).unwrap_or_default();
            format!("{row} | {} |{baseline}\n", row.policy())
        });
        assert_eq!(rows.collect::<String>(), TABLE);
    }
}

/// At start, and with a text that says what to do.
#[test]
fn mistakes_show_at_start() {
    let accounts = accounts();
    let cookies = || accounts.endpoints().cookies(TokenCookies::new());
    let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build().unwrap();
    let reads_cookies = Gate::builder()
        .scheme(Scheme::new(&accounts).source(TokenCookies::new().source()))
        .revocations(accounts.revocations())
        .build()
        .unwrap();
    let unread = "the endpoints set cookie `__Host-access`, which no scheme of the gate reads";
    assert!(message(|| on_axum::Routes::<()>::new(&gate).accounts("/auth", &cookies())).contains(unread));
    assert!(message(|| actix::Routes::new(&gate).accounts("/auth", &cookies())).contains(unread));
    let other = accounts.endpoints().cookies(TokenCookies::one_session());
    let unread = "`__Host-session`, which no scheme of the gate reads";
    assert!(message(|| actix::Routes::new(&reads_cookies).accounts("/auth", &other)).contains(unread));
    drop(on_axum::Routes::<()>::new(&reads_cookies).accounts("/auth", &cookies()).into_router());

    let unaccepted = accounts.endpoints().cookies(TokenCookies::new().refresh_path("/auth"));
    let text = "no browser accepts the cookie `__Host-refresh`";
    assert!(message(|| actix::Routes::new(&reads_cookies).accounts("/auth", &unaccepted)).contains(text));

    let named = TokenCookies::named;
    for (cookies, text) in [
        (
            named("__Host-access", "__Host-refresh").dangerous_insecure(),
            "no browser accepts the cookie `__Host-access`",
        ),
        (named("__Secure-access", "refresh").dangerous_insecure(), "no browser accepts the cookie `__Secure-access`"),
        (
            named("access", "__Host-refresh").dangerous_domain("shop.test"),
            "no browser accepts the cookie `__Host-refresh`",
        ),
        (named("access token", "refresh"), "`access token` is not a name of a cookie"),
        (named("access", ""), "`` is not a name of a cookie"),
        (named("access", "refresh;x"), "`refresh;x` is not a name of a cookie"),
        (named("access", "access"), "two cookies have the same name"),
        (named("access", "device"), "two cookies have the same name"),
        (named("access", "refresh").refresh_path("auth"), "begins with `/`"),
        (named("access", "refresh").refresh_path("/auth; Domain=evil.example"), "begins with `/`"),
        (named("access", "refresh").dangerous_domain("shop.test; x"), "is not the domain of a cookie"),
        (named("access", "refresh").dangerous_insecure().same_site(SameSite::None), "without `Secure`"),
    ] {
        let found = accounts.endpoints().cookies(cookies).list(&reads_cookies).err().unwrap().to_string();
        assert!(found.contains(text), "{found}");
    }

    let ends = || accounts.endpoints();
    let forgetful = Gate::builder().scheme(&accounts).build().unwrap();
    let text = ".revocations(accounts.revocations())";
    assert!(message(|| on_axum::Routes::<()>::new(&forgetful).accounts("/auth", &ends())).contains(text));

    let twice = message(|| on_axum::Routes::<()>::new(&gate).accounts("/auth", &ends()).accounts("/auth/", &ends()));
    assert!(twice.contains("/auth/sign-up"), "{twice}");
    let routes = || actix::Routes::new(&gate).accounts("/auth", &ends()).accounts("/auth/", &ends());
    let twice = message(|| routes().into_config());
    assert!(twice.contains("`POST /auth/sign-up` is there twice"), "{twice}");
    let both = || on_axum::Routes::<()>::new(&gate).accounts("/auth", &ends()).accounts("/other", &ends());
    drop(both().into_router());
}
