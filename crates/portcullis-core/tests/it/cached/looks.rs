//! Keys are looked at once for a request, whether its token is known or not. A second look could begin a second request to the
//! issuer, or come to other keys.

use super::*;

/// The same requests to a gate without a cache and to one with it, whose client answers before it returns. A token of the
/// key 1 that ends after 90 seconds is known when the issuer does this. The answers after that, and the requests to the
/// issuer.
fn both(change: impl Fn(&Rig)) -> [(Vec<Option<ErrorKind>>, usize); 2] {
    [Rig::plain(), Rig::cached()].map(|rig| {
        rig.warm();
        rig.client.clone().answering_in_send();
        let good = signed(1, "k1", &claims("good", "").replace(&(NOW + 3600).to_string(), &(NOW + 98).to_string()));
        rig.accepted(&good);
        change(&rig);
        let answers = (0..3).map(|_| rig.ask(&good).err().map(|error| error.kind())).collect();
        (answers, rig.client.count())
    })
}

/// The keys do not hold any more, and the next ones are without the token's. A look for those is a look for that one too.
#[test]
fn for_keys_that_do_not_hold() {
    let [plain, cached] = both(|rig| {
        rig.publish(&[("k2", 2)]);
        set_back(&rig.clock, seconds(10));
    });
    assert_eq!(plain, (vec![Some(ErrorKind::Invalid); 3], 2));
    assert_eq!(cached, plain);
}

/// The keys are about to expire, so that the next ones are fetched while they hold. The request that begins it goes by
/// those that hold.
#[test]
fn for_keys_that_are_about_to_expire() {
    let [plain, cached] = both(|rig| {
        rig.publish(&[("k2", 2)]);
        rig.advance(99);
    });
    assert_eq!(plain.0, [ErrorKind::Expired, ErrorKind::Invalid, ErrorKind::Invalid].map(Some));
    assert_eq!(cached, plain);
}
