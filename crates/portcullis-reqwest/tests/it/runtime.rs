//! Where requests run, and what becomes of them.

use crate::cast::{Server, ask, assert_misconfigured, assert_unavailable, client, get, ok, say, text};
use portcullis_core::{HttpClient, HttpRequest, Reply};
use portcullis_reqwest::Client;
use std::{
    future::pending,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime,
    sync::Notify,
    time::timeout,
};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn clients_and_requests_cross_threads() {
    fn is<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    is::<Client>();
    let _: Arc<dyn HttpClient> = Arc::new(client());
}

/// Who waits may go; the reply comes all the same, for the others who wait.
#[tokio::test]
async fn the_one_who_waits_goes() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = Server::start({
        let (asked, go) = (asked.clone(), go.clone());
        move |stream| {
            let (asked, go) = (asked.clone(), go.clone());
            async move {
                asked.notify_one();
                go.notified().await;
                say(stream, Arc::new(ok("still"))).await;
            }
        }
    })
    .await;

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

#[tokio::test]
async fn send_does_not_wait_for_the_reply() {
    let (tell, told) = mpsc::channel();
    let reply = Reply::new(move |answer| tell.send(answer).unwrap());
    client().send(HttpRequest::get("http://id.example.com/"), reply);
    assert!(told.try_recv().is_err(), "not before `send` returns, which may hold a lock that the reply takes");
    let told = tokio::task::spawn_blocking(move || told.recv_timeout(LONG).unwrap()).await.unwrap();
    assert_misconfigured(told, "plain http");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_without_a_runtime() {
    let server = Server::saying(ok("here")).await;
    let url = server.url("/");
    let send = |client: Client| {
        let (url, (tell, told)) = (url.clone(), mpsc::channel());
        thread::spawn(move || {
            client.send(HttpRequest::get(url), Reply::new(move |answer| tell.send(answer).unwrap()));
        })
        .join()
        .unwrap();
        tokio::task::spawn_blocking(move || told.recv_timeout(LONG).unwrap())
    };
    // Made on a runtime, it runs there.
    assert_eq!(text(send(client()).await.unwrap()), "here");
    // Made on none, it runs nowhere.
    let homeless = thread::spawn(client).join().unwrap();
    assert_misconfigured(send(homeless.clone()).await.unwrap(), "tokio runtime");
    assert_eq!(server.heads().len(), 1);
    // But it does where one is.
    assert_eq!(text(get(&homeless, &url).await), "here");
}

#[test]
fn a_client_outlives_the_runtime_it_was_made_on() {
    let first = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = first.block_on(async {
        let client = client();
        let server = Server::saying(ok("first")).await;
        assert_eq!(text(get(&client, server.url("/")).await), "first");
        client
    });
    drop(first);

    let second = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        let server = Server::saying(ok("second")).await;
        assert_eq!(text(get(&client, server.url("/")).await), "second");
    });
    drop(second);

    // Nothing but the first one is left, and that is gone.
    let (tell, told) = mpsc::channel();
    client.send(HttpRequest::get("https://id.example.com/"), Reply::new(move |answer| tell.send(answer).unwrap()));
    assert_unavailable(told.recv_timeout(LONG).unwrap(), "gave up");
    assert!(told.recv().is_err(), "one answer");
}

#[test]
fn a_runtime_that_goes_amid_a_request() {
    let (tell, told) = mpsc::channel();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let asked = Arc::new(Notify::new());
        let told = asked.clone();
        let server = Server::start(move |stream| {
            told.notify_one();
            async {
                pending::<()>().await;
                drop(stream);
            }
        })
        .await;
        client().send(HttpRequest::get(server.url("/")), Reply::new(move |answer| tell.send(answer).unwrap()));
        asked.notified().await;
    });
    assert!(told.try_recv().is_err(), "still asking");
    drop(runtime);
    assert_unavailable(told.recv_timeout(LONG).unwrap(), "gave up");
    assert!(told.recv().is_err(), "one answer");
}

/// As actix-web's workers do it: each with a runtime of one thread, and one client for all of them.
#[test]
fn one_client_for_many_runtimes() {
    let client = client();
    let (tell, told) = mpsc::channel();
    let servers = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = servers.block_on(Server::saying(ok("here")));
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

/// A connection that one worker left open does not carry the request of the next.
#[tokio::test]
async fn connections_are_not_kept() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let tell = tell.clone();
        async move {
            stream.write_all(&ok("here")).await.unwrap();
            tell.send(stream.read(&mut [0]).await.unwrap()).unwrap();
        }
    })
    .await;
    let client = client();
    for _ in 0..3 {
        assert_eq!(text(get(&client, server.url("/")).await), "here");
        assert_eq!(timeout(LONG, told.recv()).await.unwrap(), Some(0), "closed");
    }
    assert_eq!(server.heads().len(), 3);
}

#[test]
fn a_runtime_without_drivers() {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(async { get(&client(), "http://127.0.0.1:1/").await });
    assert_unavailable(answer, "gave up");
}
