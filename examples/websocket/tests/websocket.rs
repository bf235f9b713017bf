//! What both services answer to every way of opening a socket, and that no token ends up in their logs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod log;

use actix_web::{HttpServer, rt};
use futures_util::{SinkExt, StreamExt};
use portcullis::{
    Algorithm,
    testing::{SigningKey, TestIssuer, TestToken},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderMap},
};
use websocket::{AUDIENCE, ISSUER, on_actix, on_axum};

const SECRET: &str = "a secret of this test, of more than thirty-two bytes";

static KEY: LazyLock<TestIssuer> = LazyLock::new(|| issuer(SECRET));

/// A token that may echo.
fn token() -> TestToken<'static> {
    KEY.token("alice").permission("echo:use")
}

fn issuer(secret: &str) -> TestIssuer {
    let key = SigningKey::secret(Algorithm::Hs256, secret).unwrap();
    TestIssuer::with_key(key).named(ISSUER).for_audience(AUDIENCE).on_system_time()
}

/// What is asked, as `name: value`.
type Headers<'a> = &'a [(&'static str, &'a str)];

#[derive(Debug)]
enum Answer {
    /// With the subprotocol that was selected, and what came back for `hello`.
    Open(Option<String>, String),
    Refused(u16, HeaderMap, Vec<u8>),
}

struct Service {
    name: &'static str,
    address: SocketAddr,
}

impl Service {
    async fn open(&self, path: &str, headers: Headers<'_>) -> Answer {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let opened = client_async(request, &mut stream).await;
        match opened {
            Ok((mut socket, response)) => {
                assert_eq!(response.status(), 101);
                let mut selected = response.headers().get_all("sec-websocket-protocol").iter();
                let protocol = selected.next().map(|value| value.to_str().unwrap().to_owned());
                assert_eq!(selected.next(), None);
                socket.send("hello".into()).await.unwrap();
                let echo = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
                socket.close(None).await.unwrap();
                Answer::Open(protocol, echo)
            }
            Err(Error::Http(response)) => {
                let (head, body) = response.into_parts();
                let length: usize = head.headers["content-length"].to_str().unwrap().parse().unwrap();
                let mut body = body.unwrap_or_default();
                // The client reads as far as the head.
                while body.len() < length {
                    assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0);
                }
                Answer::Refused(head.status.as_u16(), head.headers, body)
            }
            Err(error) => panic!("{} {path} {headers:?}: {error}", self.name),
        }
    }

    #[track_caller]
    fn opens(&self, path: &str, headers: Headers<'_>, protocol: Option<&str>) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            match self.open(path, headers).await {
                Answer::Open(selected, echo) => {
                    assert_eq!((selected.as_deref(), &*echo), (protocol, "alice: hello"), "{at}: {}", self.name);
                }
                refused => panic!("{at}: {}: {refused:?}", self.name),
            }
        }
    }

    /// The answer is not 101, and says why to programs.
    #[track_caller]
    fn refuses(&self, path: &str, headers: Headers<'_>, expected: (u16, &str)) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let Answer::Refused(status, headers, body) = self.open(path, headers).await else {
                panic!("{at}: {} let it in", self.name)
            };
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((status, body["code"].as_str().unwrap()), expected, "{at}: {}", self.name);
            assert_eq!(headers["content-type"], "application/problem+json", "{at}: {}", self.name);
            assert_eq!(body["status"], status, "{at}: {}", self.name);
            let challenge = headers.get("www-authenticate").map(|value| value.to_str().unwrap());
            assert_eq!(challenge.is_some_and(|text| text.starts_with("Bearer")), status == 401, "{at}: {challenge:?}");
            assert!(!headers.contains_key("sec-websocket-protocol"), "{at}: {headers:?}");
        }
    }

    /// A socket that stays open.
    async fn socket(&self, token: &str) -> WebSocketStream<TcpStream> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        request.headers_mut().append("authorization", format!("Bearer {token}").parse().unwrap());
        client_async(request, TcpStream::connect(self.address).await.unwrap()).await.unwrap().0
    }

    async fn get(&self, path: &str, headers: Headers<'_>) -> u16 {
        self.ask("GET", path, headers).await
    }

    async fn post(&self, path: &str, headers: Headers<'_>) -> u16 {
        self.ask("POST", path, headers).await
    }

    /// A request that asks for no socket: its status.
    async fn ask(&self, method: &str, path: &str, headers: Headers<'_>) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\nconnection: close\r\n{lines}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// The service on each framework, on a port of its own.
fn services() -> [Service; 2] {
    let bind = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        (listener.local_addr().unwrap(), listener)
    };
    let (axum, listener) = bind();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async { axum::serve(listener, on_axum::app(websocket::Service::new(KEY.issuer()).unwrap())).await });
    let (actix, listener) = bind();
    thread::spawn(|| {
        let service = websocket::Service::new(KEY.issuer()).unwrap();
        let server = HttpServer::new(move || on_actix::app(service.clone())).workers(1).disable_signals();
        rt::System::new().block_on(server.listen(listener).unwrap().run())
    });
    [Service { name: "axum", address: axum }, Service { name: "actix", address: actix }]
}

