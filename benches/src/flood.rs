//! A flood of forged tokens on a gate with a cache, beside no more than the check of their signatures.

use crate::{
    allocations,
    case::{Case, Operation},
    guard::rs256,
    head::Head,
    tokens::Tokens,
    verify::{BARE, OURS, SECRET},
};
use aws_lc_rs::{
    hmac,
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_core::{Algorithm, Gate, TokenCache};
use std::{hint::black_box, sync::Arc};

const FORGED: usize = 10_000;
/// Callers whose tokens are in the cache meanwhile.
const KNOWN: usize = 100;

/// A case for each algorithm whose name is wanted.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let case = |algorithm: Algorithm| {
        let (name, table) = (format!("flood/{algorithm}"), "flood, 10,000 forged tokens in turn".to_owned());
        wanted(&name).then(|| Case { name, table, row: algorithm.name(), operations: operations(algorithm) })
    };
    [Algorithm::Hs256, Algorithm::Rs256].into_iter().filter_map(case).collect()
}

fn operations(algorithm: Algorithm) -> Vec<Operation> {
    let of = Tokens::new(algorithm);
    let forged: Arc<[Head]> = forged(of.request(0).token()).collect();
    let gate = of.gate(TokenCache::new(10 * KNOWN));
    let known: Vec<Head> = (0..KNOWN).map(|number| of.request(number)).collect();
    known.iter().for_each(|request| assert!(is_accepted(&gate, request)));
    // Nobody who is known has to be verified again afterwards, which would take allocations.
    let from_the_cache = |request: &Head| allocations::during(|| assert!(is_accepted(&gate, request))).times == 0;
    assert!(known.iter().all(from_the_cache));
    assert!(!forged.iter().any(|request| is_accepted(&gate, request)));
    assert!(known.iter().all(from_the_cache));
    let bare = bare(algorithm, &forged);
    let mut turn = (0..FORGED).cycle();
    let ours = move || {
        let request = turn.next().and_then(|place| forged.get(place)).expect("it is one of them");
        assert!(!is_accepted(&gate, black_box(request)));
    };
    vec![Operation::new(OURS, ours), bare]
}

fn is_accepted(gate: &Gate, request: &Head) -> bool {
    gate.establish(request).ready().expect("nobody is waited for").principal().is_ok()
}

/// The token with other signatures, each a number that its key could have signed.
fn forged(token: &str) -> impl Iterator<Item = Head> {
    let (message, signature) = token.rsplit_once('.').expect("a token has dots");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("a signature is base64url");
    let before = signature.len() - size_of::<usize>();
    (0..FORGED).map(move |number| {
        let mut forged = signature.clone();
        forged.splice(before.., number.to_be_bytes());
        Head::bearer(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(forged)))
    })
}

fn bare(algorithm: Algorithm, forged: &[Head]) -> Operation {
    match algorithm {
        Algorithm::Hs256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
            checked(forged, move |message, signature| hmac::verify(&key, message, signature).is_ok())
        }
        _ => {
            let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rs256::public_key()).expect("it is sound");
            checked(forged, move |message, signature| key.verify_sig(message, signature).is_ok())
        }
    }
}

/// Signatures that are decoded already, by a prepared key.
fn checked(forged: &[Head], is_good: impl Fn(&[u8], &[u8]) -> bool + 'static) -> Operation {
    let parts = forged.iter().map(|request| {
        let (message, signature) = request.token().rsplit_once('.').expect("a token has dots");
        (message.to_owned(), URL_SAFE_NO_PAD.decode(signature).expect("a signature is base64url"))
    });
    let parts: Vec<(String, Vec<u8>)> = parts.collect();
    let mut turn = (0..FORGED).cycle();
    Operation::new(BARE, move || {
        let (message, signature) = turn.next().and_then(|place| parts.get(place)).expect("it is one of them");
        assert!(!is_good(black_box(message.as_bytes()), signature));
    })
}
