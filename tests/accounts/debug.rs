//! What values show of themselves, and whether the search for secrets finds any.

use crate::{
    log::log,
    request::{get, post},
    secrets::Secrets,
    world::{ALICE, BOB, MODES, Mode, OTHER, PASSWORD, SECRET, setup},
};
use portcullis::{
    CredentialSource,
    accounts::{
        Accounts, Call, Client, EmailAddress, Error, Links, Mail, MailKind, NewUser, OneTime, PasswordRules, Purpose,
        Secret, SignUp, Token, TokenCookies, UserChange,
        store::{MemoryStore, Rotation, Stores},
        testing::Mailbox,
    },
    testing::acting_as,
};
use serde_json::json;
use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The test of the tests.
#[test]
fn the_search_finds_what_is_logged() {
    let mut secrets = Secrets::new();
    secrets.add("swordfish-of-an-event");
    secrets.assert_not_logged();
    // Also by other threads, in spans, and as a field.
    std::thread::spawn(|| tracing::trace!(target: "anything", text = "a swordfish-of-an-event")).join().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| secrets.assert_not_logged())).is_err());
    let mut secrets = Secrets::new();
    secrets.add("swordfish-of-a-span");
    tracing::trace_span!("span", value = "swordfish-of-a-span").in_scope(|| ());
    assert!(catch_unwind(AssertUnwindSafe(|| secrets.assert_not_logged())).is_err());

    setup(Mode::Bodies).run(async |world| {
        let before = log().matches("sign-in refused").count();
        assert_eq!(world.sign_in(ALICE, PASSWORD).await.code(), "401 invalid_credentials");
        assert!(log().matches("sign-in refused").count() > before);
    });
}

#[test]
fn values_show_no_secret() {
    for mode in MODES {
        setup(mode).run(async |world| {
            let login = world.signed_in(ALICE).await;
            let client = Client::at("192.0.2.1".parse().unwrap()).with_device(login.device.clone().unwrap_or_default());
            let accounts = &world.accounts;
            let sign_in = accounts.sign_in(ALICE, PASSWORD, &client).await.unwrap().signed_in().unwrap();
            let wrong = accounts.sign_in(ALICE, OTHER, &client).await.unwrap_err();
            let email: EmailAddress = ALICE.parse().unwrap();
            let mail = Mail::new(email.clone(), MailKind::Reset, Some(format!("https://x.test/#token={OTHER}")));
            let user = world.user(ALICE).await;
            let hash = user.password_hash.clone();
            let new = NewUser {
                id: user.id.clone(),
                email: email.clone(),
                email_confirmed_at: None,
                password_hash: hash.clone(),
                role: String::new(),
                approved_at: None,
                extra: user.extra.clone(),
                created_at: user.created_at,
            };
            let token = sign_in.tokens.refresh.clone();
            let change = UserChange {
                password_hash: Some(hash),
                email: Some((email.clone(), user.created_at)),
                ..UserChange::default()
            };
            let one_time = OneTime {
                purpose: Purpose::Reset,
                digest: token.digest("reset"),
                user: Some(user.id.clone()),
                stamp: 0,
                payload: json!({ "email": ALICE }).as_object().unwrap().clone(),
                expires_at: user.created_at,
            };
            let secret = Secret::new(SECRET).unwrap();
            let rules = portcullis::accounts::SessionRules::new();
            let rotation = Rotation::new(token.clone(), secret.clone(), user.created_at, rules);
            let builder = Accounts::builder("https://shop.test", secret.clone(), world.stores.clone());
            let builder = builder.mailer(world.mailbox.clone(), Links::below("https://app.shop.test"));
            let cookie = format!("__Host-access={}", sign_in.tokens.access.expose());
            let request = http::Request::post("/auth/sign-in").header("cookie", cookie);
            let request = request.body(actix_web::web::Bytes::from(format!("{ALICE} {PASSWORD}"))).unwrap();
            let call = Call::new(world.gate.clone(), request).with_caller(Ok(Some(acting_as("alice"))));
            let form = SignUp { email: BOB, password: PASSWORD, extra: user.extra.clone() };
            let who = world.principal(&login).await;
            let store = MemoryStore::new();
            let stores: &Stores = &world.stores;
            let core = portcullis::Error::from(wrong.clone());
            {
                let mut secrets = world.secrets.borrow_mut();
                for text in [sign_in.tokens.access.expose(), token.expose(), &sign_in.device, PASSWORD, OTHER, BOB] {
                    secrets.add(text);
                }
                secrets.add(user.password_hash.as_deref().unwrap());
                secrets.add(SECRET);
            }
            let values: [&dyn Debug; 31] = [
                accounts,
                &builder,
                &sign_in,
                &sign_in.tokens,
                &sign_in.user,
                &sign_in.tokens.session,
                &token,
                &user,
                &new,
                &change,
                &one_time,
                &rotation,
                &secret,
                &mail,
                &email,
                &client,
                &form,
                &call,
                &wrong,
                &core,
                &who,
                &store,
                stores,
                &world.gate,
                &world.mailbox,
                &accounts.endpoints(),
                &TokenCookies::new(),
                &accounts.directory(),
                &accounts.sessions_by_token(),
                &PasswordRules::new(),
                &accounts.revocations(),
            ];
            let secrets = world.secrets.borrow();
            for value in values {
                for text in [format!("{value:?}"), format!("{value:#?}")] {
                    secrets.assert_not_in("Debug", &text);
                }
            }
            for error in [Error::InvalidCredentials, Error::PasswordRejected(vec!["too_short"]), wrong] {
                secrets.assert_not_in("an error", &error.to_string());
                secrets.assert_not_in("an error", &portcullis::Error::from(error).to_string());
            }
        });
    }
}

/// What a service logs of an answer with cookies is up to it; `Debug` of the headers shows none.
#[test]
fn headers_of_answers_show_no_cookie() {
    let value = Token::new("a-token-that-is-secret");
    let source = CredentialSource::cookie("__Host-access");
    assert!(!format!("{value:?} {source:?}").contains(value.expose()));
    setup(Mode::TwoCookies).run(async |world| {
        world.signed_in(ALICE).await;
        let answer = world.sign_in(ALICE, PASSWORD).await;
        assert_eq!(answer.all("set-cookie").len(), 3);
        assert!(!answer.debug.contains(&answer.cookie("__Host-access").unwrap()), "{}", answer.debug);
        assert!(answer.debug.contains("Sensitive"), "{}", answer.debug);
        let login = world.login(&answer);
        let other = world.page_as(&login, get("/auth/me")).await;
        assert!(!other.debug.contains("Sensitive"));
        let refused = world.page(post("/auth/sign-in", json!({}))).await;
        assert!(!refused.debug.contains("Sensitive"));
        assert!(world.mailbox.last_to(ALICE).and_then(|mail| Mailbox::token_of(&mail)).is_some());
    });
}
