//! Rows on their way out: serialised once, straight from the caller's type, and checked before a byte is sent.

use serde::Serialize;
use skyflow_api::Json;

use crate::Error;

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
    /// Names the row by its place in the request.
    pub(crate) fn at(self, list: &str, index: usize) -> Error {
        Error::invalid(
            format!("{list}[{index}]"),
            match self {
                Self::NotSerializable => "cannot be serialised to JSON",
                Self::NotAnObject => "must serialise to a JSON object",
            },
        )
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
