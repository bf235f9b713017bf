//! Claims as a type of the application.
//!
//! A struct is filled from the members that were found when the text was checked, so that no grammar is checked twice. Strings,
//! flags, short integers, arrays and structs inside it are read the same way, and everything else by `serde_json`.

use crate::{
    error::Error,
    json::{Object, Value},
};
use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor},
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

/// All claims. A struct takes the members one by one.
struct Claims<'de>(&'de Object);

impl<'de> Deserializer<'de> for Claims<'de> {
    type Error = Misfit;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_map(Members { rest: self.0.members(), value: None })
    }

    leave_to_serde_json! { |claims: Claims<'de>| claims.0.text();
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
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
        seed.deserialize((&**name).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self.value.take().ok_or_else(|| de::Error::custom("a value before its name"))?;
        seed.deserialize(Claim(value)).map_err(|_: Misfit| Misfit::at(&name))
    }
}

/// The elements of an array.
struct Elements<I>(I);

impl<'de, I: Iterator<Item = Value<'de>>> SeqAccess<'de> for Elements<I> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.0.next().map(|element| seed.deserialize(Claim(element))).transpose()
    }
}

/// Integers of at most fifteen digits are read here.
macro_rules! small_integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match self.0.as_small_integer() {
                Some(number) => visitor.visit_u64(number),
                None => serde_json::Deserializer::from_str(self.0.text()).$method(visitor).map_err(de::Error::custom),
            }
        }
    )*};
}

/// One claim, or a value inside one.
struct Claim<'de>(Value<'de>);

impl<'de> Deserializer<'de> for Claim<'de> {
    type Error = Misfit;

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.as_str() {
            Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Some(Cow::Owned(text)) => visitor.visit_string(text),
            None => Err(de::Error::custom("not a text")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.text() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(de::Error::custom("not a flag")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.text() == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let mut elements = Elements(self.0.elements().ok_or_else(|| de::Error::custom("not an array"))?);
        let read = visitor.visit_seq(&mut elements)?;
        // A type that takes fewer elements does not fit.
        if elements.0.next().is_none() { Ok(read) } else { Err(de::Error::custom("more elements")) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0.members() {
            Some(rest) => visitor.visit_map(Members { rest, value: None }),
            None => {
                let mut text = serde_json::Deserializer::from_str(self.0.text());
                text.deserialize_struct(name, fields, visitor).map_err(de::Error::custom)
            }
        }
    }

    small_integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    leave_to_serde_json! { |claim: Claim<'de>| claim.0.text();
        deserialize_any() deserialize_i128() deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char()
        deserialize_bytes() deserialize_byte_buf() deserialize_unit() deserialize_map() deserialize_identifier()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize) deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit() // Checked when the object was parsed.
    }
}
