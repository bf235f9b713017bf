//! Which connections are kept, and what happens when an issuer closes one.

use crate::cast::{Server, ask, assert_unavailable, built, client, get, head, ok, say, text};
use portcullis_core::HttpRequest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    sync::Barrier,
    time,
};

/// Answers as many requests as it is asked on one connection.
async fn answer_all(mut stream: TcpStream) {
    loop {
        stream.write_all(&ok("here")).await.unwrap();
        if head(&mut stream).await.is_empty() {
            return;
        }
    }
}

#[tokio::test]
async fn the_next_request_takes_the_connection_of_the_last() {
    let server = Server::start(answer_all).await;
    let client = client();
    for _ in 0..20 {
        assert_eq!(text(get(&client.clone(), server.url("/")).await), "here");
    }
    assert_eq!(server.heads().len(), 1, "connections");

    let closing = Server::start(|stream| {
        say(stream, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nhere".to_vec().into())
    })
    .await;
    for _ in 0..3 {
        assert_eq!(text(get(&client, closing.url("/")).await), "here");
    }
    assert_eq!(closing.heads().len(), 3);
}

/// As many as are asked at once are made, and so many are not kept.
#[tokio::test]
async fn so_many_are_kept() {
    let (all, open) = (Arc::new(Barrier::new(100)), Arc::new(AtomicUsize::new(0)));
    let server = Server::start({
        let open = open.clone();
        move |mut stream| {
            let (all, open) = (all.clone(), open.clone());
            async move {
                open.fetch_add(1, SeqCst);
                all.wait().await;
                stream.write_all(&ok("here")).await.unwrap();
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
                open.fetch_sub(1, SeqCst);
            }
        }
    })
    .await;
    let client = client();
    let answers: Vec<_> = (0..100).map(|_| get(&client, server.url("/"))).collect();
    for answer in answers {
        assert_eq!(text(answer.await), "here");
    }
    let settled = async {
        while open.load(SeqCst) > 64 {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(Duration::from_secs(3), settled).await.expect("36 are closed before any has idled too long");
}

#[tokio::test]
async fn none_is_kept_for_long() {
    let server = Server::start(answer_all).await;
    let client = built(|client| client.runtime(Handle::current()));
    for (pause, connections) in [(0, 1), (3, 1), (5, 2)] {
        time::pause();
        time::advance(Duration::from_secs(pause)).await;
        time::resume();
        assert_eq!(text(get(&client, server.url("/")).await), "here");
        assert_eq!(server.heads().len(), connections, "after {pause} s");
    }
}

/// The request is on its way when the connection goes, so the issuer may have read it: once more, on a connection that
/// is new.
#[tokio::test]
async fn a_kept_connection_that_closes_when_it_is_used() {
    let unanswered = Arc::new(AtomicUsize::new(0));
    let server = Server::start({
        let unanswered = unanswered.clone();
        move |mut stream| {
            let unanswered = unanswered.clone();
            async move {
                stream.write_all(&ok("here")).await.unwrap();
                if !head(&mut stream).await.is_empty() {
                    unanswered.fetch_add(1, SeqCst);
                }
            }
        }
    })
    .await;
    let client = client();
    let form = || HttpRequest::post_form(server.url("/introspect"), &[("token", "opaque")]);
    for _ in 0..5 {
        assert_eq!(text(get(&client, server.url("/")).await), "here");
        assert_eq!(text(ask(&client, form()).await), "here");
    }
    assert_eq!((server.heads().len(), unanswered.load(SeqCst)), (10, 9));
}

/// With a reset instead of an end, and many kept at once: none is lost, however many are dead.
#[tokio::test]
async fn all_kept_connections_are_dead() {
    let all = Arc::new(Barrier::new(32));
    let server = Server::start(move |mut stream| {
        let all = all.clone();
        async move {
            all.wait().await;
            stream.write_all(&ok("here")).await.unwrap();
            head(&mut stream).await;
            stream.set_zero_linger().unwrap();
        }
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let answers: Vec<_> = (0..32).map(|_| get(&client, server.url("/"))).collect();
        for answer in answers {
            assert_eq!(text(answer.await), "here");
        }
    }
}

/// A server that closes without saying so, right after it answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_keeps_any() {
    let server = Server::saying(ok("here")).await;
    let client = client();
    for _ in 0..20 {
        let answers: Vec<_> = (0..16).map(|_| get(&client, server.url("/"))).collect();
        for answer in answers {
            assert_eq!(text(answer.await), "here");
        }
    }
}

/// What was begun is the answer, on whichever connection.
#[tokio::test]
async fn an_answer_that_breaks_off_on_a_kept_connection() {
    let server = Server::start(|mut stream| async move {
        stream.write_all(&ok("here")).await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let client = client();
    assert_eq!(text(get(&client, server.url("/")).await), "here");
    assert_unavailable(get(&client, server.url("/")).await, "broke off");
    assert_eq!(server.heads().len(), 1, "not asked on another");
}

/// A request on a kept connection has no more time than another.
#[tokio::test]
async fn a_kept_connection_that_hangs() {
    let server = Server::start(|mut stream| async move {
        stream.write_all(&ok("here")).await.unwrap();
        head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let client = built(|client| client.timeout(crate::cast::SHORT));
    assert_eq!(text(get(&client, server.url("/")).await), "here");
    assert_unavailable(get(&client, server.url("/")).await, "did not answer within 200ms");
    assert_eq!(text(get(&client, server.url("/")).await), "here");
    assert_eq!(server.heads().len(), 2);
}

/// An issuer that has answered and then answers nobody is asked once more than there are requests, and no more.
#[tokio::test]
async fn an_issuer_that_stops_answering() {
    let answers = Arc::new(AtomicUsize::new(0));
    let server = Server::start({
        let answers = answers.clone();
        move |stream| {
            let first = answers.fetch_add(1, SeqCst) == 0;
            let bytes = if first {
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nhere".to_vec()
            } else {
                vec![]
            };
            say(stream, bytes.into())
        }
    })
    .await;
    let client = client();
    assert_eq!(text(get(&client, server.url("/")).await), "here");
    for asked in [3, 4, 5] {
        assert_unavailable(get(&client, server.url("/")).await, "gave no HTTP answer");
        assert_eq!(server.heads().len(), asked);
    }
}
