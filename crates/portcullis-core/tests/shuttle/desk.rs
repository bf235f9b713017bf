//! An issuer's HTTP side. What it is asked lands on a desk, and somebody else answers it at some time.

use portcullis_core::{Answer, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use shuttle::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

pub type Asked = (HttpRequest, Reply);

/// Clones are the same desk. What it counts is no place for the scheduler to choose somebody else.
#[derive(Clone)]
pub struct Desk {
    requests: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    posted: Sender<Asked>,
}

impl Desk {
    pub fn new() -> (Self, Receiver<Asked>) {
        let (posted, asked) = channel();
        (Self { requests: Arc::default(), under_way: Arc::default(), most: Arc::default(), posted }, asked)
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }

    /// How many were under way together at most.
    pub fn most_under_way(&self) -> usize {
        self.most.load(SeqCst)
    }
}

impl HttpClient for Desk {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.requests.fetch_add(1, SeqCst);
        self.most.fetch_max(self.under_way.fetch_add(1, SeqCst) + 1, SeqCst);
        let under_way = self.under_way.clone();
        let reply = Reply::new(move |answer| {
            under_way.fetch_sub(1, SeqCst);
            reply.give(answer);
        });
        // With nobody at the desk any more the reply is dropped.
        let _ = self.posted.send((request, reply));
    }

    /// There is no time under the scheduler: nobody gives up.
    fn sleep(&self, _: Duration) -> Answer<'static, ()> {
        Answer::later(std::future::pending())
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Does {
    Gives(HttpResponse),
    /// No connection.
    Fails,
    /// The client gives up without a word.
    Drops,
}

impl Does {
    pub fn with(self, reply: Reply) {
        match self {
            Self::Gives(answer) => reply.give(Ok(answer)),
            Self::Fails => reply.give(Err(Error::new(ErrorKind::Unavailable, "no connection"))),
            Self::Drops => drop(reply),
        }
    }
}

/// A thread that answers.
pub struct Answering {
    thread: JoinHandle<()>,
    landed: Receiver<()>,
}

impl Answering {
    /// Waits until one more answer has landed, whoever waited for it.
    pub fn landed(&self) {
        self.landed.recv().unwrap();
    }

    /// Nobody is left who could ask. As long as anything is under way, somebody is.
    pub fn ends(self) {
        self.thread.join().unwrap();
    }
}

/// Does this with each request, of which it is told the place in the order.
pub fn answering(
    asked: Receiver<Asked>,
    mut does: impl FnMut(usize, &HttpRequest) -> Does + Send + 'static,
) -> Answering {
    let (landing, landed) = channel();
    let thread = thread::spawn(move || {
        for (place, (request, reply)) in asked.iter().enumerate() {
            does(place, &request).with(reply);
            // Whether anybody waits for that or not.
            let _ = landing.send(());
        }
    });
    Answering { thread, landed }
}

/// Nobody answers any more.
pub fn leave(asked: Receiver<Asked>) {
    while let Ok((_, reply)) = asked.try_recv() {
        drop(reply);
    }
}
