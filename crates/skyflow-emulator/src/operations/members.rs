//! Optional members of request bodies, as the official SDKs send them: several cannot leave a member out.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads an optional member; null, zero, `""`, `[]` and `{}` count as unset.
pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if is_unset(raw.get()) {
        return Ok(None);
    }
    // The text of the error can repeat a value.
    serde_json::from_str(raw.get()).map(Some).map_err(|_| D::Error::custom("a member has another type"))
}

/// Reads an optional member that is one of a few names, in any case.
pub(super) fn named<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let text: Option<String> = optional(deserializer)?;
    let named = |text: String| {
        let text = text.to_ascii_uppercase();
        let text: StrDeserializer<'_, D::Error> = text.as_str().into_deserializer();
        T::deserialize(text)
    };
    text.filter(|text| !text.eq_ignore_ascii_case("null")).map(named).transpose()
}

fn is_unset(json: &str) -> bool {
    let compact: String = json.chars().filter(|c| !c.is_ascii_whitespace()).take(8).collect();
    matches!(compact.as_str(), "null" | "\"\"" | "0" | "0.0" | "[]" | "{}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use skyflow_types::Redaction;

    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "optional")]
        upsert: Option<String>,
        #[serde(default, deserialize_with = "named")]
        redaction: Option<Redaction>,
    }

    fn read(body: &Value) -> Option<(Option<String>, Option<Redaction>)> {
        let body: Body = serde_json::from_str(&body.to_string()).ok()?;
        Some((body.upsert, body.redaction))
    }

    #[test]
    fn empty_values_of_any_type_count_as_unset() {
        for unset in [json!(null), json!(""), json!(0), json!(0.0), json!([]), json!({})] {
            assert_eq!(read(&json!({"upsert": unset, "redaction": unset})), Some((None, None)), "{unset}");
        }
        assert_eq!(read(&json!({})), Some((None, None)));
        assert_eq!(read(&json!({"upsert": 7})), None);
    }

    #[test]
    fn enumerations_are_read_in_any_case() {
        for text in ["PLAIN_TEXT", "plain_text", "Plain_Text"] {
            assert_eq!(read(&json!({ "redaction": text })), Some((None, Some(Redaction::PlainText))));
        }
        assert_eq!(read(&json!({"redaction": "null"})), Some((None, None)));
        assert_eq!(read(&json!({"redaction": "open"})), None);
    }
}
