//! What is read from a request, and to whom it is shown.

use super::{Knows, answer, built, three};
use crate::head::Head;
use portcullis_core::{Cookies, CredentialSource, Error, Gate, Scheme, policy::*};

#[test]
fn no_verifier_sees_what_another_scheme_reads() {
    let (gate, [token, key, sync]) = three();
    let everything = Head::new().bearer("token.alice").header("x-api-key", "key.alice").header("x-sync", "sync.cron");
    assert!(answer(&gate, authenticated(), &everything).is_ok());
    assert_eq!((token.shown(), key.shown(), sync.shown()), (vec!["token.alice".to_owned()], vec![], vec![]));
    assert!(answer(&gate, via("sync"), &everything).is_ok());
    assert_eq!((token.shown(), key.shown(), sync.shown()), (vec![], vec![], vec!["sync.cron".to_owned()]));
    // A good credential in the wrong place is one of nobody.
    assert_eq!(answer(&gate, also_via("key", authenticated()), &Head::new().bearer("key.alice")), Err(401));
    assert_eq!((token.shown(), key.shown()), (vec!["key.alice".to_owned()], vec![]));
    assert_eq!(
        answer(&gate, also_via("key", authenticated()), &Head::new().header("x-api-key", "token.alice")),
        Err(401)
    );
    assert_eq!((token.shown(), key.shown()), (vec![], vec!["token.alice".to_owned()]));
}

#[test]
fn schemes_of_one_source_are_asked_in_order() {
    let [tokens, keys] = ["token", "key"].map(Knows::new);
    let gate = built(
        Gate::builder()
            .scheme(Scheme::new(tokens.clone()).bearer())
            .scheme(Scheme::new(keys.clone()).header("x-api-key").bearer()),
    );
    let bearer = |text: &str| answer(&gate, authenticated(), &Head::new().bearer(text));
    assert_eq!(bearer("token.alice"), Ok("user|token|alice".to_owned()));
    assert_eq!(keys.shown(), Vec::<String>::new());
    assert_eq!(bearer("key.alice"), Ok("user|key|alice".to_owned()));
    assert_eq!(bearer("other.alice"), Err(401));
    keys.shown();
    // The first that recognizes it has the last word.
    assert_eq!(bearer("token.bad"), Err(401));
    assert_eq!(keys.shown(), Vec::<String>::new());
    // The first source in which something stands decides, in the order of schemes.
    let both = Head::new().header("x-api-key", "key.alice").bearer("token.bad");
    assert_eq!(answer(&gate, authenticated(), &both), Err(401));
}

#[test]
fn a_prefix_is_taken_off_and_demanded() {
    let knows = Knows::new("token");
    let gate = built(
        Gate::builder().scheme(
            Scheme::new(knows.clone())
                .source(CredentialSource::cookie("access_token").prefix("Bearer "))
                .source(CredentialSource::header("x-token").prefix("Token "))
                .source(CredentialSource::query("token").prefix("t-")),
        ),
    );
    let of = |head: Head| answer(&gate, authenticated(), &head);
    let yes = Ok("user|token|alice".to_owned());
    let cookie = |value: &str| Head::new().header("cookie", format!("access_token={value}"));
    assert_eq!(of(cookie("Bearer token.alice")), yes);
    assert_eq!(of(cookie("\"Bearer token.alice\"")), yes);
    assert_eq!(of(Head::new().header("x-token", "Token token.alice")), yes);
    assert_eq!(of(Head::new().query("token=t-token.alice")), yes);
    // Without it, it is as if nothing stood there.
    for value in ["token.alice", "bearer token.alice", "Bearer", "Bearer ", "\"Bearer \""] {
        assert_eq!(of(cookie(value)), Err(401), "{value}");
        let also = cookie(value).header("x-token", "Token token.bob");
        assert_eq!(of(also), Ok("user|token|bob".to_owned()), "{value}");
    }
    assert_eq!(of(Head::new().query("token=token.alice")), Err(401));
    knows.shown();
    // What follows has to be a credential.
    assert_eq!(of(cookie("Bearer token.alice token.bob")), Err(401));
    assert_eq!(of(Head::new().header("x-token", "Token a b")), Err(401));
    assert_eq!(knows.shown(), Vec::<String>::new());
}

fn chunks(cookies: &Cookies<'_>) -> Result<Option<String>, Error> {
    let mut token = String::new();
    for place in 0..4 {
        let Some(chunk) = cookies.get(&format!("session.{place}"))? else { break };
        token.push_str(chunk);
    }
    Ok(Some(token))
}

#[test]
fn a_cookie_in_chunks_is_put_together_and_counts_as_a_cookie() {
    let gate = built(
        Gate::builder()
            .scheme(Scheme::new(Knows::new("token")).source(CredentialSource::cookies("session", chunks)).bearer()),
    );
    let head = |cookies: &str| Head::new().header("cookie", cookies);
    let of = |head: Head| answer(&gate, authenticated(), &head);
    let yes = Ok("user|token|alice".to_owned());
    assert_eq!(of(head("session.0=token.; session.1=alice")), yes);
    assert_eq!(of(head("session.1=alice; session.0=token.")), yes);
    assert_eq!(of(head("session.0=token.alice")), yes);
    assert_eq!(of(head("session.0=token.; session.2=alice")), Ok("user|token|".to_owned()));
    assert_eq!(of(head("session.1=alice")), Err(401));
    // None is absent, so the next source is read.
    assert_eq!(of(head("other=1").bearer("token.alice")), yes);
    // What a single cookie is refused for, so are several.
    assert_eq!(of(head("session.0=token.; session.0=key.; session.1=alice")), Err(400));
    assert_eq!(of(head("session.0=token.; session.1=al ice")), Err(401));
    assert_eq!(of(head("session.0=token.alice").method("POST").header("sec-fetch-site", "cross-site")), Err(403));
    assert_eq!(of(head("session.0=token.alice").method("POST").header("sec-fetch-site", "same-origin")), yes);
}
