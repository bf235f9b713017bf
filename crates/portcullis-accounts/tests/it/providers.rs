//! Sign-in at providers: who an identity is here, and what happens to what a stranger has set.

use crate::{
    cast::{ALICE, Cast, OTHER, PASSWORD, built, client, code},
    op::{Op, Person, person, query},
};
use bytes::Bytes;
use http::Request;
use portcullis_accounts::{
    AccountsBuilder, Call, Error, Event, MailKind, ProviderAnswer, SignIn, UserId,
    store::{Stores, UserKey},
};
use portcullis_core::{Gate, Principal, testing::FixedClock};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

const BOB: &str = "bob@example.com";
const GOOGLE: &str = "https://google.test";
const CALLBACK: &str = "https://shop.test/auth/oauth/google/callback";

struct World {
    cast: Cast,
    op: Op,
    stores: Stores,
    events: Arc<Mutex<Vec<Event>>>,
}

fn world() -> World {
    world_with(|builder| builder)
}

fn world_with(with: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> World {
    let op = Op::new(GOOGLE, &FixedClock::at(1_800_000_000));
    let stores = Stores::from(portcullis_accounts::store::MemoryStore::new());
    let events = Arc::new(Mutex::new(Vec::new()));
    let (provider, to) = (op.provider(), events.clone());
    let cast = crate::cast::built_over(stores.clone(), |builder| {
        let builder = builder.provider("google", provider, CALLBACK);
        with(builder.on_event(move |event, _| to.lock().unwrap().push(event.clone())))
    });
    World { cast, op, stores, events }
}

/// A browser with the cookies of its flows.
#[derive(Default, Clone)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn keep(&mut self, cookies: &[String]) {
        for cookie in cookies {
            assert!(cookie.starts_with("__Host-flow-") && cookie.ends_with("; SameSite=Lax; Secure"), "{cookie}");
            let (name, rest) = cookie.split_once('=').unwrap();
            match rest.split_once(';').unwrap().0 {
                "" => self.0.remove(name),
                value => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    fn call(&self, gate: &Gate, query: &str) -> Call {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get(format!("/auth/oauth/google/callback?{query}"));
        Call::new(gate.clone(), request.header("cookie", cookies.join("; ")).body(Bytes::new()).unwrap())
    }
}

impl World {
    async fn begin(&self, browser: &mut Browser, person: &Person) -> String {
        let head = browser.call(&self.cast.gate, "");
        let begun = self.cast.accounts.begin_sign_in("google", "/orders", &head, &client()).await.unwrap();
        browser.keep(&begun.cookies);
        self.op.authorize(&begun.address, person)
    }

    async fn begin_link(&self, browser: &mut Browser, who: &Principal, person: &Person) -> Result<String, Error> {
        let head = browser.call(&self.cast.gate, "");
        let begun = self.cast.accounts.begin_link(who, "google", "/settings", &head).await?;
        browser.keep(&begun.cookies);
        Ok(self.op.authorize(&begun.address, person))
    }

    async fn finish(
        &self,
        browser: &mut Browser,
        query: &str,
        who: Option<&Principal>,
    ) -> Result<ProviderAnswer, Error> {
        let head = browser.call(&self.cast.gate, query);
        let answer = self.cast.accounts.finish_sign_in("google", &head, who, &client()).await?;
        browser.keep(std::slice::from_ref(&answer.cookie));
        Ok(answer)
    }

    /// A whole sign-in in a new browser.
    async fn signs_in(&self, person: &Person) -> Result<SignIn, Error> {
        let mut browser = Browser::default();
        let query = self.begin(&mut browser, person).await;
        self.finish(&mut browser, &query, None).await?.sign_in.expect("a sign-in").signed_in()
    }

    async fn principal(&self, sign_in: &SignIn) -> Principal {
        self.cast.by_access(&sign_in.tokens.access).await.unwrap()
    }

    async fn issuers_of(&self, user: &UserId) -> Vec<String> {
        let identities = self.stores.users().identities(user).await.unwrap();
        identities.into_iter().map(|known| known.issuer).collect()
    }

    async fn user_with(&self, email: &str) -> Option<portcullis_accounts::User> {
        self.stores.users().find(UserKey::Email(&email.parse().unwrap())).await.unwrap()
    }

    fn told(&self, name: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|event| event.name() == name).count()
    }
}

/// What the account with the address of the identity is here, before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Here {
    Nobody,
    /// Signed up, perhaps by a stranger, and signed in where that is allowed.
    Unconfirmed,
    Confirmed,
    Disabled,
}

