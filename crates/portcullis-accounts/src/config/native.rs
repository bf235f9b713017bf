//! What `auth.native` says.

use super::section::Section;
use crate::{
    access::AccessTokens,
    endpoints::{SameSite, TokenCookies},
    error::Error,
    limit::{Limit, Limits},
    one_time::Purpose,
    password::{CharacterClass, Costs, PasswordRules},
    secret::Secret,
    session::SessionRules,
};
use std::time::Duration;
use zeroize::Zeroizing;

/// What `auth.native` says.
#[derive(Clone)]
pub(super) struct Native {
    pub(super) issuer: String,
    pub(super) secret: Secret,
    pub(super) access: AccessTokens,
    pub(super) sessions: SessionRules,
    pub(super) passwords: PasswordRules,
    pub(super) costs: Costs,
    pub(super) limits: Limits,
    pub(super) lives: Vec<(Purpose, Duration)>,
    pub(super) default_role: Option<String>,
    pub(super) has_sign_up: bool,
    pub(super) has_confirmation: bool,
    pub(super) has_magic_links: bool,
    pub(super) sign_up_fields: Vec<String>,
    pub(super) proxies: usize,
    pub(super) cookies: Option<TokenCookies>,
    #[cfg(feature = "sign-in")]
    pub(super) providers: Vec<super::providers::NamedProvider>,
}

impl Native {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, Error> {
        let jwt = section.section("jwt")?;
        let mut jwt = section.require("jwt", jwt)?;
        let secret = jwt.text("secret")?.map(Zeroizing::new);
        let secret = Secret::new(jwt.require("secret", secret)?.as_bytes())?;
        let issuer = jwt.text("issuer")?.unwrap_or_else(|| "accounts".to_owned());
        let mut access = AccessTokens::new().extra(jwt.texts("fields")?.unwrap_or_default());
        if let Some(audience) = jwt.text("audience")? {
            access = access.audience(audience);
        }
        if jwt.text("algorithm")?.is_some_and(|name| name != "HS256") {
            return Err(Error::misconfigured("the setting auth.native.jwt.algorithm has to be HS256"));
        }
        if let Some(minutes) = jwt.number::<u32>("access_token_expire_minutes")? {
            access = access.life(minutes_of(minutes));
        }
        let days = jwt.number("refresh_token_expire_days")?;
        jwt.end()?;

        let days = section.number("session_expire_days")?.or(days);
        let sessions = sessions(section.section("session")?, days)?;
        let (passwords, costs) = passwords(section.section("password")?)?;
        let limits = limits(section.section("limits")?)?;
        let confirmation = section.number("confirmation_token_expire_hours")?.map(|hours: u32| 60 * minutes_of(hours));
        let lives = [
            (Purpose::Confirm, confirmation),
            (Purpose::Reset, section.number("recovery_token_expire_minutes")?.map(minutes_of)),
            (Purpose::MagicLink, section.number("magic_link_expire_minutes")?.map(minutes_of)),
        ];
        let native = Self {
            issuer,
            secret,
            access,
            sessions,
            passwords,
            costs,
            limits,
            lives: lives.into_iter().filter_map(|(purpose, life)| Some((purpose, life?))).collect(),
            default_role: section.text("default_role")?,
            has_sign_up: section.flag("enable_signup")?.unwrap_or(true),
            has_confirmation: section.flag("enable_confirmation")?.unwrap_or(true),
            has_magic_links: section.flag("enable_magic_link")?.unwrap_or(false),
            sign_up_fields: section.texts("sign_up_fields")?.unwrap_or_default(),
            proxies: section.number("proxies")?.unwrap_or(0),
            cookies: section.section("cookies")?.map(cookies).transpose()?,
            #[cfg(feature = "sign-in")]
            providers: super::providers::read(&mut section)?,
        };
        section.end()?;
        Ok(native)
    }
}

fn minutes_of(minutes: u32) -> Duration {
    Duration::from_secs(60 * u64::from(minutes))
}

fn days_of(days: u32) -> Duration {
    Duration::from_secs(86_400 * u64::from(days))
}

