//! Another secret, in two steps, while users go on.

use crate::cast::{ALICE, ISSUER, PASSWORD, client, code, gate};
use portcullis_accounts::{
    Accounts, RefreshFormat, Secret, SessionRules, SignUp, Tokens,
    store::{MemoryStore, Stores},
};
use portcullis_core::{Credential, CredentialSource, testing::FixedClock};

const OLD: &str = "a-secret-of-at-least-thirty-two-bytes";
const NEW: &str = "another-secret-of-thirty-two-bytes-or-more";

fn instance(secrets: &[&str], stores: &Stores, clock: &FixedClock, format: RefreshFormat) -> Accounts {
    let (first, others) = secrets.split_first().unwrap();
    let secret = others.iter().fold(Secret::new(first).unwrap(), |secret, other| secret.also(other).unwrap());
    let builder = Accounts::builder(ISSUER, secret, stores.clone()).argon2(64, 1, 1).clock(clock.clone());
    builder.dangerous_without_confirmation().sessions(SessionRules::new().format(format)).build().unwrap()
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
