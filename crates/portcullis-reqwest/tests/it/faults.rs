//! What servers and networks do to those who ask.

use crate::cast::{SHORT, Server, assert_unavailable, built, client, everything, get, ok, say, text};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    runtime::Handle,
    sync::Barrier,
    time::{Instant, sleep},
};

const TICK: Duration = Duration::from_millis(10);

#[tokio::test]
async fn slow_headers() {
    let server = Server::start(|stream| async {
        sleep(2 * SHORT).await;
        say(stream, Arc::new(ok("at last"))).await;
    })
    .await;
    let client = client();
    assert_unavailable(
        get(&built(|client| client.timeout(SHORT)), server.url("/")).await,
        "did not answer within 200ms",
    );
    assert_eq!(text(get(&client, server.url("/")).await), "at last");
}

#[tokio::test]
async fn a_body_that_drips() {
    async fn drip(mut stream: tokio::net::TcpStream, drops: usize) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        for _ in 0..drops {
            if stream.write_all(b".").await.is_err() {
                return;
            }
            sleep(TICK).await;
        }
    }
    let endless = Server::start(|stream| drip(stream, usize::MAX)).await;
    let started = Instant::now();
    assert_unavailable(
        get(&built(|client| client.timeout(SHORT)), endless.url("/")).await,
        "did not answer within 200ms",
    );
    assert!(started.elapsed() < 10 * SHORT, "{:?}", started.elapsed());

    let five = Server::start(|stream| drip(stream, 5)).await;
    assert_eq!(text(get(&client(), five.url("/")).await), ".....");
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let server = Server::start(|stream| async {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let error =
        assert_unavailable(get(&built(|client| client.timeout(SHORT)), server.url("/a-path")).await, "within 200ms");
    assert!(std::error::Error::source(&error).is_some());
    assert!(!everything(&error).contains("a-path"));
}

/// On a clock that goes on by itself while everybody waits.
#[tokio::test(start_paused = true)]
async fn five_seconds_by_default() {
    let silent = Server::start(|stream| async {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let client = built(|client| client.runtime(Handle::current()));
    let started = Instant::now();
    assert_unavailable(get(&client, silent.url("/")).await, "did not answer within 5s");
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_connection_that_is_never_accepted_counts() {
    // The system accepts for the listener, so the time runs out on an answer that nobody writes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    assert_unavailable(get(&built(|client| client.timeout(SHORT)), url).await, "did not answer within 200ms");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = assert_unavailable(
        get(&client(), format!("http://{address}/a-path?code=s3cret")).await,
        &format!("cannot connect to {address}"),
    );
    let everything = everything(&error);
    assert!(everything.contains("refused"), "{everything}");
    assert!(!everything.contains("a-path") && !everything.contains("s3cret"), "{everything}");
}

#[tokio::test]
async fn a_name_that_is_none() {
    // No resolver has to be asked for a label of 64 letters.
    let name = format!("{}.invalid", "a".repeat(64));
    let error =
        assert_unavailable(get(&client(), format!("https://{name}/")).await, &format!("cannot connect to {name}"));
    assert!(everything(&error).contains("dns"), "{}", everything(&error));
}

#[tokio::test]
async fn a_reset() {
    let before = Server::start(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    assert_unavailable(get(&client(), before.url("/a-path")).await, "gave no HTTP answer");
    assert_eq!(before.heads().len(), 1, "not tried again");

    let amid = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        sleep(TICK).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    // What had arrived before may be lost with the reset, so it is one of two details.
    let error = assert_unavailable(get(&client(), amid.url("/a-path")).await, "");
    assert!(!everything(&error).contains("a-path"));
    assert_eq!(amid.heads().len(), 1, "not tried again");
}

#[tokio::test]
async fn a_body_shorter_than_its_length() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert_unavailable(get(&client(), server.url("/")).await, "broke off");
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhalf").await;
    assert_eq!(text(get(&client(), server.url("/")).await), "half");
}

#[tokio::test]
async fn chunks_without_a_last_one() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::saying(format!("{head}4\r\nhalf\r\n")).await;
    assert_unavailable(get(&client(), server.url("/")).await, "broke off");
    let server = Server::saying(format!("{head}zz\r\nhalf\r\n0\r\n\r\n")).await;
    assert_unavailable(get(&client(), server.url("/")).await, "broke off");
    let server = Server::saying(format!("{head}4\r\nhalf\r\n0\r\n\r\n")).await;
    assert_eq!(text(get(&client(), server.url("/")).await), "half");
}

#[tokio::test]
async fn something_else_than_http() {
    for said in
        ["SSH-2.0-OpenSSH_9.9\r\n", "\0\0\0", "", "HTTP/1.1 200 O", "HTTP/9.9 200 OK\r\n\r\n", "{\"keys\":[]}\n"]
    {
        let server = Server::saying(said).await;
        assert_unavailable(get(&client(), server.url("/")).await, "gave no HTTP answer");
    }
}

/// None is answered before all are asked.
#[tokio::test]
async fn many_at_once() {
    let all = Arc::new(Barrier::new(32));
    let server = Server::start(move |stream| {
        let all = all.clone();
        async move {
            all.wait().await;
            say(stream, Arc::new(ok("together"))).await;
        }
    })
    .await;
    let client = client();
    let answers: Vec<_> = (0..32).map(|n| get(&client, server.url(&format!("/{n}")))).collect();
    for answer in answers {
        assert_eq!(text(answer.await), "together");
    }
    let mut heads = server.heads();
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), 32);
}
