//! Counts nothing.

use super::Upstream;
use crate::{
    answer::Answer,
    decision::Access,
    error::Error,
    gate::{Authentication, Gate},
    policy::Plan,
    scheme::{Scheme, Sources},
};

#[derive(Clone, Default)]
pub(crate) struct Labels;

impl Labels {
    pub(crate) fn of(_: &[Scheme], _: &Sources) -> Self {
        Self
    }
}

#[inline(always)]
pub(crate) fn allowed<'a>(
    decided: Answer<'a, Result<Access, Error>>,
    _: &'a Gate,
    _: &'a Authentication,
    _: &Plan,
) -> Answer<'a, Result<Access, Error>> {
    decided
}

#[inline(always)]
pub(crate) fn refused(_: &Labels, _: &Error) {}

#[derive(Clone, Copy)]
pub(crate) struct CacheMeter;

impl CacheMeter {
    pub(crate) const fn new(_: &'static str) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn count(self, _: bool) {}
}

#[inline(always)]
pub(crate) fn upstream(_: Upstream, _: bool) {}

#[inline(always)]
pub(crate) fn pause(_: Upstream) {}
