//! A mail server with a script.

use portcullis_accounts::{Mail, MailKind};
use portcullis_lettre::{SmtpMailer, SmtpMailerBuilder};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

pub const FROM: &str = "Orders <no-reply@orders.example>";
pub const LINK: &str = "https://app.example.com/reset#token=tok_EN-123";

pub fn mail(kind: MailKind) -> Mail {
    Mail::new("alice@example.com".parse().unwrap(), kind, Some(LINK.to_owned()))
}

/// What was said on one connection.
#[derive(Debug, Default)]
pub struct Session {
    pub commands: Vec<String>,
    /// The content, as it was sent. Empty if there was none.
    pub content: String,
    pub is_encrypted: bool,
}

impl Session {
    pub fn has(&self, command: &str) -> bool {
        self.commands.iter().any(|it| it.to_ascii_uppercase().starts_with(command))
    }

    /// The content without the encoding of its parts, as far as these tests need it.
    pub fn text(&self) -> String {
        let unfolded = self.content.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = unfolded.as_bytes();
        while let [first, others @ ..] = rest {
            let hex = (*first == b'=').then(|| others.get(..2)).flatten();
            let decoded = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            bytes.push(decoded.unwrap_or(*first));
            rest = if decoded.is_some() { &others[2..] } else { others };
        }
        String::from_utf8(bytes).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.content.split_once("\r\n\r\n")?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What the server says to a command of the n-th connection, where it does not say what is usual.
type Script = Arc<dyn Fn(usize, &str) -> Option<&'static str> + Send + Sync>;

#[derive(Clone)]
pub struct Rules {
    pub script: Script,
    pub tls: Option<Arc<ServerConfig>>,
    pub is_tls_from_the_start: bool,
}

impl Rules {
    pub fn new(script: impl Fn(usize, &str) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), tls: None, is_tls_from_the_start: false }
    }
}

pub struct Peer {
    pub port: u16,
    sessions: mpsc::UnboundedReceiver<Session>,
}

impl Peer {
    pub async fn usual() -> Self {
        Self::start(Rules::new(|_, _| None)).await
    }

    pub async fn start(rules: Rules) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), rules)
    }

    pub fn on(listener: TcpListener, rules: Rules) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (seen, sessions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for nth in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (rules, seen) = (rules.clone(), seen.clone());
                tokio::spawn(async move {
                    let mut session = Session::default();
                    if rules.is_tls_from_the_start {
                        encrypted(stream, &rules, nth, &mut session, "220 peer\r\n").await;
                    } else if let Some(stream) = talk(stream, &rules, nth, &mut session, "220 peer\r\n").await {
                        encrypted(stream, &rules, nth, &mut session, "").await;
                    }
                    let _ = seen.send(session);
                });
            }
        });
        Self { port, sessions }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn mailer(&self) -> SmtpMailerBuilder {
        SmtpMailer::builder(self.url(), FROM).retries([])
    }

    /// The next connection that has ended.
    pub async fn session(&mut self) -> Session {
        timeout(Duration::from_secs(30), self.sessions.recv()).await.unwrap().unwrap()
    }

    pub fn is_quiet(&mut self) -> bool {
        self.sessions.try_recv().is_err()
    }
}

async fn encrypted<S>(stream: S, rules: &Rules, nth: usize, session: &mut Session, greeting: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let acceptor = TlsAcceptor::from(rules.tls.clone().unwrap());
    if let Ok(stream) = acceptor.accept(stream).await {
        session.is_encrypted = true;
        talk(stream, rules, nth, session, greeting).await;
    }
}

/// Returns the stream after `STARTTLS`.
async fn talk<S>(stream: S, rules: &Rules, nth: usize, session: &mut Session, greeting: &str) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let command = line.trim_end().to_owned();
        session.commands.push(command.clone());
        let answer = (rules.script)(nth, &command).unwrap_or_else(|| match command.get(..4).unwrap_or_default() {
            "EHLO" if rules.tls.is_some() && !session.is_encrypted => "250-peer\r\n250-STARTTLS\r\n250 AUTH PLAIN",
            "EHLO" => "250-peer\r\n250 AUTH PLAIN",
            "AUTH" => "235 ok",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            "STAR" => "220 go on",
            _ => "250 ok",
        });
        if answer == "hang up" {
            return None;
        }
        if answer == "say nothing" {
            let _ = stream.read_to_end(&mut Vec::new()).await;
            return None;
        }
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        match command.get(..4).unwrap_or_default() {
            "STAR" => return Some(stream.into_inner()),
            "QUIT" => return None,
            "DATA" if answer.starts_with("354") => {
                while !session.content.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut session.content).await.ok()? == 0 {
                        return None;
                    }
                }
                session.content = session.content.replace("\r\n..", "\r\n.");
                let answer = (rules.script)(nth, "content").unwrap_or("250 ok");
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            }
            _ => {}
        }
    }
}
