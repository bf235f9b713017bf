//! Sign-up: what is answered, mailed and kept.

use crate::cast::{ALICE, PASSWORD, built, cast, client, code};
use portcullis_accounts::{MailKind, Proof, SignUp};
use serde_json::{Map, Value};

#[tokio::test]
async fn a_new_user_confirms_and_signs_in() {
    let cast = cast();
    assert!(cast.sign_up(" Alice@Example.COM").await.unwrap().is_none());
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "email_unconfirmed");

    let mail = cast.mailbox.last_to(ALICE).unwrap();
    assert_eq!(mail.kind, MailKind::Confirm);
    assert!(mail.link.unwrap().starts_with("https://app.shop.test/confirm#token="));
    let token = cast.token(ALICE);
    let user = cast.accounts.confirm_email(token.expose(), Proof::Password(PASSWORD)).await.unwrap();
    assert!(user.email_confirmed_at.is_some());
    assert_eq!(code(cast.accounts.confirm_email(token.expose(), Proof::Nothing).await), "invalid_token");

    let sign_in = cast.accounts.sign_in("ALICE@example.com", PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    let principal = cast.by_access(&sign_in.tokens.access).await.unwrap();
    assert_eq!(principal.id().to_string(), format!("user|https://shop.test|{}", user.id));
    assert_eq!(principal.session().unwrap().id(), sign_in.tokens.session.id.as_str());
}

/// Nobody learns that an address has an account, except its owner, by mail.
#[tokio::test]
async fn a_taken_address_is_answered_like_a_free_one() {
    let cast = cast();
    cast.signed_in(ALICE).await;
    cast.mailbox.clear();
    let form = SignUp { email: ALICE, password: "the password of a stranger", ..SignUp::default() };
    assert!(cast.accounts.sign_up(form, &client()).await.unwrap().is_none());
    let mail = cast.mailbox.last_to(ALICE).unwrap();
    assert_eq!((mail.kind, mail.link), (MailKind::SignedUpAgain, None));
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
    let stranger = cast.accounts.sign_in(ALICE, "the password of a stranger", &client()).await;
    assert_eq!(code(stranger), "invalid_credentials");

    // A mail more than the limit is not sent, and the answer is the same.
    for _ in 0..5 {
        assert!(cast.sign_up(ALICE).await.unwrap().is_none());
    }
    assert_eq!(cast.mailbox.mails().len(), 2);
}

#[tokio::test]
async fn without_confirmation_a_taken_address_is_told() {
    let cast = built(|builder| builder.dangerous_without_confirmation());
    assert!(cast.sign_up(ALICE).await.unwrap().is_some());
    assert_eq!(code(cast.sign_up(ALICE).await), "email_taken");
    assert!(cast.mailbox.mails().is_empty());
}

#[tokio::test]
async fn what_cannot_sign_up() {
    let cast = cast();
    assert_eq!(code(cast.sign_up("alice").await), "invalid_email");
    let weak = SignUp { email: ALICE, password: "short", ..SignUp::default() };
    assert_eq!(code(cast.accounts.sign_up(weak, &client()).await), "password_rejected");
    assert!(cast.mailbox.mails().is_empty());

    let closed = built(|builder| builder.without_sign_up());
    assert_eq!(code(closed.sign_up(ALICE).await), "sign_up_disabled");
}

#[tokio::test]
async fn fields_of_the_application_are_kept_and_can_become_claims() {
    use portcullis_accounts::AccessTokens;
    let cast = built(|builder| {
        builder
            .dangerous_without_confirmation()
            .access_tokens(AccessTokens::new().extra(["plan"]))
            .default_role("member")
    });
    let extra = Map::from_iter([("plan".to_owned(), Value::from("gold")), ("name".to_owned(), "Ä \" '".into())]);
    let form = SignUp { email: ALICE, password: PASSWORD, extra: extra.clone() };
    let sign_in = cast.accounts.sign_up(form, &client()).await.unwrap().unwrap();
    assert_eq!(sign_in.user.extra, extra);
    let principal = cast.by_access(&sign_in.tokens.access).await.unwrap();
    let claims = principal.token_claims().unwrap();
    assert_eq!(claims.get::<String>("plan").unwrap().as_deref(), Some("gold"));
    assert_eq!(claims.get::<String>("name").unwrap(), None);
    assert_eq!(principal.roles()[0].as_str(), "member");
}

#[tokio::test]
async fn an_account_that_waits_for_approval_does_not_sign_in() {
    let cast = built(|builder| builder.approval());
    cast.sign_up(ALICE).await.unwrap();
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "email_unconfirmed");
    let user = cast.accounts.confirm_email(cast.token(ALICE).expose(), Proof::Password(PASSWORD)).await.unwrap();
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "unapproved");
    // A wrong password learns nothing of that.
    assert_eq!(code(cast.accounts.sign_in(ALICE, "wrong", &client()).await), "invalid_credentials");

    cast.accounts.request_approval(&user.id, &"root@shop.test".parse().unwrap()).await.unwrap();
    let token = cast.token("root@shop.test");
    cast.pass(23 * 3600);
    cast.accounts.approve_with_link(token.expose()).await.unwrap();
    assert_eq!(code(cast.accounts.approve_with_link(token.expose()).await), "invalid_token");
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}
