//! A fetch of an issuer's keys, from its request to its result.

use super::{
    KeyAddress, RemoteKeys,
    answer::{self, SetAnswer},
    snapshot::{Snapshot, Tag},
};
use crate::{
    error::{Error, ErrorKind, quote},
    http::{HttpRequest, HttpResponse, Reply},
    sync::others_may_run,
    telemetry::{self, Upstream},
};
use futures_channel::oneshot::Sender;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A fetch in progress. If it is dropped before its end, as when a clock or a log panics, it has failed. So no caller
/// waits for ever, and another fetch may start.
pub(super) struct KeyFetch {
    pub(super) keys: RemoteKeys,
    pub(super) number: u64,
    pub(super) at: SystemTime,
    /// `None` at its end.
    pub(super) ended: Option<Sender<()>>,
}

impl KeyFetch {
    /// Ends the fetch once, and wakes the callers that wait.
    fn end(&mut self, failure: Option<Error>, now: SystemTime) {
        let Some(ended) = self.ended.take() else { return };
        let is_answered = failure.is_none();
        let has_ended = self.keys.schedule().end(self.number, failure, now);
        others_may_run();
        // All callers may have left.
        let _ = ended.send(());
        telemetry::upstream(Upstream::Keys, is_answered);
        if has_ended && !is_answered {
            telemetry::pause(Upstream::Keys);
        }
    }
}

impl Drop for KeyFetch {
    fn drop(&mut self) {
        if self.ended.is_some() {
            let failure = Error::new(ErrorKind::Unavailable, "the issuer's answer was not read to its end");
            // The clock may be what has panicked.
            self.end(Some(failure), self.at);
        }
    }
}

impl RemoteKeys {
    /// Sends the first request: for the keys, or for the discovery document that says where they are.
    pub(super) fn start(&self, fetch: KeyFetch) {
        let discovered = self.schedule().keys_at.clone();
        match (&self.0.settings.address, discovered) {
            (KeyAddress::At(url), _) => self.ask_for_keys(url, fetch),
            (KeyAddress::Discovered { .. }, Some(url)) => self.ask_for_keys(&url, fetch),
            (KeyAddress::Discovered { issuer, document }, None) => {
                let request = HttpRequest::get(document.as_str());
                let (keys, issuer) = (self.clone(), issuer.clone());
                let then = move |answer: Result<HttpResponse, Error>| match answer
                    .and_then(|answer| answer::discovery(&answer, &issuer))
                {
                    Ok(url) => {
                        keys.schedule().keys_at = Some(url.clone());
                        keys.ask_for_keys(&url, fetch);
                    }
                    Err(error) => keys.finish(Err(error), fetch),
                };
                self.0.settings.client.send(request.with_header("accept", "application/json"), Reply::new(then));
            }
        }
    }

    /// Asks for the set. If the set at hand is from this address and has a tag, the issuer may answer that it is unchanged.
    fn ask_for_keys(&self, url: &str, fetch: KeyFetch) {
        let request = HttpRequest::get(url).with_header("accept", "application/jwk-set+json, application/json");
        let known = self.0.snapshot.load_full().filter(|known| known.tag.as_ref().is_some_and(|tag| tag.url == url));
        let request = match known.as_ref().and_then(|known| known.tag.as_ref()) {
            Some(tag) => request.with_header("if-none-match", &tag.value),
            None => request,
        };
        let (keys, url) = (self.clone(), url.to_owned());
        let then = move |answer: Result<HttpResponse, Error>| {
            let snapshot = answer.and_then(|answer| keys.renewed(&answer, &url, known, fetch.at));
            keys.finish(snapshot, fetch);
        };
        self.0.settings.client.send(request, Reply::new(then));
    }

    /// The keys in an answer, or those that the issuer was asked about if they have not changed.
    fn renewed(
        &self,
        answer: &HttpResponse,
        url: &str,
        known: Option<Arc<Snapshot>>,
        at: SystemTime,
    ) -> Result<Snapshot, Error> {
        let stated = answer::lifetime(answer, at);
        let lifetime = stated.clamp(self.0.settings.floor, self.0.settings.ceiling);
        self.log_floor(stated, lifetime);
        let at_hand = self.0.snapshot.load();
        let at_hand = at_hand.as_ref().map(|snapshot| &snapshot.set);
        let (set, tag) = match (answer::key_set(answer, at_hand)?, known) {
            (SetAnswer::New { set, etag }, _) => (set, etag.map(|value| Tag { url: url.to_owned(), value })),
            (SetAnswer::Unchanged, Some(known)) => (known.set.clone(), known.tag.clone()),
            (SetAnswer::Unchanged, None) => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the issuer answered 304 to a request without `If-None-Match`",
                ));
            }
        };
        Ok(Snapshot::new(set, tag, at, lifetime))
    }

    /// Ends a fetch: its keys replace those at hand, or its failure replaces nothing.
    fn finish(&self, fetched: Result<Snapshot, Error>, mut fetch: KeyFetch) {
        let failure = match fetched {
            Ok(snapshot) => {
                self.log_rejected(&snapshot);
                // An answer that is very late does not replace those of a schedule that started after it.
                let schedule = self.schedule();
                if schedule.is_last(fetch.number) {
                    self.0.snapshot.store(Some(Arc::new(snapshot)));
                }
                None
            }
            Err(error) => {
                self.log_failure(&error);
                Some(error)
            }
        };
        let now = self.0.time.now();
        fetch.end(failure, now);
    }

    /// Logged once for a set, and not for a thousand keys.
    fn log_rejected(&self, snapshot: &Snapshot) {
        if self.0.snapshot.load().as_ref().is_some_and(|known| known.set.text == snapshot.set.text) {
            return;
        }
        let (place, set) = (&self.0.settings.address, &snapshot.set);
        for key in &set.rejected {
            let id = key.id.as_deref().map(quote);
            tracing::warn!(target: "portcullis", %place, id, "a key of the issuer is not used: it {}", key.reason);
        }
        if set.more_rejected > 0 {
            let more = set.more_rejected;
            tracing::warn!(target: "portcullis", %place, "{more} more keys of the issuer are not used");
        }
        if set.unread > 0 {
            let (unread, most) = (set.unread, answer::MOST_KEYS);
            tracing::warn!(target: "portcullis", %place, "{unread} keys of the issuer are not read: of a set, {most} are used");
        }
    }

    /// Logged once.
    fn log_floor(&self, stated: Duration, lifetime: Duration) {
        if stated < lifetime && !std::mem::replace(&mut self.schedule().is_floor_logged, true) {
            let place = &self.0.settings.address;
            tracing::info!(
                target: "portcullis",
                %place,
                "the issuer says that its keys are valid for {stated:?} (`no-cache` and `no-store` say 0); they are kept for {lifetime:?}, \
                 which `RemoteKeysBuilder::lifetime` sets"
            );
        }
    }

    pub(super) fn log_failure(&self, error: &Error) {
        let (place, cause) = (&self.0.settings.address, std::error::Error::source(error));
        tracing::warn!(target: "portcullis", %place, cause, "the issuer's keys were not fetched: {error}");
    }
}
