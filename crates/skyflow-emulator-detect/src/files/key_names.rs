//! Names of members, elements and attributes that hold a label, or the value that belongs to it.

const KEYS: [&str; 24] = [
    "attribute",
    "attributename",
    "code",
    "column",
    "columnname",
    "field",
    "fieldid",
    "fieldname",
    "header",
    "heading",
    "id",
    "key",
    "kind",
    "label",
    "name",
    "param",
    "parameter",
    "prompt",
    "property",
    "propertyname",
    "question",
    "tag",
    "title",
    "type",
];
const VALUES: [&str; 20] = [
    "answer",
    "content",
    "contents",
    "current",
    "data",
    "default",
    "defaultvalue",
    "display",
    "entry",
    "fieldvalue",
    "input",
    "raw",
    "response",
    "selected",
    "string",
    "stringvalue",
    "text",
    "val",
    "value",
    "values",
];
const COLUMNS: [&str; 6] = ["columns", "columnnames", "fields", "header", "headers", "names"];

/// Tells whether what has this name says what something beside it is.
pub(super) fn is_key(name: &str) -> bool {
    KEYS.contains(&plain(name).as_str())
}

/// Tells whether what has this name holds the value of what it is part of.
pub(super) fn is_value(name: &str) -> bool {
    VALUES.contains(&plain(name).as_str())
}

/// Tells whether what has this name holds the headers of a table beside it.
pub(super) fn is_columns(name: &str) -> bool {
    COLUMNS.contains(&plain(name).as_str())
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
