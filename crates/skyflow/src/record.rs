use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use skyflow_api::runtime::lossy_members;
use skyflow_api::{DecodeError, EncodeError, Json, Progress, Response};
use skyflow_types::{RequestId, TokenMode};

use crate::Error;

/// One row of a response: its columns as the server sent them, decoded on demand.
///
/// Numbers, booleans, nulls and nested values keep their type. `Debug` shows the names of the columns and no value;
/// `Serialize` writes the row as the server sent it, values included.
///
/// ```
/// # fn show(record: &skyflow::Record) -> Result<(), skyflow::Error> {
/// #[derive(serde::Deserialize)]
/// struct Person {
///     name: String,
///     age: u8,
/// }
///
/// let person: Person = record.decode()?;
/// let name: Option<String> = record.get("name")?;
/// # Ok(()) }
/// ```
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Record {
    columns: Json,
    /// Whether the row tells of a write: then an error in reading it says that the write was applied.
    #[serde(skip)]
    of_a_write: bool,
    /// The response it came in; unknown for rows that were put together here.
    #[serde(skip)]
    origin: Option<Arc<Origin>>,
}

/// Names the response that rows came in, for the errors of rows that do not fit.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) operation: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) progress: Progress,
}

impl Origin {
    pub(crate) fn new<T>(operation: &'static str, response: &Response<T>) -> Self {
        let (request_id, progress) = (response.request_id.clone(), response.progress.clone());
        Self { operation, status: response.status, request_id, progress }
    }

    /// Shares it between the rows of the response.
    pub(crate) fn of<T>(operation: &'static str, response: &Response<T>) -> Arc<Self> {
        Arc::new(Self::new(operation, response))
    }

    /// Takes what the call has sent in its headers out of a message of the server.
    pub(crate) fn hide(&self, message: &str) -> String {
        self.progress.hide_sent(message)
    }
}

impl Record {
    pub(crate) fn new(columns: Json) -> Self {
        Self { columns, of_a_write: false, origin: None }
    }

    pub(crate) fn of_a_write(columns: Json) -> Self {
        Self { columns, of_a_write: true, origin: None }
    }

    /// Says which response the row came in.
    pub(crate) fn in_response(mut self, origin: &Arc<Origin>) -> Self {
        self.origin = Some(Arc::clone(origin));
        self
    }

    /// Replaces the columns of the row.
    pub(crate) fn with_columns(&self, columns: Json) -> Self {
        Self { columns, ..self.clone() }
    }

    fn misfit(&self, source: DecodeError) -> Error {
        let mut error = Error::row(source);
        if let Some(origin) = &self.origin {
            error = error.in_response(origin);
        }
        if self.of_a_write { error.applied() } else { error }
    }

    /// A row without columns.
    pub(crate) fn empty() -> Self {
        Self::new(Json::empty_object())
    }

    /// Decodes the row into your own type. Columns that the type does not name are passed over.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the row does not fit the type. The error names
    /// where, and no value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.columns.decode().map_err(|source| self.misfit(source))
    }

    /// Decodes one column; `None` when the row does not have it or it is null.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the column does not fit the type.
    pub fn get<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Error> {
        match self.columns().get(column) {
            None => Ok(None),
            Some(value) => Json::parse(value.get())
                .and_then(|value| value.decode())
                .map_err(|source| self.misfit(source)),
        }
    }

    /// Returns one column as text: strings as they are, numbers, booleans and nested values as JSON. `None` when the
    /// row does not have it or it is null. A string with an unpaired surrogate, which no Rust string can hold, is
    /// returned as JSON too, with its quotes and escapes; [`Record::try_text`] fails for it.
    pub fn text(&self, column: &str) -> Option<String> {
        self.columns().get(column).and_then(|value| text_of(value.get()))
    }

    /// Returns one column as [`Record::text`] does.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the column is a string that no Rust string can
    /// hold, because it has an unpaired surrogate.
    pub fn try_text(&self, column: &str) -> Result<Option<String>, Error> {
        match self.columns().get(column).map(|value| try_text_of(value.get())) {
            None => Ok(None),
            Some(text) => text.map_err(|source| self.misfit(source)),
        }
    }

    /// Returns the names of the columns, sorted.
    pub fn column_names(&self) -> Vec<String> {
        self.columns().into_keys().collect()
    }

    /// Returns the `skyflow_id` column.
    pub fn skyflow_id(&self) -> Option<String> {
        self.text("skyflow_id")
    }

    /// Returns the row as a JSON map.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when a number has no JSON value in Rust, such as
    /// `1e400`; [`Record::raw`] has its digits.
    pub fn to_map(&self) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
        self.decode()
    }

    /// Returns the row as JSON text, byte for byte as the server sent it; keep it out of logs.
    pub fn raw(&self) -> &str {
        self.columns.get()
    }

    fn columns(&self) -> BTreeMap<String, &RawValue> {
        columns_of(&self.columns)
    }
}

