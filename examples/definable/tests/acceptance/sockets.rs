//! The socket: who opens it, and when it closes.

use crate::service::*;
use actix_web::{App, HttpServer, rt, web::Data};
use definable::{on_actix, on_axum, store::Status};
use futures_util::{SinkExt, StreamExt};
use std::{
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

type End = fn(&Tested);
type Socket = WebSocketStream<TcpStream>;

impl Tested {
    /// The service, as it is served by axum.
    async fn serve_axum(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let app = on_axum::app(self.service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// The same by actix-web, which wants a thread of its own. It ends with the test.
    fn serve_actix(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let service = self.service.clone();
        let app =
            move || App::new().app_data(Data::new(service.clone())).configure(on_actix::routes(&service).into_config());
        thread::spawn(|| {
            rt::System::new().block_on(async { HttpServer::new(app).workers(1).listen(listener)?.run().await })
        });
        address
    }
}

/// Opens a socket, or tells the status of the answer.
async fn open(address: SocketAddr, path: &str, headers: Headers<'_>) -> Result<Socket, u16> {
    let request = format!("ws://{address}{path}").into_client_request();
    let mut request = request.unwrap_or_else(|error| panic!("{error}"));
    for (name, value) in headers {
        let name = name.parse::<axum::http::HeaderName>().unwrap_or_else(|error| panic!("{error}"));
        request.headers_mut().append(name, value.parse().unwrap_or_else(|error| panic!("{error}")));
    }
    let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{error}"));
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// What comes back.
async fn echo(socket: &mut Socket, text: &str) -> String {
    socket.send(text.into()).await.unwrap_or_else(|error| panic!("{error}"));
    match socket.next().await {
        Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Case 69, and 88 on a socket.
#[tokio::test]
async fn who_opens_it() {
    let tested = Tested::new();
    tested.role("auditor", &["*:read"]);
    tested.member("u2", "auditor", Status::Active);
    let (auditor, reader) = (tested.session("u2").sign(), tested.session("u1").sign());
    let expired = tested.session("u2").expired_for(Duration::from_secs(1)).sign();
    for address in [tested.serve_axum().await, tested.serve_actix()] {
        for (path, headers) in [
            (format!("/ws/echo?org_id=o1&token={auditor}"), vec![]),
            ("/ws/echo?org_id=o1".to_owned(), vec![bearer(&auditor)]),
        ] {
            let mut socket = open(address, &path, &headers).await.unwrap_or_else(|status| panic!("{path}: {status}"));
            assert_eq!(echo(&mut socket, "hello").await, "hello");
        }
        for (path, headers, expected) in [
            ("/ws/echo?org_id=o1".to_owned(), vec![], 401),
            (format!("/ws/echo?org_id=o1&token={expired}"), vec![], 401),
            ("/ws/echo?org_id=o1&token=".to_owned(), vec![], 401),
            (format!("/ws/echo?org_id=o1&token={reader}"), vec![], 403),
            (format!("/ws/echo?org_id=o2&token={auditor}"), vec![], 403),
            (format!("/ws/echo?token={auditor}"), vec![], 400),
            ("/ws/echo?org_id=o1".to_owned(), vec![key(KEY)], 401),
            (format!("/ws/echo?org_id=o1&token={KEY}"), vec![], 401),
        ] {
            assert_eq!(open(address, &path, &headers).await.err(), Some(expected), "{path} {headers:?}");
        }
    }
}

/// A right that ends closes the socket, though the session goes on. Time flies as long as nothing else is to do.
#[tokio::test(start_paused = true)]
async fn it_closes_when_the_right_ends() {
    let tested = Tested::new();
    tested.role("reader", &["*:read"]);
    let path = format!("/ws/echo?org_id=o1&token={}", tested.session("u1").sign());
    let address = tested.serve_axum().await;
    let suspend = |tested: &Tested| {
        tested.member("u1", "reader", Status::Suspended);
        tested.pass_by_the_cache();
    };
    let ends: [(End, &str); 2] =
        [(|tested| tested.role("reader", &["kb:read"]), "permission_required"), (suspend, "suspended")];
    for (end, code) in ends {
        tested.role("reader", &["*:read"]);
        let mut socket = open(address, &path, &[]).await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(echo(&mut socket, "hello").await, "hello");
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(echo(&mut socket, "still here").await, "still here");
        end(&tested);
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, code))
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(tested.ask("GET", "/me", &[tested.of("u1")]).await.0, 200, "the session goes on");
    }
}

/// So does the end of the session.
#[tokio::test(start_paused = true)]
async fn it_closes_when_the_session_ends() {
    let tested = Tested::new();
    tested.role("reader", &["*:read"]);
    let path = format!("/ws/echo?org_id=o1&token={}", tested.session("u1").sign());
    let mut socket = open(tested.serve_axum().await, &path, &[]).await.unwrap_or_else(|status| panic!("{status}"));
    assert_eq!(echo(&mut socket, "hello").await, "hello");
    tested.clock.advance(Duration::from_secs(300));
    match socket.next().await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1008),
        other => panic!("{other:?}"),
    }
}
