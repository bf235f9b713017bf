//! The mailer.

use crate::{builder::SmtpMailerBuilder, message::message, text::Text};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::Mailbox,
    transport::smtp::{self, AsyncSmtpTransportBuilder},
};
use portcullis_accounts::{Mail, MailKind, Mailer};
use std::{
    convert::Infallible,
    error, fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{sleep, timeout},
};
use tracing::instrument::WithSubscriber;

/// Returns the texts of a mail, or `None` for the default.
pub(crate) type Texts = Arc<dyn Fn(&Mail) -> Option<Text> + Send + Sync>;

/// Sends mails by SMTP, in the background. Clones share the queue.
#[derive(Clone)]
pub struct SmtpMailer(Arc<Shared>);

pub(crate) struct Shared {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    settings: Settings,
    room: Arc<Semaphore>,
    turns: Semaphore,
    handle: Handle,
    /// The thread ends when this is dropped.
    _open: oneshot::Sender<Infallible>,
}

pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) from: Mailbox,
    pub(crate) texts: Option<Texts>,
    pub(crate) timeout: Duration,
    pub(crate) pauses: Vec<Duration>,
    pub(crate) queue: usize,
}

/// Why an attempt failed.
struct Failure {
    reason: String,
    is_final: bool,
}

impl SmtpMailer {
    /// Mails at once.
    const TURNS: usize = 4;

    /// A builder. `server` is a URL such as `smtp://user:password@mail.example.com:587` (the user name and the password
    /// percent-encoded), `from` an address such as `Orders <no-reply@example.com>`.
    pub fn builder(server: impl Into<String>, from: impl Into<String>) -> SmtpMailerBuilder {
        SmtpMailerBuilder::new(server.into(), from.into())
    }

    pub(crate) fn start(transport: AsyncSmtpTransportBuilder, settings: Settings) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().thread_name("portcullis-dns").build()?;
        let handle = runtime.handle().clone();
        // With the feature `pool`, which another crate may have turned on, building needs a runtime.
        let transport = {
            let _entered = handle.enter();
            transport.build()
        };
        let (open, closed) = oneshot::channel();
        thread::Builder::new().name("portcullis-mail".to_owned()).spawn(move || {
            let _ = runtime.block_on(closed);
        })?;
        let (room, turns) =
            (Arc::new(Semaphore::new(settings.queue.min(Semaphore::MAX_PERMITS))), Semaphore::new(Self::TURNS));
        Ok(Self(Arc::new(Shared { transport, settings, room, turns, handle, _open: open })))
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: Mail) {
        match self.0.room.clone().try_acquire_owned() {
            Ok(place) => {
                self.0.handle.spawn(self.0.clone().deliver(mail, place).with_current_subscriber());
            }
            Err(_) => lost(mail.kind, "too many mails are waiting"),
        }
    }
}

impl Shared {
    async fn deliver(self: Arc<Self>, mail: Mail, _place: OwnedSemaphorePermit) {
        let kind = mail.kind;
        let Some((envelope, content)) = self.format(&mail) else { return lost(kind, "it cannot be written") };
        let mut pauses = self.settings.pauses.iter();
        loop {
            let Err(failure) = self.attempt(&envelope, &content).await else {
                return tracing::debug!(target: "portcullis", ?kind, "a mail was sent");
            };
            match pauses.next() {
                Some(pause) if !failure.is_final => {
                    tracing::debug!(target: "portcullis", ?kind, reason = failure.reason, "a mail is sent again later");
                    sleep(*pause).await;
                }
                _ => return lost(kind, &failure.reason),
            }
        }
    }

    fn format(&self, mail: &Mail) -> Option<(Envelope, Vec<u8>)> {
        let Settings { from, texts, .. } = &self.settings;
        // If the closure of the application panics, the recipient still gets the link.
        let text = texts.as_ref().and_then(|texts| catch_unwind(AssertUnwindSafe(|| texts(mail))).ok().flatten());
        let text = text.unwrap_or_else(|| Text::of(mail, from.name.as_deref()));
        let message = message(from, mail, text)?;
        Some((message.envelope().clone(), message.formatted()))
    }

    async fn attempt(&self, envelope: &Envelope, content: &[u8]) -> Result<(), Failure> {
        let _turn = self.turns.acquire().await;
        match timeout(self.settings.timeout, self.transport.send_raw(envelope, content)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                Err(Failure { reason: reason(&error), is_final: error.is_permanent() || error.is_client() })
            }
            Err(_) => Err(Failure { reason: "no answer in time".to_owned(), is_final: false }),
        }
    }
}

/// The answer of the server is left out: it often has the recipient in it.
fn reason(error: &smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("the server answers {code}");
    }
    let mut source = error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return format!("the connection failed: {}", io.kind());
        }
        source = cause.source();
    }
    let reason = match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_client() => "the server does not offer what is needed, such as STARTTLS or a way to sign in",
        error if error.is_tls() => "TLS failed",
        error if error.is_response() => "the server answers with something else than SMTP",
        _ => "the connection failed",
    };
    reason.to_owned()
}

fn lost(kind: MailKind, reason: &str) {
    tracing::error!(target: "portcullis", ?kind, reason, "a mail was not sent");
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("host", &self.0.settings.host).finish_non_exhaustive()
    }
}
