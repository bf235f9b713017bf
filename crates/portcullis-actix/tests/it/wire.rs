//! Bytes over a connection to a server: what no test inside of an app sees.

use crate::cast::{self, Names, VIEW, View, builder, open};
use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    rt::System,
    web::{self, ServiceConfig},
};
use portcullis_actix::{Authenticated, Authorized, GateExt, Visitor};
use portcullis_core::{ErrorKind, Gate, policy::*};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

fn services(gate: &Gate, config: &mut ServiceConfig) {
    let inner = cast::routes(gate).route("/x", VIEW.hidden(), web::to(open));
    let routes = cast::routes(gate)
        .route("/guard", authenticated(), web::to(open))
        .route("/me", anyone(), web::get().to(async |Authenticated(who): Authenticated| who.id().subject().to_owned()))
        .route("/visit", anyone(), web::to(async |_: Visitor| "open"))
        .route("/view/{id}", anyone(), web::to(async |_: Authorized<View>| "open"))
        .route("/hidden/{id}", VIEW.hidden(), web::to(open))
        .route("/methods/{id}", VIEW.hidden(), web::get().to(open))
        .route("/methods/{id}", hidden(staff()), web::put().to(open))
        .route("/extract/{id}", anyone(), web::to(async |_: Authorized<cast::ViewHidden>| "open"))
        .nest("/n/{id}", inner);
    config.configure(routes.into_config());
}

/// A server of its own on a free port, and how to stop it.
struct Server(SocketAddr, ServerHandle);

