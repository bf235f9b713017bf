//! What accounts cost in time: to who asks whether somebody has one, and to who asks for something else meanwhile.

mod queue;
mod timing;

use portcullis_accounts::{
    Accounts, AccountsBuilder, Client, Limit, Limits, Links, Mail, Mailer, NewUser, Secret, UserId, store::Stores,
};
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;

const PASSWORD: &str = "correct horse battery staple";

/// Takes mails, as a mailer with a queue does, and sends none.
#[derive(Debug)]
struct Queue(std::sync::mpsc::Sender<Mail>);

impl Mailer for Queue {
    fn send(&self, mail: Mail) {
        let _ = self.0.send(mail);
    }
}

fn builder(stores: Stores) -> AccountsBuilder {
    let (mails, queue) = std::sync::mpsc::channel();
    std::thread::spawn(move || queue.into_iter().for_each(drop));
    // Counted, and never reached.
    let most = Limit::new(u32::MAX, Duration::from_secs(3600));
    let limits = Limits::new()
        .sign_ins_per_network(most)
        .sign_ins_per_account(most)
        .sign_ups_per_network(most)
        .mails_per_network(most)
        .mails_per_address(most);
    let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes").expect("a secret");
    Accounts::builder("https://shop.test", secret, stores)
        .limits(limits)
        .mailer(Queue(mails), Links::below("https://app.shop.test"))
}

fn client() -> Client {
    Client::at([192, 0, 2, 1].into())
}

/// A user with a confirmed address and this hash. Identifiers look like those that are made for users.
async fn add(stores: &Stores, nth: usize, email: &str, hash: &str) {
    let user = NewUser {
        id: UserId::new(format!("0198c0de-{:04x}-7000-8000-{nth:012x}", nth * 7919 % 65_536)),
        email: email.parse().expect("an address"),
        email_confirmed_at: Some(SystemTime::UNIX_EPOCH),
        password_hash: Some(hash.to_owned()),
        role: "member".to_owned(),
        approved_at: None,
        extra: Default::default(),
        created_at: SystemTime::UNIX_EPOCH,
    };
    stores.users().add(user).await.expect("a new user");
}

/// The hash of [`PASSWORD`], with the costs of these accounts.
async fn hash(with: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> String {
    let stores = Stores::from(portcullis_accounts::store::MemoryStore::new());
    let accounts = with(builder(stores.clone())).build().expect("accounts");
    let form = portcullis_accounts::SignUp { email: "somebody@example.com", password: PASSWORD, ..Default::default() };
    accounts.sign_up(form, &client()).await.expect("a new user");
    let email = "somebody@example.com".parse().expect("an address");
    let user = stores.users().find(portcullis_accounts::store::UserKey::Email(&email)).await.expect("the user");
    user.and_then(|user| user.password_hash).expect("a hash")
}

/// Whether the time of an answer tells who has an account.
pub(crate) fn timing() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(timing::report())
}

/// What sign-ins that wait cost the rest of a service.
pub(crate) fn queue() {
    Runtime::new().expect("a runtime").block_on(queue::report());
}
