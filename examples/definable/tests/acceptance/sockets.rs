//! The socket: who opens it, and when it closes.

use crate::service::*;
use actix_http::HttpService;
use actix_web::{
    App,
    dev::{Service, ServiceFactory, fn_factory},
    rt, test,
    web::Data,
};
use definable::{on_actix, on_axum, store::Status};
use futures_util::{SinkExt, StreamExt};
use std::{future::ready, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{pause, sleep},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

type End = fn(&Tested);
type Socket = WebSocketStream<TcpStream>;

impl Tested {
    /// The service, as it is served by axum.
    async fn serve_axum(&self) -> SocketAddr {
        let (listener, address) = listen().await;
        let app = on_axum::app(self.service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// The same by actix-web, without the threads of its server: the time of the test is that of the service.
    async fn serve_actix(&self) -> SocketAddr {
        let (listener, address) = listen().await;
        let routes = on_actix::routes(&self.service).into_config();
        let app = App::new().app_data(Data::new(self.service.clone())).configure(routes);
        let app = Rc::new(test::init_service(app).await);
        let app = fn_factory(move || ready(Ok::<_, actix_web::Error>(app.clone())));
        let connections = HttpService::build().finish(app).tcp().new_service(()).await;
        let connections = connections.unwrap_or_else(|()| panic!("the service does not start"));
        rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                rt::spawn(connections.call(stream));
            }
        });
        address
    }

    async fn serve_both(&self) -> [SocketAddr; 2] {
        [self.serve_axum().await, self.serve_actix().await]
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
    (listener, address)
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

/// What the service says when it closes the socket.
async fn closed(socket: &mut Socket) -> (u16, String) {
    match socket.next().await {
        Some(Ok(Message::Close(Some(frame)))) => (frame.code.into(), frame.reason.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

/// Case 69, and 88 on a socket.
#[actix_web::test]
async fn who_opens_it() {
    let tested = Tested::new();
    tested.role("auditor", &["*:read"]);
    tested.member("u2", "auditor", Status::Active);
    let (auditor, reader) = (tested.session("u2").sign(), tested.session("u1").sign());
    let expired = tested.session("u2").expired_for(Duration::from_secs(1)).sign();
    for address in tested.serve_both().await {
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

/// A right that ends closes the socket, although the session goes on. A socket whose right stays remains open. The paused time
/// advances while nothing else runs.
#[actix_web::test]
async fn it_closes_when_the_right_ends() {
    pause();
    let tested = Tested::new();
    let path = |user| format!("/ws/echo?org_id=o1&token={}", tested.session(user).sign());
    let ends: [(End, &str); 5] = [
        (|tested| tested.role("reader", &["kb:read"]), "permission_required"),
        (|tested| tested.member("u1", "clerk", Status::Active), "permission_required"),
        (|tested| tested.member("u1", "reader", Status::Suspended), "suspended"),
        (|tested| tested.member("u1", "reader", Status::Deleted), "deleted"),
        (|tested| tested.remove("u1"), "not_a_member"),
    ];
    for address in tested.serve_both().await {
        for (end, code) in ends {
            tested.role("reader", &["*:read"]);
            tested.role("auditor", &["*:read"]);
            tested.role("clerk", &["kb:read"]);
            tested.member("u1", "reader", Status::Active);
            tested.member("u2", "auditor", Status::Active);
            tested.pass_by_the_cache();
            let mut ends = open(address, &path("u1"), &[]).await.unwrap_or_else(|status| panic!("{status}"));
            let mut stays = open(address, &path("u2"), &[]).await.unwrap_or_else(|status| panic!("{status}"));
            assert_eq!(echo(&mut ends, "hello").await, "hello");
            sleep(Duration::from_secs(120)).await;
            assert_eq!(echo(&mut ends, "still here").await, "still here");
            end(&tested);
            tested.pass_by_the_cache();
            assert_eq!(closed(&mut ends).await, (1008, code.to_owned()));
            assert_eq!(open(address, &path("u1"), &[]).await.err(), Some(403), "nor does another one open");
            assert_eq!(tested.ask("GET", "/me", &[tested.of("u1")]).await.0, 200, "the session goes on");
            sleep(Duration::from_secs(120)).await;
            assert_eq!(echo(&mut stays, "still here").await, "still here");
        }
    }
}

/// So does the end of the session.
#[actix_web::test]
async fn it_closes_when_the_session_ends() {
    pause();
    let tested = Tested::new();
    tested.role("reader", &["*:read"]);
    for address in tested.serve_both().await {
        let path = |token: String| format!("/ws/echo?org_id=o1&token={token}");
        let short = path(tested.session("u1").expires_in(Duration::from_secs(60)).sign());
        let long = path(tested.session("u1").sign());
        let mut ends = open(address, &short, &[]).await.unwrap_or_else(|status| panic!("{status}"));
        let mut stays = open(address, &long, &[]).await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(echo(&mut ends, "hello").await, "hello");
        tested.clock.advance(Duration::from_secs(60));
        assert_eq!(closed(&mut ends).await, (1008, "token_expired".to_owned()));
        sleep(Duration::from_secs(120)).await;
        assert_eq!(echo(&mut stays, "still here").await, "still here");
    }
}
