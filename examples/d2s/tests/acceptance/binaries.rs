//! The programs themselves.

use crate::service::*;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{self, Child, Command, Stdio},
};

const PROGRAMS: [&str; 2] = [env!("CARGO_BIN_EXE_d2s-axum"), env!("CARGO_BIN_EXE_d2s-actix")];

fn command(path: &str, secret: &str) -> Command {
    let mut command = Command::new(path);
    command.env("SECRET_KEY", secret).env("PORT", "0").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A file of SQLite, for one test.
struct File(String);

impl File {
    fn new(name: &str) -> Self {
        Self(format!("{}/d2s-{name}-{}.sqlite", env!("CARGO_TARGET_TMPDIR"), process::id()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-shm", "-wal"] {
            let _ = fs::remove_file(format!("{}{end}", self.0));
        }
    }
}

struct Program {
    child: Child,
    address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Program {
    fn start(path: &str, database: &str) -> Self {
        let child = command(path, SECRET).env("DATABASE_URL", database).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut line = String::new();
        let said = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let mut program = Self { child, address: String::new() };
        match line.trim().strip_prefix("listening on http://") {
            Some(address) => program.address = address.to_owned(),
            None => panic!("{path}: {said:?} {line}"),
        }
        program
    }

    /// Status line, headers and body.
    fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> String {
        let length = body.len();
        let cookie = if cookie.is_empty() {
            String::new()
        } else {
            format!("sec-fetch-site: same-origin\r\ncookie: {cookie}\r\n")
        };
        let head = format!("{method} {path} HTTP/1.1\r\n{cookie}content-length: {length}\r\n");
        self.send(&head, body)
    }

    fn ask_by_key(&self, key: &str) -> String {
        self.send(&format!("GET {}/iforester HTTP/1.1\r\nx-api-key: {key}\r\n", project(PROJECT)), "")
    }

    fn send(&self, head: &str, body: &str) -> String {
        let mut answer = String::new();
        let sent = TcpStream::connect(&self.address).and_then(|mut stream| {
            write!(stream, "{head}host: x\r\nconnection: close\r\n\r\n{body}")?;
            stream.read_to_string(&mut answer)
        });
        sent.unwrap_or_else(|error| panic!("{head}: {error}"));
        answer
    }
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

/// What is in the database outlives the program.
fn signs_in(database: &str) {
    for path in PROGRAMS {
        let program = Program::start(path, database);
        let answers = [PUBLIC_PRODUCT, PRODUCT].map(|id| program.ask("GET", &product(FLIGHT, id), "", ""));
        assert_eq!(answers.each_ref().map(|answer| status(answer)), ["200", "401"], "{path}: {answers:?}");

        let form = format!("username=viewer%40example.com&password={}", PASSWORD.replace(' ', "+"));
        let answer = program.ask("POST", "/api/v1/auth/access-token", "", &form);
        let cookies = answer.lines().filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name == "set-cookie");
        let cookies: Vec<_> = cookies.filter_map(|(_, value)| value.split(';').next()).collect();
        let cookies = cookies.join("; ");
        assert!(status(&answer) == "200" && cookies.contains("refresh_token"), "{path}: {answer}");
        assert_eq!(status(&program.ask("GET", &product(FLIGHT, PRODUCT), &cookies, "")), "200");
        let answer = program.ask("POST", "/api/v1/auth/request-api-key", &cookies, "");
        let key = answer.rsplit('"').nth(1).unwrap_or_default().to_owned();
        assert_eq!(status(&program.ask_by_key(&key)), "200", "{path}: {answer}");

        drop(program);
        let program = Program::start(path, database);
        assert_eq!(status(&program.ask_by_key(&key)), "200", "{path}");
        assert_eq!(status(&program.ask("POST", "/api/v1/auth/revoke-api-key", &cookies, "")), "200", "{path}");
        assert_eq!(status(&program.ask_by_key(&key)), "401", "{path}");
        assert_eq!(status(&program.ask("POST", "/api/v1/auth/refresh-token", &cookies, "")), "200");
        assert_eq!(status(&program.ask("POST", "/api/v1/auth/remove-access-token", &cookies, "")), "200");
        assert_eq!(status(&program.ask("POST", "/api/v1/auth/refresh-token", &cookies, "")), "401");
    }
}

#[test]
fn programs_serve_the_rows_of_the_example_and_sign_in_on_sqlite() {
    let file = File::new("signs-in");
    signs_in(&file.0);
}

#[test]
#[ignore = "needs the environment that `tests/servers/postgres.sh up` prints"]
fn programs_sign_in_on_postgres() {
    signs_in(&env::var("DATABASE_URL").unwrap_or_else(|error| panic!("DATABASE_URL: {error}")));
}

#[test]
fn a_short_secret_is_no_secret() {
    // 26
    let file = File::new("short-secret");
    for path in PROGRAMS {
        let output = command(path, "a secret of thirty-one bytes...").env("DATABASE_URL", &file.0).output();
        let output = output.unwrap_or_else(|error| panic!("{path}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("32"), "{path}: {said}");
    }
}
