//! Issuers that are known at run time: who is trusted, what is asked for that, and what is remembered.

mod bounds;
mod cache;
mod keys;
mod lookups;
mod names;

use portcullis_core::{
    Algorithm, Audience, Credential, CredentialSource, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse,
    IssuerLookup, Reply, TrustedIssuers,
    testing::{FixedClock, TestIssuer},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

const A: &str = "https://a.example.com";
const B: &str = "https://b.example.com";

/// An issuer with this name, whose tokens are valid for a day.
fn issuer(name: &str) -> TestIssuer {
    TestIssuer::new().named(name)
}

fn token(issuer: &TestIssuer) -> String {
    issuer.token("alice").expires_in(Duration::from_secs(24 * 3600)).sign()
}

/// A token of this issuer, signed with the usual key.
fn token_of(name: &str) -> String {
    token(&issuer(name))
}

/// A network of issuers, which counts what it is asked.
#[derive(Debug, Clone, Default)]
struct Web(Arc<Mutex<Servers>>);

#[derive(Debug, Default)]
struct Servers {
    issuers: HashMap<String, TestIssuer>,
    pages: HashMap<String, HttpResponse>,
    asked: Vec<String>,
}

impl Web {
    fn of(names: &[&str]) -> Self {
        let web = Self::default();
        names.iter().for_each(|name| web.put(name, issuer(name)));
        web
    }

    fn put(&self, name: &str, issuer: TestIssuer) {
        self.0.lock().unwrap().issuers.insert(name.to_owned(), issuer);
    }

    fn page(&self, url: &str, body: &str) {
        self.0.lock().unwrap().pages.insert(url.to_owned(), HttpResponse::new(200, body));
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    fn count(&self) -> usize {
        self.asked().len()
    }
}

impl HttpClient for Web {
    fn send(&self, request: HttpRequest, reply: Reply) {
        let url = request.url().to_owned();
        let (page, there) = {
            let mut servers = self.0.lock().unwrap();
            servers.asked.push(url.clone());
            let mut issuers = servers.issuers.iter();
            let there =
                issuers.find(|(name, _)| url.starts_with(&format!("{name}/"))).map(|(_, issuer)| issuer.clone());
            (servers.pages.get(&url).cloned(), there)
        };
        match (page, there) {
            (Some(page), _) => reply.give(Ok(page)),
            (None, Some(issuer)) => issuer.send(request, reply),
            (None, None) => reply.give(Err(Error::new(ErrorKind::Unavailable, "there is no such server"))),
        }
    }

    fn is_public_only(&self) -> bool {
        true
    }
}

/// A table of tenants, which counts what it is asked. An outage for names that say so.
#[derive(Debug, Clone, Default)]
struct Tenants(Arc<Mutex<(Vec<String>, Vec<String>)>>);

impl Tenants {
    fn of(names: &[&str]) -> Self {
        let this = Self::default();
        this.set(names);
        this
    }

    fn set(&self, names: &[&str]) {
        self.0.lock().unwrap().0 = names.iter().map(|name| (*name).to_owned()).collect();
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().1.len()
    }
}

impl IssuerLookup for Tenants {
    async fn is_trusted(&self, issuer: &str) -> Result<bool, Error> {
        let mut tenants = self.0.lock().unwrap();
        tenants.1.push(issuer.to_owned());
        match tenants.0.iter().any(|name| name == "down") {
            true => Err(Error::new(ErrorKind::Invalid, "the database is down")),
            false => Ok(tenants.0.iter().any(|name| name == issuer)),
        }
    }
}

fn trusting_nobody(web: &Web, clock: &FixedClock) -> TrustedIssuers {
    let algorithms = [Algorithm::Es256, Algorithm::EdDsa];
    TrustedIssuers::new(Audience::is("test"), algorithms, web.clone()).unwrap().clock(clock.clone())
}

/// The clock of the tokens.
fn clock() -> FixedClock {
    TestIssuer::new().clock()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a token is answered.
async fn says(issuers: &TrustedIssuers, token: &str) -> Result<(), ErrorKind> {
    let credential = Credential::new(token.to_owned(), CredentialSource::bearer());
    issuers.authenticate(&credential).await.map(drop).map_err(|error| error.kind())
}

const UNRECOGNIZED: Result<(), ErrorKind> = Err(ErrorKind::Unrecognized);
const UNAVAILABLE: Result<(), ErrorKind> = Err(ErrorKind::Unavailable);
const INVALID: Result<(), ErrorKind> = Err(ErrorKind::Invalid);
