//! Settings from a file.

use crate::cast::{ALICE, PASSWORD, client, code};
use portcullis_accounts::{
    Accounts, AccountsBuilder, Backend, Client, Config, Error, Links, Proof, SignUp, store::MemoryStore,
    testing::Mailbox,
};
use portcullis_core::{Credential, CredentialSource, Gate, Scheme, testing::FixedClock};
use std::{env, fs, process, time::Duration};

const SECRET: &str = "SENTINEL-a-secret-of-at-least-thirty-two-bytes";
const LEAST: &str =
    "[auth.native.jwt]\nsecret = '$SECRET'\n[auth.native.password.argon2]\nmemory_kib = 64\npasses = 1\n";

/// The least that has to be set, and these.
fn with(more: &str) -> String {
    format!("{LEAST}[auth.native]\n{more}")
}

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "SECRET" => SECRET,
        "EMPTY" => "",
        "MINUTES" => "5",
        "YES" => "true",
        "SENTENCE" => "SENTINEL of five words here",
        "FIELD" => "plan",
        "RESERVED" => "exp",
        "DOLLAR" => "$SECRET",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Config, Error> {
    Config::parse(text, environment)
}

/// What is wrong with a text.
#[track_caller]
fn wrong(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.code(), "misconfigured");
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("SENTINEL"), "{shown}");
    }
    error.to_string()
}

fn builder(text: &str) -> AccountsBuilder {
    Accounts::from_config(&parse(text).unwrap(), MemoryStore::new())
        .unwrap()
        .clock(FixedClock::at(1_800_000_000))
        .mailer(Mailbox::new(), Links::below("https://app.shop.test"))
}

fn accounts(text: &str) -> Accounts {
    builder(text).build().unwrap()
}

async fn sign_up(accounts: &Accounts, password: &str) -> String {
    let form = SignUp { email: ALICE, password, ..SignUp::default() };
    match accounts.sign_up(form, &client()).await {
        Ok(None) => "mail".to_owned(),
        Ok(Some(_)) => "signed in".to_owned(),
        Err(Error::PasswordRejected(codes)) => codes.join(" "),
        Err(error) => error.code().to_owned(),
    }
}

/// Whether an access token of the first is valid for the second.
async fn agree(first: &Accounts, second: &Accounts) -> bool {
    let form = SignUp { email: ALICE, password: PASSWORD, ..SignUp::default() };
    let sign_in = first.sign_up(form, &client()).await.unwrap().unwrap();
    // Without the directory: each has a store of its own.
    let gate = Gate::builder().scheme(second).clock(FixedClock::at(1_800_000_000)).build().unwrap();
    let credential = Credential::new(sign_in.tokens.access.expose().to_owned(), CredentialSource::bearer());
    gate.authenticate(credential).await.principal().is_ok()
}

const OPEN: &str = "enable_confirmation = false\n";

#[tokio::test]
async fn a_variable_stands_for_its_whole_value_in_tables_and_lists() {
    let by_variable = accounts(&with(OPEN));
    let in_file = accounts(&with(OPEN).replace("'$SECRET'", &format!("'{SECRET}'")));
    assert!(agree(&by_variable, &in_file).await);
    // A part of a text is no variable, and neither is the value of one.
    let partly = accounts(&with(OPEN).replace("$SECRET", "x$SECRET-a-secret-of-thirty-two-bytes"));
    assert!(!agree(&accounts(&with(OPEN)), &partly).await);
    assert!(wrong(&with("").replace("$SECRET", "$DOLLAR")).contains("at least 32 bytes"));
    let fields = |name: &str| with("").replace("secret =", &format!("fields = ['size', '${name}']\nsecret ="));
    assert!(builder(&fields("FIELD")).build().is_ok());
    let error = builder(&fields("RESERVED")).build().unwrap_err();
    assert!(error.to_string().contains("the claim `exp`"), "{error}");
}

#[test]
fn all_missing_variables_are_in_one_error_and_empty_ones_are_missing() {
    let text = with("default_role = '$B'\nsign_up_fields = ['$A', '$EMPTY']\nunknown = '$C'");
    assert!(wrong(&text).contains("missing environment variables: $A, $B, $C, $EMPTY"), "{}", wrong(&text));
    assert!(wrong(&with("default_role = '$EMPTY'")).ends_with("missing environment variables: $EMPTY"));
}

