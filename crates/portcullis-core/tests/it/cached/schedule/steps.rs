//! What may happen.

use super::tokens::{Change, FETCHED, FOUND, Minted, change, minted, one_of};
use crate::cached::web::Health;
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Token(Presented, Asking),
    Time(Move),
    Publish(&'static str, Publish),
    Requests(Requests),
    Revoke(Revoke),
    /// How revocations and the application's own authenticator answer from now on.
    Revocations(Mode),
    Own(Mode),
    /// They give the answers that are waited for.
    Release,
}

#[derive(Debug, Clone)]
pub(super) enum Presented {
    New(Minted),
    /// The one that came so many tokens ago.
    Again(usize),
    Changed(usize, Change),
    Secret,
    Own,
    Garbage,
    Nothing,
}

/// How a token comes, and how fresh the identity has to be.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) way: Way,
    pub(super) fresh: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Bearer,
    /// As nobody writes it, though everybody may.
    OddBearer,
    TwoBearers,
    Cookie,
    QuotedCookie,
    /// With a change of something, from a page of the service.
    OwnPage,
    /// The same, from another site.
    OtherSite,
    Query,
    /// A cookie with this one, and a header with the token that came last.
    Both,
    /// Without any request.
    Credential,
}

#[derive(Debug, Clone)]
pub(super) enum Move {
    /// Milliseconds.
    By(u64),
    Back(u64),
    /// To a time that the token from so many ago names, plus seconds of leeway or age, and so many milliseconds.
    To(usize, usize, u64, i64),
}

#[derive(Debug, Clone)]
pub(super) enum Publish {
    Add(u8),
    Remove(usize),
    /// Another key under the same name.
    Replace(usize, u8),
    Tag(Option<u8>),
    MaxAge(Option<u64>),
    Health(Health),
}

#[derive(Debug, Clone)]
pub(super) enum Requests {
    /// From now on they are answered while those who ask still look.
    Prompt,
    /// From now on they wait.
    Wait,
    Answer,
    Drop,
}

/// By the token from so many ago.
#[derive(Debug, Clone)]
pub(super) enum Revoke {
    Token(usize),
    Session(usize),
    Subject(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Now,
    Later,
    Unavailable,
    /// It fails for another reason.
    Fails,
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
