//! Rows on their way out: serialised once, straight from the caller's type, and checked before a byte is sent.

use serde::Serialize;
use skyflow_api::Json;
use skyflow_types::TokenMode;

use crate::Error;
use crate::record::columns_of;

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
        Error::invalid(field, self.words())
    }

    /// Names the row by its place in the request.
    pub(crate) fn at(self, list: &str, index: usize) -> Error {
        self.of(&format!("{list}[{index}]"))
    }

    const fn words(self) -> &'static str {
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
            _ => Err(Error::invalid(field, "are missing, and the token mode asks for them")),
        };
    };
    if matches!(mode, TokenMode::Disable) {
        return Err(Error::invalid(field, "need the token mode ENABLE or ENABLE_STRICT"));
    }
    let (columns, tokens) = (columns_of(fields), columns_of(tokens));
    if tokens.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if tokens.keys().any(|column| !columns.contains_key(column)) {
        return Err(Error::invalid(field, "has a column that the record does not have"));
    }
    if mode == TokenMode::EnableStrict && tokens.len() != columns.len() {
        return Err(Error::invalid(field, "lacks a column: ENABLE_STRICT wants a token for every column"));
    }
    Ok(())
}
