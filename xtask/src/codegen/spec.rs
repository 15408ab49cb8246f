//! Reads the API document and refuses what the generator does not know.
//!
//! The `openapiv3` types silently skip unknown keywords, so the raw document is walked first and every keyword is
//! compared with the list of those that `lower` understands or that carry no meaning for the bindings.

use openapiv3::{OpenAPI, Parameter, PathItem, ReferenceOr, Response, Schema};
use serde_json::{Map, Value};

use super::Error;

/// Schema keywords that `lower` reads, or that only narrow values, which the server checks.
const SCHEMA_KEYWORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
];
const OPERATION_KEYWORDS: &[&str] = &[
    "deprecated",
    "description",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "servers",
    "summary",
    "tags",
];
const PARAMETER_KEYWORDS: &[&str] =
    &["$ref", "deprecated", "description", "example", "explode", "in", "name", "required", "schema", "style"];
const PATH_KEYWORDS: &[&str] = &["delete", "get", "patch", "post", "put", "servers"];
const METHODS: &[&str] = &["delete", "get", "patch", "post", "put"];

/// The parsed document.
pub struct Spec {
    api: OpenAPI,
}

impl Spec {
    /// Parses a YAML (or JSON) document.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let raw: Value =
            serde_yaml_ng::from_str(text).map_err(|error| Error::SpecSyntax(error.to_string()))?;
        check_document(&raw)?;
        let api: OpenAPI =
            serde_yaml_ng::from_str(text).map_err(|error| Error::SpecSyntax(error.to_string()))?;
        Ok(Self { api })
    }

    /// Lists the component schemas in document order.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &ReferenceOr<Schema>)> {
        self.api
            .components
            .iter()
            .flat_map(|found| &found.schemas)
            .map(|(name, schema)| (name.as_str(), schema))
    }

    /// Finds a component schema.
    pub fn schema(&self, name: &str) -> Option<&ReferenceOr<Schema>> {
        self.api.components.as_ref()?.schemas.get(name)
    }

    /// Lists the paths in document order.
    pub fn paths(&self) -> Result<Vec<(&str, &PathItem)>, Error> {
        self.api
            .paths
            .iter()
            .map(|(path, item)| match item {
                ReferenceOr::Item(item) => Ok((path.as_str(), item)),
                ReferenceOr::Reference { .. } => {
                    Err(Error::spec(path, "a path that is a reference is not supported"))
                }
            })
            .collect()
    }

    /// Follows a reference to a parameter.
    pub fn parameter<'a>(
        &'a self,
        at: &str,
        found: &'a ReferenceOr<Parameter>,
    ) -> Result<&'a Parameter, Error> {
        let components = self.api.components.as_ref();
        resolve(at, found, "#/components/parameters/", |name| components?.parameters.get(name))
    }

    /// Follows a reference to a response.
    pub fn response<'a>(&'a self, at: &str, found: &'a ReferenceOr<Response>) -> Result<&'a Response, Error> {
        let components = self.api.components.as_ref();
        resolve(at, found, "#/components/responses/", |name| components?.responses.get(name))
    }
}

/// Reads the schema name out of a reference.
pub fn schema_name<'a>(at: &str, reference: &'a str) -> Result<&'a str, Error> {
    reference
        .strip_prefix("#/components/schemas/")
        .ok_or_else(|| Error::spec(at, format!("the reference `{reference}` leads to no component schema")))
}

fn resolve<'a, T>(
    at: &str,
    found: &'a ReferenceOr<T>,
    prefix: &str,
    get: impl Fn(&str) -> Option<&'a ReferenceOr<T>>,
) -> Result<&'a T, Error> {
    let reference = match found {
        ReferenceOr::Item(item) => return Ok(item),
        ReferenceOr::Reference { reference } => reference,
    };
    match reference.strip_prefix(prefix).and_then(get) {
        Some(ReferenceOr::Item(item)) => Ok(item),
        _ => Err(Error::spec(at, format!("the reference `{reference}` leads nowhere"))),
    }
}

fn check_document(raw: &Value) -> Result<(), Error> {
    for (path, item) in entries(raw.get("paths")) {
        check_keywords(path, item, PATH_KEYWORDS)?;
        for (method, operation) in
            entries(Some(item)).filter(|(method, _)| METHODS.contains(&method.as_str()))
        {
            let at = format!("{method} {path}");
            check_keywords(&at, operation, OPERATION_KEYWORDS)?;
            for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                check_keywords(&at, parameter, PARAMETER_KEYWORDS)?;
            }
            check_schemas_below(&at, operation)?;
        }
    }
    let components = raw.get("components");
    for (name, schema) in entries(components.and_then(|found| found.get("schemas"))) {
        check_schema(name, schema)?;
    }
    for section in ["parameters", "responses"] {
        for (name, item) in entries(components.and_then(|found| found.get(section))) {
            check_schemas_below(name, item)?;
        }
    }
    Ok(())
}

/// Checks each schema that hangs below a `schema` key.
fn check_schemas_below(at: &str, value: &Value) -> Result<(), Error> {
    match value {
        Value::Object(object) => object.iter().try_for_each(|(key, value)| match key.as_str() {
            "schema" => check_schema(at, value),
            _ => check_schemas_below(at, value),
        }),
        Value::Array(values) => values.iter().try_for_each(|value| check_schemas_below(at, value)),
        _ => Ok(()),
    }
}

fn check_schema(at: &str, schema: &Value) -> Result<(), Error> {
    if schema.is_boolean() {
        return Ok(());
    }
    check_keywords(at, schema, SCHEMA_KEYWORDS)?;
    if let (Some(Value::String(reference)), Some(object)) = (schema.get("$ref"), schema.as_object()) {
        return match object.len() {
            1 => Ok(()),
            _ => Err(Error::spec(at, format!("keywords beside the reference `{reference}` have no meaning"))),
        };
    }
    for (name, property) in entries(schema.get("properties")) {
        check_schema(&format!("{at}.{name}"), property)?;
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key) {
            check_schema(&format!("{at}.{key}"), inner)?;
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for inner in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            check_schema(&format!("{at}.{key}"), inner)?;
        }
    }
    Ok(())
}

fn check_keywords(at: &str, value: &Value, known: &[&str]) -> Result<(), Error> {
    let object = value.as_object().ok_or_else(|| Error::spec(at, "expected an object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str()) && !key.starts_with("x-")) {
        None => Ok(()),
        Some(key) => Err(Error::spec(at, format!("the keyword `{key}` is not supported"))),
    }
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
