//! Where requests run, and what becomes of them.

use crate::cast::{
    Server, ask, assert_misconfigured, assert_unavailable, built, client, get, is_child, ok, run_in_child, say, text,
};
use portcullis_core::{Error, HttpClient, HttpRequest, HttpResponse, RemoteKeys, Reply};
use portcullis_reqwest::Client;
use std::{
    fs,
    future::{pending, poll_fn},
    pin::pin,
    sync::{Arc, Barrier, mpsc},
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{self, Runtime},
    sync::Notify,
};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn clients_and_requests_cross_threads() {
    fn is<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    is::<Client>();
    let _: Arc<dyn HttpClient> = Arc::new(client());
}

fn workers() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Sends from a thread that need not have a runtime.
fn sent(client: &Client, url: &str) -> mpsc::Receiver<Result<HttpResponse, Error>> {
    let (tell, told) = mpsc::channel();
    client.send(HttpRequest::get(url), Reply::new(move |answer| tell.send(answer).unwrap()));
    told
}

/// A server that answers when it is told to, and tells when it was asked.
async fn waiting(asked: Arc<Notify>, go: Arc<Notify>) -> Server {
    Server::start(move |stream| {
        let (asked, go) = (asked.clone(), go.clone());
        async move {
            asked.notify_one();
            go.notified().await;
            say(stream, Arc::new(ok("still"))).await;
        }
    })
    .await
}

/// Who waits may go; the reply comes all the same, for the others who wait.
#[tokio::test]
async fn the_one_who_waits_goes() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = waiting(asked.clone(), go.clone()).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (client, url) = (client(), server.url("/"));
    let waiting = tokio::spawn(async move {
        client.send(HttpRequest::get(url), Reply::new(move |answer| tell.send(answer).unwrap()));
        drop(client);
        pending::<()>().await;
    });
    asked.notified().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    go.notify_one();
    assert_eq!(text(told.recv().await.unwrap()), "still");
    assert!(told.recv().await.is_none(), "one answer");
}

#[test]
fn send_does_not_wait_for_the_reply() {
    let (gate, others) = (Arc::new(Barrier::new(2)), client());
    let reply = Reply::new({
        let gate = gate.clone();
        // As one that takes a lock which the sender holds.
        move |answer| {
            gate.wait();
            assert_misconfigured(answer, "plain http");
            gate.wait();
        }
    });
    others.send(HttpRequest::get("http://id.example.com/"), reply);
    gate.wait();
    gate.wait();
}

#[test]
fn nobody_needs_a_runtime() {
    let servers = workers();
    let server = servers.block_on(Server::saying(ok("here")));
    let client = client();
    for _ in 0..2 {
        assert_eq!(text(sent(&client, &server.url("/")).recv_timeout(LONG).unwrap()), "here");
    }
    assert_misconfigured(sent(&client, "http://id.example.com/").recv_timeout(LONG).unwrap(), "plain http");
}

/// As actix-web's workers do it: each with a runtime of one thread, and one client for all of them. The server says that it
/// closes, so no worker takes over a connection of another one that is about to end.
#[test]
fn one_client_for_many_runtimes() {
    let client = client();
    let (tell, told) = mpsc::channel();
    let servers = workers();
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nhere";
    let server = servers.block_on(Server::saying(answer));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (client, url, tell) = (client.clone(), server.url("/"), tell.clone());
            thread::spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, async {
                    for _ in 0..3 {
                        let asked = ask(&client, HttpRequest::get(&url));
                        tell.send(text(tokio::task::spawn_local(asked).await.unwrap())).unwrap();
                    }
                });
            })
        })
        .collect();
    drop(tell);
    assert_eq!(told.iter().collect::<Vec<_>>(), ["here"; 12]);
    for worker in workers {
        worker.join().unwrap();
    }
}

/// A worker begins a request and blocks. Its runtime does nothing any more, and yet everybody is answered: those who came to
/// the same request and those who ask something else.
#[test]
fn a_blocked_worker_holds_up_nobody() {
    let servers = workers();
    let server = servers.block_on(Server::saying(ok("here")));
    let client = client();
    let (release, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let worker = thread::spawn({
        let (client, url) = (client.clone(), server.url("/"));
        move || {
            runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                client.send(HttpRequest::get(url), Reply::new(move |answer| tell.send(answer).unwrap()));
                let _ = released.recv();
            });
        }
    });
    assert_eq!(text(told.recv_timeout(LONG).unwrap()), "here");
    assert_eq!(text(sent(&client, &server.url("/")).recv_timeout(LONG).unwrap()), "here");
    assert!(!worker.is_finished());
    drop(release);
    worker.join().unwrap();
}