#[tokio::test]
async fn a_token_opens_the_socket() {
    let token = token().sign();
    for service in services() {
        let offered = format!("bearer, {token}");
        service.opens("/ws", &[("sec-websocket-protocol", &offered)], Some("bearer")).await;
        service.opens(&format!("/ws?room=1&access_token={token}"), &[], None).await;
        service.opens("/ws", &[("authorization", &format!("Bearer {token}"))], None).await;
        // A subprotocol of the application's own beside it; this service knows none.
        for offered in [format!("chat.v2, bearer, {token}"), format!("bearer, {token}, chat.v2")] {
            service.opens("/ws", &[("sec-websocket-protocol", &offered)], Some("bearer")).await;
        }
        assert_eq!(service.get("/", &[]).await, 200, "{}: the page is everybody's", service.name);
    }
}

/// What closes a socket by itself: the code, and why.
async fn closed(socket: &mut WebSocketStream<TcpStream>) -> (u16, String) {
    loop {
        if let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() {
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    for service in services() {
        let hour = token().sign();
        let mut stays = service.socket(&hour).await;
        let seconds = token().expires_in(Duration::from_secs(2)).sign();
        let mut ends = service.socket(&seconds).await;
        assert_eq!(closed(&mut ends).await, (1008, "token_expired".into()), "{}", service.name);
        stays.send("still".into()).await.unwrap();
        assert_eq!(stays.next().await.unwrap().unwrap().into_text().unwrap().as_str(), "alice: still");
    }
}

#[tokio::test]
async fn a_socket_ends_when_somebody_signs_out() {
    for service in services() {
        let (alice, bob) = (token().sign(), KEY.token("bob").permission("echo:use").sign());
        let (mut one, mut two, mut other) =
            (service.socket(&alice).await, service.socket(&alice).await, service.socket(&bob).await);
        assert_eq!(service.post("/sign-out", &[]).await, 401, "{}: nobody signs out", service.name);
        assert_eq!(service.post("/sign-out", &[("authorization", &format!("Bearer {alice}"))]).await, 200);
        for socket in [&mut one, &mut two] {
            assert_eq!(closed(socket).await, (1008, "invalid_token".into()), "{}", service.name);
        }
        other.send("still".into()).await.unwrap();
        assert_eq!(other.next().await.unwrap().unwrap().into_text().unwrap().as_str(), "bob: still");
        // Nor does the token open another one.
        service.refuses("/ws", &[("authorization", &format!("Bearer {alice}"))], (401, "invalid_token")).await;
        service.socket(&bob).await.close(None).await.unwrap();
    }
}

#[tokio::test]
async fn a_cookie_opens_it_for_pages_of_the_service() {
    let cookie = format!("__Host-session={}", token().sign());
    let cookie = ("cookie", &*cookie);
    let cross_origin = (403, "cross_origin");
    for service in services() {
        let own = format!("http://{}", service.address);
        let other_port = format!("http://127.0.0.1:{}", service.address.port() ^ 1);
        service.opens("/ws", &[cookie, ("origin", &own)], None).await;
        service.opens("/ws", &[cookie, ("origin", &own), ("sec-fetch-site", "same-origin")], None).await;
        for origin in ["https://evil.example", "null", &other_port] {
            service.refuses("/ws", &[cookie, ("origin", origin)], cross_origin).await;
        }
        for site in ["same-site", "cross-site"] {
            service.refuses("/ws", &[cookie, ("origin", &own), ("sec-fetch-site", site)], cross_origin).await;
        }
        // Programs have the bearer header.
        service.refuses("/ws", &[cookie], cross_origin).await;
        // Who knows a token may use it on any page.
        let offered = format!("bearer, {}", token().sign());
        let headers = [("sec-websocket-protocol", &*offered), ("origin", "https://evil.example")];
        service.opens("/ws", &headers, Some("bearer")).await;
        // The cookie is read first.
        let headers = [cookie, ("sec-websocket-protocol", &offered), ("origin", "https://evil.example")];
        service.refuses("/ws", &headers, cross_origin).await;
    }
}

#[tokio::test]
async fn what_does_not_hold_is_refused_before_the_socket_opens() {
    let forger = issuer("another secret, of more than thirty-two bytes as well");
    let tokens = [
        (forger.token("alice").permission("echo:use").sign(), (401, "invalid_token")),
        ("nonsense".to_owned(), (401, "invalid_token")),
        (token().expired_for(Duration::from_secs(1)).sign(), (401, "token_expired")),
        (token().without("permissions").sign(), (403, "permission_required")),
    ];
    for service in services() {
        let own = format!("http://{}", service.address);
        for (token, expected) in &tokens {
            service.refuses("/ws", &[("sec-websocket-protocol", &format!("bearer, {token}"))], *expected).await;
            service.refuses(&format!("/ws?access_token={token}"), &[], *expected).await;
            service.refuses("/ws", &[("authorization", &format!("Bearer {token}"))], *expected).await;
            let cookie = format!("__Host-session={token}");
            service.refuses("/ws", &[("cookie", &cookie), ("origin", &own)], *expected).await;
        }
        service.refuses("/ws", &[], (401, "credential_missing")).await;
        service.refuses("/ws", &[("sec-websocket-protocol", "chat.v2")], (401, "credential_missing")).await;
        service.refuses("/ws", &[("sec-websocket-protocol", "bearer")], (401, "invalid_token")).await;
        // The first place decides, and its failure is final.
        let good = token().sign();
        let query = format!("/ws?access_token={good}");
        service.refuses(&query, &[("sec-websocket-protocol", "bearer, zzz")], (401, "invalid_token")).await;
    }
}

#[tokio::test]
async fn requests_for_no_socket_have_no_token_in_these_places() {
    let good = token().sign();
    for service in services() {
        assert_eq!(service.get(&format!("/ws?access_token={good}"), &[]).await, 401, "{}", service.name);
        let offered = format!("bearer, {good}");
        assert_eq!(service.get("/ws", &[("sec-websocket-protocol", &offered)]).await, 401, "{}", service.name);
        // Past the guard; there is no socket to open.
        let answer = service.get("/ws", &[("authorization", &format!("Bearer {good}"))]).await;
        assert_eq!(answer, 400, "{}", service.name);
    }
}

/// The whole program, and what it prints.
#[tokio::test]
async fn no_token_ends_up_in_a_log() {
    log::listen();
    let (good, expired) = (token().sign(), token().expired_for(Duration::from_secs(1)).sign());
    for service in services() {
        for token in [&good, &expired] {
            service.open(&format!("/ws?access_token={token}"), &[]).await;
            service.open("/ws", &[("sec-websocket-protocol", &format!("bearer, {token}"))]).await;
            service.open("/ws", &[("cookie", &format!("__Host-session={token}"))]).await;
            service.open("/ws", &[("authorization", &format!("Bearer {token}"))]).await;
            service.open(&format!("/nowhere?access_token={token}"), &[]).await;
        }
    }
    let lines = log::lines();
    assert!(lines.iter().filter(|line| line.contains("refused")).count() >= 10, "{lines:#?}");
    for token in [&good, &expired] {
        // The signature would do: nobody needs the rest to tell whose it is.
        let (_, signature) = token.rsplit_once('.').unwrap();
        assert!(!lines.iter().any(|line| line.contains(signature)), "{lines:#?}");
    }

    for program in [env!("CARGO_BIN_EXE_websocket-axum"), env!("CARGO_BIN_EXE_websocket-actix")] {
        let mut running = Command::new(program);
        let mut running = running.env("PORT", "0").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let address = first.strip_prefix("listening on http://").unwrap().parse().unwrap();
        let link = lines.next().unwrap();
        let (_, printed) = link.split_once(&format!("http://{address}/#")).unwrap();
        let service = Service { name: program, address };
        service.opens(&format!("/ws?room=1&access_token={printed}"), &[], None).await;
        service.open(&format!("/ws?access_token={expired}"), &[]).await;
        let logged: Vec<_> = lines.take(2).collect();
        running.kill().unwrap();
        running.wait().unwrap();
        assert_eq!(logged, ["101 GET /ws?room=1&access_token=redacted", "401 GET /ws?access_token=redacted"]);
    }
}
