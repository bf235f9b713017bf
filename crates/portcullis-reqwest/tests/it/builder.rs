//! What a client can be told: proxies, limits, who asks; and clients of the application's own.

use crate::cast::{
    SHORT, Server, assert_misconfigured, assert_unavailable, built, client, everything, get, head, ok, say, text,
};
use portcullis_core::{Error, ErrorKind};
use portcullis_reqwest::{Client, ClientBuilder};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// A proxy that leads everywhere to one server.
pub(crate) struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let seen = seen.clone();
                tokio::spawn(async move {
                    let head = head(&mut stream).await;
                    let is_tunnel = head.starts_with("CONNECT ");
                    let is_denied = head.contains("denied");
                    seen.lock().unwrap().push(head);
                    if is_denied {
                        say(stream, b"HTTP/1.1 407 Who?\r\ncontent-length: 0\r\n\r\n".to_vec().into()).await;
                    } else if is_tunnel {
                        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                        let mut onward = TcpStream::connect(server).await.unwrap();
                        let _ = copy_bidirectional(&mut stream, &mut onward).await;
                    } else {
                        say(stream, Arc::new(ok("by proxy"))).await;
                    }
                });
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn refused(with: impl FnOnce(ClientBuilder) -> ClientBuilder, detail: &str) -> Error {
    let error = with(Client::builder()).build().expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains(detail), "{error}");
    error
}

#[tokio::test]
async fn plain_http_through_a_proxy() {
    let server = Server::saying(ok("here")).await;
    let proxy = Proxy::to(server.address).await;
    let url = proxy.url().replace("//", "//some%20one:s3cret@");
    let client = built(|client| client.proxy(&url).dangerous_allow_http());
    assert_eq!(text(get(&client, "http://id.example.com/keys").await), "by proxy");
    let heads = proxy.heads();
    assert!(heads[0].starts_with("GET http://id.example.com/keys HTTP/1.1\r\n"), "{heads:?}");
    // Base64 of `some one:s3cret`.
    assert!(heads[0].contains("proxy-authorization: Basic c29tZSBvbmU6czNjcmV0\r\n"), "{heads:?}");

    // A proxy is no leave to ask over plain http.
    assert_misconfigured(get(&built(|client| client.proxy(&url)), "http://id.example.com/keys").await, "plain http");
    assert_eq!(proxy.heads().len(), 1);
}

/// This machine is not the proxy's. On Linux these lead to the server.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn loopback_is_asked_without_the_proxy() {
    let server = Server::listen("0.0.0.0:0", |stream| say(stream, ok("here").into())).await;
    let proxy = Proxy::to(server.address).await;
    let client = built(|client| client.proxy(&proxy.url()));
    let port = server.address.port();
    for host in ["127.0.0.1", "127.8.8.8", "localhost", "LocalHost", "id.localhost"] {
        assert_eq!(text(get(&client, format!("http://{host}:{port}/")).await), "here", "{host}");
    }
    assert_unavailable(get(&client, "http://[::1]:1/").await, "cannot connect");
    assert_eq!(proxy.heads().len(), 0);
}

#[tokio::test]
async fn a_proxy_that_does_not_let_pass() {
    let server = Server::saying(ok("here")).await;
    let proxy = Proxy::to(server.address).await;
    let url = proxy.url().replace("//", "//someone:s3cret@");
    let client = built(|client| client.proxy(&url));
    let error = assert_unavailable(get(&client, "https://denied.example.com/").await, "cannot connect to denied");
    let all = everything(&error);
    assert!(all.contains("proxy") && !all.contains("s3cret") && !all.contains("czNjcmV0"), "{all}");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://someone:s3cret@{}", nobody.local_addr().unwrap());
    drop(nobody);
    let client = built(|client| client.proxy(&url));
    let error = assert_unavailable(get(&client, "https://id.example.com/").await, "cannot connect to id.example.com");
    assert!(!everything(&error).contains("s3cret"), "{}", everything(&error));
}

