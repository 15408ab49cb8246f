//! Response bodies made from an API document, which is read as it is written and not through the generator's model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A text that is Base64 as well, so that it fits every string.
pub(crate) const TEXT: &str = "VkFMVUU=";

/// A value that no enum of the documents has.
pub(crate) const UNKNOWN: &str = "SOMETHING_NEW";

/// What a body is filled with.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fill {
    /// Every member, with the enum value at this place of each list of values; the last one where a list is shorter.
    All(usize),
    /// Every member, with enum values that the document does not have.
    UnknownValues,
    /// Every member, with enum values in lowercase.
    Lowercase,
    /// Every member, under its last other name.
    Aliases,
    /// Every member, as null.
    Nulls,
    /// Every member, with numbers at and beyond their bounds.
    Beyond,
    /// Every member, and one that the document does not name.
    Unnamed,
}

/// An API document.
pub(crate) struct Document {
    root: Value,
    /// Schemas published without a shape, and those that have it.
    same: &'static [(&'static str, &'static str)],
}

/// A body and its content.
#[derive(Default)]
pub(crate) struct Body {
    pub(crate) json: Value,
    /// How many enum values it holds.
    pub(crate) enums: usize,
    /// The longest list of enum values.
    pub(crate) values: usize,
    /// How many members have another name.
    pub(crate) aliases: usize,
}

impl Document {
    pub(crate) fn parse(text: &str, same: &'static [(&'static str, &'static str)]) -> Self {
        Self { root: serde_yaml_ng::from_str(text).unwrap(), same }
    }

    /// Lists the operations: name, and schema of the response; `None` when it is empty.
    pub(crate) fn operations(&self) -> Vec<(&str, Option<&Value>)> {
        let paths = self.root["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|path| path.as_object().unwrap().values());
        operations
            .filter_map(|operation| {
                let content = &operation["responses"]["200"]["content"]["application/json"]["schema"];
                Some((
                    operation.get("operationId")?.as_str()?,
                    Some(content).filter(|found| !found.is_null()),
                ))
            })
            .collect()
    }

    /// Lists method and path of the operations by name.
    pub(crate) fn paths(&self) -> BTreeMap<&str, (&str, &str)> {
        let mut found = BTreeMap::new();
        for (path, item) in self.root["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(name) = operation.get("operationId").and_then(Value::as_str) {
                    found.insert(name, (method.as_str(), path.as_str()));
                }
            }
        }
        found
    }

    /// Makes a body of a schema.
    pub(crate) fn body(&self, schema: &Value, fill: Fill) -> Body {
        let mut body = Body::default();
        body.json = self.value(schema, fill, &mut body, &mut Vec::new());
        body
    }

    fn value<'a>(
        &'a self,
        schema: &'a Value,
        fill: Fill,
        body: &mut Body,
        above: &mut Vec<&'a str>,
    ) -> Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap();
            let name = self.same.iter().find(|(empty, _)| *empty == name).map_or(name, |(_, shape)| shape);
            if above.contains(&name) {
                return Value::Null;
            }
            above.push(name);
            let value = self.value(&self.root["components"]["schemas"][name], fill, body, above);
            above.pop();
            return value;
        }
        if let Some([only]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.value(only, fill, body, above);
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            body.enums += 1;
            body.values = body.values.max(values.len());
            return match fill {
                Fill::All(at) => values.get(at).or(values.last()).unwrap().clone(),
                Fill::UnknownValues => json!(UNKNOWN),
                Fill::Lowercase => json!(values[0].as_str().unwrap().to_lowercase()),
                _ => values[0].clone(),
            };
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => json!([self.value(&schema["items"], fill, body, above)]),
            Some("boolean") => json!(true),
            Some("integer") => match fill {
                Fill::Beyond => json!(schema["maximum"].as_i64().unwrap_or(i64::MAX - 1) + 1),
                _ => json!(7),
            },
            Some("number") => match fill {
                Fill::Beyond => json!(schema["maximum"].as_f64().unwrap_or(1e300) + 1.0),
                _ => json!(7.5),
            },
            Some("object") => self.object(schema, fill, body, above),
            _ => json!(TEXT),
        }
    }

    fn object<'a>(
        &'a self,
        schema: &'a Value,
        fill: Fill,
        body: &mut Body,
        above: &mut Vec<&'a str>,
    ) -> Value {
        let mut object = Map::new();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let value = match fill {
                Fill::Nulls => Value::Null,
                _ => self.value(member, fill, body, above),
            };
            let alias = member["x-aliases"].as_array().and_then(|names| names.last()).and_then(Value::as_str);
            body.aliases += usize::from(alias.is_some());
            let name = alias.filter(|_| fill == Fill::Aliases).unwrap_or(name);
            object.insert(name.to_owned(), value);
        }
        match &schema["additionalProperties"] {
            values @ Value::Object(_) => {
                object.insert("member".to_owned(), self.value(values, fill, body, above));
            }
            Value::Bool(true) => {
                object.insert("member".to_owned(), json!(TEXT));
            }
            _ if fill == Fill::Unnamed => {
                object.insert("unnamed member".to_owned(), json!({ "deep": [TEXT] }));
            }
            _ => {}
        }
        Value::Object(object)
    }
}
