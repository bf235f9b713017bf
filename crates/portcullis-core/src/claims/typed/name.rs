//! The name of a member as a type of the application.

use super::Misfit;
use serde::{
    Deserializer,
    de::{Error, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

/// The name of a member: a field of a struct, or the key of a map, which may be another type than a string.
pub(super) struct Name<'n>(pub(super) &'n str);

/// Keys that are numbers are written as numbers are.
macro_rules! number_names {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let is_number = self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit())
                && self.0.ends_with(|last: char| last.is_ascii_digit());
            if !is_number {
                return Err(Misfit::custom("not a number"));
            }
            let mut number = serde_json::Deserializer::from_reader(self.0.as_bytes());
            number.$method(visitor).and_then(|read| number.end().map(|()| read)).map_err(Misfit::custom)
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(Misfit::custom("not a flag")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    number_names! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
