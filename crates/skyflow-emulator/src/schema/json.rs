//! Skyflow's own JSON form of a vault schema, read and written.

use serde_json::{Map, Value, json};
use skyflow_types::Redaction;

use super::column::{Column, ColumnOperation, DataType, Table, TokenPolicy};
use super::error::SchemaError;

const SKYFLOW_ID: &str = "skyflow_id";

/// Reads `{"schemas": [...]}`, alone or inside `{"vaultSchema": ...}`, or a bare list of tables.
pub(crate) fn tables_from_json(schema: &Value) -> Result<Vec<Table>, SchemaError> {
    let schema = schema.get("vaultSchema").unwrap_or(schema);
    let tables = schema
        .get("schemas")
        .unwrap_or(schema)
        .as_array()
        .ok_or_else(|| SchemaError::shape("a list of tables was expected under `schemas`"))?;
    tables.iter().map(table_from_json).collect()
}

/// Writes tables in the form that [`tables_from_json`] reads.
pub(crate) fn tables_to_json<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Value {
    let tables: Vec<Value> = tables
        .into_iter()
        .map(|table| {
            let fields: Vec<Value> = table.columns.iter().map(column_to_json).collect();
            json!({ "name": table.name, "fields": fields })
        })
        .collect();
    json!({ "schemas": tables })
}

fn table_from_json(table: &Value) -> Result<Table, SchemaError> {
    let name = name_of(table)?;
    let mut columns = Vec::new();
    add_columns(table, "", &mut columns)?;
    Ok(Table { name, columns })
}

/// Nested tables (`childrenSchemas`) become columns named `parent.child`.
fn add_columns(table: &Value, prefix: &str, columns: &mut Vec<Column>) -> Result<(), SchemaError> {
    for field in list(table, "fields") {
        let column = column_from_json(field, prefix)?;
        if column.name != SKYFLOW_ID {
            columns.push(column);
        }
    }
    for child in list(table, "childrenSchemas") {
        let prefix = format!("{prefix}{}.", name_of(child)?);
        add_columns(child, &prefix, columns)?;
    }
    Ok(())
}

