use crate::{
    NOW,
    request::{Everybody, Request, form},
};
use portcullis_core::{Gate, RequestHead, Scheme, SignedUrls, policy::signed, testing::FixedClock};
use std::{sync::LazyLock, time::Duration};

const SECRETS: [&str; 2] = ["pQ8zL1v0Jx4cN7tR2yKd9WfGs5HbMa3E", "mB3cV9nX2sL8kJ4hG6fD1aQ7wE5rT0yU"];

/// Signs everything, one parameter, or a payload.
const SIGNERS: [&str; 3] = ["all", "id", "layer"];

static GATE: LazyLock<Gate> = LazyLock::new(|| gate(SECRETS[0], SECRETS[1]));
/// A gate with the same names of keys, and the secrets the other way round.
static OTHER: LazyLock<Gate> = LazyLock::new(|| gate(SECRETS[1], SECRETS[0]));

fn gate(first: &str, second: &str) -> Gate {
    let keys = || SignedUrls::new("a", first).and_then(|keys| keys.also("b", second)).expect("the keys are sound");
    let one = || SignedUrls::new("a", first).expect("the key is sound");
    let gate = Gate::builder().scheme(Scheme::new(Everybody).bearer()).clock(FixedClock::at(NOW));
    let gate = gate.signer(SIGNERS[0], keys()).signer(SIGNERS[1], keys().only(["id"]));
    gate.signer(SIGNERS[2], one().dangerous_payload("secure", layer)).build().expect("the gate is sound")
}

/// The value of `layer`, as it is written.
fn layer(head: &dyn RequestHead) -> Option<String> {
    head.query()?.split('&').find_map(|pair| pair.strip_prefix("layer=")).map(str::to_owned)
}

/// A signed address is valid for what was signed, and for nothing else.
///
/// The first line is the method and the address to sign, the second one the method of the request. The rest changes the signed
/// address: three bytes for each change.
pub fn signed_address(data: &[u8]) -> bool {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (first, second) = (text(), text());
    let changes = lines.next().unwrap_or_default();
    let (method, address) = first.split_once(' ').unwrap_or(("GET", &first));
    let mut is_accepted = false;
    for signer in SIGNERS {
        let minute = Duration::from_secs(60);
        let Ok(url) = GATE.sign(signer, method, address, minute) else { continue };
        let original = head(method, url.expose().as_bytes());
        assert!(accepts(&GATE, signer, &original), "{first} is refused by {signer}");
        assert!(!accepts(&OTHER, signer, &original), "{first} is accepted with the secret of another key");
        let others = SIGNERS.into_iter().filter(|other| *other != signer);
        others
            .for_each(|other| assert!(!accepts(&GATE, other, &original), "{first} by {signer} is accepted by {other}"));

        let changed = head(&second, &changed(url.expose(), changes));
        let accepted = accepts(&GATE, signer, &changed);
        is_accepted |= accepted;
        match signer {
            "all" => assert_eq!(accepted, is_same(&original, &changed, str::to_owned), "{original:?} and {changed:?}"),
            "id" => assert!(!accepted || is_same(&original, &changed, covered), "{original:?} and {changed:?}"),
            _ => assert!(!accepted || payload(&original) == payload(&changed), "{original:?} and {changed:?}"),
        }
    }
    is_accepted
}

fn head(method: &str, target: &[u8]) -> Request {
    Request::read(&[method.as_bytes(), b" ", target].concat())
}

fn accepts(gate: &Gate, signer: &'static str, head: &Request) -> bool {
    let plan = gate.plan(signed(signer)).expect("the signer is there");
    let who = gate.establish_for(&plan, head).ready().expect("nothing waits");
    gate.authorize(&who, &plan, head).ready().expect("nothing waits").is_ok()
}

/// Bytes replaced, inserted and removed.
fn changed(address: &str, changes: &[u8]) -> Vec<u8> {
    let mut bytes = address.as_bytes().to_vec();
    for change in changes.chunks_exact(3) {
        let place = (usize::from(change[0] / 3) << 8 | usize::from(change[1])) % bytes.len().max(1);
        match change[0] % 3 {
            0 if place < bytes.len() => bytes[place] = change[2],
            1 if place < bytes.len() => _ = bytes.remove(place),
            _ => bytes.insert(place, change[2]),
        }
    }
    bytes
}

/// Whether method, path, and what is read of the query are the same. An address for GET is valid for HEAD.
fn is_same(one: &Request, other: &Request, of_query: impl Fn(&str) -> String) -> bool {
    let parts = |head: &Request| {
        let method = if head.method == "HEAD" { "GET" } else { &head.method };
        (method.to_owned(), head.path().to_owned(), head.query().map(&of_query))
    };
    parts(one) == parts(other)
}

/// The pairs that `only(["id"])` covers.
fn covered(query: &str) -> String {
    let is_covered =
        |pair: &&str| form(pair).first().is_some_and(|(name, _)| ["id", "expires", "key_id"].contains(&&**name));
    query.split('&').filter(is_covered).collect::<Vec<_>>().join("&")
}

/// What is signed for a payload: the expiry, and then what the function returns.
fn payload(head: &Request) -> Option<String> {
    let mut pairs = head.query()?.split('&');
    Some(format!("{}{}", pairs.find_map(|pair| pair.strip_prefix("expires="))?, layer(head)?))
}
