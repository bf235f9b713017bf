//! Sign-in by password and by link, and who is kept out.

use crate::cast::{ALICE, Cast, ISSUER, OTHER, PASSWORD, built, cast, client, code};
use portcullis_accounts::{Client, MailKind, Proof, SignUp, User};
use portcullis_core::{Directory, ErrorKind, Principal, PrincipalKind};
use std::net::{IpAddr, Ipv4Addr};

#[tokio::test]
async fn unknown_and_wrong_are_the_same() {
    let cast = cast();
    cast.signed_in(ALICE).await;
    for (email, password) in [(ALICE, "wrong"), ("bob@example.com", PASSWORD), ("no address", PASSWORD), (ALICE, "")] {
        let error = cast.accounts.sign_in(email, password, &client()).await.expect_err("refused");
        assert_eq!((error.code(), error.status()), ("invalid_credentials", 401));
        assert_eq!(error.to_string(), "the address or the password is wrong");
    }
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}

#[tokio::test]
async fn a_disabled_account_is_kept_out_everywhere() {
    let cast = cast();
    let sign_in = cast.signed_in(ALICE).await;
    let id = &sign_in.user.id;
    cast.accounts.admin_as("test").disable(id, true).await.unwrap();
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "account_disabled");
    assert_eq!(code(cast.accounts.sign_in(ALICE, "wrong", &client()).await), "invalid_credentials");
    assert_eq!(code(cast.refresh(sign_in.tokens.refresh.expose()).await), "session_ended");
    assert!(cast.by_access(&sign_in.tokens.access).await.is_err());
    assert!(cast.by_session(&sign_in.tokens.refresh).await.is_err());
    cast.mailbox.clear();
    cast.accounts.request_reset(ALICE, &client()).await.unwrap();
    assert!(cast.mailbox.mails().is_empty());

    cast.accounts.admin_as("test").disable(id, false).await.unwrap();
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());
}

#[tokio::test]
async fn only_staff_administers() {
    let cast = cast();
    let sign_in = cast.signed_in(ALICE).await;
    let alice = cast.by_access(&sign_in.tokens.access).await.unwrap();
    assert_eq!(code(cast.accounts.admin(&alice).map(drop)), "staff_required");
    let staff = alice.clone().with_staff(true);
    let user = cast.accounts.admin(&staff).unwrap().set_role(&sign_in.user.id, "editor").await.unwrap();
    assert_eq!(user.role, "editor");
    // The role is in tokens, so the sessions with the old one have ended.
    assert!(cast.by_access(&sign_in.tokens.access).await.is_err());
    let again = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap();
    assert_eq!(cast.by_access(&again.tokens.access).await.unwrap().roles()[0].as_str(), "editor");
}

/// Attempts with an account are limited, whichever network they come from. A browser that has signed in before is not locked out.
#[tokio::test]
async fn a_stranger_cannot_lock_a_user_out_of_their_browser() {
    let cast = cast();
    let device = cast.signed_in(ALICE).await.device;
    let from = |host: u8| Client::at(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)));
    for host in 0..10 {
        assert_eq!(code(cast.accounts.sign_in(ALICE, "wrong", &from(host)).await), "invalid_credentials");
    }
    let error = cast.accounts.sign_in(ALICE, PASSWORD, &from(99)).await.expect_err("limited");
    assert_eq!((error.code(), error.status()), ("rate_limited", 429));
    // The address of another user, and a device that was made up, have the limit of the account.
    for device in ["", "a.b", "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &from(99).with_device(device)).await), "rate_limited");
    }
    let own = from(99).with_device(device);
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &own).await.is_ok());
    for _ in 0..10 {
        assert_eq!(code(cast.accounts.sign_in(ALICE, "wrong", &own).await), "invalid_credentials");
    }
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &own).await), "rate_limited");
    cast.pass(300);
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &from(99)).await.is_ok());
}

