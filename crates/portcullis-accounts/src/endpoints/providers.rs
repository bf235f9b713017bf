//! Endpoints of sign-in at providers. Each is a step of a browser, so its tokens are in cookies.

use super::{Call, Endpoints, answer, table::Name};
use crate::{client::Client, error::Error, second_factor::SignInOutcome};
use answer::{no_content, ok, redirect, with_cookies};
use bytes::Bytes;
use http::Response;
use portcullis_sign_in::BrowserFlow;
use serde::Deserialize;
use serde_json::json;

#[derive(Default, Deserialize)]
struct ReturnTo {
    return_to: Option<String>,
}

impl Endpoints {
    pub(super) fn has_providers(&self) -> bool {
        self.0.accounts.0.providers.iter().next().is_some()
    }

    /// What has to fit for browsers to come back.
    pub(super) fn check_providers(&self) -> Result<(), Error> {
        for provider in self.0.accounts.0.providers.iter() {
            let callback = format!("/oauth/{}/callback", provider.name);
            if !provider.redirect_uri().ends_with(&callback) {
                return Err(Error::misconfigured(format!(
                    "the redirect URI `{}` does not end in `{callback}`",
                    provider.redirect_uri()
                )));
            }
            if self.0.cookies.is_none() {
                return Err(Error::misconfigured(
                    "a browser comes back from a provider without a body; give the endpoints `.cookies(..)`",
                ));
            }
        }
        Ok(())
    }

    pub(super) async fn at_provider(&self, name: Name, call: &Call, client: &Client) -> Result<Response<Bytes>, Error> {
        let accounts = &self.0.accounts;
        let mut segments = call.request.uri().path().rsplit('/');
        let (last, before_last) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        Ok(match name {
            Name::BeginSignIn => {
                let begun = accounts.begin_sign_in(last, &BrowserFlow::return_to(call), call, client).await?;
                redirect(&begun.address, begun.cookies)?
            }
            Name::BeginLink => {
                let return_to = call.json_or_default::<ReturnTo>()?.return_to.unwrap_or_else(|| "/".to_owned());
                let begun = accounts.begin_link(call.caller()?, before_last, &return_to, call).await?;
                with_cookies(ok(&json!({ "address": begun.address })), begun.cookies)
            }
            Name::FinishSignIn => self.came_back(before_last, call, client).await?,
            Name::Unlink => {
                let mut providers = accounts.0.providers.iter();
                let known = providers.find(|known| known.name == last).ok_or(Error::NotFound)?;
                accounts.unlink_identity(call.caller()?, known.issuer()).await?;
                no_content()
            }
            _ => {
                let identities = accounts.identities(call.caller()?).await?;
                let shown = identities.iter().map(|known| {
                    let provider = accounts.0.providers.iter().find(|provider| provider.issuer() == known.issuer);
                    answer::identity(known, provider.map(|provider| &*provider.name))
                });
                ok(&json!({ "identities": shown.collect::<Vec<_>>() }))
            }
        })
    }

    async fn came_back(&self, provider: &str, call: &Call, client: &Client) -> Result<Response<Bytes>, Error> {
        let accounts = &self.0.accounts;
        // A sign-in does not need to know who the browser was before.
        let caller = call.who.as_ref().ok().and_then(Option::as_ref);
        let answered = accounts.finish_sign_in(provider, call, caller, client).await?;
        let (address, set) = match &answered.sign_in {
            None => (answered.return_to, Vec::new()),
            Some(SignInOutcome::SignedIn(sign_in)) => {
                let cookies = self.0.cookies.as_ref().map(|cookies| cookies.set_signed_in(sign_in));
                (answered.return_to, cookies.unwrap_or_default())
            }
            Some(SignInOutcome::SecondFactor(token)) => {
                let links = accounts.0.mailer.as_ref().map(|(_, links)| links).ok_or(Error::SecondFactorRequired)?;
                (links.second_factor(token, &answered.return_to), Vec::new())
            }
        };
        redirect(&address, set.into_iter().chain([answered.cookie]).collect())
    }
}
