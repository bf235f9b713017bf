//! Requests a second over loopback: each server is a process on one core, and the load comes from the other.

use crate::{
    guard::{
        self, Verifier,
        axum::{by_jsonwebtoken, greeting, unguarded},
        gate, rs256,
    },
    time::cpu_time_of,
};
use portcullis_core::TokenCache;
use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Alternated rounds, in each of which every server answers for this long.
const ROUNDS: usize = 40;
const ROUND: Duration = Duration::from_millis(250);
const CONNECTIONS: usize = 32;
const BARE: &str = "bare route";

/// What is served, and what it is compared with.
const SERVERS: [(&str, &str); 6] = [
    (BARE, BARE),
    ("cached", BARE),
    ("HS256 each time", BARE),
    ("HS256 by jsonwebtoken", BARE),
    ("RS256 each time", "RS256 by jsonwebtoken"),
    ("RS256 by jsonwebtoken", BARE),
];

/// Serves one of them on the first core, and says on which port.
pub(crate) fn serve(name: &str) {
    pin(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.set_nonblocking(true).expect("it can wait");
    println!("{}", listener.local_addr().expect("an address").port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, router(name)).await.expect("it serves");
    });
}

/// Prints the requests a second of each, and the median ratio of its rounds.
pub(crate) fn report() {
    pin(1);
    let mut servers: Vec<Server> = SERVERS.iter().map(|(name, _)| Server::start(name).expect("it starts")).collect();
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); servers.len()];
    for round in 0..ROUNDS {
        for place in 0..servers.len() {
            // Another order each time.
            let place = (place + round) % servers.len();
            let (server, rounds) = servers.get_mut(place).zip(rounds.get_mut(place)).expect("it is one of them");
            rounds.push(server.answer().expect("it answers"));
        }
    }
    println!("| | requests a second | CPU µs a request | ratio | beside |\n|---|---:|---:|---:|---|");
    for ((name, beside), of) in SERVERS.iter().zip(&rounds) {
        let other = SERVERS.iter().position(|(name, _)| name == beside).and_then(|place| rounds.get(place));
        let other = other.expect("it is one of them");
        let ratio = median(of.iter().zip(other).map(|(here, there)| here.per_second / there.per_second));
        let per_second = median(of.iter().map(|round| round.per_second));
        let cpu = median(of.iter().map(|round| round.cpu.as_secs_f64() * 1e6));
        println!("| {name} | {per_second:.0} | {cpu:.2} | {ratio:.3} | {beside} |");
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[derive(Debug, Clone, Copy)]
struct Round {
    per_second: f64,
    /// Of the server, a request.
    cpu: Duration,
}

struct Server {
    child: Child,
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    /// The bytes of one answer.
    answer: Vec<u8>,
    clock: libc::clockid_t,
}

impl Server {
    fn start(name: &str) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut child = command.args(["serve", name]).stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().ok_or_else(broken)?).read_line(&mut port)?;
        let port: u16 = port.trim().parse().map_err(io::Error::other)?;
        let connect = || {
            let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            connection.set_nodelay(true)?;
            Ok(connection)
        };
        let mut connections: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect()).collect::<io::Result<_>>()?;
        let token = if name.starts_with("RS256") { rs256::token() } else { guard::token() };
        let request =
            format!("GET /x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes();
        let first = connections.first_mut().ok_or_else(broken)?;
        first.write_all(&request)?;
        let mut answer = vec![0; 1024];
        let length = first.read(&mut answer)?;
        answer.truncate(length);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{name}: {}", String::from_utf8_lossy(&answer));
        let mut clock = 0;
        // SAFETY: the pointer is to a live integer.
        let failed = unsafe { libc::clock_getcpuclockid(child.id().cast_signed(), &raw mut clock) };
        assert_eq!(failed, 0, "a process has a clock");
        Ok(Self { child, connections, request, answer, clock })
    }

    /// All connections send, and then all of them read.
    fn answer(&mut self) -> io::Result<Round> {
        let (start, cpu, mut count) = (Instant::now(), cpu_time_of(self.clock), 0_u32);
        while start.elapsed() < ROUND {
            for connection in &mut self.connections {
                connection.write_all(&self.request)?;
            }
            for connection in &mut self.connections {
                connection.read_exact(&mut self.answer)?;
                count += 1;
            }
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.answer));
        let (took, used) = (start.elapsed(), cpu_time_of(self.clock).saturating_sub(cpu));
        Ok(Round { per_second: f64::from(count) / took.as_secs_f64(), cpu: used / count.max(1) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn broken() -> io::Error {
    io::Error::other("the server says nothing")
}

fn router(name: &str) -> axum::Router {
    let verifying = || gate(|settings| settings).expect("the gate is sound");
    match name {
        "cached" => greeting(&gate(|settings| settings.cache(TokenCache::new(20_000))).expect("the gate is sound")),
        "HS256 each time" => greeting(&verifying()),
        "HS256 by jsonwebtoken" => by_jsonwebtoken(Verifier::new()),
        "RS256 each time" => greeting(&rs256::gate()),
        "RS256 by jsonwebtoken" => by_jsonwebtoken(rs256::verifier()),
        _ => unguarded(&verifying()),
    }
}

/// Keeps this process on one core.
fn pin(core: usize) {
    // SAFETY: a set made of zeros is an empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number of the core is within the set.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the pointer is to a live set of this size.
    let failed = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    assert_eq!(failed, 0, "there are two cores");
}
