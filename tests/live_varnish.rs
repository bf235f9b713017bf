//! Addresses that the gate signs, at a real Varnish whose rule verifies them. `servers/varnish.sh up` starts it and prints the
//! environment that this reads. The server behind it is this test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

use axum::{Router, body::Body, http::Request};
use base64::{Engine, prelude::BASE64_STANDARD};
use portcullis::{
    Gate, Scheme,
    axum::GateExt,
    policy::signed,
    testing::{FixedClock, TestIssuer},
};
use std::{
    env, error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};
use tower::ServiceExt;

const LIFE: Duration = Duration::from_secs(600);
const RASTER: &str = "/cog/preview.png?url=a.tif&dataProductId=11111111-2222-4333-8444-555555555555";
const VECTOR: &str = "/mvt/public.vector_layers/tile.pbf?filter=layer_id%3D%27AbCdEfGhIjK%27&limit=-1";

type Anyhow<T = ()> = Result<T, Box<dyn error::Error>>;

/// What the script of the server printed.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("`{name}` is not set; `tests/servers/varnish.sh up` prints it"))
}

/// Answers every request, and writes down the first line of each.
#[derive(Clone, Default)]
struct Tiles(Arc<Mutex<Vec<String>>>);

impl Tiles {
    fn start() -> Anyhow<Self> {
        let (tiles, listener) = (Self::default(), TcpListener::bind(variable("VARNISH_BACKEND"))?);
        let served = tiles.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = served.serve(stream);
            }
        });
        Ok(tiles)
    }

    fn serve(&self, mut stream: TcpStream) -> Anyhow {
        let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer)?;
            head.extend_from_slice(&buffer[..read]);
            if read == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8(head)?;
        assert!(!head.to_ascii_lowercase().contains("\r\ncookie:"), "{head}");
        self.0.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
        Ok(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntile")?)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The whole answer of Varnish, asked for exactly this.
fn ask(method: &str, address: &str) -> Anyhow<String> {
    let mut stream = TcpStream::connect(variable("VARNISH_URL").trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "{method} {address} HTTP/1.1\r\nhost: tiles\r\ncookie: a=b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

fn gate(clock: Option<FixedClock>) -> Anyhow<Gate> {
    let builder = Gate::builder().scheme(Scheme::new(TestIssuer::new().on_system_time().verifier()).bearer());
    let builder = builder.signer("tiles", d2s::tiles::signer(BASE64_STANDARD.decode(variable("VARNISH_KEY"))?)?);
    Ok(match clock {
        Some(clock) => builder.clock(clock),
        None => builder,
    }
    .build()?)
}

/// What the gate answers for the same address.
async fn ours(gate: &Gate, address: &str) -> u16 {
    // No request line of HTTP has it unencoded by our libraries.
    let Ok(request) = Request::get(address).body(Body::empty()) else { return 400 };
    let tiles = Router::new().fallback(async || "tile").layer(gate.require(signed("tiles")));
    tiles.oneshot(request).await.unwrap_or_else(|never| match never {}).status().as_u16()
}

#[tokio::test]
async fn varnish_verifies_what_the_gate_signs() -> Anyhow {
    let (tiles, gate) = (Tiles::start()?, gate(None)?);
    for address in [RASTER, VECTOR] {
        let url = gate.sign("tiles", "GET", address, LIFE)?;
        let url = url.expose();
        let expires: u64 =
            url.split_once("expires=").and_then(|(_, rest)| rest.split('&').next()?.parse().ok()).unwrap();
        let mac = url.split_once("secure=0x").unwrap().1;
        for (from, to, both) in [
            ("", "", 200),
            ("dataProductId=1", "dataProductId=2", 403),
            ("dataProductId=", "dataproductid=", 403),
            ("AbCd", "ABCd", 403),
            ("limit=-1", "limit=1", 403),
            ("%27", "%22", 403),
            ("%3D", "%3d", 403),
            (mac, &mac.to_ascii_uppercase(), 403),
            ("secure=0x", "secure=0x0", 403),
            ("secure=0x", "secure=", 403),
            ("secure=0x", "secure=0X", 403),
            ("&secure=", "&s=", 403),
            (&format!("expires={expires}"), &format!("expires={}", expires + 1), 403),
            (&format!("expires={expires}"), &format!("expires={}", expires - 1), 403),
            ("&expires=", "&e=", 403),
            ("url=a.tif", "url=b.tif", 200),
            ("public.vector_layers", "public.other", 200),
            ("/cog/", "/mvt/", 403),
            ("/mvt/", "/cog/", 403),
        ] {
            let changed = if from.is_empty() { url.to_owned() } else { url.replacen(from, to, 1) };
            if from.is_empty() || changed != url {
                let answer = ask("GET", &changed)?;
                assert_eq!((status(&answer), ours(&gate, &changed).await), (both, both), "{changed}: {answer}");
            }
        }
        // Not a character that our own libraries send; Varnish takes it, and the text is another one.
        assert_eq!(status(&ask("GET", &url.replace("%27", "'"))?), if url.contains("%27") { 403 } else { 200 });
    }
    // One object for all: the second address has another signature, and the tile server is not asked.
    tiles.asked();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let address = format!("{}&cache={}", RASTER, now.as_nanos());
    for life in [60, 61, 62] {
        let url = gate.sign("tiles", "GET", &address, Duration::from_secs(life))?;
        assert!(ask("GET", url.expose())?.ends_with("tile"));
        assert_eq!(status(&ask("HEAD", url.expose())?), 200);
    }
    assert_eq!(tiles.asked(), [format!("GET {address} HTTP/1.1")]);
    // A cached tile needs a signature too.
    assert_eq!(status(&ask("GET", &address)?), 403);
    for (method, expected) in [("POST", 200), ("PUT", 405), ("PATCH", 405), ("DELETE", 405), ("OPTIONS", 405)] {
        let url = gate.sign("tiles", "GET", &address, LIFE)?;
        assert_eq!(status(&ask(method, url.expose())?), expected, "{method}");
    }
    assert_eq!(tiles.asked(), [format!("POST {address} HTTP/1.1")], "not from the cache, and nothing else");
    Ok(())
}

#[tokio::test]
async fn varnish_and_the_gate_refuse_what_has_expired() -> Anyhow {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let (past, gate_now) = (FixedClock::at(now - 620), gate(None)?);
    let gate = gate(Some(past))?;
    for address in [RASTER, VECTOR] {
        let url = gate.sign("tiles", "GET", address, LIFE)?;
        let answer = ask("GET", url.expose())?;
        assert!(status(&answer) == 403 && answer.contains("URL expired"), "{answer}");
        assert_eq!((ours(&gate, url.expose()).await, ours(&gate_now, url.expose()).await), (200, 403));
        let longer = url.expose().replace(&format!("expires={}", now - 20), &format!("expires={}", now + 600));
        let answer = ask("GET", &longer)?;
        assert!(status(&answer) == 403 && answer.contains("Invalid signature"), "{answer}");
    }
    Ok(())
}