#[test]
fn proxies_that_are_none() {
    for url in ["", "proxy:3128", "socks5://s3cret:s3cret@proxy", "http://", "ftp://someone:s3cret@proxy", "s3cret"] {
        let error = refused(|client| client.proxy(url), "the proxy's address");
        assert!(!everything(&error).contains("s3cret"), "{}", everything(&error));
    }
    built(|client| client.proxy("https://proxy.example.com"));
}

#[tokio::test]
async fn who_asks() {
    let server = Server::saying(ok("here")).await;
    assert_eq!(text(get(&built(|client| client.user_agent("orders/2.1")), server.url("/")).await), "here");
    assert!(server.heads()[0].contains("user-agent: orders/2.1\r\n"), "{:?}", server.heads());
    refused(|client| client.user_agent("orders\r\nx-more: 1"), "user agent");
}

/// What is said first is not forgotten for what is said then.
#[test]
fn the_first_mistake_is_told() {
    refused(|client| client.user_agent("\n").proxy("no").root_certificates("no").user_agent("orders"), "user agent");
}

/// A listener with a full queue does not answer to who connects, on Linux.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_made_in_time() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let client = built(|client| client.connect_timeout(SHORT));
    let error = assert_unavailable(get(&client, format!("http://{address}/")).await, "cannot connect to");
    assert!(everything(&error).contains("Elapsed"), "{}", everything(&error));
    // Who waits for an answer is connected.
    let slow = Server::start(|stream| async {
        tokio::time::sleep(2 * SHORT).await;
        say(stream, Arc::new(ok("at last"))).await;
    })
    .await;
    assert_eq!(text(get(&client, slow.url("/")).await), "at last");
}

#[test]
fn debug_shows_no_secret() {
    let builder = Client::builder().proxy("http://someone:s3cret@proxy").user_agent("s3cret");
    let client = builder.build().unwrap();
    let made: Client = reqwest::Client::builder().user_agent("s3cret").build().unwrap().into();
    let builder = Client::builder().proxy("http://someone:s3cret@proxy").user_agent("s3cret");
    for debug in [format!("{builder:?}"), format!("{client:?}"), format!("{made:#?}")] {
        assert!(debug.contains("timeout") && !debug.contains("s3cret"), "{debug}");
    }
}

#[tokio::test]
async fn a_client_of_the_applications_own() {
    let server = Server::saying(ok("here")).await;
    let made = reqwest::Client::builder().user_agent("the-applications").build().unwrap();
    let client = Client::from(made);
    assert_eq!(text(get(&client, server.url("/")).await), "here");
    assert!(server.heads()[0].contains("user-agent: the-applications\r\n"));

    assert_misconfigured(get(&client, "http://id.example.com/").await, "plain http");
    assert_misconfigured(get(&client, format!("http://id:s3cret@{}/", server.address)).await, "password");
    let large = Server::saying(ok(&"x".repeat((1 << 20) + 1))).await;
    assert_unavailable(get(&client, large.url("/")).await, "more than 1048576 bytes");
    // Nothing is known of its connections, so nothing is sent again.
    let closing = Server::saying("").await;
    assert_unavailable(get(&client, closing.url("/")).await, "gave no HTTP answer");
    assert_eq!(closing.heads().len(), 1);
}

/// Redirects are the business of who made it; ours follows none.
#[tokio::test]
async fn redirects_of_a_client_of_the_applications_own() {
    let other = Server::saying(ok("other")).await;
    let answer = format!("HTTP/1.1 302 There\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url("/"));
    let server = Server::saying(answer).await;
    let follows = Client::from(reqwest::Client::new());
    assert_eq!(text(get(&follows, server.url("/")).await), "other");
    assert_eq!(get(&client(), server.url("/")).await.unwrap().status(), 302);
}
