//! Typed views say what `serde_json` says of the same text, whatever the type is made of.

use crate::tokens::{at_noon, claims, issuer, with_claims};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Debug},
};

/// Members of every kind, some with escapes, and some that only some types ask for.
const MORE: &str = r#""text":"a\u00e9\n\"b\"","plain":"plain","flag":true,"off":false,"small":7,"big":18446744073709551615,
    "negative":-3,"float":1.5e3,"nothing":null,"list":["a","b"],"inner":{"flag":false,"deep":{"text":"t"}},
    "kind":"staff","tagged":{"project":{"id":"42"}},"pair":[1,"x"],"esc\u0061ped":"name","letter":"x","session":"s1","12":"number",
    "points":[[1,"a"],[2,"b\u00e9"]],"ranks":{"1":"a","-2":"b"},"sizes":{"1.5":[]},"switches":{"true":{"a":1}},"by \u0061":{},
    "times":[ 0 ,12345678,999999999999999 ,1000000000000000],"none":[ ]"#;

#[derive(Debug, PartialEq, Deserialize)]
struct Flags {
    flag: bool,
    off: bool,
    #[serde(default)]
    absent: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Texts {
    text: String,
    plain: Cow<'static, str>,
    escaped: Box<str>,
    letter: char,
    nothing: Option<String>,
    absent: Option<String>,
    session: Option<Id>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Id(String);

#[derive(Debug, PartialEq, Deserialize)]
struct Numbers {
    small: u8,
    big: u64,
    negative: i16,
    float: f64,
    pair: (u32, String),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Staff,
    Project { id: String },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Made {
    list: Vec<String>,
    inner: BTreeMap<String, Value>,
    kind: Kind,
    tagged: Kind,
    nothing: (),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    plain: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    plain: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Flags(Flags),
    Other(Value),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(Flags);

#[derive(Debug, PartialEq, Deserialize)]
struct Inner<T> {
    flag: bool,
    deep: T,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Deep {
    text: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Deeper {
    missing: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Pair {
    number: u8,
    text: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Nested {
    inner: Inner<Deep>,
    pair: Pair,
    points: Vec<(u8, String)>,
    times: Vec<u64>,
    none: BTreeSet<String>,
    list: BTreeSet<String>,
}

/// Maps with keys of other types than strings.
#[derive(Debug, PartialEq, Deserialize)]
struct Keyed {
    ranks: BTreeMap<i8, String>,
    switches: BTreeMap<bool, BTreeMap<Id, Option<u8>>>,
    inner: BTreeMap<Option<Part>, Value>,
    #[serde(rename = "by a")]
    empty: BTreeMap<u128, ()>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Flag,
    Deep,
}

/// Takes one member, however many there are.
#[derive(Debug, PartialEq)]
struct FirstMember(String);

impl<'de> Deserialize<'de> for FirstMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        impl<'de> Visitor<'de> for One {
            type Value = FirstMember;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<FirstMember, A::Error> {
                let first: Option<(String, Value)> = access.next_entry()?;
                first.map(|(name, _)| FirstMember(name)).ok_or_else(|| A::Error::custom("empty"))
            }
        }

        deserializer.deserialize_map(One)
    }
}

/// Takes one element, however many there are.
#[derive(Debug, PartialEq)]
struct First(String);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        impl<'de> Visitor<'de> for One {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<First, A::Error> {
                access.next_element()?.map(First).ok_or_else(|| A::Error::custom("empty"))
            }
        }

        deserializer.deserialize_seq(One)
    }
}

/// A type for each of some claims.
macro_rules! one_claim {
    ($($name:ident { $claim:ident: $kind:ty })*) => {$(
        #[derive(Debug, PartialEq, Deserialize)]
        struct $name {
            $claim: $kind,
        }
    )*};
}

one_claim! {
    FirstOfTwo { list: First }
    FirstOfThree { inner: FirstMember }
    OnlyMember { switches: FirstMember }
    ListAsObject { list: BTreeMap<String, Value> }
    NamesAsNumbers { inner: BTreeMap<u8, Value> }
    FractionsAsIntegers { sizes: BTreeMap<u8, Value> }
    Fractions { sizes: BTreeMap<String, BTreeSet<u8>> }
    NumbersAsFlags { ranks: BTreeMap<bool, Value> }
    NegativeName { ranks: BTreeMap<u64, Value> }
    UnknownPart { ranks: BTreeMap<Part, Value> }
    PartsAsLists { inner: BTreeMap<Vec<u8>, Value> }
    TextAsList { plain: Vec<String> }
    ObjectAsList { inner: Vec<Value> }
    NumbersAsTexts { times: Vec<String> }
    TooBig { big: u32 }
    TooSmall { negative: u8 }
    NoInteger { float: u64 }
    TextAsNumber { plain: u64 }
    FlagAsObject { flag: Deep }
    LacksMember { inner: Inner<Deeper> }
    OtherMember { inner: Inner<u8> }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Null {
    nothing: String,
}

fn agrees<T: DeserializeOwned + Debug + PartialEq + Send + Sync + 'static>(fits: bool) {
    let text = claims(MORE);
    let claims = at_noon(issuer()).verify(&with_claims(&text)).unwrap();
    let (ours, theirs) = (claims.view::<T>(), serde_json::from_str::<T>(&text));
    assert_eq!(ours.ok(), theirs.as_ref().ok(), "{}", std::any::type_name::<T>());
    assert_eq!(theirs.is_ok(), fits, "{}", std::any::type_name::<T>());
}

#[test]
fn what_fits() {
    agrees::<Flags>(true);
    agrees::<Texts>(true);
    agrees::<Numbers>(true);
    agrees::<Made>(true);
    agrees::<Flat>(true);
    agrees::<Either>(true);
    agrees::<Wrapped>(true);
    agrees::<Nested>(true);
    agrees::<Keyed>(true);
    agrees::<OnlyMember>(true);
    agrees::<Fractions>(true);
    agrees::<Value>(true);
    agrees::<BTreeMap<String, Value>>(true);
    agrees::<Option<Flags>>(true);
}

#[test]
fn what_does_not() {
    agrees::<Strict>(false);
    agrees::<Null>(false);
    agrees::<String>(false);
    agrees::<Vec<Value>>(false);
    agrees::<bool>(false);
    agrees::<FirstOfTwo>(false);
    agrees::<FirstOfThree>(false);
    agrees::<FirstMember>(false);
    agrees::<ListAsObject>(false);
    agrees::<NamesAsNumbers>(false);
    agrees::<FractionsAsIntegers>(false);
    agrees::<NumbersAsFlags>(false);
    agrees::<NegativeName>(false);
    agrees::<UnknownPart>(false);
    agrees::<PartsAsLists>(false);
    agrees::<TextAsList>(false);
    agrees::<ObjectAsList>(false);
    agrees::<NumbersAsTexts>(false);
    agrees::<TooBig>(false);
    agrees::<TooSmall>(false);
    agrees::<NoInteger>(false);
    agrees::<TextAsNumber>(false);
    agrees::<FlagAsObject>(false);
    agrees::<LacksMember>(false);
    agrees::<OtherMember>(false);
}

/// What does not fit counts as absent, and is not read any further.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(deserializer).ok())
}

/// Reads nothing at all.
#[derive(Debug)]
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// The names of an object, whose values nobody asks for.
#[derive(Debug)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = access.next_key()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

#[derive(Debug, Deserialize)]
struct Outer {
    account: Account,
    unread: Vec<Unread>,
    skipped: Skipped,
}

#[derive(Debug, Deserialize)]
struct Skipped {
    within: Names,
}

#[derive(Debug, Deserialize)]
struct Account {
    #[serde(deserialize_with = "lenient")]
    owner: Option<Deep>,
    #[serde(default)]
    admin: bool,
    name: String,
}

/// A value ends where it is written to end, whatever a type reads of it. Else what stands inside it would count beside it.
#[test]
fn a_value_is_passed_as_a_whole() {
    let text = claims(
        r#""account":{"owner":{"text":[["x"],7],"admin":true,"name":"inner"},"name":"outer"},
        "unread":[{"a":[1]},"]",[[]]],"skipped":{"within":{"a":{"b":1},"c":"}","d":[{"e":2}]}}"#,
    );
    let claims = at_noon(issuer()).verify(&with_claims(&text)).unwrap();
    let Outer { account, unread, skipped } = claims.view::<Outer>().unwrap();
    assert_eq!((&account.owner, account.admin, &*account.name), (&None, false, "outer"));
    assert_eq!((unread.len(), &*skipped.within.0), (3, &["a".to_owned(), "c".to_owned(), "d".to_owned()][..]));
}