/// Successful attempts are not counted against the account.
#[tokio::test]
async fn a_user_may_sign_in_often() {
    let cast = cast();
    cast.signed_in(ALICE).await;
    for _ in 0..25 {
        cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap();
    }
    let one = Client::at(IpAddr::V4(Ipv4Addr::LOCALHOST));
    for _ in 0..30 {
        cast.accounts.sign_in(ALICE, PASSWORD, &one).await.unwrap();
    }
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &one).await), "rate_limited");
}

fn with_links() -> Cast {
    built(|builder| builder.magic_links())
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let cast = with_links();
    cast.signed_in(ALICE).await;
    cast.accounts.send_magic_link(ALICE, &client()).await.unwrap();
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::MagicLink);
    let token = cast.token(ALICE);
    let sign_in = cast.accounts.sign_in_with_link(token.expose(), &client()).await.unwrap().signed_in().unwrap();
    assert_eq!(sign_in.tokens.session.methods, ["link"]);
    assert!(cast.by_access(&sign_in.tokens.access).await.is_ok());
    assert_eq!(code(cast.accounts.sign_in_with_link(token.expose(), &client()).await), "invalid_token");
    // The password of a user with a confirmed address stays.
    assert!(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.is_ok());

    cast.accounts.send_magic_link(ALICE, &client()).await.unwrap();
    let token = cast.token(ALICE);
    cast.pass(600);
    assert_eq!(code(cast.accounts.sign_in_with_link(token.expose(), &client()).await), "invalid_token");
}

#[tokio::test]
async fn a_link_creates_an_account_when_it_is_used() {
    let cast = with_links();
    cast.accounts.send_magic_link("bob@example.com", &client()).await.unwrap();
    let token = cast.token("bob@example.com");
    assert_eq!(code(cast.accounts.sign_in("bob@example.com", PASSWORD, &client()).await), "invalid_credentials");
    let sign_in = cast.accounts.sign_in_with_link(token.expose(), &client()).await.unwrap().signed_in().unwrap();
    assert!(sign_in.user.email_confirmed_at.is_some() && sign_in.user.password_hash.is_none());

    let closed = built(|builder| builder.magic_links().without_sign_up());
    closed.accounts.send_magic_link("bob@example.com", &client()).await.unwrap();
    assert!(closed.mailbox.mails().is_empty());
    let off = built(|builder| builder);
    assert_eq!(code(off.accounts.send_magic_link(ALICE, &client()).await), "not_enabled");
    assert_eq!(code(off.accounts.sign_in_with_link("token", &client()).await), "not_enabled");
}

