//! Another secret, in two steps, while users go on.

use crate::{
    cast::{ALICE, ISSUER, PASSWORD, client, code, gate},
    op::{Op, person},
};
use bytes::Bytes;
use http::Request;
use portcullis_accounts::{
    Accounts, AccountsBuilder, Call, RefreshFormat, Secret, SessionRules, SignUp, Tokens,
    store::{MemoryStore, Stores},
};
use portcullis_core::{Credential, CredentialSource, testing::FixedClock};

const OLD: &str = "a-secret-of-at-least-thirty-two-bytes";
const NEW: &str = "another-secret-of-thirty-two-bytes-or-more";

fn builder(secrets: &[&str], stores: &Stores, clock: &FixedClock) -> AccountsBuilder {
    let (first, others) = secrets.split_first().unwrap();
    let secret = others.iter().fold(Secret::new(first).unwrap(), |secret, other| secret.also(other).unwrap());
    let builder = Accounts::builder(ISSUER, secret, stores.clone()).argon2(64, 1, 1).clock(clock.clone());
    builder.dangerous_without_confirmation()
}

fn instance(secrets: &[&str], stores: &Stores, clock: &FixedClock, format: RefreshFormat) -> Accounts {
    builder(secrets, stores, clock).sessions(SessionRules::new().format(format)).build().unwrap()
}

async fn is_valid(accounts: &Accounts, clock: &FixedClock, tokens: &Tokens) -> bool {
    let gate = gate(accounts, clock, |gate| gate);
    let credential = Credential::new(tokens.access.expose().to_owned(), CredentialSource::bearer());
    gate.authenticate(credential).await.principal().is_ok()
}

#[tokio::test]
async fn nobody_is_signed_out_in_two_steps() {
    for format in [RefreshFormat::Opaque, RefreshFormat::Jwt] {
        let (stores, clock) = (Stores::from(MemoryStore::new()), FixedClock::at(1_800_000_000));
        let with = |secrets: &[&str]| instance(secrets, &stores, &clock, format);
        let before = with(&[OLD]);
        let form = SignUp { email: ALICE, password: PASSWORD, ..SignUp::default() };
        let mut tokens = before.sign_up(form, &client()).await.unwrap().unwrap().tokens;
        // In each step, instances of the step before are still there. What one issued is valid on the other.
        let steps = [with(&[OLD, NEW]), with(&[NEW, OLD]), with(&[NEW])];
        let mut others = before.clone();
        for step in &steps {
            // The tokens of two steps before are exchanged by now.
            tokens = others.refresh(tokens.refresh.expose(), &client()).await.unwrap();
            for (here, there) in [(&others, step), (step, &others)] {
                let presented = tokens.refresh.clone();
                let got = here.refresh(presented.expose(), &client()).await.unwrap();
                assert!(is_valid(here, &clock, &got).await && is_valid(there, &clock, &got).await);
                // The answer was slow, and another tab asks the other instance: it gets the same successor.
                let again = there.refresh(presented.expose(), &client()).await.unwrap();
                assert_eq!(again.session.id, got.session.id);
                assert!(is_valid(here, &clock, &again).await && is_valid(there, &clock, &again).await);
                tokens = again;
            }
            others = step.clone();
        }
        assert!(!is_valid(&before, &clock, &tokens).await, "who knows only the old secret refuses the new one");
        let again = steps[2].refresh(tokens.refresh.expose(), &client()).await.unwrap();
        assert!(is_valid(&steps[2], &clock, &again).await);
    }
}

#[tokio::test]
async fn in_one_step_tokens_of_the_other_instance_are_refused() {
    let (stores, clock) = (Stores::from(MemoryStore::new()), FixedClock::at(1_800_000_000));
    let with = |secrets: &[&str]| instance(secrets, &stores, &clock, RefreshFormat::Jwt);
    let (before, after) = (with(&[OLD]), with(&[NEW]));
    let form = SignUp { email: ALICE, password: PASSWORD, ..SignUp::default() };
    let tokens = before.sign_up(form, &client()).await.unwrap().unwrap().tokens;
    assert!(is_valid(&before, &clock, &tokens).await);
    assert!(!is_valid(&after, &clock, &tokens).await);
    assert_eq!(code(after.refresh(tokens.refresh.expose(), &client()).await), "invalid_refresh_token");
    assert!(before.refresh(tokens.refresh.expose(), &client()).await.is_ok());
}

/// The browser is at the provider, or comes back to another instance, while the secret is exchanged.
#[tokio::test]
async fn a_flow_at_a_provider_ends_where_its_secret_is_known() {
    let (stores, clock) = (Stores::from(MemoryStore::new()), FixedClock::at(1_800_000_000));
    let op = Op::new("https://google.test", &clock);
    let steps = [[OLD].as_slice(), &[OLD, NEW], &[NEW, OLD], &[NEW]];
    let instances = steps.map(|secrets| {
        let callback = "https://shop.test/auth/oauth/google/callback";
        builder(secrets, &stores, &clock).provider("google", op.provider(), callback).build().unwrap()
    });
    for (begins, begun_with) in instances.iter().zip(steps) {
        for (ends, known) in instances.iter().zip(steps) {
            let head = |query: &str, cookie: &str| {
                let request = Request::get(format!("/auth/oauth/google/callback?{query}")).header("cookie", cookie);
                Call::new(gate(ends, &clock, |gate| gate), request.body(Bytes::new()).unwrap())
            };
            let begun = begins.begin_sign_in("google", "/orders", &head("", ""), &client()).await.unwrap();
            let cookie = begun.cookies[0].split(';').next().unwrap();
            let call = head(&op.authorize(&begun.address, &person("alice", ALICE, true)), cookie);
            let ended = ends.finish_sign_in("google", &call, None, &client()).await;
            let told = format!("begun with {begun_with:?}, ended with {known:?}");
            match known.contains(&begun_with[0]) {
                true => assert!(ended.unwrap().sign_in.unwrap().signed_in().is_ok(), "{told}"),
                false => assert_eq!(code(ended.map(drop)), "sign_in_failed", "{told}"),
            }
        }
    }
}
