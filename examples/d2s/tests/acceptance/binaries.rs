//! The programs themselves.

use crate::service::*;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

fn command(path: &str, secret: &str) -> Command {
    let mut command = Command::new(path);
    command.env("SECRET_KEY", secret).env("PORT", "0").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn programs_serve_the_rows_of_the_example() {
    for path in [env!("CARGO_BIN_EXE_d2s-axum"), env!("CARGO_BIN_EXE_d2s-actix")] {
        let mut program = command(path, SECRET).spawn().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut line = String::new();
        let said = program.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let get = |path: String| {
            let mut answer = String::new();
            let mut stream = TcpStream::connect(line.trim().strip_prefix("listening on http://")?).ok()?;
            write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
            stream.read_to_string(&mut answer).ok()?;
            Some(answer[9..12].to_owned())
        };
        let answers = [PUBLIC_PRODUCT, PRODUCT].map(|id| get(product(FLIGHT, id)));
        let ended = program.kill().and_then(|()| program.wait());
        assert_eq!(answers, [Some("200".to_owned()), Some("401".to_owned())], "{path}: {said:?} {line} {ended:?}");
    }
}

#[test]
fn a_short_secret_is_no_secret() {
    for path in [env!("CARGO_BIN_EXE_d2s-axum"), env!("CARGO_BIN_EXE_d2s-actix")] {
        let output = command(path, "a secret of thirty-one bytes...").output();
        let output = output.unwrap_or_else(|error| panic!("{path}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("32"), "{path}: {said}");
    }
}
