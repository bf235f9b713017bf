//! A stranger signs up with the address of somebody else. When the owner proves that it is theirs, nothing of the stranger's stays.

use crate::cast::{ALICE, Cast, OTHER, PASSWORD, built, client};
use portcullis_accounts::{Proof, Token};
use portcullis_core::{ApiKeys, KeyScopes, MemoryKeys, NewKey, Principal};

/// What a user of an unconfirmed account has set: a session, an API key and a second factor.
struct Before {
    cast: Cast,
    who: Principal,
    session: Token,
    confirm: Token,
}

impl Before {
    async fn new() -> Self {
        let keys = ApiKeys::new("shop", MemoryKeys::new()).unwrap();
        let cast = built(|builder| builder.keys(keys).sign_in_unconfirmed().magic_links());
        let sign_in = cast.sign_up(ALICE).await.unwrap().unwrap();
        let confirm = cast.token(ALICE);
        let who = cast.by_access(&sign_in.tokens.access).await.unwrap();
        cast.accounts.add_key(&who, NewKey::new("theirs", KeyScopes::new(["all"]).unwrap())).await.unwrap();
        let enrolment = cast.accounts.enrol_totp(&who, None).await.unwrap();
        let app = totp_rs::Totp::from_url(enrolment.uri.expose()).unwrap();
        cast.accounts.confirm_totp(&who, &app.generate(cast.seconds()).to_string()).await.unwrap();
        Self { cast, who, session: sign_in.tokens.access, confirm }
    }

    /// Whether the session, the key, and the factor are still there.
    async fn left(&self) -> [bool; 3] {
        let keys = self.cast.accounts.keys(&self.who).await.unwrap();
        [
            self.cast.by_access(&self.session).await.is_ok(),
            keys.iter().any(|key| key.withdrawn_at.is_none()),
            self.cast.accounts.totp(&self.who).await.unwrap().is_some(),
        ]
    }
}

#[tokio::test]
async fn each_proof_of_the_owner_removes_it() {
    let ways: [&str; 4] = ["link", "reset", "another password", "no proof"];
    for way in ways {
        let before = Before::new().await;
        assert_eq!(before.left().await, [true; 3], "{way}");
        let (accounts, confirm) = (&before.cast.accounts, &before.confirm);
        match way {
            "link" => {
                accounts.send_magic_link(ALICE, &client()).await.unwrap();
                let outcome = accounts.sign_in_with_link(before.cast.token(ALICE).expose(), &client()).await.unwrap();
                assert!(outcome.signed_in().is_ok(), "the owner is not asked for the stranger's factor");
            }
            "reset" => {
                accounts.request_reset(ALICE, &client()).await.unwrap();
                accounts.reset_password(before.cast.token(ALICE).expose(), OTHER).await.map(drop).unwrap();
            }
            "another password" => {
                accounts.confirm_email(confirm.expose(), Proof::Password(OTHER)).await.map(drop).unwrap();
            }
            _ => accounts.confirm_email(confirm.expose(), Proof::Nothing).await.map(drop).unwrap(),
        }
        assert_eq!(before.left().await, [false; 3], "{way}");
    }
}

#[tokio::test]
async fn who_signed_up_keeps_it() {
    for has_session in [true, false] {
        let before = Before::new().await;
        let proof = if has_session { Proof::Session(&before.who) } else { Proof::Password(PASSWORD) };
        before.cast.accounts.confirm_email(before.confirm.expose(), proof).await.unwrap();
        assert_eq!(before.left().await, [true; 3]);
        // A reset of a confirmed account ends the sessions only.
        before.cast.accounts.request_reset(ALICE, &client()).await.unwrap();
        before.cast.accounts.reset_password(before.cast.token(ALICE).expose(), OTHER).await.unwrap();
        assert_eq!(before.left().await, [false, true, true]);
    }
}
