//! Case 135: settings.

use crate::service::{SECRET, SETTINGS};
use portcullis::accounts::Config;

fn env(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some(SECRET.to_owned()),
        "FIELD" => Some("plan".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

#[track_caller]
fn error(text: &str) -> String {
    let error = Config::parse(text, env).expect_err(text).to_string();
    assert!(!error.contains(SECRET), "{error}");
    error
}

#[test]
fn variables_stand_in_tables_and_arrays() {
    let text = "[auth.native.jwt]\nsecret = \"$SECRET\"\nfields = [\"city\", \"$FIELD\"]";
    let config = Config::parse(text, env).unwrap();
    // What is shown of it are the names.
    let shown = format!("{config:?}");
    assert!(shown.contains("$SECRET") && shown.contains("$FIELD") && !shown.contains(SECRET), "{shown}");
    assert!(Config::parse(&text.replace("\"$FIELD\"", "\"plan\""), env).is_ok());
}

#[test]
fn all_missing_variables_are_named_at_once() {
    let text = "[auth.native.jwt]\nsecret = \"$A\"\nissuer = \"$EMPTY\"\nfields = [\"$B\"]";
    let error = error(text);
    assert!(error.contains("missing environment variables: $A, $B, $EMPTY"), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let native = "[auth.native.jwt]\nsecret = \"$SECRET\"\n";
    assert!(Config::parse(native, env).is_ok());
    for (text, named) in [
        (format!("{native}issuer = \"$\""), "$"),
        (format!("{native}isuer = \"derp\""), "isuer"),
        (format!("{native}[auth.clerk]\nsecret_key = \"x\""), "auth.clerk"),
        (format!("{native}[email]\nhost = \"x\""), "email"),
        ("[auth.native.jwt]\nissuer = \"derp\"".to_owned(), "secret"),
        ("[auth.native.jwt]\nsecret = \"too short\"".to_owned(), "32 bytes"),
        ("[auth]".to_owned(), "auth.native"),
        (format!("{native}issuer = "), "line 3"),
    ] {
        let error = error(&text);
        assert!(error.contains(named), "{text}: {error}");
    }
}

/// The settings of the example.
#[test]
fn the_example_needs_its_secret() {
    let read = |secret: &str| Config::parse(SETTINGS, |name| (name == "DERP_SECRET").then(|| secret.to_owned()));
    assert!(read(SECRET).is_ok());
    let refused = |secret: &str| read(secret).expect_err("no secret").to_string();
    assert!(refused("").contains("$DERP_SECRET"));
    assert!(refused("a secret of thirty-one bytes...").contains("32 bytes"));
}
