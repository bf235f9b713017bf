//! Claims as a type of the application.
//!
//! A struct or a map is filled from the members that were found when the text was checked, so that no grammar is checked twice.
//! Strings, flags, short integers, arrays, structs and maps inside it are read the same way, and everything else by `serde_json`.

mod name;

use crate::{
    error::Error,
    json::{Cursor, Object, Value},
};
use name::Name;
use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt};

pub(super) fn object<T: DeserializeOwned>(object: &Object) -> Result<T, Error> {
    T::deserialize(Claims(object)).map_err(Misfit::into_error)
}

pub(super) fn value<T: DeserializeOwned>(name: &str, value: Value<'_>) -> Result<T, Error> {
    serde_json::from_str(value.text()).map_err(|_| Misfit::at(name).into_error())
}

/// A claim that does not fit. The message of serde may quote a claim's value, so it is dropped, and only names are kept.
#[derive(Debug)]
struct Misfit(Cow<'static, str>);

impl Misfit {
    fn at(name: &str) -> Self {
        Self(format!("the claim `{name}` does not fit the type asked for").into())
    }

    fn into_error(self) -> Error {
        Error::invalid(self.0)
    }
}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("the claims do not fit the type asked for".into())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the claim `{field}` is missing from the token").into())
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

/// Forwards these methods to `serde_json`, with the text to read.
macro_rules! leave_to_serde_json {
    ($text:expr; $($method:ident($($name:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, Misfit> {
            let text: &'de str = $text(self);
            serde_json::Deserializer::from_str(text).$method($($name,)* visitor).map_err(de::Error::custom)
        }
    )*};
}

/// All claims. A struct or a map takes the members one by one.
struct Claims<'de>(&'de Object);

impl<'de> Deserializer<'de> for Claims<'de> {
    type Error = Misfit;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let mut members = Members { rest: self.0.members(), value: None };
        let read = visitor.visit_map(&mut members)?;
        // A type that takes fewer members does not fit.
        if members.rest.next().is_none() { Ok(read) } else { Err(de::Error::custom("more members")) }
    }

    leave_to_serde_json! { |claims: Claims<'de>| claims.0.text();
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize) deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

struct Members<'de, I> {
    rest: I,
    value: Option<(Cow<'de, str>, Value<'de>)>,
}

impl<'de, I: Iterator<Item = (Cow<'de, str>, Value<'de>)>> MapAccess<'de> for Members<'de, I> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.value = self.rest.next();
        let Some((name, _)) = &self.value else { return Ok(None) };
        seed.deserialize(Name(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self.value.take().ok_or_else(|| de::Error::custom("a value before its name"))?;
        seed.deserialize(Claim(&mut Cursor::new(value))).map_err(|_: Misfit| Misfit::at(&name))
    }
}

/// The parts of an array or of an object inside the claims, one after the other.
struct Parts<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    end: u8,
    has_ended: bool,
    /// Of the member whose value is next.
    name: Option<Cow<'de, str>>,
}

impl<'c, 'de> Parts<'c, 'de> {
    fn new(cursor: &'c mut Cursor<'de>, end: u8) -> Self {
        Self { cursor, end, has_ended: false, name: None }
    }

    #[inline]
    fn next(&mut self) -> bool {
        self.has_ended = !self.cursor.next(self.end);
        !self.has_ended
    }

    /// What a type has read of them. One that takes fewer of them does not fit.
    fn all<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, Misfit>) -> Result<T, Misfit> {
        let read = read(&mut self)?;
        if self.has_ended || !self.next() { Ok(read) } else { Err(de::Error::custom("more parts")) }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.next().then(|| self.cursor.read(|cursor| seed.deserialize(Claim(cursor)))).transpose()
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        if self.name.is_some() {
            self.cursor.value(); // which nobody asked for
        }
        if !self.next() {
            self.name = None;
            return Ok(None);
        }
        let name = self.name.insert(self.cursor.name());
        seed.deserialize(Name(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let name = self.name.take().ok_or_else(|| de::Error::custom("a value before its name"))?;
        self.cursor.read(|cursor| seed.deserialize(Claim(cursor))).map_err(|_| Misfit::at(&name))
    }
}

/// Integers of at most fifteen digits are read here.
macro_rules! small_integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let value = self.0.value();
            match value.as_small_integer() {
                Some(number) => visitor.visit_u64(number),
                None => serde_json::Deserializer::from_str(value.text()).$method(visitor).map_err(de::Error::custom),
            }
        }
    )*};
}

/// One claim, or a value inside one, which begins here.
struct Claim<'c, 'de>(&'c mut Cursor<'de>);

impl<'de> Deserializer<'de> for Claim<'_, 'de> {
    type Error = Misfit;

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.string() {
            Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Some(Cow::Owned(text)) => visitor.visit_string(text),
            None => {
                self.0.value();
                Err(de::Error::custom("not a text"))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.value().text() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(de::Error::custom("not a flag")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if !self.0.is_at_null() {
            return visitor.visit_some(self);
        }
        self.0.value();
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.0.read(|cursor| match cursor.enter('[') {
            true => Parts::new(cursor, b']').all(|elements| visitor.visit_seq(elements)),
            false => Err(de::Error::custom("not an array")),
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.0.read(|cursor| match cursor.enter('{') {
            true => Parts::new(cursor, b'}').all(|members| visitor.visit_map(members)),
            false => Err(de::Error::custom("not an object")),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        if self.0.is_at_object() {
            return self.deserialize_map(visitor);
        }
        let mut text = serde_json::Deserializer::from_str(self.0.value().text());
        text.deserialize_struct(name, fields, visitor).map_err(de::Error::custom)
    }

    small_integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    leave_to_serde_json! { |claim: Self| claim.0.value().text();
        deserialize_any() deserialize_i128() deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char()
        deserialize_bytes() deserialize_byte_buf() deserialize_unit() deserialize_identifier()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize) deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.0.value(); // Checked when the object was parsed.
        visitor.visit_unit()
    }
}