/// Tells whether a row has a value in a unique column, so that an upsert finds it again.
pub(crate) fn names_row(row: &Json, column: &str) -> bool {
    columns_of(row).get(column).is_some_and(|value| value.get() != "null")
}

/// Splits a row into its columns; a row that is no object has none.
pub(crate) fn columns_of(row: &Json) -> BTreeMap<String, &RawValue> {
    members_of(row.get())
}

/// Splits JSON text into the members of an object; anything else has none.
pub(crate) fn members_of(object: &str) -> BTreeMap<String, &RawValue> {
    // A name that Rust cannot hold does not take the others away.
    serde_json::from_str(object).unwrap_or_else(|_| lossy_members(object).into_iter().collect())
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Record");
        for name in self.columns().keys() {
            shown.field(name, &format_args!("[REDACTED]"));
        }
        shown.finish()
    }
}

/// Returns a JSON value as text; `None` for null.
pub(crate) fn text_of(json: &str) -> Option<String> {
    match json.as_bytes().first() {
        None | Some(b'n') => None,
        // Text that Rust cannot hold must not look like nothing.
        Some(b'"') => Some(match json.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(text) if !text.contains('\\') => text.to_owned(),
            _ => serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
        }),
        Some(_) => Some(json.to_owned()),
    }
}

/// Returns the message of the `error` of a row: text, or an object with a message. `None` when it says that there is
/// no error.
pub(crate) fn message_of(error: &str) -> Option<String> {
    let described = members_of(error);
    let message = match described.get("message") {
        Some(message) => text_of(message.get()),
        None => text_of(error).filter(|_| error.starts_with('"')),
    };
    let is_none = matches!(error, "null" | "\"\"" | "{}" | "[]" | "false");
    (!is_none).then(|| message.unwrap_or_default())
}

/// Returns a JSON value as text, and an error for text that Rust cannot hold.
pub(crate) fn try_text_of(json: &str) -> Result<Option<String>, DecodeError> {
    match json.as_bytes().first() {
        Some(b'"') => Json::parse(json).and_then(|text| text.decode()).map(Some),
        _ => Ok(text_of(json)),
    }
}

/// Serializes a row; the outcome is looked at when the request is sent, so that setters do not fail.
pub(crate) fn to_row<T: Serialize + ?Sized>(row: &T) -> Result<Json, RowProblem> {
    let json = Json::from_serialize(row).map_err(|error| match error {
        EncodeError::NotFinite(path) => RowProblem::NotFinite(path),
        _ => RowProblem::Unserializable,
    })?;
    if json.get().starts_with('{') { Ok(json) } else { Err(RowProblem::NotAnObject) }
}

/// Why a row cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowProblem {
    Unserializable,
    NotAnObject,
    /// The number at this path is NaN or infinite.
    NotFinite(Box<str>),
}

impl RowProblem {
    /// Names the one row of a request.
    pub(crate) fn of(self, field: &str) -> Error {
        match self {
            Self::Unserializable => Error::invalid(field, "cannot be serialized to JSON"),
            Self::NotAnObject => Error::invalid(field, "must serialize to a JSON object"),
            Self::NotFinite(path) => Error::not_finite(field, &path),
        }
    }

    /// Names the row by its place in the request.
    pub(crate) fn at(self, list: &str, index: usize) -> Error {
        self.of(&format!("{list}[{index}]"))
    }
}

