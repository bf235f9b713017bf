//! Accounts with cheap passwords, a clock that stands still, and a mailbox.

use portcullis_accounts::{
    Accounts, AccountsBuilder, Client, Error, Links, Secret, SignIn, SignUp, Token, Tokens,
    store::{MemoryStore, Stores},
    testing::Mailbox,
};
use portcullis_core::{Credential, CredentialSource, Gate, GateBuilder, Principal, Scheme, testing::FixedClock};
use std::time::Duration;

pub const ISSUER: &str = "https://shop.test";
pub const ALICE: &str = "alice@example.com";
pub const PASSWORD: &str = "correct horse battery staple";
pub const OTHER: &str = "another horse battery staple";

pub struct Cast {
    pub accounts: Accounts,
    pub mailbox: Mailbox,
    pub clock: FixedClock,
    pub gate: Gate,
}

pub fn cast() -> Cast {
    built(|builder| builder)
}

pub fn built(with: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> Cast {
    built_over(MemoryStore::new().into(), with)
}

pub fn built_over(stores: Stores, with: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> Cast {
    let (mailbox, clock) = (Mailbox::new(), FixedClock::at(1_800_000_000));
    let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").unwrap();
    let builder = Accounts::builder(ISSUER, secret, stores)
        .argon2(64, 1, 1)
        .clock(clock.clone())
        .mailer(mailbox.clone(), Links::below("https://app.shop.test"));
    let accounts = with(builder).build().unwrap();
    let gate = gate(&accounts, &clock, |gate| gate);
    Cast { accounts, mailbox, clock, gate }
}

pub fn gate(accounts: &Accounts, clock: &FixedClock, with: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let builder = Gate::builder()
        .scheme(accounts)
        .scheme(Scheme::new(accounts.sessions_by_token()).cookie("__Host-session"))
        .revocations(accounts.revocations())
        .directory(accounts.directory())
        .clock(clock.clone());
    with(builder).build().unwrap()
}

pub fn client() -> Client {
    Client::unknown()
}

impl Cast {
    pub async fn sign_up(&self, email: &str) -> Result<Option<SignIn>, Error> {
        let form = SignUp { email, password: PASSWORD, ..SignUp::default() };
        self.accounts.sign_up(form, &client()).await
    }

    /// A user with a confirmed address, signed in.
    pub async fn signed_in(&self, email: &str) -> SignIn {
        self.sign_up(email).await.unwrap();
        let proof = portcullis_accounts::Proof::Password(PASSWORD);
        self.accounts.confirm_email(self.token(email).expose(), proof).await.unwrap();
        self.accounts.sign_in(email, PASSWORD, &client()).await.unwrap().signed_in().unwrap()
    }

    pub async fn refresh(&self, token: &str) -> Result<Tokens, Error> {
        self.accounts.refresh(token, &client()).await
    }

    /// The token of the latest mail.
    pub fn token(&self, email: &str) -> Token {
        self.mailbox.last_to(email).and_then(|mail| Mailbox::token_of(&mail)).unwrap()
    }

    /// Since 1970.
    pub fn seconds(&self) -> u64 {
        use portcullis_core::Clock;
        self.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Who the gate says this access token is.
    pub async fn by_access(&self, token: &Token) -> Result<Principal, portcullis_core::Error> {
        self.by(token, CredentialSource::bearer()).await
    }

    pub async fn by_session(&self, token: &Token) -> Result<Principal, portcullis_core::Error> {
        self.by(token, CredentialSource::cookie("__Host-session")).await
    }

    async fn by(&self, token: &Token, source: CredentialSource) -> Result<Principal, portcullis_core::Error> {
        let who = self.gate.authenticate(Credential::new(token.expose().to_owned(), source)).await;
        who.principal().cloned()
    }
}

/// The code of an error.
#[track_caller]
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("refused").code().to_owned()
}
