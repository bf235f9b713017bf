//! Who plays: a server that says what its script says, and the one who asks.

use portcullis_core::{Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Reply};
use portcullis_reqwest::{Client, ClientBuilder};
use std::{
    env,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// Long enough for loopback, short enough to wait for.
pub const SHORT: Duration = Duration::from_millis(200);

/// A server on `127.0.0.1` that reads the head of a request, and goes on as its script says.
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start<F>(script: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::listen("127.0.0.1:0", script).await
    }

    pub async fn listen<F>(on: &str, script: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(on).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            let script = Arc::new(script);
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, script) = (seen.clone(), script.clone());
                tokio::spawn(async move {
                    // A client may connect and ask nothing.
                    let head = head(&mut stream).await;
                    if !head.is_empty() {
                        seen.lock().unwrap().push(head);
                        script(stream).await;
                    }
                });
            }
        });
        Self { address, heads }
    }

    /// One that sends these bytes to everybody, and closes.
    pub async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |stream| say(stream, bytes.clone())).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was asked, one entry for each connection.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    // Nor is there a head to wait for behind the first byte of a TLS handshake.
    while !head.ends_with(b"\r\n\r\n") && head != [0x16] {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Sends these bytes, however little of them is wanted, and closes.
pub async fn say(mut stream: TcpStream, bytes: Arc<Vec<u8>>) {
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

/// A `200` with a `Content-Length` that holds.
pub fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn client() -> Client {
    Client::new().unwrap()
}

pub fn built(with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    with(Client::builder()).build().unwrap()
}

pub fn get(client: &Client, url: impl Into<String>) -> impl Future<Output = Result<HttpResponse, Error>> {
    ask(client, HttpRequest::get(url))
}

/// Sends at once; to be awaited for the answer, of which there is one.
pub fn ask(client: &Client, request: HttpRequest) -> impl Future<Output = Result<HttpResponse, Error>> + use<> {
    let (tell, mut told) = mpsc::unbounded_channel();
    client.send(request, Reply::new(move |answer| tell.send(answer).unwrap()));
    async move {
        let answer = told.recv().await.expect("an answer");
        assert!(told.recv().await.is_none(), "one answer");
        answer
    }
}

#[track_caller]
pub fn text(answer: Result<HttpResponse, Error>) -> String {
    String::from_utf8(answer.unwrap().body().to_vec()).unwrap()
}

#[track_caller]
pub fn assert_refused(answer: Result<HttpResponse, Error>, kind: ErrorKind, detail: &str) -> Error {
    let error = answer.expect_err("a refusal");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(detail), "{error}");
    error
}

#[track_caller]
pub fn assert_unavailable(answer: Result<HttpResponse, Error>, detail: &str) -> Error {
    assert_refused(answer, ErrorKind::Unavailable, detail)
}

#[track_caller]
pub fn assert_misconfigured(answer: Result<HttpResponse, Error>, detail: &str) -> Error {
    assert_refused(answer, ErrorKind::Misconfigured, detail)
}

/// Everything that a log may show of an error.
pub fn everything(error: &Error) -> String {
    let mut all = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        all.push_str(&format!(" {cause} {cause:?}"));
        next = cause.source();
    }
    all
}

/// Runs an ignored test of this program in a process of its own, with this in its environment.
#[track_caller]
pub fn run_in_child(test: &str, environment: &[(&str, &str)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .env("PORTCULLIS_TEST_CHILD", "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this is such a process. Elsewhere these tests do nothing.
pub fn is_child() -> bool {
    env::var_os("PORTCULLIS_TEST_CHILD").is_some()
}
