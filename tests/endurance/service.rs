//! A service behind a gate, and those who call it at a steady pace.

use crate::Anyhow;
use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::get,
};
use portcullis::{
    Gate,
    axum::{Authenticated, Routes},
    policy::authenticated,
};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep_until};
use tower::ServiceExt;

const STALL: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Service(Router);

/// What became of one request.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub status: u16,
    pub is_told_when: bool,
    pub asked: Instant,
    pub took: Duration,
}

impl Answered {
    pub fn is_let_in(&self) -> bool {
        self.status == 200
    }

    /// 503 with `Retry-After`.
    pub fn is_put_off(&self) -> bool {
        self.status == 503 && self.is_told_when
    }

    pub fn at(&self) -> Instant {
        self.asked + self.took
    }
}

impl Service {
    pub fn new(gate: Gate) -> Self {
        let me = async |Authenticated(principal): Authenticated| principal.id().subject().to_owned();
        Self(Routes::new(&gate).route("/", authenticated(), get(me)).into_router().with_state(gate))
    }

    pub async fn ask(self, token: String) -> Anyhow<Answered> {
        let request = Request::get("/").header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty())?;
        let asked = Instant::now();
        let answer = self.0.oneshot(request).await?;
        let is_told_when = answer.headers().contains_key(header::RETRY_AFTER);
        Ok(Answered { status: answer.status().as_u16(), is_told_when, asked, took: asked.elapsed() })
    }

    /// So many a second until then, whether the earlier ones were answered or not; and what became of all of them.
    pub async fn ask_steadily(
        self,
        rate: u32,
        until: Instant,
        token: impl Fn(usize) -> String,
    ) -> Anyhow<Vec<Answered>> {
        let (mut next, mut asked) = (Instant::now(), JoinSet::new());
        for number in 0.. {
            sleep_until(next.into()).await;
            if next >= until {
                break;
            }
            asked.spawn(self.clone().ask(token(number)));
            // A machine that was busy elsewhere is not made up for at once: that would be another load.
            next = next.max(Instant::now() - STALL) + Duration::from_secs(1) / rate;
        }
        asked.join_all().await.into_iter().collect()
    }
}

/// How many there are of each status, and how long one waited at most.
pub struct Counts {
    statuses: BTreeMap<u16, usize>,
    longest: Duration,
}

impl Counts {
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a Answered>) -> Self {
        let mut counts = Self { statuses: BTreeMap::new(), longest: Duration::ZERO };
        for answer in answers {
            *counts.statuses.entry(answer.status).or_default() += 1;
            counts.longest = counts.longest.max(answer.took);
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, count) in &self.statuses {
            write!(f, "{status} × {count}, ")?;
        }
        write!(f, "the longest after {:.0?}", self.longest)
    }
}
