//! What happens, at random.

use super::{
    changes::change,
    steps::{Asking, Mode, Move, Presented, Publish, Requests, Revoke, Step, Way},
    tokens::{FETCHED, FOUND, minted},
};
use crate::cached::web::Health;
use proptest::{prelude::*, sample::select};
use std::{fmt, iter};

/// One of these values, by weight.
pub(super) fn one_of<T: Clone + fmt::Debug + 'static>(values: &[(usize, T)]) -> impl Strategy<Value = T> + use<T> {
    let values = values.iter().flat_map(|(weight, value)| iter::repeat_n(value.clone(), *weight));
    select(values.collect::<Vec<_>>())
}

fn presented() -> impl Strategy<Value = Presented> {
    prop_oneof![
        8 => minted().prop_map(Presented::New),
        16 => (0..3_usize).prop_map(Presented::Again),
        8 => (0..8_usize).prop_map(Presented::Again),
        3 => (0..4_usize, change()).prop_map(|(back, change)| Presented::Changed(back, change)),
        1 => Just(Presented::Secret),
        1 => Just(Presented::Own),
        1 => Just(Presented::Garbage),
        1 => Just(Presented::Nothing),
    ]
}

fn time() -> impl Strategy<Value = Move> {
    let leeway = one_of(&[(3, 0), (1, 5), (1, 60), (1, 20), (1, 80)]);
    let edge = one_of(&[(2, 0), (2, -1), (1, 1)]);
    prop_oneof![
        8 => (0..2000_u64).prop_map(Move::By),
        4 => (0..20_000_u64).prop_map(Move::By),
        2 => (0..100_000_u64).prop_map(Move::By),
        1 => Just(Move::By(4_000_000)),
        4 => (0..5_000_u64).prop_map(Move::Back),
        1 => (0..100_000_u64).prop_map(Move::Back),
        6 => (0..5_usize, 0..3_usize, leeway, edge).prop_map(|(back, which, more, edge)| Move::To(back, which, more, edge)),
    ]
}

fn publish() -> impl Strategy<Value = Publish> {
    use Health::{Babbling, Down, Empty, Unreachable, Well};
    let health = one_of(&[(8, Well), (2, Down), (1, Unreachable), (1, Babbling), (1, Empty)]);
    prop_oneof![
        3 => (1..8_u8).prop_map(Publish::Add),
        3 => (0..4_usize).prop_map(Publish::Remove),
        2 => (0..4_usize, 1..8_u8).prop_map(|(place, n)| Publish::Replace(place, n)),
        2 => prop::option::of(0..3_u8).prop_map(Publish::Tag),
        2 => one_of(&[(1, None), (1, Some(0)), (1, Some(30)), (1, Some(1000))]).prop_map(Publish::MaxAge),
        6 => health.prop_map(Publish::Health),
    ]
}

fn mode() -> impl Strategy<Value = Mode> {
    one_of(&[(6, Mode::Now), (3, Mode::Later), (1, Mode::Unavailable), (1, Mode::Fails)])
}

fn step() -> impl Strategy<Value = Step> {
    use Way::{Bearer, Both, Cookie, Credential, OddBearer, OtherSite, OwnPage, Query, QuotedCookie, TwoBearers};
    let rare = [OddBearer, TwoBearers, QuotedCookie, OwnPage, Query, Both, Credential, OtherSite];
    let way = one_of(&[&[(20, Bearer), (4, Cookie)][..], &rare.map(|way| (1, way))].concat());
    let fresh = one_of(&[(8, None), (1, Some(0)), (1, Some(60))]);
    let asking = (way, fresh).prop_map(|(way, fresh)| Asking { way, fresh });
    use Requests::{Answer, Drop, Prompt, Wait};
    let requests = one_of(&[(3, Prompt), (2, Wait), (8, Answer), (1, Drop)]);
    let revoke = (0..4_usize, 0..6_u8).prop_map(|(back, what)| match what {
        0..3 => Revoke::Token(back),
        3..5 => Revoke::Session(back),
        _ => Revoke::Subject(back),
    });
    prop_oneof![
        40 => (presented(), asking).prop_map(|(presented, asking)| Step::Token(presented, asking)),
        8 => time().prop_map(Step::Time),
        3 => (one_of(&[(2, FETCHED), (1, FOUND)]), publish()).prop_map(|(issuer, change)| Step::Publish(issuer, change)),
        6 => requests.prop_map(Step::Requests),
        1 => revoke.prop_map(Step::Revoke),
        1 => mode().prop_map(Step::Revocations),
        1 => mode().prop_map(Step::Own),
        3 => Just(Step::Release),
    ]
}

/// Some tokens first, for later steps to speak of.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let first = Asking { way: Way::Bearer, fresh: None };
    let first = minted().prop_map(move |minted| Step::Token(Presented::New(minted), first.clone()));
    let parts = (prop::collection::vec(first, 3), prop::collection::vec(step(), 0..80));
    parts.prop_map(|(first, steps)| first.into_iter().chain(steps).collect())
}
