//! What may happen.

use super::{changes::Change, tokens::Minted};
use crate::cached::web::Health;

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
