use std::cell::RefCell;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use super::runtime::Redacted;
use super::{DecodeError, EncodeError, finite, lenient};

/// Holds any JSON as a string: written once from your type, read once into your type, and not parsed in between.
///
/// `Debug` does not show it.
///
/// The values of rows from a response of 2 KiB to 1 MiB share one copy of the response: cloning them copies nothing, and that
/// copy stays in memory until the last of them is dropped.
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
#[derive(Clone)]
pub struct Json(Text);

#[derive(Clone)]
enum Text {
    Own(Box<RawValue>),
    /// A part of a response, which is JSON.
    Part(Arc<str>, Range<usize>),
}

/// The sizes of responses whose parts share their memory. Of a smaller one little is copied anyhow, and of a larger one the
/// whole would be kept for a single part.
const SHARED: RangeInclusive<usize> = 2 * 1024..=1024 * 1024;

thread_local! {
    /// The response that is being read on this thread, when its parts share its memory.
    static RESPONSE: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Makes [`Json`] that is read while it exists share the memory of a response.
struct Sharing(Option<Arc<str>>);

impl Sharing {
    fn parts_of(response: &Arc<str>) -> Self {
        Self(RESPONSE.replace(Some(Arc::clone(response))))
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        RESPONSE.set(self.0.take());
    }
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Removes a byte order mark.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(MARK).unwrap_or(body)
}

/// Reads a JSON response; a byte order mark in front of it is passed over.
pub fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let body = without_mark(body);
    // The whole text is checked faster than each string of it.
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    }
    .map_err(|error| DecodeError::new(&error, body))
}

/// Reads a JSON response as [`decode_json`] does. [`Json`] in it shares one copy of the response, where its size is worth
/// it, so a response with secrets that are to be wiped is not read so.
///
/// While it is read, `Json` can be read from text only: a type of the response must not read it from a
/// [`serde_json::Value`].
pub fn decode_json_shared<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    if !SHARED.contains(&body.len()) {
        return decode_json(body);
    }
    let Ok(text) = std::str::from_utf8(without_mark(body)) else { return decode_json(body) };
    let text: Arc<str> = text.into();
    let _sharing = Sharing::parts_of(&text);
    serde_json::from_str(&text).map_err(|error| DecodeError::new(&error, text.as_bytes()))
}

/// Returns where a text is in a response; `None` when it is elsewhere.
fn place_in(response: &str, text: &str) -> Option<Range<usize>> {
    let start = text.as_ptr().addr().checked_sub(response.as_ptr().addr())?;
    let end = start.checked_add(text.len())?;
    (end <= response.len()).then_some(start..end)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RESPONSE.with_borrow(|response| match response {
            Some(response) => {
                let raw = <&RawValue>::deserialize(deserializer)?;
                Ok(Self(match place_in(response, raw.get()) {
                    Some(place) => Text::Part(Arc::clone(response), place),
                    None => Text::Own(raw.to_owned()),
                }))
            }
            None => Deserialize::deserialize(deserializer).map(|own| Self(Text::Own(own))),
        })
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Text::Own(raw) => raw.serialize(serializer),
            Text::Part(..) => {
                let raw: &RawValue = serde_json::from_str(self.get()).map_err(ser::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}

impl Json {
    /// Writes a value as JSON.
    ///
    /// # Errors
    ///
    /// Fails when the value has no JSON form, such as a map whose keys are not text, and when it holds NaN or an
    /// infinity, with [`EncodeError::NotFinite`]. A [`serde_json::Value`] cannot hold them: it has made null of them
    /// already.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        finite::to_raw_value(value).map(|raw| Self(Text::Own(raw)))
    }

    /// Makes an object without members.
    pub fn empty_object() -> Self {
        // A literal that is JSON.
        Self(Text::Own(RawValue::from_string("{}".to_owned()).unwrap_or_default()))
    }

    /// Takes text that is JSON already. A byte order mark in front of it is dropped.
    ///
    /// # Errors
    ///
    /// Fails when the text is not JSON.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let raw = serde_json::from_str(text).map_err(|error| DecodeError::new(&error, text.as_bytes()))?;
        Ok(Self(Text::Own(raw)))
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
        match &self.0 {
            Text::Own(raw) => raw.get(),
            Text::Part(response, place) => response.get(place.clone()).unwrap_or_default(),
        }
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

    #[derive(Deserialize)]
    struct Page {
        rows: Vec<Json>,
    }

    fn page(rows: usize, mark: &str) -> Vec<u8> {
        let rows: Vec<_> = (0..rows).map(|row| format!("{{ \"n\":{row}, \"x\":\"ü\" }}")).collect();
        format!("{mark}{{\"rows\":[{}]}}", rows.join(" , ")).into()
    }

    #[test]
    fn parts_share_the_memory_of_their_response() {
        for (rows, mark, is_shared) in
            [(10, "", false), (500, "", true), (500, "\u{feff}", true), (90_000, "", false)]
        {
            let read: Page = decode_json_shared(&page(rows, mark)).unwrap();
            assert_eq!(read.rows.len(), rows);
            for (n, row) in read.rows.iter().enumerate() {
                assert_eq!(row.get(), format!("{{ \"n\":{n}, \"x\":\"ü\" }}"));
                assert_eq!(matches!(row.0, Text::Part(..)), is_shared, "{rows} rows");
            }
            assert_eq!(serde_json::to_string(&read.rows[7]).unwrap(), read.rows[7].get());
        }
    }

    #[test]
    fn only_parts_of_the_response_share_its_memory() {
        /// Reads JSON from within a text of the response, and from elsewhere.
        struct Inner(Json, Json);

        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let own = serde_json::from_str(&text).map_err(serde::de::Error::custom)?;
                let other = Json::from_serialize(&7).map_err(serde::de::Error::custom)?;
                Ok(Self(own, other))
            }
        }

        let body = format!("\"{{\\\"a\\\":1}}{}\"", " ".repeat(4096));
        let Inner(own, other) = decode_json_shared(body.as_bytes()).unwrap();
        assert_eq!((own.get(), other.get()), ("{\"a\":1}", "7"));
        assert!(matches!(own.0, Text::Own(_)));
        let Inner(own, _) = decode_json(body.as_bytes()).unwrap();
        assert!(matches!(own.0, Text::Own(_)));
        // A failed read ends the sharing too.
        assert!(decode_json_shared::<Page>(" ".repeat(4096).as_bytes()).is_err());
        assert!(RESPONSE.with_borrow(Option::is_none));
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error_of_its_place() {
        let mut body = page(500, "");
        let at = body.len() - 20;
        body[at] = 0xff;
        assert!(decode_json::<Page>(&body).is_err() && decode_json_shared::<Page>(&body).is_err());
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