/// Refuses a name that is blank; tables, columns and ids are checked with it.
///
/// The field is written out only for an error.
pub(crate) fn not_blank(field: impl fmt::Display, value: &str) -> Result<(), Error> {
    if value.trim().is_empty() { Err(Error::invalid(field.to_string(), "must not be empty")) } else { Ok(()) }
}

/// Refuses a list that is empty, and elements that are blank.
pub(crate) fn none_blank<S: AsRef<str>>(field: impl fmt::Display, values: &[S]) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::invalid(field.to_string(), "must not be empty"));
    }
    match values.iter().position(|value| value.as_ref().trim().is_empty()) {
        None => Ok(()),
        Some(index) => Err(Error::invalid(format!("{field}[{index}]"), "must not be empty")),
    }
}

/// Checks the tokens that a caller brings for one row against the token mode and the row's columns.
pub(crate) fn check_row_tokens(
    mode: TokenMode,
    fields: &Json,
    tokens: Option<&Json>,
    field: impl Fn() -> String,
) -> Result<(), Error> {
    let Some(tokens) = tokens else {
        return match mode {
            TokenMode::Disable => Ok(()),
            _ => Err(Error::invalid(field(), "are required by the token mode")),
        };
    };
    if matches!(mode, TokenMode::Disable) {
        return Err(Error::invalid(field(), "require the token mode ENABLE or ENABLE_STRICT"));
    }
    let (columns, tokens) = (columns_of(fields), columns_of(tokens));
    if tokens.is_empty() {
        return Err(Error::invalid(field(), "must not be empty"));
    }
    if tokens.keys().any(|column| !columns.contains_key(column)) {
        return Err(Error::invalid(field(), "has a column that the record does not have"));
    }
    if mode == TokenMode::EnableStrict && tokens.len() != columns.len() {
        return Err(Error::invalid(field(), "must have a token for every column with ENABLE_STRICT"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn record(json: &str) -> Record {
        Record::new(Json::parse(json).unwrap())
    }

    #[test]
    fn every_column_keeps_its_type() {
        let record =
            record(r#"{"s":"a\"é","n":12345678901234567890,"f":1.10,"b":true,"z":null,"o":{"x":[1]}}"#);
        assert_eq!(record.text("s").unwrap(), "a\"é");
        assert_eq!(record.get::<u64>("n").unwrap(), Some(12_345_678_901_234_567_890));
        assert_eq!(record.text("f").unwrap(), "1.10");
        assert_eq!(record.get::<bool>("b").unwrap(), Some(true));
        assert_eq!(record.get::<String>("z").unwrap(), None);
        assert_eq!(record.text("z"), None);
        assert_eq!(record.get::<String>("absent").unwrap(), None);
        assert_eq!(record.text("o").unwrap(), r#"{"x":[1]}"#);
        assert_eq!(record.column_names(), ["b", "f", "n", "o", "s", "z"]);
    }

    #[test]
    fn unpaired_surrogates_do_not_look_like_nothing() {
        let sent = r#"{"a":"x\ud800y","\udc00":1,"b":"\ud83d\ude00"}"#;
        let record = record(sent);
        assert_eq!(record.text("a").as_deref(), Some(r#""x\ud800y""#));
        assert_eq!(record.text("b").as_deref(), Some("\u{1f600}"));
        assert_eq!(record.column_names().len(), 3);
        assert_eq!(record.try_text("b").unwrap().as_deref(), Some("\u{1f600}"));
        assert_eq!(record.try_text("absent").unwrap(), None);
        for error in [
            record.try_text("a").unwrap_err(),
            record.get::<String>("a").unwrap_err(),
            record.decode::<BTreeMap<String, serde_json::Value>>().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert_eq!(
                error.message(),
                "the row has text with an unpaired surrogate, which Rust strings cannot hold"
            );
        }
        assert_eq!(record.raw(), sent);
    }

    #[test]
    fn a_column_that_does_not_fit_names_no_value() {
        let error = record(r#"{"n":"4111111111111111"}"#).get::<u64>("n").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!format!("{error} {error:?}").contains("4111"));
    }

    #[test]
    fn debug_shows_columns_and_no_value() {
        let shown = format!("{:?}", record(r#"{"card_number":"4111111111111111"}"#));
        assert_eq!(shown, "Record { card_number: [REDACTED] }");
    }
}
