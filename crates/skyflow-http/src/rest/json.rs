use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::runtime::Redacted;
use super::{DecodeError, EncodeError, finite, lenient};

/// Holds any JSON as a string: written once from your type, read once into your type, and not parsed in between.
///
/// `Debug` does not show it.
///
/// ```
/// use skyflow_http::rest::Json;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Card {
///     card_number: String,
/// }
///
/// let json = Json::from_serialize(&Card { card_number: "4111".to_owned() })?;
/// assert_eq!(json.get(), r#"{"card_number":"4111"}"#);
/// assert_eq!(json.decode::<Card>().map(|card| card.card_number).ok(), Some("4111".to_owned()));
/// assert_eq!(format!("{json:?}"), "[REDACTED]");
/// # Ok::<(), skyflow_http::rest::EncodeError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Writes a value as JSON.
    ///
    /// # Errors
    ///
    /// Fails when the value has no JSON form, such as a map whose keys are not text, and when it holds NaN or an
    /// infinity, with [`EncodeError::NotFinite`]. A [`serde_json::Value`] cannot hold them: it has made null of them
    /// already.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        finite::to_raw_value(value).map(Self)
    }

    /// Makes an object without members.
    pub fn empty_object() -> Self {
        // A literal that is JSON.
        Self(RawValue::from_string("{}".to_owned()).unwrap_or_default())
    }

    /// Takes text that is JSON already. A byte order mark in front of it is dropped.
    ///
    /// # Errors
    ///
    /// Fails when the text is not JSON.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map(Self).map_err(|error| DecodeError::new(&error, text.as_bytes()))
    }

    /// Reads the JSON into a type, which may borrow from it.
    ///
    /// # Errors
    ///
    /// Fails when the JSON does not have the shape of the type.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DecodeError> {
        let text = self.get();
        serde_json::from_str(text).map_err(|error| DecodeError::new(&error, text.as_bytes()))
    }

    /// Reads the JSON into a type as far as it fits: a member of an unexpected shape is left out, as if it were null.
    ///
    /// # Errors
    ///
    /// Fails when the JSON as a whole does not have the shape of the type.
    pub fn decode_lenient<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        lenient::decode(self.get())
    }

    /// Returns the text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_unchanged_in_both_directions() {
        #[derive(Serialize, Deserialize)]
        struct Row {
            fields: Json,
            tokens: Option<Json>,
        }
        let text = r#"{"fields":{ "big":12345678901234567890.10, "x":"\u00fc" },"tokens":null}"#;
        let row: Row = serde_json::from_str(text).unwrap();
        assert!(row.tokens.is_none());
        assert_eq!(serde_json::to_string(&row).unwrap(), text);
    }

    #[test]
    fn decode_error_has_the_path_and_no_value() {
        #[derive(Debug, Deserialize)]
        struct Row {
            #[allow(dead_code)]
            age: u8,
        }
        let json = Json::parse(r#"[{"age":1},{"age":"secret"}]"#).unwrap();
        let error = json.decode::<Vec<Row>>().unwrap_err();
        assert_eq!(error.path(), "[1].age");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert!(Json::parse("{").is_err());
        assert!(Json::parse("").is_err());
        assert!(Json::parse("1 2").is_err());
    }
}
