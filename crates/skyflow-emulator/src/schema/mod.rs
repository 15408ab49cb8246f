//! Tables as they are described, and as the vault works with them.

mod column;
mod compiled;
mod error;
mod json;
mod templates;
mod token;
mod value;

pub use column::{Column, ColumnOperation, DataType, Table, TokenPolicy};
pub(crate) use compiled::{CompiledColumn, CompiledTable, Schema};
pub use error::SchemaError;
pub(crate) use json::{tables_from_json, tables_to_json};
pub(crate) use templates::default_tables;
pub(crate) use value::text_of;

use skyflow_types::DetectEntity;

/// Returns the name of the column that holds the values of an entity.
pub(crate) fn column_of(entity: &DetectEntity) -> String {
    format!("{entity}_entity")
}

/// The column that every table has.
pub(crate) const SKYFLOW_ID: &str = "skyflow_id";

/// The placeholder of a redacted value in a response.
pub(crate) const REDACTED: &str = "*REDACTED*";
