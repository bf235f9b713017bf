//! The address of the mail server.

use crate::builder::misconfigured;
use percent_encoding::percent_decode_str;
use portcullis_core::Error;
use std::net::IpAddr;
use url::{Host, Url};

/// A mail server, as its URL says.
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) has_tls_from_the_start: bool,
    pub(crate) is_loopback: bool,
    pub(crate) credentials: Option<(String, String)>,
}

impl Server {
    /// Errors show nothing of the URL, which may contain a password.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|_| misconfigured("the address of the mail server is not a URL"))?;
        let (has_tls_from_the_start, port) = match url.scheme() {
            "smtp" => (false, 587),
            "smtps" => (true, 465),
            _ => return Err(misconfigured("the address of the mail server has to begin with smtp:// or smtps://")),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(misconfigured("the address of the mail server has to end after the port"));
        }
        // The parser takes names of these schemes as they are.
        let host = url.host().and_then(|host| Host::parse(&host.to_string()).ok());
        let Some(host) = host else { return Err(misconfigured("the address of the mail server has no host")) };
        let (host, is_loopback) = match host {
            Host::Domain(name) => {
                let is_localhost =
                    name.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                (name, is_localhost)
            }
            Host::Ipv4(address) => (address.to_string(), address.is_loopback()),
            Host::Ipv6(address) => (address.to_string(), IpAddr::V6(address).to_canonical().is_loopback()),
        };
        let decode = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(String::from).map_err(|_| misconfigured("the credentials of the mail server are not UTF-8"))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (_, None) | ("", _) => {
                return Err(misconfigured("the mail server needs a user name and a password, or none"));
            }
            (name, Some(password)) => Some((decode(name)?, decode(password)?)),
        };
        let port = url.port().unwrap_or(port);
        Ok(Self { host, port, has_tls_from_the_start, is_loopback, credentials })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says() -> Result<(), Error> {
        for (url, host, port, has_tls, is_loopback) in [
            ("smtp://mail.example.com", "mail.example.com", 587, false, false),
            ("smtps://mail.example.com/", "mail.example.com", 465, true, false),
            ("smtp://mail.example.com:25", "mail.example.com", 25, false, false),
            ("smtp://localhost:1025", "localhost", 1025, false, true),
            ("smtp://LOCALHOST", "localhost", 587, false, true),
            ("smtp://mail.localhost", "mail.localhost", 587, false, true),
            ("smtp://notlocalhost", "notlocalhost", 587, false, false),
            ("smtp://localhost.example.com", "localhost.example.com", 587, false, false),
            ("smtp://127.0.0.1", "127.0.0.1", 587, false, true),
            ("smtp://127.9.9.9", "127.9.9.9", 587, false, true),
            ("smtp://10.0.0.1", "10.0.0.1", 587, false, false),
            ("smtp://127.0.0.1.example.com", "127.0.0.1.example.com", 587, false, false),
            ("smtp://[::1]:25", "::1", 25, false, true),
            ("smtp://[2001:db8::1]", "2001:db8::1", 587, false, false),
        ] {
            let server = Server::parse(url)?;
            let found = (&*server.host, server.port, server.has_tls_from_the_start, server.is_loopback);
            assert_eq!(found, (host, port, has_tls, is_loopback), "{url}");
            assert!(server.credentials.is_none());
        }
        Ok(())
    }

    #[test]
    fn credentials_are_decoded() -> Result<(), Error> {
        let server = Server::parse("smtp://no-reply%40example.com:p%3A%2F%20w@mail.example.com:587")?;
        assert_eq!(server.credentials, Some(("no-reply@example.com".to_owned(), "p:/ w".to_owned())));
        Ok(())
    }

    #[test]
    fn other_addresses_are_refused_and_not_shown() {
        for url in [
            "",
            "mail.example.com",
            "mail.example.com:587",
            "http://mail.example.com",
            "smtp://",
            "smtp:///",
            "smtp://user:secret@",
            "smtp://user@mail.example.com",
            "smtp://:secret@mail.example.com",
            "smtp://user:secret@mail.example.com/path",
            "smtp://user:secret@mail.example.com?tls=none",
            "smtp://user:secret@mail.example.com#x",
            "smtp://user:secret@mail.example.com:99999",
            "smtp://user:%ff@mail.example.com",
        ] {
            let error = Server::parse(url).err().map(|error| format!("{error} {error:?}"));
            assert!(error.is_some_and(|error| !error.contains("secret")), "{url}");
        }
    }
}
