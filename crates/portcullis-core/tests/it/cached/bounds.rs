//! How much is kept at most.

use super::{alive::alive, *};
use crate::tokens::{issuer, with_claims};

/// A gate of one secret, which needs nobody.
fn rig(size: TokenCache) -> Rig {
    let rig = Rig::of(|gate| gate);
    let jwt = Jwt::new(issuer()).clock(rig.clock.clone());
    let gate = Gate::builder().scheme(Scheme::new(jwt).bearer()).cache(size).build().unwrap();
    Rig { gate, ..rig }
}

/// The token number `n`, of at least so many bytes.
fn number(n: usize, bytes: usize) -> String {
    let long = format!(r#","long":"{}""#, "x".repeat(bytes * 3 / 4));
    with_claims(&claims(&format!("{n}"), &long))
}

#[test]
fn by_entries() {
    for entries in [0, 1, 2, 3, 7, 20, 61, 62, 63, 64, 65, 100, 127, 500] {
        let rig = rig(TokenCache::new(entries));
        for n in 0..entries + 20 {
            rig.comes(&number(n, 0));
            assert!(alive().len() <= entries, "{} of at most {entries}", alive().len());
        }
        // Beyond a few dozen they are kept in several parts, of which one may be full before the others.
        let least = if entries < 62 { entries } else { entries * 3 / 4 };
        assert!(alive().len() >= least, "{} of {entries}", alive().len());
        assert_eq!(rig.refused("garbage"), ErrorKind::Unrecognized);
    }
}

/// The bytes cannot be shared out evenly, and the cache has several parts, each of which rounds them up.
#[test]
fn by_entries_whose_shares_are_rounded() {
    for entries in [31, 63, 127] {
        let rig = rig(TokenCache::new(entries).max_bytes(4096 * (entries + 1) - 1));
        for n in 0..2000 {
            rig.comes(&number(n, 0));
            assert!(alive().len() <= entries, "{} of at most {entries}", alive().len());
        }
    }
}

/// A token counts four times, and half a KiB more.
#[test]
fn by_bytes() {
    for (bytes, fit) in [(0, 0), (10_000, 0), (30_000, 1), (50_000, 1), (100_000, 3), (1_000_000, 39)] {
        // Room for 40 tokens of that length is not what holds them back, up to the last line.
        let rig = rig(TokenCache::new(40).max_bytes(bytes));
        for n in 0..60 {
            let token = number(n, 6000);
            assert!((6000..6300).contains(&token.len()), "{}", token.len());
            rig.comes(&token);
            let weight = alive().len() * (4 * token.len() + 512);
            assert!(weight <= bytes, "{weight} of {bytes}");
        }
        assert_eq!(alive().len(), fit, "{bytes}");
        rig.refused("garbage");
    }
}

/// A token that is larger than everything is not kept, is accepted each time, and pushes nothing out.
#[test]
fn one_that_is_too_large() {
    let rig = rig(TokenCache::new(4).max_bytes(20_000));
    for n in 0..4 {
        rig.comes(&number(n, 0));
    }
    let kept = alive();
    assert_eq!(kept.len(), 4);
    let large = number(9, 6000);
    for _ in 0..3 {
        let one = rig.accepted(&large);
        assert!(!share(&one, &rig.accepted(&large)));
        rig.comes(&large);
        assert_eq!(alive(), kept);
    }
    // One changed letter, and it is refused as any other.
    assert!(rig.ask(&large.replacen("eHh4", "eXh4", 1)).is_err());
}

/// Those that come again and again stay, whatever passes by once.
#[test]
fn the_usual_ones_stay() {
    let rig = rig(TokenCache::new(20));
    let usual: Vec<String> = (0..5).map(|n| number(n, 0)).collect();
    for _ in 0..3 {
        usual.iter().for_each(|token| rig.comes(token));
    }
    for n in 100..400 {
        rig.comes(&number(n, 0));
        rig.comes(&usual[n % 5]);
    }
    for n in 0..5 {
        assert!(alive().contains(&n.to_string()), "{:?}", alive());
    }
    assert!(alive().len() <= 20);
}

/// What ends is not kept once somebody has come with it in vain.
#[test]
fn what_has_expired_is_dropped() {
    let rig = rig(roomy());
    let (short, long) =
        (with_claims(&claims("short", "").replace(&(NOW + 3600).to_string(), &(NOW + 9).to_string())), number(1, 0));
    rig.comes(&short);
    rig.comes(&long);
    rig.advance(9);
    assert_eq!(alive().len(), 2, "nobody has looked");
    assert_eq!(rig.refused(&short), ErrorKind::Expired);
    rig.comes(&long);
    assert_eq!(alive(), ["1".to_owned()].into());
}
