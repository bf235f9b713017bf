//! Values of parameters and columns: text, integers, booleans, bytes. Times are milliseconds since 1970.

use crate::dialect::Dialect;
#[cfg(feature = "accounts")]
use portcullis_accounts::Digest;
use portcullis_core::KeyDigest;
use serde_json::{Map, Value as Json};
use std::time::{Duration, SystemTime};

/// A parameter.
#[derive(Debug)]
pub enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Boolean(bool),
    Bytes(Option<Vec<u8>>),
}

/// Texts of Postgres have no NUL. No identifier has one either, so what is looked for with one is not found.
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(|text| text.replace('\0', "\u{fffd}")))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Some(text).into()
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Integer(Some(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<SystemTime> for Value {
    fn from(time: SystemTime) -> Self {
        Self::Integer(Some(millis(time)))
    }
}

impl From<Option<SystemTime>> for Value {
    fn from(time: Option<SystemTime>) -> Self {
        Self::Integer(time.map(millis))
    }
}

#[cfg(feature = "accounts")]
impl From<&Digest> for Value {
    fn from(digest: &Digest) -> Self {
        Self::Bytes(Some(digest.as_bytes().to_vec()))
    }
}

#[cfg(feature = "accounts")]
impl From<Option<Digest>> for Value {
    fn from(digest: Option<Digest>) -> Self {
        Self::Bytes(digest.map(|digest| digest.as_bytes().to_vec()))
    }
}

#[cfg(feature = "accounts")]
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<&KeyDigest> for Value {
    fn from(digest: &KeyDigest) -> Self {
        Self::Bytes(Some(digest.as_bytes().to_vec()))
    }
}

impl From<&Map<String, Json>> for Value {
    fn from(object: &Map<String, Json>) -> Self {
        Self::Text(Some(Json::Object(object.clone()).to_string()))
    }
}

/// A time before 1970, or one that is no number of milliseconds, is rounded down.
fn millis(time: SystemTime) -> i64 {
    let saturated = |millis: u128| i64::try_from(millis).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => saturated(after.as_millis()),
        Err(before) => -saturated(before.duration().as_nanos().div_ceil(1_000_000)),
    }
}

/// The columns of a row, in order.
pub(crate) struct Columns<'r, D: Dialect> {
    row: &'r D::Row,
    next: usize,
}

impl<'r, D: Dialect> Columns<'r, D> {
    pub(crate) fn of(row: &'r D::Row) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn next<C: Column>(&mut self) -> sqlx::Result<C> {
        let column = C::read::<D>(self.row, self.next);
        self.next = self.next.saturating_add(1);
        column
    }
}

/// A type of a column.
pub(crate) trait Column: Sized {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self>;
}

impl Column for String {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::text(row, column)?.ok_or_else(null)
    }
}

impl Column for Option<String> {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::text(row, column)
    }
}

impl Column for i64 {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::integer(row, column)?.ok_or_else(null)
    }
}

impl Column for bool {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::boolean(row, column)
    }
}

impl Column for SystemTime {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        Option::<Self>::read::<D>(row, column)?.ok_or_else(null)
    }
}

impl Column for Option<SystemTime> {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::integer(row, column)?.map(time).transpose()
    }
}

#[cfg(feature = "accounts")]
impl Column for Digest {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        Option::<Self>::read::<D>(row, column)?.ok_or_else(null)
    }
}

#[cfg(feature = "accounts")]
impl Column for Option<Digest> {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        let bytes = D::bytes(row, column)?;
        let digest = bytes.map(|bytes| bytes.try_into().map(Digest::from_bytes));
        digest.transpose().map_err(|_| sqlx::Error::Decode("a digest has 32 bytes".into()))
    }
}

#[cfg(feature = "accounts")]
impl Column for Vec<u8> {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        D::bytes(row, column)?.ok_or_else(null)
    }
}

impl Column for KeyDigest {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        let digest: Option<[u8; 32]> = D::bytes(row, column)?.ok_or_else(null)?.try_into().ok();
        digest.map(Self::from).ok_or_else(|| sqlx::Error::Decode("a digest has 32 bytes".into()))
    }
}

impl Column for Map<String, Json> {
    fn read<D: Dialect>(row: &D::Row, column: usize) -> sqlx::Result<Self> {
        // Without serde's message, which may quote the text.
        serde_json::from_str(&String::read::<D>(row, column)?)
            .map_err(|_| sqlx::Error::Decode("the text is not a JSON object".into()))
    }
}

fn null() -> sqlx::Error {
    sqlx::Error::Decode(Box::new(sqlx::error::UnexpectedNullError))
}

fn time(millis: i64) -> sqlx::Result<SystemTime> {
    let span = Duration::from_millis(millis.unsigned_abs());
    let time = match millis < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(span),
        false => SystemTime::UNIX_EPOCH.checked_add(span),
    };
    time.ok_or_else(|| sqlx::Error::Decode("the time is out of range".into()))
}
