//! The client that asks: counted, and cut off.

use crate::common::Anyhow;
use portcullis::{HttpClient, HttpRequest, Reply, reqwest::Client};
use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
};

/// Counts what it sends.
#[derive(Debug, Clone)]
pub struct Counted {
    client: Client,
    sent: Arc<AtomicUsize>,
}

impl Counted {
    pub fn new() -> Anyhow<Self> {
        Ok(Self { client: Client::new()?, sent: Arc::default() })
    }

    pub fn sent(&self) -> usize {
        self.sent.load(SeqCst)
    }
}

impl HttpClient for Counted {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.sent.fetch_add(1, SeqCst);
        self.client.send(request, reply);
    }
}

/// Stands before an instance, so that it can be stopped for one test alone.
pub struct Relay {
    address: SocketAddr,
    upstream: String,
    running: Option<JoinHandle<()>>,
    /// The connections of clients, which keep them.
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub fn start(upstream: &str) -> Anyhow<Self> {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let mut relay = Self { address: ([127, 0, 0, 1], 0).into(), upstream, running: None, open: Arc::default() };
        relay.resume()?;
        Ok(relay)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens, again on the same port if there was one.
    pub fn resume(&mut self) -> Anyhow {
        let listener = TcpListener::bind(self.address)?;
        self.address = listener.local_addr()?;
        let (upstream, open) = (self.upstream.clone(), self.open.clone());
        self.running = Some(thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A connection that says nothing is the one that stops this.
                if near.peek(&mut [0]).is_ok_and(|bytes| bytes > 0)
                    && let (Ok(far), Ok(kept)) = (TcpStream::connect(&upstream), near.try_clone())
                {
                    open.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
                    join(near, far);
                    continue;
                }
                return;
            }
        }));
        Ok(())
    }

    /// From now on, connections are refused, and those that there are have ended.
    pub fn stop(&mut self) -> Anyhow {
        if let Some(running) = self.running.take() {
            TcpStream::connect(self.address)?.shutdown(Shutdown::Both)?;
            running.join().map_err(|_| "the relay has panicked")?;
        }
        for connection in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The client may have closed it.
            let _ = connection.shutdown(Shutdown::Both);
        }
        Ok(())
    }
}

/// Each says what the other one has said.
fn join(near: TcpStream, far: TcpStream) {
    for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
        thread::spawn(move || -> io::Result<()> {
            let (mut from, mut to) = (from?, to?);
            io::copy(&mut from, &mut to)?;
            to.shutdown(Shutdown::Write)
        });
    }
}
