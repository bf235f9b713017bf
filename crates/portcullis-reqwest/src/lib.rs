//! Portcullis asks issuers through reqwest: [`Client`] is the usual [`HttpClient`](portcullis_core::HttpClient).
//!
//! ```no_run
//! use portcullis_core::{Algorithm, Audience, Issuer, RemoteKeys};
//! use portcullis_reqwest::Client;
//!
//! # fn main() -> Result<(), portcullis_core::Error> {
//! let client = Client::new()?; // one for all issuers
//! let name = "https://id.example.com";
//! let people = Issuer::new(
//!     name,
//!     Audience::is("orders"),
//!     [Algorithm::Rs256],
//!     RemoteKeys::discover(name, client.clone())?,
//! )?
//! .token_type("at+jwt"); // what its access tokens say in `typ`, and its ID tokens do not
//! let name = "https://machines.example.com";
//! let machines = Issuer::new(
//!     name,
//!     Audience::is("orders"),
//!     [Algorithm::Es256],
//!     RemoteKeys::discover(name, client)?,
//! )?
//! .token_type("at+jwt");
//! # let _ = (people, machines); Ok(()) }
//! ```
//!
//! # What it does
//! A request takes at most 5 seconds, from looking up the name to the last byte. The body of an answer has at most 1 MiB as
//! it was sent: nothing is decompressed. Redirects are not followed; they count as answers. There are no cookies, and proxies
//! of the environment are not used. Certificates are checked against the authorities that the system trusts; on Linux,
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. [`Client::builder`] changes what can be changed.
//!
//! Connections use HTTP/1.1 and are kept for the next request: up to 64 to a host, for four seconds, since many issuers close
//! after five. A request that fails on a kept connection before its answer begins is sent again on another, because the
//! issuer may have closed the first one at that moment. A request that fails on a new connection is not sent again. While
//! requests are sent side by side, the client cannot always tell on which one it was sent: then it is sent again if an answer
//! has come since the last such failure.
//!
//! # What may be asked
//! `https`. Plain `http` only to `localhost`, names below it, `127.0.0.0/8` and `::1`, unless
//! [`dangerous_allow_http`](ClientBuilder::dangerous_allow_http) was called. `localhost` and names below it are not looked
//! up: they mean this machine, whatever the DNS says. An address with a user name or password in it is refused.
//!
//! Other names are looked up, and by default the result is not checked. It may be an address of a private network, where many
//! issuers live, or another one than last time. The certificate protects against a DNS that lies; with `dangerous_allow_http`
//! nothing does. [`public_addresses_only`](ClientBuilder::public_addresses_only) checks it, and connects to what was checked.
//!
//! It is not checked whether an address in an issuer's discovery document belongs to that issuer: an issuer can have any of
//! these addresses asked. For an HTTPS issuer that is elsewhere, [`RemoteKeys`](portcullis_core::RemoteKeys) refuses
//! `localhost` there, and loopback, link-local and unspecified addresses.
//!
//! # Where it runs
//! On a thread of its own, which starts with the first request. So a client works without a runtime, and a blocked worker
//! delays no answers but its own. One client is enough for a process: share it by cloning. A process that forks has to do so
//! before its first request, because the thread does not survive a fork. With [`runtime`](ClientBuilder::runtime), requests
//! run on a tokio runtime of yours instead.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod builder;
mod client;
mod pem;
mod public;
mod resolver;
mod runtime;

pub use builder::ClientBuilder;
pub use client::Client;