/// As above, where workers wait for the keys that one of them has begun to fetch.
#[test]
fn a_blocked_worker_holds_up_nobodys_keys() {
    // RFC 7515, appendix A.3.1.
    let key = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                 "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    let servers = workers();
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = servers.block_on(Server::start({
        let (asked, go) = (asked.clone(), go.clone());
        move |stream| {
            let (asked, go) = (asked.clone(), go.clone());
            async move {
                asked.notify_one();
                go.notified().await;
                say(stream, ok(key).into()).await;
            }
        }
    }));
    let keys = RemoteKeys::jwks(server.url("/jwks"), client()).unwrap();
    let worker = |blocks: Option<mpsc::Receiver<()>>| {
        let keys = keys.clone();
        thread::spawn(move || {
            runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut ready = pin!(keys.ready());
                if let Some(released) = blocks {
                    assert!(poll_fn(|context| Poll::Ready(ready.as_mut().poll(context).is_pending())).await);
                    let _ = released.recv();
                }
                ready.await
            })
        })
    };
    let (release, released) = mpsc::channel();
    let blocked = worker(Some(released));
    servers.block_on(asked.notified());
    let other = worker(None);
    go.notify_one();
    other.join().unwrap().unwrap();
    assert!(!blocked.is_finished());
    drop(release);
    blocked.join().unwrap().unwrap();
    assert_eq!(server.heads().len(), 1);
}

/// Whoever waits gives up after the client.
#[test]
fn how_long_an_answer_is_waited_for() {
    let second = Duration::from_secs(1);
    assert_eq!(client().time_limit(), 6 * second);
    assert_eq!(built(|client| client.timeout(2 * second)).time_limit(), 3 * second);
    assert_eq!(built(|client| client.timeout(Duration::MAX)).time_limit(), Duration::MAX);
    assert_eq!(Client::from(reqwest::Client::new()).time_limit(), 6 * second);
}

/// The reply that panics is one's own; the thread goes on.
#[test]
fn a_reply_that_panics() {
    let servers = workers();
    let server = servers.block_on(Server::saying(ok("here")));
    let client = client();
    client.send(HttpRequest::get(server.url("/")), Reply::new(|_| panic!("on purpose")));
    assert_eq!(text(sent(&client, &server.url("/")).recv_timeout(LONG).unwrap()), "here");
}

/// In a process of its own, whose threads are all known.
#[cfg(target_os = "linux")]
#[test]
fn the_thread_ends_with_the_last_clone() {
    run_in_child("runtime::the_thread_ends_with_the_last_clone_in_child", &[]);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by `the_thread_ends_with_the_last_clone`"]
fn the_thread_ends_with_the_last_clone_in_child() {
    fn is_there() -> bool {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let is =
            |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.contains("http"));
        tasks.flatten().any(is)
    }
    if !is_child() {
        return;
    }
    let servers = workers();
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = servers.block_on(waiting(asked.clone(), go.clone()));
    let client = client();
    assert!(!is_there(), "it starts with the first request");
    let told = sent(&client.clone(), &server.url("/"));
    servers.block_on(asked.notified());
    drop(client);
    assert!(is_there(), "it is not over");
    go.notify_one();
    assert_eq!(text(told.recv_timeout(LONG).unwrap()), "still");
    let started = Instant::now();
    while is_there() {
        assert!(started.elapsed() < LONG, "it goes on");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_runtime_of_the_callers() {
    let (first, second) = (workers(), workers());
    let client = built(|client| client.runtime(first.handle().clone()));
    let server = second.block_on(Server::saying(ok("here")));
    let (tell, told) = mpsc::channel();
    let reply = Reply::new(move |answer| tell.send((runtime::Handle::current().id(), answer)).unwrap());
    second.block_on(async { client.send(HttpRequest::get(server.url("/")), reply) });
    let (on, answer) = told.recv_timeout(LONG).unwrap();
    assert_eq!(text(answer), "here");
    assert_eq!(on, first.handle().id());

    drop(first);
    let told = sent(&client, &server.url("/"));
    assert_unavailable(told.recv_timeout(LONG).unwrap(), "gave up");
    assert!(told.recv().is_err(), "one answer");
}

#[test]
fn a_runtime_that_goes_amid_a_request() {
    let (servers, runtime) = (workers(), workers());
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = servers.block_on(waiting(asked.clone(), go));
    let told = sent(&built(|client| client.runtime(runtime.handle().clone())), &server.url("/"));
    servers.block_on(asked.notified());
    assert!(told.try_recv().is_err(), "still asking");
    drop(runtime);
    assert_unavailable(told.recv_timeout(LONG).unwrap(), "gave up");
    assert!(told.recv().is_err(), "one answer");
}

#[test]
fn a_runtime_without_drivers() {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let client = built(|client| client.runtime(runtime.handle().clone()));
    let answer = runtime.block_on(async { get(&client, "http://127.0.0.1:1/").await });
    assert_unavailable(answer, "gave up");
}
