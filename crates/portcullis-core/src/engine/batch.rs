//! The questions of all rows of a list, asked together.
//!
//! The rows are decided side by side, by rights whose engines only collect. Once no row can go on without an answer, each
//! engine gets everything that was collected for it in one question. So it is asked what it would be asked row by row.

use super::{AnyEngine, EngineRequest};
use crate::{
    answer::Answer,
    error::{Error, ErrorKind},
    rights::Rights,
};
use futures_channel::oneshot::{Sender, channel};
use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

/// The engines of a gate, for one list.
pub(crate) struct Batches {
    pub(crate) rights: Rights,
    engines: Vec<Arc<Collecting>>,
}

/// An engine whose requests wait for each other.
struct Collecting {
    engine: Arc<dyn AnyEngine>,
    waiting: Mutex<Vec<Waiting>>,
}

type Waiting = (EngineRequest, Sender<Result<bool, Error>>);

impl Batches {
    pub(crate) fn new(rights: &Rights) -> Self {
        let (mut rights, mut engines) = (rights.clone(), Vec::new());
        for engine in rights.engines.values_mut() {
            let collecting = Arc::new(Collecting { engine: engine.clone(), waiting: Mutex::default() });
            *engine = collecting.clone();
            engines.push(collecting);
        }
        for (_, candidate) in &mut rights.candidates {
            *candidate = Arc::new(Rights { engines: rights.engines.clone(), ..(**candidate).clone() });
        }
        Self { rights, engines }
    }

    /// What all rows come to, in their order. They are decided by [`rights`](Self::rights).
    pub(crate) async fn decide<T>(&self, rows: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let mut rows = pin!(join_all(rows));
        let mut asked = FuturesUnordered::new();
        poll_fn(|context| {
            loop {
                if let Poll::Ready(all) = rows.as_mut().poll(context) {
                    return Poll::Ready(all);
                }
                asked.extend(self.engines.iter().filter_map(|engine| engine.ask()));
                if !matches!(asked.poll_next_unpin(context), Poll::Ready(Some(()))) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl Collecting {
    /// Asks what was collected; `None` if there is nothing.
    fn ask(&self) -> Option<impl Future<Output = ()> + use<>> {
        let waiting = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (requests, senders): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let asked = (!senders.is_empty()).then(|| self.engine.clone().allows_each(requests))?;
        Some(async move {
            let answers = asked.await;
            for (place, sender) in senders.into_iter().enumerate() {
                let answer = answers.as_ref().map_err(Clone::clone);
                let answer = answer.and_then(|all| all.get(place).copied().ok_or_else(unanswered));
                // A row that is decided by now does not wait any more.
                _ = sender.send(answer);
            }
        })
    }
}

fn unanswered() -> Error {
    Error::new(ErrorKind::Unavailable, "the policy engine did not answer")
}

impl AnyEngine for Collecting {
    fn allows(self: Arc<Self>, request: EngineRequest) -> Answer<'static, Result<bool, Error>> {
        Answer::later(async move {
            let (sender, answer) = channel();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((request, sender));
            answer.await.unwrap_or_else(|_| Err(unanswered()))
        })
    }

    fn allows_each(self: Arc<Self>, requests: Vec<EngineRequest>) -> Answer<'static, Result<Vec<bool>, Error>> {
        self.engine.clone().allows_each(requests)
    }
}

impl fmt::Debug for Collecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.fmt(f)
    }
}