#[test]
fn a_dollar_alone_is_an_error() {
    for text in ["default_role = '$'", "sign_up_fields = ['$']", "session = { idle_days = '$' }"] {
        assert!(wrong(&with(text)).contains("a `$` in the settings needs the name"));
    }
}

#[test]
fn there_is_exactly_one_backend() {
    let two = wrong(&format!("{LEAST}[auth.clerk]\nsecret_key = '$SENTENCE'"));
    assert!(two.ends_with("only one backend can be set, not auth.native and auth.clerk"), "{two}");
    assert!(wrong("[auth]").contains("auth.native, auth.clerk and auth.cognito is missing"));
    assert!(wrong("").contains("auth is missing"));
}

#[test]
fn unknown_settings_are_errors_that_name_them() {
    for (text, name) in [
        (with("enable_sign_up = true"), "auth.native.enable_sign_up"),
        (with("session = { idle_day = 3 }"), "auth.native.session.idle_day"),
        (with("limits = { logins = { count = 1, seconds = 1 } }"), "auth.native.limits.logins"),
        (with("cookies = { acces = 'a' }"), "auth.native.cookies.acces"),
        (with("").replace("passes", "passe"), "auth.native.password.argon2.passe"),
        (with("").replace("secret =", "secrets = 'SENTINEL'\nsecret ="), "auth.native.jwt.secrets"),
        (format!("{LEAST}[auth.other]"), "auth.other"),
        (format!("{LEAST}[database]"), "database"),
    ] {
        assert!(wrong(&text).ends_with(&format!("unknown settings: {name}")), "{}", wrong(&text));
    }
}

#[test]
fn values_of_the_wrong_kind_are_named_and_not_quoted() {
    for (text, name) in [
        (with("enable_signup = 'SENTINEL'"), "auth.native.enable_signup has to be true or false"),
        (with("enable_signup = '$SENTENCE'"), "auth.native.enable_signup has to be true or false"),
        (with("proxies = '1'"), "auth.native.proxies has to be a number"),
        (with("proxies = -1"), "auth.native.proxies has to be a number"),
        (with("proxies = '$SENTENCE'"), "auth.native.proxies has to be a number"),
        (with("session_expire_days = 5000000000"), "auth.native.session_expire_days has to be a number"),
        (with("default_role = 3"), "auth.native.default_role has to be a text"),
        (with("sign_up_fields = 'SENTINEL'"), "auth.native.sign_up_fields has to be a list of texts"),
        (with("sign_up_fields = ['a', 3]"), "auth.native.sign_up_fields has to be a list of texts"),
        (with("session = '$SENTENCE'"), "auth.native.session has to be a table"),
        (with("cookies = { same_site = 'SENTINEL' }"), "same_site has to be lax, strict or none"),
        (with("cookies = { access = 'SENTINEL' }"), "auth.native.cookies has to have both names"),
        (with("limits = { mails_per_network = { count = 1 } }"), "limits.mails_per_network.seconds is missing"),
        (with("").replace("'$SECRET'", "123456"), "auth.native.jwt.secret has to be a text"),
        (with("").replace("'$SECRET'", "'SENTINEL'"), "at least 32 bytes"),
        (with("").replace("secret =", "algorithm = 'RS256'\nsecret ="), "jwt.algorithm has to be HS256"),
        ("[auth.native]".to_owned(), "auth.native.jwt is missing"),
        ("[auth.native.jwt]".to_owned(), "auth.native.jwt.secret is missing"),
    ] {
        assert!(wrong(&text).contains(name), "{}", wrong(&text));
    }
}

#[test]
fn a_text_that_is_not_toml_is_named_by_its_line() {
    for (text, line) in [
        ("\n\nsecret = SENTINEL\n", 3),
        ("secret = 'SENTINEL\n", 1),
        ("[auth]\nSENTINEL", 2),
        ("a = 'SENTINEL'\na = 'SENTINEL'", 2),
    ] {
        assert!(wrong(text).ends_with(&format!("the settings are not TOML: see line {line}")), "{}", wrong(text));
    }
}

