//! A verifier whose keys are fetched from a desk, at noon, and tokens for it.

use crate::{
    desk::{Asked, Desk, Does},
    schedules::Seen,
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{
    Algorithm, Audience, Credential, CredentialSource, Error, ErrorKind, HttpResponse, Issuer, Jwt, Principal,
    RemoteKeys, Verifier, testing::FixedClock,
};
use shuttle::{
    future::block_on,
    sync::mpsc::Receiver,
    thread::{self, JoinHandle},
};
use std::{
    fmt,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

pub const ISSUER: &str = "https://issuer.test";
pub const URL: &str = "https://issuer.test/keys";
pub const NOW: u64 = 1_767_268_800;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pair(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap()
}

fn jwk(n: u8) -> String {
    let x = encoded(pair(n).public_key());
    format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"k{n}","alg":"EdDSA","use":"sig"}}"#)
}

/// The answer with the keys of these numbers, good for so many seconds.
pub fn keys_for(numbers: &[u8], seconds: u64) -> HttpResponse {
    static JWKS: LazyLock<Vec<String>> = LazyLock::new(|| (0..10).map(jwk).collect());
    let jwks: Vec<_> = numbers.iter().map(|n| &*JWKS[usize::from(*n)]).collect();
    let set = format!(r#"{{"keys":[{}]}}"#, jwks.join(","));
    HttpResponse::new(200, set).with_header("cache-control", format!("max-age={seconds}"))
}

/// The same, for 100 seconds, as nearly all of them are.
pub fn keys(numbers: &[u8]) -> Does {
    Does::Gives(keys_for(numbers, 100))
}

fn signed(n: u8) -> String {
    let header = format!(r#"{{"alg":"EdDSA","kid":"k{n}"}}"#);
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"test","sub":"alice","exp":{}}}"#, NOW + 1_000_000);
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = encoded(pair(n).sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A token of the key number `n`.
pub fn token(n: u8) -> &'static str {
    static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| (0..10).map(signed).collect());
    &TOKENS[usize::from(n)]
}

/// A made-up token, whose key no issuer has.
pub const FORGED: u8 = 9;

/// What a token is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Passes,
    /// 401.
    Invalid,
    /// 503.
    Unavailable,
}

pub use Says::{Invalid, Passes, Unavailable};

impl<T> From<Result<T, Error>> for Says {
    fn from(result: Result<T, Error>) -> Self {
        match result.map_err(|error| error.kind()) {
            Ok(_) => Passes,
            Err(ErrorKind::Invalid) => Invalid,
            Err(ErrorKind::Unavailable) => Unavailable,
            Err(other) => panic!("{other:?}"),
        }
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Passes => "passes",
            Invalid => "401",
            Unavailable => "503",
        })
    }
}

pub type Asking<T = Says> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request with this credential, which begins when it is polled.
pub fn asking(verifier: impl Into<Verifier>, token: &str) -> Asking<Result<Principal, Error>> {
    let (verifier, credential) = (verifier.into(), Credential::new(token, CredentialSource::bearer()).to_owned());
    Box::pin(async move { verifier.authenticate(&credential).await })
}

/// One look at it, by somebody who will not be told when to look again.
pub fn poll<T>(asking: &mut Asking<T>) -> Option<T> {
    match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// The answer, and note of whether it was there at the first look.
pub fn answer<T>(mut asking: Asking<T>, seen: &Seen) -> T {
    let at_once = poll(&mut asking);
    seen.note(if at_once.is_some() { "at once" } else { "waits" });
    at_once.unwrap_or_else(|| block_on(asking))
}

/// Looks so often, whether it was called or not, and leaves; before it looks and before it goes, others may run.
pub async fn leave_after<T>(looks: usize, mut asking: Asking<T>) -> Option<T> {
    let mut answer = None;
    for _ in 0..looks {
        shuttle::future::yield_now().await;
        answer = std::future::poll_fn(|context| match asking.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if answer.is_some() {
            break;
        }
    }
    shuttle::future::yield_now().await;
    answer
}

/// Somebody who waits for an answer in a thread of their own.
pub fn waiting<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    thread::spawn(move || block_on(future))
}

#[derive(Clone)]
pub struct Rig {
    pub desk: Desk,
    pub clock: FixedClock,
    pub keys: RemoteKeys,
    pub jwt: Jwt,
}

impl Rig {
    /// Nothing is fetched yet.
    pub fn cold() -> (Self, Receiver<Asked>) {
        let (desk, asked) = Desk::new();
        let keys = RemoteKeys::jwks(URL, desk.clone()).unwrap();
        (Self::of(&desk, keys), asked)
    }

    pub fn of(desk: &Desk, keys: RemoteKeys) -> Self {
        let clock = FixedClock::at(NOW);
        Self::by(clock, desk, keys)
    }

    /// One that goes by this clock, and so do its keys unless they have one already.
    pub fn by(clock: FixedClock, desk: &Desk, keys: RemoteKeys) -> Self {
        Self { desk: desk.clone(), jwt: Self::eddsa(&keys).clock(clock.clone()), keys, clock }
    }

    pub fn eddsa(keys: &RemoteKeys) -> Jwt {
        Jwt::new(Issuer::new(ISSUER, Audience::is("test"), [Algorithm::EdDsa], keys.clone()).unwrap())
    }

    /// The keys of these numbers were fetched so many seconds ago, with one request.
    pub fn warm(numbers: &[u8], seconds_ago: u64) -> (Self, Receiver<Asked>) {
        let (rig, asked) = Self::cold();
        rig.fetch(&asked, numbers);
        rig.advance(seconds_ago);
        (rig, asked)
    }

    pub fn fetch(&self, asked: &Receiver<Asked>, numbers: &[u8]) {
        assert_eq!(self.verify(numbers[0]), Unavailable);
        keys(numbers).with(asked.recv().unwrap().1);
        assert_eq!((self.verify(numbers[0]), self.desk.requests()), (Passes, 1));
    }

    pub fn advance(&self, seconds: u64) {
        self.advance_millis(seconds * 1000);
    }

    pub fn advance_millis(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    /// A request with a token of the key number `n`.
    pub fn asking(&self, n: u8) -> Asking {
        let asking = asking(self.jwt.clone(), token(n));
        Box::pin(async move { Says::from(asking.await) })
    }

    pub fn waiting(&self, n: u8) -> JoinHandle<Says> {
        waiting(self.asking(n))
    }

    /// The same, which is noted.
    pub fn answering(&self, n: u8, seen: &Seen) -> JoinHandle<Says> {
        let (asking, seen) = (self.asking(n), seen.clone());
        thread::spawn(move || answer(asking, &seen))
    }

    /// The answer that is there at once.
    pub fn at_once(&self, n: u8) -> Option<Says> {
        poll(&mut self.asking(n))
    }

    /// The answer to somebody who never waits.
    pub fn verify(&self, n: u8) -> Says {
        self.jwt.verify(token(n)).into()
    }
}
