//! Typed views say what `serde_json` says of the same text, whatever the type is made of.

use crate::tokens::{at_noon, claims, issuer, with_claims};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

/// Members of every kind, some with escapes, and some that only some types ask for.
const MORE: &str = r#""text":"a\u00e9\n\"b\"","plain":"plain","flag":true,"off":false,"small":7,"big":18446744073709551615,
    "negative":-3,"float":1.5e3,"nothing":null,"list":["a","b"],"inner":{"flag":false,"deep":{"text":"t"}},
    "kind":"staff","tagged":{"project":{"id":"42"}},"pair":[1,"x"],"esc\u0061ped":"name","letter":"x","session":"s1","12":"number""#;

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

#[derive(Debug, PartialEq, Deserialize)]
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
}