#[test]
fn debug_shows_the_names_of_variables_only() {
    let config = parse(&with("default_role = 'SENTINEL'\nproxies = '$MINUTES'")).unwrap();
    assert_eq!(format!("{config:?}"), r#"Config { variables: ["$MINUTES", "$SECRET"], .. }"#);
}

#[tokio::test]
async fn switches_and_rules_do_what_they_say() {
    assert_eq!(sign_up(&accounts(&with("")), PASSWORD).await, "mail");
    assert_eq!(sign_up(&accounts(&with("enable_confirmation = false")), PASSWORD).await, "signed in");
    assert_eq!(sign_up(&accounts(&with("enable_signup = false")), PASSWORD).await, "sign_up_disabled");
    let magic = async |text: String| code(accounts(&text).send_magic_link("nobody", &client()).await);
    assert_eq!(magic(with("")).await, "not_enabled");
    assert_eq!(magic(with("enable_magic_link = '$YES'")).await, "invalid_email");

    let rules = with(
        "[auth.native.password]\nmin_length = 12\nmax_length = 20\nmax_run = 2\nrequire_uppercase = true\n\
         require_lowercase = true\nrequire_digit = true\nrequire_special = true\n",
    )
    .replace("[auth.native.password.argon2]", "[auth.native.password.argon2]\nlanes = 1");
    let accounts = accounts(&rules);
    assert_eq!(sign_up(&accounts, "aaa").await, "too_short repeats no_uppercase no_digit no_special");
    assert_eq!(sign_up(&accounts, "AAA4567890-1234567890").await, "too_long repeats no_lowercase no_special");
    assert_eq!(sign_up(&accounts, "Correct4horse!").await, "mail");
}

#[tokio::test]
async fn times_are_those_of_the_file() {
    let sign_in = async |text: &str| {
        let form = SignUp { email: ALICE, password: PASSWORD, ..SignUp::default() };
        let tokens = accounts(&format!("{text}\n")).sign_up(form, &client()).await.unwrap().unwrap().tokens;
        (tokens.expires_in.as_secs() / 60, tokens.refresh_expires_in.as_secs() / 86_400)
    };
    let jwt = |more: &str| with(OPEN).replace("secret =", &format!("{more}\nsecret ="));
    assert_eq!(sign_in(&with(OPEN)).await, (15, 30));
    assert_eq!(sign_in(&jwt("access_token_expire_minutes = '$MINUTES'\nrefresh_token_expire_days = 7")).await, (5, 7));
    assert_eq!(sign_in(&(jwt("refresh_token_expire_days = 7") + "session_expire_days = 14")).await, (15, 14));
    assert_eq!(sign_in(&with(&format!("{OPEN}session = {{ idle_days = 3 }}"))).await, (15, 3));
}

#[tokio::test]
async fn links_are_valid_as_long_as_the_file_says() {
    for (minutes, is_valid) in [(59, true), (61, false)] {
        let (mailbox, clock) = (Mailbox::new(), FixedClock::at(1_800_000_000));
        let config = parse(&with("confirmation_token_expire_hours = 1")).unwrap();
        let accounts = Accounts::from_config(&config, MemoryStore::new())
            .unwrap()
            .clock(clock.clone())
            .mailer(mailbox.clone(), Links::below("https://app.shop.test"))
            .build()
            .unwrap();
        assert_eq!(sign_up(&accounts, PASSWORD).await, "mail");
        clock.advance(Duration::from_secs(60 * minutes));
        let token = mailbox.last_to(ALICE).and_then(|mail| Mailbox::token_of(&mail)).unwrap();
        let confirmed = accounts.confirm_email(token.expose(), Proof::Nothing).await;
        assert_eq!(confirmed.is_ok(), is_valid, "{minutes}");
    }
}

#[tokio::test]
async fn limits_are_those_of_the_file() {
    let text = with("limits = { sign_ins_per_network = { count = 2, seconds = 60 } }");
    let accounts = accounts(&text);
    let client = Client::at("192.0.2.1".parse().unwrap());
    for expected in ["invalid_credentials", "invalid_credentials", "rate_limited"] {
        assert_eq!(code(accounts.sign_in(ALICE, PASSWORD, &client).await), expected);
    }
}

#[test]
fn endpoints_have_the_cookies_of_the_file() {
    let clock = FixedClock::at(1_800_000_000);
    let listed = |text: &str, cookie: &str| {
        let config = parse(text).unwrap();
        let accounts = builder(text).build().unwrap();
        let gate =
            crate::cast::gate(&accounts, &clock, |gate| gate.scheme(Scheme::new(accounts.verifier()).cookie(cookie)));
        accounts.endpoints().with_config(&config).list(&gate).map(drop)
    };
    assert!(listed(&with(""), "unused").is_ok());
    assert!(listed(&with("cookies = {}"), "__Host-access").is_ok());
    assert!(listed(&with("cookies = {}"), "other").is_err());
    assert!(listed(&with("cookies = { one_session = true }"), "unused").is_ok());
    assert!(listed(&with("cookies = { access = 'a', refresh = 'r', same_site = 'none' }"), "a").is_ok());
    assert!(listed(&with("cookies = { refresh_path = '/auth' }"), "__Host-access").is_err(), "of a `__Host-` cookie");
}

#[test]
fn a_file_is_read_with_the_environment_of_the_process() {
    let path = env::temp_dir().join(format!("portcullis-config-{}.toml", process::id()));
    // `PATH` is set wherever tests run.
    fs::write(&path, with("default_role = '$PATH'").replace("'$SECRET'", &format!("'{SECRET}'"))).unwrap();
    let config = Config::read(&path);
    fs::remove_file(&path).unwrap();
    assert!(format!("{:?}", config.unwrap()).contains("$PATH"));
    let error = Config::read(&path).unwrap_err().to_string();
    assert!(error.contains("cannot read the settings"), "{error}");
}

#[test]
fn users_can_be_elsewhere() {
    let cognito = "[auth.cognito]\nuser_pool_id = 'eu-central-1_AbCdEf123'\n";
    let config =
        parse(&format!("{cognito}client_id = 'web'\nclient_secret = '$SENTENCE'\ndefault_role = 'default'")).unwrap();
    let Backend::Cognito(one) = config.backend() else { panic!("{config:?}") };
    assert_eq!((one.user_pool_id(), one.default_role()), ("eu-central-1_AbCdEf123", Some("default")));
    assert_eq!(one.client_ids(), ["web"]);
    assert!(one.client_secret().is_some_and(|secret| !format!("{config:?}{one:?}").contains(secret)));
    let several = parse(&format!("{cognito}client_id = ['web', 'mobile']")).unwrap();
    let Backend::Cognito(several) = several.backend() else { panic!("{several:?}") };
    assert_eq!((several.client_ids().len(), several.client_secret(), several.default_role()), (2, None, None));
    for missing in ["", "client_id = []", "client_id = 1"] {
        assert!(wrong(&format!("{cognito}{missing}")).contains("auth.cognito.client_id"), "{missing}");
    }
    assert!(wrong("[auth.cognito]\nclient_id = 'web'").contains("auth.cognito.user_pool_id is missing"));
    assert!(
        wrong(&format!("{cognito}client_id = 'web'\nregion = 'eu'")).contains("unknown settings: auth.cognito.region")
    );

    let clerk = "[auth.clerk]\npublishable_key = 'pk_test_1'\nauthorized_parties = ['https://app.example.com']\n";
    let config = parse(&format!("{clerk}secret_key = '$SENTENCE'")).unwrap();
    let Backend::Clerk(one) = config.backend() else { panic!("{config:?}") };
    assert_eq!((one.publishable_key(), one.authorized_parties().len()), ("pk_test_1", 1));
    assert!(one.secret_key().is_some_and(|secret| !format!("{one:?}").contains(secret)));
    assert!(wrong("[auth.clerk]\npublishable_key = 'pk_test_1'").contains("auth.clerk.authorized_parties is missing"));
    assert!(wrong("[auth.clerk]\nauthorized_parties = ['x']").contains("auth.clerk.publishable_key is missing"));

    // There are no accounts then.
    let refused = Accounts::from_config(&config, MemoryStore::new()).unwrap_err().to_string();
    assert!(refused.contains("with auth.clerk there are no accounts"), "{refused}");
    assert!(Accounts::from_config(&parse(LEAST).unwrap(), MemoryStore::new()).is_ok());
}
