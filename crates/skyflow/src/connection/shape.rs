use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// How deep values may be nested where they are written in a form or as XML.
pub(super) const MAX_DEPTH: usize = 64;

/// One level of a JSON value: members keep their order, numbers their digits.
pub(super) enum Shape<'a> {
    Null,
    /// A number or a boolean, as JSON writes it.
    Scalar(&'a str),
    Text(String),
    List(Vec<&'a RawValue>),
    Object(Vec<(String, &'a RawValue)>),
}

impl<'a> Shape<'a> {
    /// Looks at a value; `None` when it is not JSON.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        let json = json.trim_ascii();
        match json.as_bytes().first()? {
            b'n' => Some(Self::Null),
            b'"' => serde_json::from_str(json).ok().map(Self::Text),
            b'[' => serde_json::from_str(json).ok().map(Self::List),
            b'{' => serde_json::from_str::<Members<'_>>(json).ok().map(|members| Self::Object(members.0)),
            _ => Some(Self::Scalar(json)),
        }
    }
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
