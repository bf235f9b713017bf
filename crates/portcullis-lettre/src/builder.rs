//! Settings of a mailer.

use crate::{
    mailer::{Settings, SmtpMailer, Texts},
    server::Server,
    text::Text,
};
use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use portcullis_accounts::Mail;
use portcullis_core::{Error, ErrorKind};
use std::{fmt, sync::Arc, time::Duration};

/// Builds an [`SmtpMailer`]; see [`SmtpMailer::builder`].
///
/// A setting that cannot be used is an error of [`build`](Self::build).
///
/// ```
/// use portcullis_accounts::MailKind;
/// use portcullis_lettre::{SmtpMailer, Text};
///
/// # fn main() -> Result<(), portcullis_core::Error> {
/// let server = "smtps://orders:a%20password@mail.example.com";
/// let mailer = SmtpMailer::builder(server, "Orders <no-reply@example.com>")
///     .texts(|mail| match (mail.kind, &mail.link) {
///         (MailKind::Reset, Some(link)) => Some(Text::new(
///             "Neues Kennwort",
///             format!("Für ein neues Kennwort öffnen Sie bitte diesen Link:\n\n{link}"),
///         )),
///         _ => None,
///     })
///     .build()?;
///
/// assert!(SmtpMailer::builder("mail.example.com", "no-reply@example.com").build().is_err());
/// assert!(SmtpMailer::builder("smtp://mail.example.com", "nobody").build().is_err());
/// # let _ = mailer; Ok(()) }
/// ```
#[must_use]
pub struct SmtpMailerBuilder {
    server: String,
    from: String,
    credentials: Option<(String, String)>,
    certificates: Vec<Vec<u8>>,
    texts: Option<Texts>,
    timeout: Duration,
    pauses: Vec<Duration>,
    queue: usize,
    allows_plaintext: bool,
}

impl SmtpMailerBuilder {
    pub(crate) fn new(server: String, from: String) -> Self {
        Self {
            server,
            from,
            credentials: None,
            certificates: Vec::new(),
            texts: None,
            timeout: Duration::from_secs(60),
            pauses: [2, 15, 120].map(Duration::from_secs).to_vec(),
            queue: 1000,
            allows_plaintext: false,
        }
    }

    /// The user name and the password for the server, instead of those in its URL.
    pub fn credentials(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((name.into(), password.into()));
        self
    }

    /// Trusts these authorities as well as those that the system trusts. PEM of one or several certificates.
    ///
    /// May be called more than once.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.certificates.push(pem.as_ref().to_vec());
        self
    }

    /// Texts of your own, such as in the recipient's language. Where `texts` returns `None`, the mail has the default text.
    pub fn texts(mut self, texts: impl Fn(&Mail) -> Option<Text> + Send + Sync + 'static) -> Self {
        self.texts = Some(Arc::new(texts));
        self
    }

    /// How long an attempt to send a mail may take. 60 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The pauses before further attempts to send a mail. 2 seconds, 15 seconds and 2 minutes by default.
    pub fn retries(mut self, pauses: impl IntoIterator<Item = Duration>) -> Self {
        self.pauses = pauses.into_iter().collect();
        self
    }

    /// How many mails may wait, those that are being sent among them. 1 000 by default.
    pub fn queue(mut self, mails: usize) -> Self {
        self.queue = mails;
        self
    }

    /// Sends mails and the password of the mail server in plain text, to every host. An attacker between this service and the
    /// mail server can then read the links.
    ///
    /// A URL with `smtps://` is still TLS.
    pub fn dangerous_plaintext(mut self) -> Self {
        self.allows_plaintext = true;
        self
    }

    /// Starts the mailer's thread.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] for a server, a sender or certificates that cannot be used, and if the thread cannot be
    /// started.
    pub fn build(self) -> Result<SmtpMailer, Error> {
        let server = Server::parse(&self.server)?;
        let from: Mailbox = self.from.parse().map_err(|_| {
            misconfigured("the sender of mails has to be an address such as Orders <no-reply@example.com>")
        })?;
        let is_plain = self.allows_plaintext || (server.is_loopback && self.certificates.is_empty());
        let tls = match (server.has_tls_from_the_start, is_plain) {
            (true, _) => Tls::Wrapper(parameters(&server.host, &self.certificates)?),
            (false, true) => Tls::None,
            (false, false) => Tls::Required(parameters(&server.host, &self.certificates)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(self.timeout))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some((name, password)) = self.credentials.or(server.credentials) {
            transport = transport.credentials(Credentials::new(name, password));
        }
        let settings = Settings {
            host: server.host,
            from,
            texts: self.texts,
            timeout: self.timeout,
            pauses: self.pauses,
            queue: self.queue,
        };
        SmtpMailer::start(transport, settings)
            .map_err(|error| misconfigured("cannot start the thread that sends mails").with_cause(error))
    }
}

fn parameters(host: &str, certificates: &[Vec<u8>]) -> Result<TlsParameters, Error> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    for pem in certificates {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        // Without this, an empty file would be taken for no authority.
        if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
            return Err(misconfigured("the PEM of the root certificates has no `BEGIN CERTIFICATE` line"));
        }
        let certificate =
            Certificate::from_pem(pem).map_err(|_| misconfigured("the PEM of the root certificates is damaged"))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| misconfigured("cannot set up TLS").with_cause(error))
}

pub(crate) fn misconfigured(detail: &'static str) -> Error {
    Error::new(ErrorKind::Misconfigured, detail)
}

impl fmt::Debug for SmtpMailerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailerBuilder")
            .field("timeout", &self.timeout)
            .field("retries", &self.pauses)
            .field("queue", &self.queue)
            .field("allows_plaintext", &self.allows_plaintext)
            .finish_non_exhaustive()
    }
}
