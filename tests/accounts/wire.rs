//! Both frameworks on a socket: what only a connection shows.

use crate::world::{ALICE, OTHER, PASSWORD, SECRET};
use actix_web::{App, HttpServer, rt};
use axum::Router;
use portcullis::{
    Gate,
    accounts::{Accounts, Endpoints, Limit, Limits, Secret, store::MemoryStore},
    actix, axum as on_axum,
};
use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

fn service() -> (Gate, Endpoints) {
    let secret = Secret::new(SECRET).unwrap();
    let limits = Limits::dangerous_unlimited().sign_ins_per_network(Limit::new(2, Duration::from_secs(3600)));
    let accounts = Accounts::builder("https://shop.test", secret, MemoryStore::new())
        .argon2(64, 1, 1)
        .limits(limits)
        .dangerous_without_confirmation()
        .build()
        .unwrap();
    let gate = Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build().unwrap();
    (gate, accounts.endpoints())
}

fn on_axum(listener: TcpListener) {
    let (gate, endpoints) = service();
    let app: Router = on_axum::Routes::new(&gate).accounts("/auth", &endpoints).into_router();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await
        })
    });
}

fn on_actix(listener: TcpListener) {
    let (gate, endpoints) = service();
    thread::spawn(move || {
        let app = move || App::new().configure(actix::Routes::new(&gate).accounts("/auth", &endpoints).into_config());
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        rt::System::new().block_on(server.run())
    });
}

/// Sends this, without more to come, and reads the status, headers and body of the answer.
fn send(to: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The other end may close before it has read everything.
    let _ = stream.write_all(text.as_bytes());
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    let is_whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        (body.len() >= length.map_or(0, |length| length.parse().unwrap())).then_some(())
    };
    while is_whole(&answer).is_none() {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
        }
    }
    String::from_utf8(answer).unwrap()
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST /auth/{path} HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
}

fn with_length(path: &str, body: &str) -> String {
    post(path, &format!("content-length: {}\r\n", body.len()), body)
}

fn assert_status(answer: &str, status: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
}

#[test]
fn bodies_and_addresses_of_connections() {
    for serve in [on_axum, on_actix] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        serve(listener);

        let form = format!(r#"{{"email":"{ALICE}","password":"{PASSWORD}"}}"#);
        let answer = send(to, &with_length("sign-up", &form));
        assert_status(&answer, "200");
        let (_, rest) = answer.split_once(r#""access_token":""#).unwrap();
        let token = rest.split('"').next().unwrap();
        let list =
            send(to, &format!("GET /auth/sessions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n"));
        assert!(list.contains(r#""address":"127.0.0.1""#), "{list}");

        // In pieces, without a length: small and too large.
        let chunked = |body: &str| {
            let mut pieces = String::new();
            for piece in body.as_bytes().chunks(1000) {
                write!(pieces, "{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)).unwrap();
            }
            post("sign-up", "transfer-encoding: chunked\r\n", &format!("{pieces}0\r\n\r\n"))
        };
        assert_status(&send(to, &chunked(&form)), "409");
        let large = format!("{form}{}", " ".repeat(17_000));
        assert_status(&send(to, &chunked(&large)), "413");
        assert_status(&send(to, &with_length("sign-up", &large)), "413");
        // Refused before all of it has come.
        let announced = post("sign-up", "content-length: 1000000000\r\n", &large);
        assert_status(&send(to, &announced), "413");
        let endless = chunked(&large).replace("0\r\n\r\n", "");
        assert_status(&send(to, &endless), "413");
        // Compressed bodies are not read.
        let zipped = post("sign-up", "content-encoding: gzip\r\ncontent-length: 4\r\n", "\x1f\x0b\x08\x00");
        assert_status(&send(to, &zipped), "400");

        let wrong = format!(r#"{{"email":"{ALICE}","password":"{OTHER}"}}"#);
        for (number, status) in ["401", "401", "429", "429"].into_iter().enumerate() {
            let header = format!("x-forwarded-for: 203.0.113.{number}\r\ncontent-length: {}\r\n", wrong.len());
            let answer = send(to, &post("sign-in", &header, &wrong));
            assert_status(&answer, status);
            assert_eq!(answer.to_lowercase().contains("\r\nretry-after: "), status == "429");
        }
    }
}
