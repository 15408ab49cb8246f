//! JSON that keeps what a replay must not lose: the digits of numbers, the order of keys, and Python's `Infinity`.

use std::fmt;

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

mod parse;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// The digits as written; `Infinity`, `-Infinity` and `NaN` as in Python.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Says where a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotJson(pub usize);

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not JSON at byte {}", self.0)
    }
}

impl std::error::Error for NotJson {}

const NULL: Json = Json::Null;

impl Json {
    /// Reads a text; `Infinity` and `NaN` are read too.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        parse::parse(text)
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn number(number: impl fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// Makes an object; members that are null stay in it.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Text, or null for none.
    pub fn text_or_null(text: Option<impl fmt::Display>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.to_string()))
    }

    /// A number, or null for none.
    pub fn number_or_null(number: Option<impl fmt::Display>) -> Self {
        number.map_or(Self::Null, Self::number)
    }

    /// Returns a member; null for one that is not there, and for what is no object.
    pub fn get(&self, key: &str) -> &Self {
        self.members().iter().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value)
    }

    pub fn has(&self, key: &str) -> bool {
        self.members().iter().any(|(name, _)| name == key)
    }

    /// Returns an element; null for one that is not there.
    pub fn at(&self, index: usize) -> &Self {
        self.elements().get(index).unwrap_or(&NULL)
    }

    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Replaces a member, or appends it.
    pub fn set(&mut self, key: &str, value: Self) {
        if let Self::Object(members) = self {
            match members.iter_mut().find(|(name, _)| name == key) {
                Some((_, old)) => *old = value,
                None => members.push((key.to_owned(), value)),
            }
        }
    }

    pub fn member_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn element_mut(&mut self, index: usize) -> Option<&mut Self> {
        match self {
            Self::List(elements) => elements.get_mut(index),
            _ => None,
        }
    }

    /// Drops every member that is null, however deep: on the wire null means the same as absent.
    pub fn without_nulls(&self) -> Self {
        match self {
            Self::Object(members) => Self::Object(
                members
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| (key.clone(), value.without_nulls()))
                    .collect(),
            ),
            Self::List(elements) => Self::List(elements.iter().map(Self::without_nulls).collect()),
            other => other.clone(),
        }
    }

    /// Names the type, as a person would.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Tells whether two numbers are the same, digit by digit: `1.10` is `1.1`, and nothing is rounded.
pub fn same_number(left: &str, right: &str) -> bool {
    left == right || matches!((decimal(left), decimal(right)), (Some(left), Some(right)) if left == right)
}

/// Tells whether a program that keeps numbers as 64-bit floats takes them for the same.
pub fn same_float(left: &str, right: &str) -> bool {
    let read = |text: &str| match text {
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text => text.parse::<f64>().ok(),
    };
    matches!((read(left), read(right)), (Some(left), Some(right)) if left == right)
}

/// Sign, digits without zeros around them, and the power of ten of the last one.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    if trimmed.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = i64::try_from(significant.len() - trimmed.len()).ok()?;
    let power = exponent - i64::try_from(fraction.len()).ok()? + zeros;
    Some((negative, trimmed.to_owned(), power))
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{element}")?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (key, value)) in members.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", quoted(key))?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes itself as the caller's data, digits included; it works with `serde_json` only.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Number(digits) => match digits.as_str() {
                "Infinity" => serializer.serialize_f64(f64::INFINITY),
                "-Infinity" => serializer.serialize_f64(f64::NEG_INFINITY),
                "NaN" => serializer.serialize_f64(f64::NAN),
                digits => {
                    RawValue::from_string(digits.to_owned()).map_err(S::Error::custom)?.serialize(serializer)
                }
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| list.serialize_element(element))?;
                list.end()
            }
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, value)| object.serialize_entry(key, value))?;
                object.end()
            }
        }
    }
}

/// For values that are small and without long numbers, such as claims.
impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        Self::parse(&value.to_string()).unwrap_or(Self::Null)
    }
}

impl Json {
    /// The other way round; numbers that do not fit are null.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.to_string()).unwrap_or(serde_json::Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_digit_by_digit() {
        for text in [
            r#"{"a":[1,2.50,-0,1e400,12345678901234567890123],"b":{"c":null,"d":"é\"\n"},"e":[true,false]}"#,
            "[]",
            "{}",
            "\"\"",
        ] {
            let json = Json::parse(text).unwrap();
            assert_eq!(json.to_string(), text);
            assert_eq!(serde_json::to_string(&json).unwrap(), text);
        }
        assert_eq!(Json::parse("[Infinity,-Infinity,NaN]").unwrap().to_string(), "[Infinity,-Infinity,NaN]");
        assert_eq!(Json::parse(r#""\ud83d\ude00\u0041\/""#).unwrap(), Json::text("😀A/"));
    }

    #[test]
    fn invalid_json_is_refused_by_the_reader() {
        for text in
            ["", " ", "{", "[1,]", "{\"a\"}", "nul", "01x", "\"", "1 2", "<html>", "'a'", "{a:1}", "+1", "-"]
        {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_without_rounding() {
        for (left, right) in [("1.10", "1.1"), ("100", "1e2"), ("0", "-0.0"), ("12.5e1", "125"), ("7", "7")] {
            assert!(same_number(left, right), "{left} {right}");
        }
        for (left, right) in [("9007199254740993", "9007199254740992"), ("1", "-1"), ("1e400", "Infinity")] {
            assert!(!same_number(left, right), "{left} {right}");
        }
        assert!(same_float("9007199254740993", "9007199254740992") && same_float("1e400", "Infinity"));
    }
}
