//! JSON values whose numbers keep the digits that they were sent with: serde_json's own values hold 64 bits, so that 2^64
//! and `1.10` would return as other texts.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// How deep values may nest, as in serde_json.
const DEPTH: usize = 127;

/// The members of an object, or the columns of a record.
pub(crate) type Members = BTreeMap<String, Exact>;

/// A JSON value with exact numbers.
#[derive(Clone, PartialEq)]
pub(crate) enum Exact {
    Null,
    Bool(bool),
    Number(Digits),
    String(String),
    Array(Vec<Exact>),
    Object(Members),
}

/// A number in JSON's notation.
#[derive(Clone)]
pub(crate) struct Digits(Box<RawValue>);

impl Digits {
    pub(crate) fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Returns the number when it is whole and fits, also when it is written `300.0` or `3e2`.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        let text = self.as_str();
        text.parse().ok().or_else(|| {
            // Beyond 2^53 a float does not tell neighbours apart.
            let float = text.parse::<f64>().ok()?;
            (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
        })
    }

    /// Returns the nearest float; `None` beyond the range of floats.
    pub(crate) fn to_f64(&self) -> Option<f64> {
        self.as_str().parse::<f64>().ok().filter(|float| float.is_finite())
    }
}

impl PartialEq for Digits {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Exact {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Reads JSON text; `None` when it is not JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::read(serde_json::from_str(text).ok()?, 0).ok()
    }

    /// Puts a value under a column name, in which a dot leads into a nested object.
    pub(crate) fn put_nested(target: &mut Members, name: &str, value: Self) {
        match name.split_once('.') {
            None => {
                target.insert(name.to_owned(), value);
            }
            Some((parent, rest)) => {
                let inner = target.entry(parent.to_owned()).or_insert_with(|| Self::Object(Members::new()));
                if let Self::Object(inner) = inner {
                    Self::put_nested(inner, rest, value);
                }
            }
        }
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        if depth > DEPTH {
            return Err(serde_json::Error::custom("the value nests too deep"));
        }
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
                let read = |(name, raw)| Ok((name, Self::read(raw, depth + 1)?));
                Self::Object(members.into_iter().map(read).collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text)?;
                let read = |raw| Self::read(raw, depth + 1);
                Self::Array(elements.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::String(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Bool(serde_json::from_str(text)?),
            Some(b'n') => Self::Null,
            _ => Self::Number(Digits(raw.to_owned())),
        })
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(&raw, 0).map_err(|_| D::Error::custom("a value cannot be read"))
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(digits) => digits.0.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(elements) => elements.serialize(serializer),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

/// Writes compact JSON, the members of objects in the order of their names.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl From<&str> for Exact {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Exact {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Exact {
    fn from(number: i64) -> Self {
        Self::from(Value::from(number))
    }
}

/// A number that is not finite is null.
impl From<f64> for Exact {
    fn from(number: f64) -> Self {
        Self::from(Value::from(number))
    }
}

impl From<Value> for Exact {
    fn from(value: Value) -> Self {
        Self::parse(&value.to_string()).unwrap_or(Self::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_at_any_depth() {
        let text = r#"{"a":[18446744073709551616,1.10,-0,1e400,{"b":12345678901234567890.10}],"c":0.30000000000000004}"#;
        assert_eq!(Exact::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn text_is_compact_and_sorted_by_name() {
        let value = Exact::parse(" { \"b\" : [ true , null ] , \"a\" : \"\\u00fc\\n\" } ").unwrap();
        assert_eq!(value.to_string(), r#"{"a":"ü\n","b":[true,null]}"#);
        assert_eq!(Exact::parse(r#"{"a":1,"a":2}"#).unwrap().to_string(), r#"{"a":2}"#);
    }

    #[test]
    fn whole_numbers_are_read_in_any_notation() {
        let number = |text: &str| match Exact::parse(text).unwrap() {
            Exact::Number(digits) => digits.to_i64(),
            _ => None,
        };
        assert_eq!([number("300.0"), number("3e2"), number("-7")], [Some(300), Some(300), Some(-7)]);
        assert_eq!([number("10.5"), number("1e40"), number("9223372036854775808")], [None, None, None]);
        assert_eq!(number("9223372036854775807"), Some(i64::MAX));
    }

    #[test]
    fn text_that_cannot_be_held_is_refused() {
        for bad in ["", "{", "1 2", r#""\ud800""#, r#"[{"a":"\ud800"}]"#, "{\"a\":}", "nul"] {
            assert!(Exact::parse(bad).is_none(), "{bad}");
        }
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Exact::parse(&deep(120)).is_some());
        assert!(Exact::parse(&deep(200)).is_none() && Exact::parse(&deep(1_000_000)).is_none());
    }
}
