//! How often issuers are asked, all together.

use crate::{
    answer::Answer,
    clock::Time,
    error::{Error, ErrorKind},
    http::{HttpClient, HttpRequest, Reply},
    sync::Mutex,
};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

const MINUTE: f64 = 60.0;

/// A client that sends so many requests a minute, and fails the others without sending them.
#[derive(Debug)]
pub(super) struct Budget {
    client: Arc<dyn HttpClient>,
    per_minute: f64,
    time: Time,
    /// How many may be sent, at this time.
    left: Mutex<Option<(f64, SystemTime)>>,
}

impl Budget {
    pub(super) fn new(client: Arc<dyn HttpClient>, per_minute: u32, time: Time) -> Self {
        Self { client, per_minute: per_minute.into(), time, left: Mutex::new(None) }
    }

    fn take(&self) -> bool {
        let now = self.time.now();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, then) = left.unwrap_or((self.per_minute, now));
        // A clock that is set back adds nothing.
        let passed = now.duration_since(then).unwrap_or_default().as_secs_f64();
        let have = (before + passed * self.per_minute / MINUTE).min(self.per_minute);
        let takes = have >= 1.0;
        *left = Some((if takes { have - 1.0 } else { have }, now));
        takes
    }
}

impl HttpClient for Budget {
    fn send(&self, request: HttpRequest, reply: Reply) {
        match self.take() {
            true => self.client.send(request, reply),
            false => reply.give(Err(Error::new(
                ErrorKind::Unavailable,
                "issuers were asked as often in this minute as TrustedIssuers::fetches_per_minute allows",
            ))),
        }
    }

    fn time_limit(&self) -> Duration {
        self.client.time_limit()
    }

    fn sleep(&self, time: Duration) -> Answer<'static, ()> {
        self.client.sleep(time)
    }

    fn is_public_only(&self) -> bool {
        self.client.is_public_only()
    }
}
