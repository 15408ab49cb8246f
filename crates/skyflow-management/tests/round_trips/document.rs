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
    /// The members that a request must have.
    Required,
}

/// The direction that a body travels in.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Request,
    Response,
}

/// What a request must be on the wire.
pub(crate) struct Expected {
    pub(crate) method: String,
    /// The path with its parameters filled in.
    pub(crate) path: String,
    /// Names and values, sorted.
    pub(crate) query: Vec<(String, String)>,
    /// Media type, and content.
    pub(crate) body: Option<(String, Value)>,
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

    /// Counts the values of the longest enum.
    pub(crate) fn most_enum_values(&self) -> usize {
        fn most(at: &Value) -> usize {
            let own = at.get("enum").and_then(Value::as_array).map_or(0, Vec::len);
            let below: Option<usize> = match at {
                Value::Object(members) => members.values().map(most).max(),
                Value::Array(elements) => elements.iter().map(most).max(),
                _ => None,
            };
            own.max(below.unwrap_or(0))
        }
        most(&self.root)
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

    /// Makes a response body of a schema.
    pub(crate) fn body(&self, schema: &Value, fill: Fill) -> Body {
        let mut body = Body::default();
        body.json = self.value(schema, fill, Direction::Response, &mut body, &mut Vec::new());
        body
    }

    /// Lists the requests of all operations, by their names.
    pub(crate) fn requests(&self, fill: Fill) -> BTreeMap<&str, Expected> {
        let mut found = BTreeMap::new();
        for (path, item) in self.root["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(name) = operation.get("operationId").and_then(Value::as_str) {
                    found.insert(name, self.request(path, method, item, operation, fill));
                }
            }
        }
        found
    }

    fn request(&self, path: &str, method: &str, item: &Value, operation: &Value, fill: Fill) -> Expected {
        let value =
            |schema| self.value(schema, fill, Direction::Request, &mut Body::default(), &mut Vec::new());
        let of_item = item["parameters"].as_array().into_iter().flatten();
        let parameters = of_item.chain(operation["parameters"].as_array().into_iter().flatten());
        let (mut path, mut query) = (path.to_owned(), Vec::new());
        for parameter in parameters {
            let parameter = self.followed(parameter);
            let name = parameter["name"].as_str().unwrap();
            let is_required = parameter["required"] == true && parameter["deprecated"] != true;
            let text = |value: &Value| value.as_str().map_or(value.to_string(), ToOwned::to_owned);
            match (parameter["in"].as_str().unwrap(), value(&parameter["schema"])) {
                ("path", value) => {
                    let text = text(&value).replace('=', "%3D");
                    path = path.replace(&format!("{{{name}}}"), &text);
                }
                ("query", _) if fill == Fill::Required && !is_required => {}
                ("query", Value::Array(values)) => {
                    query.extend(values.iter().map(|value| (name.to_owned(), text(value))));
                }
                ("query", value) => query.push((name.to_owned(), text(&value))),
                (place, _) => panic!("a parameter in {place}"),
            }
        }
        query.sort();
        let body = operation.get("requestBody").map(|body| self.followed(body));
        let is_sent = |body: &&Value| fill != Fill::Required || body["required"] == true;
        let body = body.filter(is_sent).map(|body| {
            let [(media_type, content)] =
                &body["content"].as_object().unwrap().iter().collect::<Vec<_>>()[..]
            else {
                panic!("{path} has several media types")
            };
            ((*media_type).clone(), without_nulls(value(&content["schema"])))
        });
        Expected { method: method.to_uppercase(), path, query, body }
    }

    /// Follows a reference to where the parameter or body is described.
    fn followed<'a>(&'a self, found: &'a Value) -> &'a Value {
        let Some(reference) = found.get("$ref").and_then(Value::as_str) else { return found };
        reference.trim_start_matches("#/").split('/').fold(&self.root, |at, name| &at[name])
    }

    /// Tells whether a request omits a member.
    fn is_left_out(&self, schema: &Value, name: &str, member: &Value, fill: Fill) -> bool {
        let required = schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
        let may_be_null = member["nullable"] == true || self.followed(member)["nullable"] == true;
        // A member that should no longer be sent is required in one place of the documents all the same.
        let is_needed = required && !may_be_null && member["deprecated"] != true;
        member["readOnly"] == true || (fill == Fill::Required && !is_needed)
    }

    fn value<'a>(
        &'a self,
        schema: &'a Value,
        fill: Fill,
        direction: Direction,
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
            let value = self.value(&self.root["components"]["schemas"][name], fill, direction, body, above);
            above.pop();
            return value;
        }
        if let Some([only]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.value(only, fill, direction, body, above);
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
            Some("array") => json!([self.value(&schema["items"], fill, direction, body, above)]),
            Some("boolean") => json!(true),
            Some("integer") => match fill {
                Fill::Beyond => json!(schema["maximum"].as_i64().unwrap_or(i64::MAX - 1) + 1),
                _ => json!(7),
            },
            Some("number") => match fill {
                Fill::Beyond => json!(schema["maximum"].as_f64().unwrap_or(1e300) + 1.0),
                _ => json!(7.5),
            },
            Some("object") => self.object(schema, fill, direction, body, above),
            _ => json!(TEXT),
        }
    }

    fn object<'a>(
        &'a self,
        schema: &'a Value,
        fill: Fill,
        direction: Direction,
        body: &mut Body,
        above: &mut Vec<&'a str>,
    ) -> Value {
        let mut object = Map::new();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if direction == Direction::Request && self.is_left_out(schema, name, member, fill) {
                continue;
            }
            let value = match fill {
                Fill::Nulls => Value::Null,
                _ => self.value(member, fill, direction, body, above),
            };
            let alias = member["x-aliases"].as_array().and_then(|names| names.last()).and_then(Value::as_str);
            body.aliases += usize::from(alias.is_some());
            let name = alias.filter(|_| fill == Fill::Aliases).unwrap_or(name);
            object.insert(name.to_owned(), value);
        }
        match &schema["additionalProperties"] {
            values @ Value::Object(_) => {
                object.insert("member".to_owned(), self.value(values, fill, direction, body, above));
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

/// A request omits what it has no value for: where a schema leads to itself.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            elements.into_iter().filter(|element| !element.is_null()).map(without_nulls).collect()
        }
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        scalar => scalar,
    }
}
