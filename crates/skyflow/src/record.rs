use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use skyflow_api::{DecodeError, Json, Response};
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
    pub(crate) attempts: u32,
}

impl Origin {
    pub(crate) fn of<T>(operation: &'static str, response: &Response<T>) -> Arc<Self> {
        Arc::new(Self {
            operation,
            status: response.status,
            request_id: response.request_id.clone(),
            attempts: response.progress.attempts(),
        })
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
    /// row does not have it or it is null.
    pub fn text(&self, column: &str) -> Option<String> {
        self.columns().get(column).and_then(|value| text_of(value.get()))
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
    serde_json::from_str(object).unwrap_or_default()
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
        Some(b'"') => serde_json::from_str(json).ok(),
        Some(_) => Some(json.to_owned()),
    }
}

/// Serialises a row; the outcome is looked at when the request is sent, so that setters do not fail.
pub(crate) fn to_row<T: Serialize + ?Sized>(row: &T) -> Result<Json, RowProblem> {
    let json = Json::from_serialize(row).map_err(|_| RowProblem::NotSerializable)?;
    if json.get().starts_with('{') { Ok(json) } else { Err(RowProblem::NotAnObject) }
}

/// Why a row cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowProblem {
    NotSerializable,
    NotAnObject,
}

impl RowProblem {
    /// Names the one row of a request.
    pub(crate) fn of(self, field: &str) -> Error {
        Error::invalid(field, self.problem())
    }

    /// Names the row by its place in the request.
    pub(crate) fn at(self, list: &str, index: usize) -> Error {
        self.of(&format!("{list}[{index}]"))
    }

    const fn problem(self) -> &'static str {
        match self {
            Self::NotSerializable => "cannot be serialised to JSON",
            Self::NotAnObject => "must serialise to a JSON object",
        }
    }
}

/// Refuses a name that is blank; tables, columns and ids are checked with it.
pub(crate) fn not_blank(field: &str, value: &str) -> Result<(), Error> {
    if value.trim().is_empty() { Err(Error::invalid(field, "must not be empty")) } else { Ok(()) }
}

/// Refuses a list that is empty, and elements that are blank.
pub(crate) fn none_blank<S: AsRef<str>>(field: &str, values: &[S]) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    values
        .iter()
        .enumerate()
        .try_for_each(|(index, value)| not_blank(&format!("{field}[{index}]"), value.as_ref()))
}

/// Checks the tokens that a caller brings for one row against the token mode and the row's columns.
pub(crate) fn check_row_tokens(
    mode: TokenMode,
    fields: &Json,
    tokens: Option<&Json>,
    field: &str,
) -> Result<(), Error> {
    let Some(tokens) = tokens else {
        return match mode {
            TokenMode::Disable => Ok(()),
            _ => Err(Error::invalid(field, "are required by the token mode")),
        };
    };
    if matches!(mode, TokenMode::Disable) {
        return Err(Error::invalid(field, "require the token mode ENABLE or ENABLE_STRICT"));
    }
    let (columns, tokens) = (columns_of(fields), columns_of(tokens));
    if tokens.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if tokens.keys().any(|column| !columns.contains_key(column)) {
        return Err(Error::invalid(field, "has a column that the record does not have"));
    }
    if mode == TokenMode::EnableStrict && tokens.len() != columns.len() {
        return Err(Error::invalid(field, "must have a token for every column with ENABLE_STRICT"));
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
