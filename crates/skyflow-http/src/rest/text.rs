//! Reads text that servers wrote, in JSON that is not as it should be: with a byte order mark, cut, with bytes behind
//! it, with text that Rust cannot hold.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json::without_mark;

/// Reads bytes as text: UTF-8, or UTF-16 with a byte order mark; `None` for anything else.
pub fn text_of(body: &[u8]) -> Option<Cow<'_, str>> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units = body.get(2..).unwrap_or_default().chunks_exact(2);
        let units = units.filter_map(|pair| pair.try_into().ok().map(from));
        Some(Cow::Owned(
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        ))
    };
    match body {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => std::str::from_utf8(without_mark(body)).ok().map(Cow::Borrowed),
    }
}

/// Finds the JSON object or list at the start of a text and makes it whole when it is cut; `None` when there is none.
pub fn leading_json(text: &str) -> Option<String> {
    let text = text.trim_start();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    if let Some(Ok(raw)) = serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>().next() {
        return Some(raw.get().to_owned());
    }
    let closed = closed(text)?;
    serde_json::from_str::<&RawValue>(&closed).is_ok().then_some(closed)
}

/// Cuts the text after its last complete value and closes the open objects and lists.
fn closed(text: &str) -> Option<String> {
    let mut closers = Vec::new();
    // What is open at this place is what is open at the end: each change of it is another such place.
    let mut whole: Option<usize> = None;
    let mut string: Option<bool> = None;
    let mut expects_value = true;
    let mut is_escaped = false;
    let mut before = b' ';
    for (at, byte) in text.bytes().enumerate() {
        if let Some(is_value) = string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    string = None;
                    if is_value {
                        whole = Some(at + 1);
                    }
                }
                _ => {}
            }
            continue;
        }
        let last = match byte {
            _ if byte.is_ascii_whitespace() => before,
            _ => std::mem::replace(&mut before, byte),
        };
        match byte {
            b'"' => string = Some(expects_value),
            b'{' | b'[' => {
                closers.push(if byte == b'{' { b'}' } else { b']' });
                expects_value = byte == b'[';
                whole = Some(at + 1);
            }
            b'}' | b']' => {
                if closers.last() != Some(&byte) || matches!(last, b',' | b':') {
                    break;
                }
                closers.pop();
                whole = Some(at + 1);
            }
            b':' => expects_value = true,
            b',' => {
                if matches!(last, b',' | b':' | b'[' | b'{') {
                    break;
                }
                whole = Some(at);
                expects_value = closers.last() == Some(&b']');
            }
            _ => {}
        }
    }
    let mut closed = text.get(..whole?)?.to_owned();
    closed.extend(closers.into_iter().rev().map(char::from));
    Some(closed)
}

/// Reads a JSON string; a part that Rust cannot hold becomes a replacement character. `None` when it is no string.
pub fn lossy_string(json: &str) -> Option<String> {
    json.trim_ascii().starts_with('"').then(|| serde_json::from_str::<Lossy>(json).ok())?.map(|text| text.0)
}

/// Splits a JSON object into its members, in their order; anything else has none.
pub fn lossy_members(json: &str) -> Vec<(String, &RawValue)> {
    serde_json::from_str::<Members<'_>>(json).map(|members| members.0).unwrap_or_default()
}

/// Text of which `serde_json` also accepts unpaired surrogates.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Lossy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

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
                while let Some((Lossy(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_utf16_are_read_as_text() {
        assert_eq!(text_of("\u{feff}é".as_bytes()).as_deref(), Some("é"));
        let utf16: Vec<u16> = "\u{feff}{\"é\":1}".encode_utf16().collect();
        let (little, big): (Vec<_>, Vec<_>) =
            utf16.iter().map(|unit| (unit.to_le_bytes(), unit.to_be_bytes())).unzip();
        assert_eq!(text_of(&little.concat()).as_deref(), Some("{\"é\":1}"));
        assert_eq!(text_of(&big.concat()).as_deref(), Some("{\"é\":1}"));
        for binary in [b"\x1f\x8b\x08\x00".as_slice(), b"\xff", b"{\"a\":\"\xff\"}"] {
            assert_eq!(text_of(binary), None);
        }
    }

    #[test]
    fn cut_json_is_closed_after_its_last_value() {
        for (text, json) in [
            (r#"{"a":1}"#, Some(r#"{"a":1}"#)),
            (r#" {"a":1}x"#, Some(r#"{"a":1}"#)),
            (r#"{"a":1}{"b":2}"#, Some(r#"{"a":1}"#)),
            (
                r#"{"error":{"message":"x","details":[{"name":"Zeb"#,
                Some(r#"{"error":{"message":"x","details":[{}]}}"#),
            ),
            (r#"{"error":{"message":"x\"y","code":12"#, Some(r#"{"error":{"message":"x\"y"}}"#)),
            (r#"{"error":{"message":"Zeb"#, Some(r#"{"error":{}}"#)),
            (r#"{"a":["x","y"],"b"#, Some(r#"{"a":["x","y"]}"#)),
            (r#"{"a":["x""#, Some(r#"{"a":["x"]}"#)),
            (r#"{"a":"x",,}"#, Some(r#"{"a":"x"}"#)),
            ("{'a':'x'}", None),
            ("{", Some("{}")),
            ("text", None),
            ("\"text\"", None),
            ("", None),
        ] {
            assert_eq!(leading_json(text).as_deref(), json, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(leading_json(&deep).is_some_and(|json| json.len() == 200_000));
    }

    #[test]
    fn unpaired_surrogates_are_replaced() {
        assert_eq!(lossy_string(r#""a\ud800b""#).unwrap(), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(lossy_string(r#""\ud83d\ude00""#).unwrap(), "\u{1f600}");
        assert_eq!(lossy_string("7"), None);
        let members = lossy_members(r#"{"b":"\udc00","\ud800":1}"#);
        assert_eq!((members[0].0.as_str(), members[1].1.get()), ("b", "1"));
        assert!(lossy_members("[1]").is_empty());
    }
}
