//! Which row an operation of a batch is about: one with an id, or one that the same batch writes.

use std::fmt;

use skyflow_api::types::{BatchMethod, BatchRecord};

use crate::Error;
use crate::record::not_blank;

/// What an id cannot begin with: the vault takes it for a reference.
const REFERENCE: &str = "$responses";

/// Names the row of a batch operation: by its id, or as the row of an earlier operation of the same batch.
///
/// Every string is an id. A string that looks like a reference is refused, so that an id from outside cannot
/// become one.
///
/// ```
/// use serde_json::json;
/// use skyflow::{BatchOperation, BatchRequest, BatchRow};
///
/// let request = BatchRequest::new([
///     BatchOperation::insert("persons", json!({"name": "Jane Doe"})),
///     BatchOperation::get("persons", BatchRow::of_operation(0)).return_tokens(true),
/// ]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Id(String),
    OfOperation(usize),
}

impl BatchRow {
    /// Names a row by its id.
    pub fn id(skyflow_id: impl Into<String>) -> Self {
        Self(Kind::Id(skyflow_id.into()))
    }

    /// Refers to the row of the operation at an index of the request, from 0. It must be an earlier
    /// operation than the one that refers to it, which is checked before the request is sent.
    pub fn of_operation(index: usize) -> Self {
        Self(Kind::OfOperation(index))
    }

    /// Returns the id as it is sent. `earlier` holds the ids of the operations before this one.
    pub(super) fn into_wire(self, field: impl fmt::Display, earlier: &[String]) -> Result<String, Error> {
        match self.0 {
            Kind::Id(id) if id.trim_start().starts_with(REFERENCE) => {
                let problem = "is not an id: refer to an earlier operation with BatchRow::of_operation";
                Err(Error::invalid(field.to_string(), problem))
            }
            Kind::Id(id) => not_blank(field, &id).map(|()| id),
            Kind::OfOperation(index) => earlier.get(index).cloned().ok_or_else(|| {
                let problem =
                    format!("refers to operation {index}, and only an earlier one can be referred to");
                Error::invalid(field.to_string(), problem)
            }),
        }
    }

    /// Returns the index of the operation whose row this is.
    pub(super) fn operation(&self) -> Option<usize> {
        match self.0 {
            Kind::Id(_) => None,
            Kind::OfOperation(index) => Some(index),
        }
    }

    /// Returns the id, when it is known before the request is sent.
    pub(super) fn known_id(&self) -> Option<&str> {
        match &self.0 {
            Kind::Id(id) => Some(id),
            Kind::OfOperation(_) => None,
        }
    }
}

impl<S: Into<String>> From<S> for BatchRow {
    fn from(skyflow_id: S) -> Self {
        Self::id(skyflow_id)
    }
}

/// Returns the `ID` with which a later entry means the row of this one. A row that has an id, or refers to an earlier
/// one itself, is meant in the same way; an inserted row gets its id from the vault.
pub(super) fn id_for_later(entry: &BatchRecord, index: usize) -> String {
    match &entry.id {
        Some(id) if entry.method != BatchMethod::Post => id.clone(),
        _ => format!("{REFERENCE}.{index}.records.0.skyflow_id"),
    }
}