impl Server {
    fn start(gate: Gate) -> Self {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            System::new().block_on(async move {
                let app = move || {
                    let app = App::new().configure(|config| services(&gate, config));
                    app.wrap(gate.enforce()).wrap(gate.scrub())
                };
                let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let at = server.addrs()[0];
                let server = server.run();
                tell.send(Self(at, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        told.recv().unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.0).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// The whole answer to these bytes, without its date.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        text.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect()
    }

    /// The same for one line and some headers.
    fn ask(&self, line: &str, headers: &[&[u8]]) -> String {
        let mut request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n").into_bytes();
        for header in headers {
            request.extend_from_slice(header);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        self.raw(&request)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What this returns is awaited by nobody; the command is on its way.
        drop(self.1.stop(false));
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

const ALICE: &[u8] = b"authorization: Bearer alice";
const VIEWER: &[u8] = b"authorization: Bearer viewer";

#[test]
fn a_hidden_denial_is_an_unknown_path_byte_for_byte() {
    let rendering = builder(&Names::default()).render(|error, default| match error.kind() {
        ErrorKind::Hidden => {
            default.with_header("cache-control", "no-store").with_body("text/html", "<h1>nothing</h1>")
        }
        _ => default,
    });
    for gate in [cast::gate(), builder(&Names::slow()).build().unwrap(), rendering.build().unwrap()] {
        let server = Server::start(gate);
        for method in ["GET", "HEAD", "POST", "PATCH", "OPTIONS"] {
            let unknown = server.ask(&format!("{method} /unknown"), &[ALICE]);
            assert!(unknown.starts_with("HTTP/1.1 404 Not Found\r\n"), "{unknown}");
            for path in ["/hidden/42", "/hidden/43", "/methods/42", "/extract/42", "/n/42/x", "/n/42/unknown"] {
                assert_eq!(server.ask(&format!("{method} {path}"), &[ALICE]), unknown, "{method} {path}");
            }
        }
        assert_eq!(status(&server.ask("GET /hidden/42", &[VIEWER])), "200");
        assert_eq!(status(&server.ask("GET /hidden/42", &[])), "401");
    }
}

#[test]
fn odd_headers_are_refused_and_harm_nobody() {
    for gate in [cast::gate(), builder(&Names::slow()).build().unwrap()] {
        let server = Server::start(gate);
        let bad_token: &[u8] = b"authorization: Bearer \xff\xfe";
        let cases: [(&[&[u8]], &str); 14] = [
            (&[ALICE], "200"),
            (&[ALICE, ALICE], "400"),
            (&[ALICE, VIEWER], "400"),
            (&[b"Authorization: bearer alice"], "200"),
            (&[bad_token], "401"),
            (&[bad_token, ALICE], "400"),
            (&[b"authorization: \xff"], "401"),
            (&[b"authorization:"], "401"),
            (&[b"cookie: session=\xff\xfe"], "401"),
            (&[b"cookie: session=alice; other=\xff"], "200"),
            (&[b"cookie: session=alice", b"cookie: session=bob"], "400"),
            (&[b"cookie: \xff=\xfe; session=alice", ALICE], "200"),
            (&[b"x-other: \xff\xfe", ALICE], "200"),
            (&[b"cookie: session=caf\xc3\xa9"], "401"),
        ];
        for (headers, expected) in cases {
            let sent = headers.iter().map(|header| header.escape_ascii().to_string()).collect::<Vec<_>>();
            for path in ["/guard", "/visit"] {
                let answer = server.ask(&format!("GET {path}"), headers);
                // Another scheme than `Bearer` is no credential of ours.
                let is_absent = path == "/visit" && expected == "401" && answer.contains("200 OK");
                assert!(!is_absent || sent.iter().all(|header| !header.contains("earer")), "{sent:?}: {answer}");
                assert!(status(&answer) == expected || is_absent, "{path} {sent:?}: {answer}");
            }
        }
        for line in ["GET /view/\u{e9}", "GET /view/%ff", "GET /view/%", "GET /view/42?\u{e9}=%ff&%"] {
            let answer = server.ask(line, &[VIEWER]);
            assert!(["200", "400", "403"].contains(&status(&answer)), "{line}: {answer}");
        }
        let answer = server.raw(b"GET /guard\xff HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        assert_eq!(status(&answer), "400", "{answer}");
        assert_eq!(status(&server.ask("GET /guard", &[ALICE])), "200", "the worker is still there");
    }
}

#[test]
fn a_refused_head_has_the_headers_of_a_get_and_no_body() {
    let server = Server::start(cast::gate());
    for headers in [&[][..], &[b"authorization: Bearer broken".as_slice()]] {
        let get = server.ask("GET /guard", headers);
        let (head, body) = get.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())) && head.contains("401"), "{get}");
        let mut of_get: Vec<_> = head.lines().collect();
        let answer = server.ask("HEAD /guard", headers);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut of_head: Vec<_> = head.lines().collect();
        of_get.sort_unstable();
        of_head.sort_unstable();
        assert_eq!((of_head, body), (of_get, ""));
    }
}

/// Who one request of a connection was made by says nothing about the next; actix-web uses the memory of it again.
#[test]
fn requests_of_one_connection_are_told_apart() {
    for gate in [cast::gate(), builder(&Names::slow()).build().unwrap()] {
        let server = Server::start(gate);
        let mut requests = String::new();
        for who in ["alice", "", "bob", "broken", "viewer"] {
            let header = if who.is_empty() { String::new() } else { format!("authorization: Bearer {who}\r\n") };
            requests += &format!("GET /me HTTP/1.1\r\nhost: localhost\r\n{header}\r\n");
        }
        requests += "GET /me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answers = server.raw(requests.as_bytes());
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "401", "200", "401", "200", "401"], "{answers}");
        let at = ["alice", "bob", "viewer"].map(|who| answers.find(&format!("\r\n\r\n{who}")).unwrap());
        assert!(at.is_sorted(), "{answers}");
    }
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let names = Names::slow();
    let server = Server::start(builder(&names).build().unwrap());
    for _ in 0..20 {
        let mut gone = server.connect();
        gone.write_all(b"GET /guard HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer alice\r\n\r\n").unwrap();
        drop(gone);
        assert_eq!(status(&server.ask("GET /guard", &[])), "401");
    }
    assert_eq!(status(&server.ask("GET /guard", &[ALICE])), "200");
}

/// The absolute form says for whom the request is, whatever `Host` says.
#[test]
fn a_cookie_from_another_origin_is_refused() {
    let server = Server::start(cast::gate());
    let post = |target: &str, origin: &str| {
        let head = format!("POST {target} HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\ncontent-length: 0\r\n");
        server.raw(format!("{head}cookie: session=alice\r\norigin: {origin}\r\n\r\n").as_bytes())
    };
    for (target, origin, expected) in [
        ("/guard", "http://app.test", "200"),
        ("/guard", "http://evil.test", "403"),
        ("http://app.test/guard", "http://app.test", "200"),
        ("http://evil.test/guard", "http://app.test", "403"),
    ] {
        let answer = post(target, origin);
        assert_eq!(status(&answer), expected, "{target} from {origin}: {answer}");
    }
}
