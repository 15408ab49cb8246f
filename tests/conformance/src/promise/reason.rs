//! Why the official SDK refused a call, by its message: the fields that the message is about.

/// Phrases of messages, and the fields of this SDK that they are about. The first phrase that a message has decides, so
/// that the special ones come first.
const PHRASES: &[(&str, &[&str])] = &[
    ("homogenous is not supported", &["homogeneous", "upsert"]),
    ("upsert", &["upsert"]),
    ("homogeneous", &["homogeneous"]),
    ("return tokens", &["return_tokens"]),
    ("continue on error", &["continue_on_error"]),
    ("token mode", &["token_mode"]),
    ("tokens weren't specified", &["tokens"]),
    ("token_mode", &["tokens"]),
    ("keys for values and tokens", &["tokens"]),
    // Python counts the tokens of a row that has none.
    ("object of type 'nonetype' has no len()", &["tokens"]),
    ("both skyflow ids and column", &["ids"]),
    ("redaction_type' can't be used", &["redaction"]),
    ("tokens can't be used with redaction", &["redaction"]),
    ("column group", &["column_group"]),
    ("tokenize value key", &["column_group", "value"]),
    ("tokenize value at", &["value"]),
    ("tokenize values", &["values"]),
    ("values array", &["values"]),
    // A column and its values are one selection.
    ("column_values", &["column_values", "column_name"]),
    ("column values", &["column_values", "column_name"]),
    ("column_name", &["column_name"]),
    ("column name", &["column_name"]),
    ("table", &["table"]),
    ("record ids", &["ids"]),
    ("run id", &["run_id"]),
    ("skyflow id", &["skyflow_id"]),
    ("skyflow_id", &["skyflow_id"]),
    ("id cannot be empty", &["ids"]),
    ("'ids'", &["ids"]),
    ("cluster id", &["cluster_id"]),
    ("invalid vault id", &["vault_id"]),
    ("roles", &["roles"]),
    ("role must", &["roles"]),
    ("context", &["context"]),
    ("ctx", &["context"]),
    ("token uri", &["tokenURI"]),
    ("client id", &["clientID"]),
    ("key id", &["keyID"]),
    ("private key", &["privateKey"]),
    ("secretorprivatekey", &["privateKey"]),
    ("api key", &["api_key"]),
    ("bearer token is invalid", &["token"]),
    ("given token is expired", &["token"]),
    ("invalid token.", &["token"]),
    ("credentials token", &["token"]),
    ("credentials. expected file path", &["credentials file"]),
    ("credentials. specify a valid file path", &["credentials file"]),
    ("file at", &["credentials"]),
    ("credentials", &["credentials"]),
    ("file name", &["file_name"]),
    ("base64", &["file"]),
    ("file path", &["file"]),
    ("filepath", &["file"]),
    ("file object", &["file"]),
    ("file input", &["file"]),
    ("file format", &["file_name"]),
    ("no such file", &["file"]),
    ("allow regex", &["allow_regex"]),
    ("allowregex", &["allow_regex"]),
    ("restrict regex", &["restrict_regex"]),
    ("restrictregex", &["restrict_regex"]),
    ("redactedentities", &["redacted_entities"]),
    ("maskedentities", &["masked_entities"]),
    ("plaintextentities", &["plain_text_entities"]),
    ("entities", &["entities"]),
    ("token format", &["token_format"]),
    ("tokenformat", &["token_format"]),
    ("token type", &["token_format"]),
    ("transformations", &["shift_dates"]),
    ("wait time", &["wait_time"]),
    ("output directory", &["output_directory"]),
    ("masking method", &["masking_method"]),
    ("pixel density", &["pixel_density"]),
    ("max resolution", &["max_resolution"]),
    ("maximum resolution", &["max_resolution"]),
    ("bleep", &["bleep"]),
    ("text field", &["text"]),
    ("path parameters", &["path_params"]),
    ("query parameters", &["query_params"]),
    ("query parameter", &["query"]),
    ("command was passed", &["query"]),
    ("request headers", &["headers"]),
    ("request body", &["body"]),
    ("invalid body", &["body"]),
    ("data tokens", &["token"]),
    ("detokenize", &["tokens"]),
    ("'token'", &["tokens"]),
    // The id of the row is one of its fields there.
    ("in an update payload", &["fields", "skyflow_id"]),
    ("data in update", &["fields", "skyflow_id"]),
    ("data in insert", &["records"]),
    ("fields key", &["fields"]),
    ("offset", &["offset"]),
    ("limit", &["limit"]),
];

/// Says why `field` is not what a message is about: which fields are.
pub fn differs(message: &str, field: &str) -> Option<String> {
    let text = message.to_lowercase();
    let Some((_, about)) = PHRASES.iter().find(|(phrase, _)| text.contains(phrase)) else {
        return Some(format!("a reason that the replay does not know: {message}"));
    };
    let is_named = field.split('.').any(|part| about.contains(&name_of(part)));
    let place = |index: usize| format!("at index {index}");
    match (index_in(&text), index_of(field)) {
        _ if !is_named => Some(about.join(" or ")),
        (Some(told), Some(ours)) if told != ours => Some(place(told)),
        _ => None,
    }
}

/// Returns the name before an index: `values` of `values[0]`.
fn name_of(part: &str) -> &str {
    part.split('[').next().unwrap_or_default()
}

fn index_of(field: &str) -> Option<usize> {
    field.split_once('[')?.1.split(']').next()?.parse().ok()
}

fn index_in(message: &str) -> Option<usize> {
    let behind = message.split_once("at index ")?.1;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::differs;

    #[test]
    fn reason_is_the_field_and_its_index() {
        let message = "Validation error. Tokenize value at index 1 is empty. Specify a valid value.";
        assert_eq!(differs(message, "values[1].value"), None);
        assert_eq!(differs(message, "values[0].value").as_deref(), Some("at index 1"));
        assert_eq!(differs(message, "values[1].column_group").as_deref(), Some("value"));
        assert!(differs("Something else.", "table").unwrap().contains("does not know"));
    }
}
