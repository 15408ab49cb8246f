/// Reports a schema that no vault can be made from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The JSON text does not describe tables.
    #[error("the schema cannot be read: {0}")]
    Shape(String),
    /// A tag has a value that Skyflow does not know.
    #[error("column {column} has the value {value:?} for {tag}, which Skyflow does not know")]
    Tag {
        /// The column.
        column: String,
        /// The tag.
        tag: String,
        /// Its value.
        value: String,
    },
    /// A table or column is given twice, or its name cannot be used.
    #[error("{name:?} cannot be the name of a table or column: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A pattern of a column is no regular expression, or no token can be made from it.
    #[error("column {column} has a pattern that cannot be used: {reason}")]
    Pattern {
        /// The column.
        column: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// Columns of one group differ in something they must share.
    #[error("the columns of group {group} differ in {what}")]
    Group {
        /// The column group.
        group: String,
        /// What differs.
        what: &'static str,
    },
    /// The data file already holds this table with other columns.
    #[error("table {table} exists in the data file with another definition")]
    Conflict {
        /// The table.
        table: String,
    },
}

impl SchemaError {
    pub(crate) fn shape(problem: impl Into<String>) -> Self {
        Self::Shape(problem.into())
    }

    pub(crate) fn tag(column: &str, tag: &str, value: &str) -> Self {
        Self::Tag { column: column.to_owned(), tag: tag.to_owned(), value: value.to_owned() }
    }
}