fn name_of(object: &Value) -> Result<String, SchemaError> {
    match object.get("name").and_then(Value::as_str) {
        Some(name) => Ok(name.to_owned()),
        None => Err(SchemaError::shape("a table or column has no `name`")),
    }
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn column_from_json(field: &Value, prefix: &str) -> Result<Column, SchemaError> {
    let name = format!("{prefix}{}", name_of(field)?);
    let type_name = field.get("datatype").and_then(Value::as_str).unwrap_or("DT_STRING");
    let Some(data_type) = DataType::parse(type_name) else {
        return Err(SchemaError::tag(&name, "datatype", type_name));
    };
    let mut column = Column::new(&name, data_type).redacted();
    column.array = field.get("isArray").and_then(Value::as_bool).unwrap_or(false);
    column.unique = field.get("isUnique").and_then(Value::as_bool).unwrap_or(false);
    let (mut find, mut replace) = (None, None);
    for tag in list(field, "tags") {
        let key = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        for value in list(tag, "values").iter().filter_map(Value::as_str) {
            match key {
                "skyflow.options.find_pattern" => find = Some(value.to_owned()),
                "skyflow.options.replace_pattern" => replace = Some(value.to_owned()),
                _ => apply_tag(&mut column, key, value)?,
            }
        }
    }
    column.mask = find.map(|find| (find, replace.unwrap_or_default()));
    Ok(column)
}

fn apply_tag(column: &mut Column, key: &str, value: &str) -> Result<(), SchemaError> {
    let refused = SchemaError::tag(&column.name, key, value);
    match key {
        "skyflow.options.default_token_policy" => {
            column.token_policy = Some(TokenPolicy::parse(value).ok_or(refused)?);
        }
        "skyflow.options.format_preserving_regex" => column.token_format = Some(value.to_owned()),
        "skyflow.options.column_group" => column.column_group = Some(value.to_owned()),
        "skyflow.options.default_dlp_policy" => {
            column.redaction = match value {
                "PLAIN_TEXT" => Redaction::PlainText,
                "REDACT" => Redaction::Redacted,
                "MASK" => Redaction::Masked,
                _ => return Err(refused),
            };
        }
        "skyflow.validation.regular_exp" => column.validations.push(value.to_owned()),
        "skyflow.validation.predefinedvalues" => column.allowed_values.push(value.to_owned()),
        "skyflow.options.configuration_tags" => match value {
            "UNIQUE" | "PRIMARY_KEY" => column.unique = true,
            "NOT_NULL" => column.required = true,
            _ => {}
        },
        "skyflow.options.unique" => column.unique = value == "true",
        "skyflow.options.not_null" => column.required = value == "true",
        "skyflow.options.operation" => {
            column.operations.push(ColumnOperation::parse(value).ok_or(refused)?);
        }
        "skyflow.options.ttl" => column.ttl_minutes = Some(value.parse().map_err(|_| refused)?),
        "skyflow.options.allowed_file_types" => column.file_types.push(value.to_owned()),
        // Everything else describes the column to people.
        _ => {}
    }
    Ok(())
}

fn column_to_json(column: &Column) -> Value {
    let mut tags = Vec::new();
    let mut tag = |name: &str, values: &[String]| {
        if !values.is_empty() {
            tags.push(json!({ "name": name, "values": values }));
        }
    };
    let one = |text: &str| [text.to_owned()];
    if let Some(policy) = column.token_policy {
        tag("skyflow.options.default_token_policy", &one(policy.as_str()));
    }
    if let Some(format) = &column.token_format {
        tag("skyflow.options.format_preserving_regex", &one(format));
    }
    if let Some(group) = &column.column_group {
        tag("skyflow.options.column_group", &one(group));
    }
    let redaction = match column.redaction {
        Redaction::PlainText => "PLAIN_TEXT",
        Redaction::Masked => "MASK",
        _ => "REDACT",
    };
    tag("skyflow.options.default_dlp_policy", &one(redaction));
    if let Some((find, replace)) = &column.mask {
        tag("skyflow.options.find_pattern", &one(find));
        tag("skyflow.options.replace_pattern", &one(replace));
    }
    tag("skyflow.validation.regular_exp", &column.validations);
    tag("skyflow.validation.predefinedvalues", &column.allowed_values);
    if column.required {
        tag("skyflow.options.not_null", &one("true"));
    }
    if let Some(minutes) = column.ttl_minutes {
        tag("skyflow.options.ttl", &one(&minutes.to_string()));
    }
    let operations: Vec<String> = column.operations.iter().map(|o| o.as_str().to_owned()).collect();
    tag("skyflow.options.operation", &operations);
    tag("skyflow.options.allowed_file_types", &column.file_types);

    let mut field = Map::new();
    field.insert("name".into(), column.name.clone().into());
    field.insert("datatype".into(), column.data_type.as_str().into());
    field.insert("isArray".into(), column.array.into());
    field.insert("isUnique".into(), column.unique.into());
    field.insert("tags".into(), tags.into());
    Value::Object(field)
}

#[cfg(test)]
mod tests {
    use super::super::templates;
    use super::*;

    #[test]
    fn a_schema_written_and_read_again_is_the_same() {
        let tables = templates::default_tables();
        assert_eq!(tables_from_json(&tables_to_json(&tables)).unwrap(), tables);
    }

    #[test]
    fn the_tag_vocabulary_of_skyflow_is_understood() {
        let schema = json!({"vaultSchema": {"schemas": [{
            "name": "employees",
            "fields": [
                {"name": "skyflow_id", "datatype": "DT_STRING"},
                {"name": "ein", "datatype": "DT_STRING", "isUnique": true, "tags": [
                    {"name": "skyflow.options.default_token_policy", "values": ["DETERMINISTIC_UUID"]},
                    {"name": "skyflow.options.configuration_tags", "values": ["NOT_NULL"]},
                    {"name": "skyflow.options.description", "values": ["Employee ID number"]},
                ]},
            ],
            "childrenSchemas": [{"name": "address", "fields": [{"name": "city", "datatype": "DT_STRING"}]}],
        }]}});
        let expected = Table::new("employees")
            .column(
                Column::string("ein").redacted().unique().required().tokens(TokenPolicy::DeterministicUuid),
            )
            .column(Column::string("address.city").redacted());
        assert_eq!(tables_from_json(&schema).unwrap(), [expected]);
    }

    #[test]
    fn an_unknown_policy_is_named_in_the_error() {
        let schema = json!([{"name": "t", "fields": [{"name": "c", "tags": [
            {"name": "skyflow.options.default_token_policy", "values": ["SOMETHING"]}]}]}]);
        let error = tables_from_json(&schema).unwrap_err().to_string();
        assert!(error.contains("SOMETHING") && error.contains('c'), "{error}");
    }
}
