//! The programs themselves, with a Directus on loopback that `DIRECTUS_URL` names.

use crate::service::{SECRET, claims, signed};
use portcullis::Algorithm;
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::SystemTime,
};

const STATIC: &str = "static-token-of-u9";

/// Knows one static token. Nothing ends it but the test.
fn directus() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
    let url = listener.local_addr().map(|address| format!("http://{address}/")).unwrap_or_default();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let head: Vec<String> =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let is_known =
                head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {STATIC}")));
            let (status, body) = match (is_known, head[0].as_str()) {
                (true, "GET /users/me?fields=id,role,status HTTP/1.1") => (200, r#"{"data":{"id":"u9"}}"#),
                (true, "GET /policies/me/globals HTTP/1.1") => (200, r#"{"data":{"admin_access":true}}"#),
                (true, _) => (404, ""),
                (false, _) => (401, ""),
            };
            let answer =
                format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            drop((&stream).write_all(answer.as_bytes()));
        }
    });
    url
}

/// A program that serves, until the test is over.
struct Serving {
    program: Child,
    address: String,
}

impl Serving {
    fn start(path: &str, url: Option<&str>) -> Self {
        let mut command = Command::new(path);
        command.env("DIRECTUS_SECRET", SECRET).env("PORT", "0").env_remove("DIRECTUS_URL").stdout(Stdio::piped());
        let program = command.envs(url.map(|url| ("DIRECTUS_URL", url))).spawn();
        let mut program = program.unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut line = String::new();
        let said = program.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
        Self { program, address: address.unwrap_or_else(|| panic!("{path} says {said:?} {line}")) }
    }

    /// The status line's number and the body.
    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        let mut stream = TcpStream::connect(&self.address).unwrap_or_else(|error| panic!("{error}"));
        let done = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{done:?} {answer}"));
        (head[9..12].parse().unwrap_or_default(), body.to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn directus_is_asked_where_it_is_named() {
    let now = SystemTime::UNIX_EPOCH.elapsed().map(|time| time.as_secs()).unwrap_or_default();
    let ended = signed(Algorithm::Hs256, SECRET, &claims(json!({ "iat": now, "exp": now + 900, "session": "ended" })));
    let url = directus();
    for path in [env!("CARGO_BIN_EXE_dembrane-axum"), env!("CARGO_BIN_EXE_dembrane-actix")] {
        let (asking, alone) = (Serving::start(path, Some(&url)), Serving::start(path, None));
        let me = (200, r#"{"is_admin":true,"user_id":"u9"}"#.to_owned());
        assert_eq!(asking.get("/api/v2/me", STATIC), me, "{path}");
        assert_eq!(asking.get("/api/v2/admin/stats", STATIC).0, 200, "{path}");
        assert_eq!(alone.get("/api/v2/me", STATIC).0, 401, "{path}");
        assert_eq!(asking.get("/api/v2/me", "static-token-of-nobody").0, 401, "{path}");
        assert_eq!((asking.get("/api/v2/me", &ended).0, alone.get("/api/v2/me", &ended).0), (401, 200), "{path}");
    }
}

/// What cannot be, is said when it starts.
#[test]
fn a_url_that_is_none() {
    for path in [env!("CARGO_BIN_EXE_dembrane-axum"), env!("CARGO_BIN_EXE_dembrane-actix")] {
        let mut command = Command::new(path);
        let started = command.env("DIRECTUS_SECRET", SECRET).env("PORT", "0").env("DIRECTUS_URL", "directus").output();
        let output = started.unwrap_or_else(|error| panic!("{path}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("Misconfigured") && said.contains("address"),
            "{path}: {said}"
        );
    }
}
