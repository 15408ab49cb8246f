use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{CredentialsError, CredentialsErrorKind};

/// A text from a JSON document, wiped when it is dropped.
pub(crate) type Text = Zeroizing<String>;

/// A JSON object whose values are read one by one, without a copy of them outside wiped memory.
///
/// serde_json un-escapes text through a buffer that it does not wipe, and quotes values in its errors; a private key
/// must not meet either.
pub(crate) struct Document<'a>(BTreeMap<String, &'a RawValue>);

/// The fields of an object, with those that occur twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor(std::marker::PhantomData))
    }
}

/// The fields that an error can name.
const NAMED: [&str; 20] = [
    "privateKey",
    "private_key",
    "clientID",
    "clientId",
    "client_id",
    "keyID",
    "keyId",
    "key_id",
    "tokenURI",
    "tokenUri",
    "token_uri",
    "clientName",
    "client_name",
    "path",
    "token",
    "api_key",
    "apiKey",
    "roles",
    "context",
    "credentials_string",
];

impl<'a> Document<'a> {
    /// Reads an object that is [`tidy`]; `field` names the whole in an error.
    pub(crate) fn parse(field: &'static str, json: &'a str) -> Result<Self, CredentialsError> {
        let Fields(fields) =
            serde_json::from_str(json).map_err(|error| CredentialsError::not_json(field, &error))?;
        let mut known = BTreeMap::new();
        for (name, value) in fields {
            // Readers differ in which one they take.
            let duplicate = NAMED.into_iter().find(|named| *named == name).unwrap_or(field);
            if known.insert(name, value).is_some() {
                return Err(CredentialsError::new(duplicate, CredentialsErrorKind::Several));
            }
        }
        Ok(Self(known))
    }

    /// Returns the JSON of a field; `None` when it is missing or null.
    pub(crate) fn json(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }

    /// Returns the text under any of the spellings of a field; the first spelling is its name.
    pub(crate) fn text(&self, spellings: &[&'static str]) -> Result<Option<Text>, CredentialsError> {
        let name = spellings.first().copied().unwrap_or_default();
        let wrong = |kind| CredentialsError::new(name, kind);
        let mut found: Option<Text> = None;
        for spelling in spellings {
            let Some(raw) = self.json(spelling) else { continue };
            let text = unescape(raw).ok_or_else(|| wrong(CredentialsErrorKind::NotText))?;
            match &found {
                Some(other) if *other != text => return Err(wrong(CredentialsErrorKind::Several)),
                _ => found = Some(text),
            }
        }
        Ok(found)
    }

    /// The same, and the field has to be there and hold something.
    pub(crate) fn required(&self, spellings: &[&'static str]) -> Result<Text, CredentialsError> {
        let name = spellings.first().copied().unwrap_or_default();
        match self.text(spellings)? {
            None => Err(CredentialsError::missing(name)),
            Some(text) if text.trim().is_empty() => {
                Err(CredentialsError::new(name, CredentialsErrorKind::Empty))
            }
            Some(text) => Ok(text),
        }
    }
}

/// Removes a byte order mark, and escapes line breaks inside strings.
///
/// JSON forbids them there, and shells and `.env` files put them there: `\n` in a private key comes out as a real one.
pub(crate) fn tidy(json: &str) -> Text {
    let mut tidy = Zeroizing::new(String::with_capacity(json.len() * 2));
    let (mut in_text, mut escaped) = (false, false);
    for c in json.trim_start_matches('\u{feff}').chars() {
        match c {
            '\n' if in_text => tidy.push_str("\\n"),
            '\r' if in_text => tidy.push_str("\\r"),
            '\t' if in_text => tidy.push_str("\\t"),
            c => tidy.push(c),
        }
        in_text ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    tidy
}

/// Reads a JSON string that serde_json has checked; `None` when the value is of another type.
fn unescape(raw: &str) -> Option<Text> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    // Un-escaping never makes it longer, so the buffer never moves and no copy remains.
    let mut text = Zeroizing::new(String::with_capacity(inner.len()));
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => code_point(&mut chars)?,
                other => other,
            },
            other => other,
        };
        text.push(c);
    }
    Some(text)
}

fn code_point(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let high = code_unit(chars)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    let mut ahead = chars.clone();
    if ahead.next()? != '\\' || ahead.next()? != 'u' {
        return None;
    }
    let low = code_unit(&mut ahead)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    *chars = ahead;
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)
}

fn code_unit(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_serde_json_reads_it() {
        for raw in [
            r#""""#,
            r#""plain""#,
            r#""a\nb\r\t\"\\\/\b\f""#,
            r#""\u0041\u00fc\u20ac""#,
            r#""\ud83d\ude00 and more""#,
            "\"\u{fc}\u{1f600}\"",
        ] {
            let expected: String = serde_json::from_str(raw).unwrap();
            assert_eq!(unescape(raw).unwrap().as_str(), expected);
        }
        for raw in
            ["1", "true", "{}", "[]", r#""\ud83d""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\udc00""#]
        {
            assert!(unescape(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn an_error_names_the_place_and_quotes_nothing() {
        for json in
            ["", "canary", "[\"canary\"]", "{\"canary\":", "{\"a\": canary}", "\"canary\"", "{} canary"]
        {
            let error = Document::parse("credentials", json).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), CredentialsErrorKind::NotJson);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn line_breaks_are_escaped_only_inside_strings() {
        let pretty = "\u{feff}{\n  \"a\": \"1\n2\\\"\r\n3\\\\\",\n\t\"b\": \"x\ty\"\n}";
        let tidy = tidy(pretty);
        let document = Document::parse("c", &tidy).unwrap();
        assert_eq!(document.required(&["a"]).unwrap().as_str(), "1\n2\"\r\n3\\");
        assert_eq!(document.required(&["b"]).unwrap().as_str(), "x\ty");
    }

    #[test]
    fn field_that_occurs_twice_is_refused() {
        for (json, field) in [
            (r#"{"clientID":"a","clientID":"a"}"#, "clientID"),
            (r#"{"clientID":"a","client\u0049D":"b"}"#, "clientID"),
            (r#"{"a":{"x":1},"tokenURI":"a","b":2,"tokenURI":null}"#, "tokenURI"),
            (r#"{"other":1,"other":2}"#, "credentials"),
        ] {
            let error = Document::parse("credentials", json).map(|_| ()).unwrap_err();
            assert_eq!((error.field(), error.kind()), (field, CredentialsErrorKind::Several), "{json}");
        }
        assert!(Document::parse("c", r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn duplicate_fields_must_have_equal_values() {
        let spellings = ["clientID", "clientId"];
        let same = Document::parse("c", r#"{"clientID":"a","clientId":"a"}"#).unwrap();
        assert_eq!(same.required(&spellings).unwrap().as_str(), "a");
        let other = Document::parse("c", r#"{"clientID":"a","clientId":"b"}"#).unwrap();
        assert_eq!(other.required(&spellings).unwrap_err().kind(), CredentialsErrorKind::Several);
    }
}
