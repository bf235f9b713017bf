//! What a file may say.

use crate::{
    hosted::*,
    service::{SETTINGS, gate},
};
use portcullis::{
    Error, GateBuilder,
    accounts::{Config, store::MemoryStore},
};

fn built(config: &Config) -> Result<GateBuilder, Error> {
    let organizations = derp::organizations(config, MemoryStore::new())?;
    Ok(gate(config, None, &organizations, Keys::default())?.0)
}

fn refusal(settings: &str) -> String {
    let config = match Config::parse(settings, |_| None) {
        Ok(config) => config,
        Err(error) => return error.to_string(),
    };
    built(&config).err().map(|error| error.to_string()).unwrap_or_default()
}

/// Case 149, and others of a file.
#[test]
fn what_cannot_work_is_an_error_at_start() {
    assert_eq!((refusal(COGNITO), refusal(CLERK)), (String::new(), String::new()));
    let with = |key: &str| refusal(&format!("{CLERK}secret_key = '{key}'"));
    assert_eq!(with("sk_test_1"), "");
    assert!(with("sk_live_1").contains("`sk_test_`") && !with("sk_live_1").contains("sk_live_1"));
    assert!(refusal(&format!("{COGNITO}{CLERK}")).contains("only one backend"));
    assert!(refusal("[auth]").contains("is missing"));
    assert!(refusal(&COGNITO.replace("eu-central-1_AbCdEf123", "pool/../other")).contains("user pool"));
    assert!(refusal(&format!("{COGNITO}region = 'eu-central-1'")).contains("auth.cognito.region"));
    assert!(refusal(&CLERK.replace("['https://app.example.com']", "[]")).contains("authorized_parties"));
    assert!(refusal(&SETTINGS.replace("$DERP_SECRET", &"s".repeat(32))).contains("needs accounts"));
}

/// The settings of the example.
#[test]
fn the_files_of_the_example_are_read() {
    let env = |name: &str| {
        let value = match name {
            "COGNITO_USER_POOL_ID" => "eu-central-1_AbCdEf123",
            "CLERK_PUBLISHABLE_KEY" => "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k",
            "CLERK_SECRET_KEY" => "sk_test_1",
            "COGNITO_CLIENT_ID" => "the-id-of-the-app-client",
            _ => return None,
        };
        Some(value.to_owned())
    };
    for text in [include_str!("../../cognito.toml"), include_str!("../../clerk.toml")] {
        assert!(built(&Config::parse(text, env).unwrap()).unwrap().build().is_ok());
        assert!(Config::parse(text, |_| None).unwrap_err().to_string().contains("missing environment variables"));
    }
}