/// Somebody signs up with the address of another person, who then gets in by a link: the stranger does not.
#[tokio::test]
async fn a_link_drops_what_was_set_before_the_address_was_proved() {
    let cast = built(|builder| builder.magic_links().sign_in_unconfirmed());
    let stranger = cast.sign_up(ALICE).await.unwrap().unwrap();
    cast.accounts.send_magic_link(ALICE, &client()).await.unwrap();
    let owner =
        cast.accounts.sign_in_with_link(cast.token(ALICE).expose(), &client()).await.unwrap().signed_in().unwrap();
    assert!(owner.user.password_hash.is_none());
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert_eq!(code(cast.refresh(stranger.tokens.refresh.expose()).await), "session_ended");
    assert!(cast.by_access(&stranger.tokens.access).await.is_err());
    assert!(cast.by_access(&owner.tokens.access).await.is_ok());
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_begins_one() {
    let cast = cast();
    let (first, second) = (
        cast.signed_in(ALICE).await,
        cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.unwrap().signed_in().unwrap(),
    );
    let alice = cast.by_access(&first.tokens.access).await.unwrap();
    assert_eq!(code(cast.accounts.change_password(&alice, "wrong", OTHER, &client()).await), "invalid_credentials");
    assert_eq!(code(cast.accounts.change_password(&alice, PASSWORD, "short", &client()).await), "password_rejected");
    assert!(cast.by_access(&second.tokens.access).await.is_ok());

    let tokens = cast.accounts.change_password(&alice, PASSWORD, OTHER, &client()).await.unwrap();
    assert_eq!(cast.mailbox.last_to(ALICE).unwrap().kind, MailKind::PasswordChanged);
    for ended in [&first.tokens, &second.tokens] {
        assert!(cast.by_access(&ended.access).await.is_err());
        assert_eq!(code(cast.refresh(ended.refresh.expose()).await), "session_ended");
    }
    assert!(cast.by_access(&tokens.access).await.is_ok());
    assert_eq!(code(cast.accounts.sign_in(ALICE, PASSWORD, &client()).await), "invalid_credentials");
    assert!(cast.accounts.sign_in(ALICE, OTHER, &client()).await.is_ok());
}

/// Methods for signed-in users take the principal, and know whose it is.
#[tokio::test]
async fn a_principal_of_another_issuer_is_nobody_here() {
    let cast = cast();
    let sign_in = cast.signed_in(ALICE).await;
    let of = |issuer: &str, kind| Principal::new(kind, sign_in.user.id.as_str()).with_issuer(issuer.to_owned());
    assert!(cast.accounts.user(&of(ISSUER, PrincipalKind::User)).await.is_ok());
    for stranger in [of("https://id.test", PrincipalKind::User), of(ISSUER, PrincipalKind::Service)] {
        assert_eq!(code(cast.accounts.user(&stranger).await), "not_found");
        assert_eq!(code(cast.accounts.sessions(&stranger).await), "not_found");
        assert_eq!(code(cast.accounts.sign_out_everywhere(&stranger).await), "not_found");
        assert_eq!(code(cast.accounts.change_password(&stranger, PASSWORD, OTHER, &client()).await), "not_found");
    }
    assert!(cast.by_access(&sign_in.tokens.access).await.is_ok());
}

#[tokio::test]
async fn errors_for_the_gate() {
    let cast = cast();
    let form = SignUp { email: ALICE, password: "aaa", ..SignUp::default() };
    let error = portcullis_core::Error::from(cast.accounts.sign_up(form, &client()).await.expect_err("weak"));
    assert_eq!((error.kind(), error.status(), error.code()), (ErrorKind::Rejected, 422, "password_rejected"));
    assert_eq!(error.list("rules"), ["too_short"]);
    let error = cast.accounts.confirm_email("no token", Proof::Nothing).await.expect_err("no token");
    let error = portcullis_core::Error::from(error);
    assert_eq!((error.status(), error.code(), error.challenge(None)), (400, "invalid_token", None));
    let error = cast.accounts.sign_in(ALICE, PASSWORD, &client()).await.expect_err("nobody");
    let error = portcullis_core::Error::from(error);
    assert_eq!((error.status(), error.challenge(None).as_deref()), (401, Some("Bearer")));
}

#[tokio::test]
async fn a_key_has_the_account_of_its_owner_and_does_nothing_to_it() {
    let cast = cast();
    let user = cast.signed_in(ALICE).await.user;
    let of = async |kind, issuer: &str| {
        let who = Principal::new(kind, user.id.as_str()).with_issuer(issuer);
        let account = cast.accounts.directory().account(&who).await;
        account.map(|account| who.with_account(account).account::<User>().ok().map(|user| user.id.clone()))
    };
    for (kind, issuer, is_found) in [
        (PrincipalKind::Key, ISSUER, true),
        (PrincipalKind::User, ISSUER, true),
        (PrincipalKind::Service, ISSUER, false),
        (PrincipalKind::Key, "https://other.test", false),
        (PrincipalKind::User, "https://other.test", false),
    ] {
        let found = of(kind, issuer).await.expect("an account or none");
        assert_eq!(found, is_found.then(|| user.id.clone()), "{kind:?} {issuer}");
    }
    let key = Principal::new(PrincipalKind::Key, user.id.as_str()).with_issuer(ISSUER);
    assert_eq!(cast.accounts.sign_out_everywhere(&key).await.expect_err("refused").code(), "not_found");
    cast.accounts.admin_as("test").disable(&user.id, true).await.expect("disabled");
    assert_eq!(of(PrincipalKind::Key, ISSUER).await.expect_err("refused").code(), "account_disabled");
}