/// The whole matrix of linking: what is here × what the provider says × whether the identity is known × whether sign-up is open.
#[tokio::test]
async fn who_an_identity_is() {
    use Here::{Confirmed, Disabled, Nobody, Unconfirmed};
    let (yes, no) = (json!(true), json!(false));
    // Here, verified there, sign-up is open; then the answer, and whether password, sessions and identity are there afterwards.
    let rows = [
        (Nobody, &yes, true, Ok("new"), [false, false, true]),
        (Nobody, &yes, false, Err("sign_up_disabled"), [false; 3]),
        (Nobody, &no, true, Err("not_linkable"), [false; 3]),
        (Nobody, &no, false, Err("not_linkable"), [false; 3]),
        (Unconfirmed, &yes, true, Ok("same"), [false, false, true]),
        (Unconfirmed, &yes, false, Ok("same"), [false, false, true]),
        (Unconfirmed, &no, true, Err("not_linkable"), [true, true, false]),
        (Unconfirmed, &no, false, Err("not_linkable"), [true, true, false]),
        (Confirmed, &yes, true, Ok("same"), [true, true, true]),
        (Confirmed, &yes, false, Ok("same"), [true, true, true]),
        (Confirmed, &no, true, Err("not_linkable"), [true, true, false]),
        (Confirmed, &no, false, Err("not_linkable"), [true, true, false]),
        (Disabled, &yes, true, Err("account_disabled"), [true, false, false]),
        (Disabled, &no, true, Err("not_linkable"), [true, false, false]),
    ];
    for (here, verified, is_open, answer, [password, session, identity]) in rows {
        let row = format!("{here:?}, verified {verified}, sign-up {is_open}");
        // The identity has the address of somebody else as well, as at a provider that does not check it.
        let world = world_with(|builder| {
            let builder = builder.sign_in_unconfirmed();
            if is_open { builder } else { builder.without_sign_up() }
        });
        let admin = world.cast.accounts.admin_as("test");
        let before = match here {
            Nobody => None,
            Unconfirmed if is_open => world.cast.sign_up(ALICE).await.unwrap(),
            Unconfirmed => None,
            Confirmed | Disabled => {
                admin.create(ALICE, Some(PASSWORD)).await.unwrap();
                Some(world.cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap())
            }
        };
        if here == Unconfirmed && !is_open {
            admin.create(ALICE, None).await.unwrap();
        }
        if here == Disabled {
            admin.disable(&before.as_ref().unwrap().user.id, true).await.unwrap();
        }
        let user = world.user_with(ALICE).await;

        let found = world.signs_in(&person("at-google", ALICE, verified.clone())).await;
        let result = match &found {
            Ok(sign_in) if user.as_ref().is_some_and(|user| user.id == sign_in.user.id) => Ok("same"),
            Ok(_) => Ok("new"),
            Err(error) => Err(error.code()),
        };
        assert_eq!(result, answer, "{row}");
        let after = world.user_with(ALICE).await;
        let has_password = after.as_ref().is_some_and(|user| user.password_hash.is_some());
        let had_password = user.as_ref().is_some_and(|user| user.password_hash.is_some());
        assert_eq!(has_password, password && had_password, "the password: {row}");
        if let Some(before) = &before {
            assert_eq!(world.cast.by_access(&before.tokens.access).await.is_ok(), session, "the session: {row}");
        }
        let issuers = match &after {
            Some(user) => world.issuers_of(&user.id).await,
            None => Vec::new(),
        };
        assert_eq!(issuers.len(), usize::from(identity), "the identity: {row}");
        assert_eq!(after.is_some(), user.is_some() || result.is_ok(), "{row}");
        if result.is_ok() {
            assert!(after.unwrap().email_confirmed_at.is_some(), "{row}");
        } else {
            assert_eq!(after, user, "a refusal changes nothing: {row}");
            assert_eq!((world.told("sign_in_failed"), world.told("identity_linked")), (1, 0), "{row}");
        }

        // The identity is known from now on, and nothing else about it counts any more.
        if let Ok(first) = &found {
            assert_eq!(world.told("identity_linked"), 1, "{row}");
            for (email, verified) in [(BOB, json!(true)), (ALICE, json!(false)), ("no address", json!(1))] {
                let again = world.signs_in(&person("at-google", email, verified)).await.unwrap();
                assert_eq!(again.user.id, first.user.id, "{row}");
            }
            assert!(world.user_with(BOB).await.is_none(), "{row}");
            // Another person there with the same address is not them.
            let other = world.signs_in(&person("somebody-else", ALICE, true)).await;
            assert_eq!(code(other.map(drop)), "not_linkable", "{row}");
            admin.disable(&first.user.id, true).await.unwrap();
            let refused = world.signs_in(&person("at-google", ALICE, true)).await;
            assert_eq!(code(refused.map(drop)), "account_disabled", "{row}");
        }
    }
}

