//! Where requests run.

use portcullis_core::{Error, ErrorKind};
use std::{
    convert::Infallible,
    io,
    sync::{Arc, OnceLock},
    thread,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

#[derive(Clone)]
pub(crate) enum Runtime {
    /// The application's.
    Given(Handle),
    /// One of the client's own, started with its first request: a process may fork before that.
    Own(Arc<OnceLock<Thread>>),
}

impl Runtime {
    pub(crate) fn own() -> Self {
        Self::Own(Arc::default())
    }

    pub(crate) fn handle(&self) -> Result<&Handle, Error> {
        match self {
            Self::Given(handle) => Ok(handle),
            Self::Own(cell) => match cell.get() {
                Some(thread) => Ok(&thread.handle),
                None => {
                    let started = Thread::start().map_err(|error| {
                        Error::new(ErrorKind::Unavailable, "cannot start the thread that asks issuers")
                            .with_cause(error)
                    })?;
                    // Of two that start at once, one ends again.
                    Ok(&cell.get_or_init(|| started).handle)
                }
            },
        }
    }
}

/// A thread with a runtime, which ends when this is dropped.
pub(crate) struct Thread {
    handle: Handle,
    _open: oneshot::Sender<Infallible>,
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().thread_name("portcullis-dns").build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel();
        thread::Builder::new().name("portcullis-http".to_owned()).spawn(move || {
            let _ = runtime.block_on(closed);
        })?;
        Ok(Self { handle, _open: open })
    }
}