fn sessions(section: Option<Section<'_>>, days: Option<u32>) -> Result<SessionRules, Error> {
    let mut rules = SessionRules::new();
    if let Some(days) = days {
        rules = rules.life(days_of(days));
    }
    let Some(mut section) = section else { return Ok(rules) };
    if let Some(days) = section.number("idle_days")? {
        rules = rules.idle(days_of(days));
    }
    if let Some(seconds) = section.number::<u64>("grace_seconds")? {
        rules = rules.grace(Duration::from_secs(seconds));
    }
    if section.flag("answers_may_be_lost")? == Some(true) {
        rules = rules.answers_may_be_lost();
    }
    section.end()?;
    Ok(rules)
}

fn passwords(section: Option<Section<'_>>) -> Result<(PasswordRules, Costs), Error> {
    let (mut rules, mut costs) = (PasswordRules::new(), Costs::default());
    let Some(mut section) = section else { return Ok((rules, costs)) };
    let (min, max) = (section.number("min_length")?, section.number("max_length")?);
    rules = rules.length(min.unwrap_or(8), max.unwrap_or(256));
    if let Some(run) = section.number("max_run")? {
        rules = rules.max_run(run);
    }
    for (key, class) in [
        ("require_uppercase", CharacterClass::Uppercase),
        ("require_lowercase", CharacterClass::Lowercase),
        ("require_digit", CharacterClass::Digit),
        ("require_special", CharacterClass::Special),
    ] {
        if section.flag(key)? == Some(true) {
            rules = rules.require(class);
        }
    }
    if let Some(mut argon2) = section.section("argon2")? {
        costs.memory_kib = argon2.number("memory_kib")?.unwrap_or(costs.memory_kib);
        costs.passes = argon2.number("passes")?.unwrap_or(costs.passes);
        costs.lanes = argon2.number("lanes")?.unwrap_or(costs.lanes);
        argon2.end()?;
    }
    section.end()?;
    Ok((rules, costs))
}

fn limits(section: Option<Section<'_>>) -> Result<Limits, Error> {
    type Setter = fn(Limits, Limit) -> Limits;
    const SETTERS: [(&str, Setter); 8] = [
        ("sign_ins_per_network", Limits::sign_ins_per_network),
        ("sign_ins_per_account", Limits::sign_ins_per_account),
        ("sign_ups_per_network", Limits::sign_ups_per_network),
        ("mails_per_network", Limits::mails_per_network),
        ("mails_per_address", Limits::mails_per_address),
        ("refreshes_per_session", Limits::refreshes_per_session),
        ("organizations_per_account", Limits::organizations_per_account),
        ("invitations_per_account", Limits::invitations_per_account),
    ];
    let mut limits = Limits::new();
    let Some(mut section) = section else { return Ok(limits) };
    for (key, set) in SETTERS {
        if let Some(mut limit) = section.section(key)? {
            let (count, seconds) = (limit.number("count")?, limit.number("seconds")?);
            let (count, seconds) = (limit.require("count", count)?, limit.require("seconds", seconds)?);
            limits = set(limits, Limit::new(count, Duration::from_secs(seconds)));
            limit.end()?;
        }
    }
    section.end()?;
    Ok(limits)
}

fn cookies(mut section: Section<'_>) -> Result<TokenCookies, Error> {
    let names = (section.text("access")?, section.text("refresh")?);
    let mut cookies = match (section.flag("one_session")?.unwrap_or(false), names) {
        (true, (None, None)) => TokenCookies::one_session(),
        (false, (None, None)) => TokenCookies::new(),
        (false, (Some(access), Some(refresh))) => TokenCookies::named(access, refresh),
        _ => {
            return Err(Error::misconfigured(
                "the setting auth.native.cookies has to have both names, none, or one_session",
            ));
        }
    };
    if let Some(path) = section.text("refresh_path")? {
        cookies = cookies.refresh_path(path);
    }
    cookies = match section.text("same_site")?.as_deref() {
        None => cookies,
        Some("lax") => cookies.same_site(SameSite::Lax),
        Some("strict") => cookies.same_site(SameSite::Strict),
        Some("none") => cookies.same_site(SameSite::None),
        Some(_) => {
            return Err(Error::misconfigured(
                "the setting auth.native.cookies.same_site has to be lax, strict or none",
            ));
        }
    };
    section.end()?;
    Ok(cookies)
}