#[tokio::test]
async fn only_true_is_verified() {
    for says in [json!("true"), json!(1), json!(null), json!([true]), json!(false)] {
        let world = world();
        let refused = world.signs_in(&person("at-google", ALICE, says.clone())).await;
        assert_eq!(code(refused.map(drop)), "not_linkable", "{says}");
    }
    for email in [json!("no address"), json!(null), json!(["alice@example.com"])] {
        let world = world();
        let says = vec![("sub", json!("at-google")), ("email", email), ("email_verified", json!(true))];
        assert_eq!(code(world.signs_in(&says).await.map(drop)), "not_linkable");
    }
    let long = vec![("sub", json!("s".repeat(256))), ("email", json!(ALICE)), ("email_verified", json!(true))];
    assert_eq!(code(world().signs_in(&long).await.map(drop)), "not_linkable");
    let nul = vec![("sub", json!("a\0b")), ("email", json!(ALICE)), ("email_verified", json!(true))];
    assert_eq!(code(world().signs_in(&nul).await.map(drop)), "not_linkable");
}

/// A stranger signs up with the address of a victim, and waits.
#[tokio::test]
async fn a_stranger_keeps_nothing() {
    let world = world_with(|builder| builder.sign_in_unconfirmed());
    let stranger = world.cast.sign_up(ALICE).await.unwrap().unwrap();
    let who = world.principal(&stranger).await;
    // Whose address is not confirmed links nothing: that would stay.
    let mut browser = Browser::default();
    let refused = world.begin_link(&mut browser, &who, &person("stranger", BOB, true)).await;
    assert_eq!(code(refused), "email_unconfirmed");
    let victim = world.signs_in(&person("victim", ALICE, true)).await.unwrap();
    assert_eq!(victim.user.id, stranger.user.id);
    assert!(world.cast.by_access(&stranger.tokens.access).await.is_err());
    assert!(world.cast.refresh(stranger.tokens.refresh.expose()).await.is_err());
    assert_eq!(code(world.cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert!(world.cast.by_access(&victim.tokens.access).await.is_ok());
}

#[tokio::test]
async fn addresses_that_nobody_confirms_lead_to_no_account() {
    let world = world_with(AccountsBuilder::dangerous_without_confirmation);
    world.cast.sign_up(ALICE).await.unwrap();
    let refused = world.signs_in(&person("at-google", ALICE, true)).await;
    assert_eq!(code(refused.map(drop)), "not_linkable");
    assert!(world.signs_in(&person("at-google", BOB, true)).await.is_ok());
}

#[tokio::test]
async fn a_provider_whose_addresses_do_not_count_signs_in_who_has_linked_it() {
    let op = Op::new("https://work.test", &FixedClock::at(1_800_000_000));
    let provider = op.provider();
    let world = world_with(move |builder| {
        builder.linked_provider("staff", provider, "https://shop.test/auth/oauth/staff/callback")
    });
    let alice = world.cast.signed_in(ALICE).await;
    let who = world.principal(&alice).await;
    let there = person("at-work", ALICE, true);
    let head = |browser: &Browser, query: &str| browser.call(&world.cast.gate, query);
    let accounts = &world.cast.accounts;
    let mut browser = Browser::default();
    for (is_linked, expected) in [(false, Err("not_linkable".to_owned())), (true, Ok(alice.user.id.clone()))] {
        if is_linked {
            let begun = accounts.begin_link(&who, "staff", "/", &head(&browser, "")).await.unwrap();
            browser.keep(&begun.cookies);
            let query = op.authorize(&begun.address, &there);
            accounts.finish_sign_in("staff", &head(&browser, &query), Some(&who), &client()).await.unwrap();
        }
        let begun = accounts.begin_sign_in("staff", "/", &head(&browser, ""), &client()).await.unwrap();
        browser.keep(&begun.cookies);
        let query = op.authorize(&begun.address, &there);
        let found = accounts.finish_sign_in("staff", &head(&browser, &query), None, &client()).await;
        let found = found.map(|answer| answer.sign_in.unwrap().signed_in().unwrap().user.id);
        assert_eq!(found.map_err(|error| error.code().to_owned()), expected);
    }
}

#[tokio::test]
async fn the_address_of_the_request_has_what_it_needs() {
    let world = world();
    let head = Browser::default().call(&world.cast.gate, "");
    let begun = world.cast.accounts.begin_sign_in("google", "/", &head, &client()).await.unwrap();
    let query = query(&begun.address);
    let names: BTreeSet<&str> = query.keys().map(String::as_str).collect();
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!((&*query["client_id"], &*query["redirect_uri"]), ("shop", CALLBACK));
    assert_eq!((&*query["response_type"], &*query["scope"]), ("code", "openid email"));
    for bad in ["https://evil.test/", "//evil.test", "/\\evil.test", "orders", ""] {
        let refused = world.cast.accounts.begin_sign_in("google", bad, &head, &client()).await;
        assert_eq!(code(refused), "invalid_return_to", "{bad}");
    }
    let unknown = world.cast.accounts.begin_sign_in("apple", "/", &head, &client()).await;
    assert_eq!(code(unknown), "not_enabled");
}

#[tokio::test]
async fn a_flow_belongs_to_its_browser_and_counts_once() {
    let world = world();
    let alice = person("alice", ALICE, true);
    let (mut hers, mut mallory) = (Browser::default(), Browser::default());
    let query = world.begin(&mut hers, &alice).await;
    // Login CSRF: the callback of one browser in another one, also with a flow of its own.
    let refused = world.finish(&mut mallory, &query, None).await;
    assert_eq!(code(refused.map(drop)), "sign_in_failed");
    let own = world.begin(&mut mallory, &person("mallory", BOB, true)).await;
    let part = |query: &str, nth: usize| query.split('&').nth(nth).unwrap().to_owned();
    let injected = format!("{}&{}&{}", part(&query, 0), part(&own, 1), part(&own, 2));
    assert_eq!(code(world.finish(&mut mallory, &injected, None).await.map(drop)), "sign_in_failed");
    // The code was redeemed by that.
    assert_eq!(code(world.finish(&mut hers, &query, None).await.map(drop)), "sign_in_failed");

    // Two tabs.
    let (one, two) = (world.begin(&mut hers, &alice).await, world.begin(&mut hers, &alice).await);
    let before = hers.clone();
    for query in [&two, &one] {
        let answer = world.finish(&mut hers, query, None).await.unwrap();
        assert_eq!(answer.return_to, "/orders");
    }
    // Again, without and with the cookie.
    assert_eq!(code(world.finish(&mut hers, &one, None).await.map(drop)), "sign_in_failed");
    assert_eq!(code(world.finish(&mut before.clone(), &one, None).await.map(drop)), "sign_in_failed");

    // Another provider names itself, and a refusal.
    let query = world.begin(&mut hers, &alice).await;
    let other = query.replace("iss=https://google.test", "iss=https://evil.test");
    assert_eq!(code(world.finish(&mut hers, &other, None).await.map(drop)), "sign_in_failed");
    let denied = format!("error=access_denied&{}&{}", part(&query, 1), part(&query, 2));
    assert_eq!(code(world.finish(&mut hers, &denied, None).await.map(drop)), "access_denied");

    // The clock of accounts and of the provider is the same here.
    for _ in 0..20 {
        world.begin(&mut hers, &alice).await;
    }
    assert!(hers.0.len() <= 8, "{:?}", hers.0.keys());
}

#[tokio::test]
async fn the_session_says_how() {
    let world = world();
    let plain = world.signs_in(&person("at-google", ALICE, true)).await.unwrap();
    assert_eq!(plain.tokens.session.methods, ["google"]);
    let mut with_methods = person("at-google", ALICE, true);
    with_methods.push(("amr", json!(["pwd", "otp"])));
    assert_eq!(world.signs_in(&with_methods).await.unwrap().tokens.session.methods, ["pwd", "otp"]);
    with_methods.pop();
    with_methods.push(("amr", json!(["hwk otp", "", "pwd"])));
    assert_eq!(world.signs_in(&with_methods).await.unwrap().tokens.session.methods, ["pwd"], "words only");
    with_methods.pop();
    with_methods.push(("amr", json!("otp")));
    assert_eq!(world.signs_in(&with_methods).await.unwrap().tokens.session.methods, ["google"]);
}

#[tokio::test]
async fn a_signed_in_user_links_an_identity() {
    let world = world();
    let (alice, bob) = (world.cast.signed_in(ALICE).await, world.cast.signed_in(BOB).await);
    let (alice_is, bob_is) = (world.principal(&alice).await, world.principal(&bob).await);
    // The address there is another one, and nobody asks for it.
    let there = person("her-google", "private@example.org", false);
    let mut browser = Browser::default();
    let query = world.begin_link(&mut browser, &alice_is, &there).await.unwrap();

    // Linking CSRF: somebody else, nobody, another session of hers, another browser.
    let other = world.cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    let other_is = world.principal(&other).await;
    for who in [Some(&bob_is), None, Some(&other_is)] {
        let mut browser = Browser::default();
        let query = world.begin_link(&mut browser, &alice_is, &there).await.unwrap();
        let refused = world.finish(&mut browser, &query, who).await;
        assert_eq!(code(refused.map(drop)), "not_linkable");
    }
    let refused = world.finish(&mut Browser::default(), &query, Some(&alice_is)).await;
    assert_eq!(code(refused.map(drop)), "sign_in_failed");
    assert!(world.issuers_of(&alice.user.id).await.is_empty());

    let answer = world.finish(&mut browser, &query, Some(&alice_is)).await.unwrap();
    assert!(answer.sign_in.is_none() && answer.return_to == "/settings");
    assert_eq!(world.cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::IdentityLinked);
    assert_eq!((world.told("identity_linked"), world.issuers_of(&alice.user.id).await), (1, vec![GOOGLE.to_owned()]));
    assert_eq!(world.signs_in(&there).await.unwrap().user.id, alice.user.id);
    assert_eq!(world.cast.accounts.identities(&alice_is).await.unwrap().len(), 1);
    assert!(world.cast.accounts.identities(&bob_is).await.unwrap().is_empty());

    // An identity has one user, and a user one identity there.
    for (who, person) in [(&bob_is, &there), (&alice_is, &person("second", ALICE, true))] {
        let mut browser = Browser::default();
        let query = world.begin_link(&mut browser, who, person).await.unwrap();
        assert_eq!(code(world.finish(&mut browser, &query, Some(who)).await.map(drop)), "not_linkable");
    }

    // Not with an old session.
    world.cast.clock.advance(Duration::from_secs(601));
    let late = world.begin_link(&mut browser, &alice_is, &there).await;
    assert_eq!(code(late), "insufficient_user_authentication");
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let world = world();
    let alice = world.signs_in(&person("alice", ALICE, true)).await.unwrap();
    let who = world.principal(&alice).await;
    let accounts = &world.cast.accounts;
    assert_eq!(code(accounts.unlink_identity(&who, GOOGLE).await), "last_way_in");
    assert_eq!(code(accounts.unlink_identity(&who, "https://other.test").await), "not_found");
    world.cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    accounts.reset_password(world.cast.token(ALICE).expose(), OTHER).await.unwrap();
    let alice = accounts.sign_in(ALICE, OTHER, &client()).await.unwrap().signed_in().unwrap();
    let who = world.principal(&alice).await;
    accounts.unlink_identity(&who, GOOGLE).await.unwrap();
    assert_eq!(world.told("identity_unlinked"), 1);
    assert_eq!(code(accounts.unlink_identity(&who, GOOGLE).await), "not_found");
    // By the address it is linked again.
    assert_eq!(world.signs_in(&person("other", ALICE, true)).await.unwrap().user.id, alice.user.id);

    let world = world_with(AccountsBuilder::magic_links);
    let alice = world.signs_in(&person("alice", ALICE, true)).await.unwrap();
    let who = world.principal(&alice).await;
    assert!(world.cast.accounts.unlink_identity(&who, GOOGLE).await.is_ok());
}

#[tokio::test]
async fn providers_that_cannot_work_are_refused_at_the_start() {
    let op = |name| Op::new(name, &FixedClock::at(1_800_000_000)).provider();
    let build = |with: &dyn Fn(AccountsBuilder) -> AccountsBuilder| {
        let secret = portcullis_accounts::Secret::new("a-secret-of-at-least-thirty-two-bytes").unwrap();
        let store = portcullis_accounts::store::MemoryStore::new();
        let builder = portcullis_accounts::Accounts::builder("shop", secret, store).dangerous_without_confirmation();
        with(builder.argon2(64, 1, 1)).build().map(drop)
    };
    assert!(build(&|it| it.provider("google", op(GOOGLE), CALLBACK)).is_ok());
    assert_eq!(code(build(&|it| it.provider("", op(GOOGLE), CALLBACK))), "misconfigured");
    assert_eq!(code(build(&|it| it.provider("a/b", op(GOOGLE), CALLBACK))), "misconfigured");
    assert_eq!(code(build(&|it| it.provider("google", op(GOOGLE), "/callback"))), "misconfigured");
    let twice = |names: [&'static str; 2], issuers: [&'static str; 2]| {
        code(build(&|it| it.provider(names[0], op(issuers[0]), CALLBACK).provider(names[1], op(issuers[1]), CALLBACK)))
    };
    assert_eq!(twice(["google", "google"], [GOOGLE, "https://other.test"]), "misconfigured");
    assert_eq!(twice(["google", "other"], [GOOGLE, GOOGLE]), "misconfigured");

    // Mounted: with cookies only, and where the provider sends browsers.
    let world = world();
    let endpoints = world.cast.accounts.endpoints();
    let refused = endpoints.list(&world.cast.gate).map(drop).unwrap_err();
    assert!(format!("{refused:?}").contains("cookies"), "{refused:?}");
    let cookies = portcullis_accounts::TokenCookies::one_session();
    assert!(endpoints.cookies(cookies.clone()).list(&world.cast.gate).is_ok());
    let elsewhere = built(|builder| builder.provider("google", op(GOOGLE), "https://shop.test/callback"));
    let refused = elsewhere.accounts.endpoints().cookies(cookies.clone()).list(&elsewhere.gate).map(drop);
    assert!(format!("{refused:?}").contains("oauth/google/callback"), "{refused:?}");
    // Without providers there are no such endpoints.
    let plain = crate::cast::cast();
    let endpoints = plain.accounts.endpoints().cookies(cookies);
    assert!(!endpoints.list(&plain.gate).unwrap().any(|endpoint| endpoint.path().starts_with("oauth")));
}

#[test]
fn a_file_names_providers() {
    use portcullis_accounts::{Accounts, Config, store::MemoryStore};
    let with = |rest: &str| {
        let text = format!("[auth.native]\njwt.secret = '$S'\nenable_confirmation = false\n{rest}");
        let config = Config::parse(&text, |_| Some("a-secret-of-at-least-thirty-two-bytes".to_owned()))?;
        let client = Op::new(GOOGLE, &FixedClock::at(1_800_000_000));
        let builder = Accounts::from_config(&config, MemoryStore::new())?.argon2(64, 1, 1);
        builder.with_providers(&config, client)?.build().map(drop)
    };
    let google =
        "google_oauth = { client_id = 'shop', client_secret = '$S', redirect_uri = 'https://shop.test/callback' }";
    let work = "oidc.work = { issuer = 'https://work.test', client_id = 'shop', redirect_uri = 'https://shop.test/', \
                scopes = ['openid', 'email'], linked_only = true }";
    for good in ["", google, work, &format!("{google}\n{work}")] {
        assert!(with(good).is_ok(), "{good}");
    }
    for (bad, part) in [
        ("google_oauth = { client_id = 'shop' }", "auth.native.google_oauth.redirect_uri is missing"),
        (
            "oidc.work = { client_id = 'shop', redirect_uri = 'https://a.test/' }",
            "auth.native.oidc.work.issuer is missing",
        ),
        ("oidc.work = { issuer = 'work', client_id = 'shop', redirect_uri = 'https://a.test/' }", ""),
        ("oidc.work = 1", "auth.native.oidc.work has to be a table"),
        (&google.replace("client_id", "clientid"), "client_id is missing"),
        (
            &google.replace("redirect_uri", "is_on = true, redirect_uri"),
            "unknown settings: auth.native.google_oauth.is_on",
        ),
    ] {
        let error = format!("{:?}", with(bad).unwrap_err());
        assert!(error.contains("Misconfigured") && error.contains(part), "{bad}: {error}");
    }
}
