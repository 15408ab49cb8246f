//! Path items to operations.

use std::collections::BTreeSet;

use heck::ToUpperCamelCase as _;
use indexmap::IndexMap;
use openapiv3::{
    MediaType, ObjectType, Operation as SpecOperation, Parameter as SpecParameter, ParameterSchemaOrContent,
    PathItem, PathStyle, QueryStyle, ReferenceOr, Responses, SchemaKind, StatusCode, Type as Kind,
};
use serde::Deserialize as _;

use super::super::Error;
use super::super::ir::{
    Api, Body, Deprecation, Encoding, Idempotency, Operation, Origin, Output, Parameter, Place, Type,
};
use super::super::overlay::{OperationRow, Overlay};
use super::super::spec::Spec;
use super::names;
use super::schema::Schemas;

/// Lowers the operations of one path.
pub(super) fn lower_path(
    spec: &Spec,
    overlay: &Overlay,
    schemas: &mut Schemas<'_>,
    path: &str,
    item: &PathItem,
) -> Result<Vec<Operation>, Error> {
    let mut operations = Vec::new();
    for (method, operation) in item.iter() {
        let at = format!("{method} {path}");
        let id =
            operation.operation_id.as_deref().ok_or_else(|| Error::spec(&at, "`operationId` is required"))?;
        let row = overlay
            .operations
            .get(id)
            .ok_or_else(|| Error::overlay(format!("operations.{id}"), "this operation has no row"))?;
        if row.skip.is_some() {
            continue;
        }
        let (module, name) = split_name(id, row)?;
        let origin = origin(&at, &operation.extensions)?;
        let servers = if operation.servers.is_empty() { &item.servers } else { &operation.servers };
        let owner = format!("{module}::{name}");
        let doc = match row.doc.clone().or_else(|| operation.summary.clone()) {
            Some(doc) => names::sentence(&doc),
            None => return Err(Error::spec(at, "an operation needs a summary, or a `doc` in the overlay")),
        };
        operations.push(Operation {
            parameters: parameters(spec, overlay, schemas, id, row, operation)?,
            body: body(schemas, id, row, operation)?,
            output: output(spec, schemas, id, row, origin, &operation.responses)?,
            id: id.to_owned(),
            idempotency: idempotency(&at, row, &operation.extensions)?,
            deprecated: deprecation(id, operation.deprecated, row.deprecated.as_ref())?,
            origin,
            module,
            name,
            method: method.to_uppercase(),
            path: path.to_owned(),
            doc,
            servers: servers.iter().map(|server| server.url.clone()).collect(),
        });
        check_path(&at, &owner, path, operations.last())?;
    }
    Ok(operations)
}

fn split_name(id: &str, row: &OperationRow) -> Result<(String, String), Error> {
    let problem = || {
        Error::overlay(format!("operations.{id}"), "`name` is a module and a struct, as in `records::Get`")
    };
    let (module, name) = row.name.split_once("::").ok_or_else(problem)?;
    if names::snake(id, module)? != module || names::variant(id, name)? != name || module == "types" {
        return Err(problem());
    }
    Ok((module.to_owned(), name.to_owned()))
}

fn parameters(
    spec: &Spec,
    overlay: &Overlay,
    schemas: &mut Schemas<'_>,
    id: &str,
    row: &OperationRow,
    operation: &SpecOperation,
) -> Result<Vec<Parameter>, Error> {
    let mut parameters = Vec::new();
    let mut taken = BTreeSet::from(["body".to_owned()]);
    for found in &operation.parameters {
        let found = spec.parameter(id, found)?;
        let data = found.parameter_data_ref();
        let at = format!("{id}.{}", data.name);
        let place = match found {
            SpecParameter::Path { style: PathStyle::Simple, .. } => Place::Path,
            SpecParameter::Query { style: QueryStyle::Form, .. } if data.explode != Some(false) => {
                Place::Query
            }
            _ => return Err(Error::spec(at, "only plain path and repeated query parameters are supported")),
        };
        let ParameterSchemaOrContent::Schema(schema) = &data.format else {
            return Err(Error::spec(at, "a parameter with `content` is not supported"));
        };
        let lowered = schemas.lower(&at, schema, &format!("{id}_{}", data.name).to_upper_camel_case())?;
        let stripped = row.strip_prefixes.iter().find_map(|prefix| data.name.strip_prefix(prefix.as_str()));
        let rust = match row.rename.get(&data.name) {
            Some(name) => names::checked(&at, name.clone())?,
            None => names::snake(&at, stripped.unwrap_or(&data.name))?,
        };
        if !taken.insert(rust.clone()) {
            return Err(Error::spec(at, format!("a second parameter would be called `{rust}`")));
        }
        check_parameter_type(&at, &lowered.ty, place)?;
        let doc = data.description.as_deref().map(names::sentence);
        parameters.push(Parameter {
            rust,
            doc: doc.unwrap_or_else(|| format!("The `{}` parameter.", data.name)),
            place,
            required: data.required && !row.optional.contains(&data.name),
            multi_segment: is_multi_segment(&at, place, &data.extensions)?,
            deprecated: deprecation(
                &at,
                data.deprecated == Some(true),
                row.deprecated_parameters.get(&data.name),
            )?,
            printed: lowered.ty.is_always_printed() || overlay.printed_parameters.contains(&data.name),
            ty: lowered.ty,
            wire: data.name.clone(),
        });
    }
    Ok(parameters)
}

fn check_parameter_type(at: &str, ty: &Type, place: Place) -> Result<(), Error> {
    let inner = match (ty, place) {
        (Type::List(inner), Place::Query) => inner,
        (ty, _) => ty,
    };
    match inner {
        Type::String | Type::Bool | Type::Integer | Type::Number => Ok(()),
        Type::Named(_) => Ok(()),
        Type::Base64 | Type::Json | Type::File | Type::List(_) | Type::Map(_) | Type::Element(_) => {
            Err(Error::spec(at, "a parameter of this type is not supported"))
        }
    }
}

fn body(
    schemas: &mut Schemas<'_>,
    id: &str,
    row: &OperationRow,
    operation: &SpecOperation,
) -> Result<Option<Body>, Error> {
    let at = format!("{id}.body");
    let Some(found) = &operation.request_body else { return Ok(None) };
    let ReferenceOr::Item(found) = found else {
        return Err(Error::spec(at, "a body that is a reference is not supported"));
    };
    let (media_type, media) = only_content(&at, &found.content)?;
    let encoding = match media_type {
        "application/json" => Encoding::Json,
        "application/x-www-form-urlencoded" if media.encoding.is_empty() => Encoding::UrlEncoded,
        "multipart/form-data" if media.encoding.is_empty() => Encoding::Multipart,
        _ => return Err(Error::spec(at, format!("a body of `{media_type}` is not supported"))),
    };
    let ty = media_schema(schemas, &at, media)?;
    let encoding = match (row.empty_body, &ty, encoding) {
        (false, _, encoding) => encoding,
        (true, Type::Json, Encoding::Json) => Encoding::EmptyObject,
        (true, ..) => {
            let problem = "`empty_body` is for a JSON object without members";
            return Err(Error::overlay(format!("operations.{id}"), problem));
        }
    };
    Ok(Some(Body { ty, encoding, required: found.required }))
}

fn output(
    spec: &Spec,
    schemas: &mut Schemas<'_>,
    id: &str,
    row: &OperationRow,
    origin: Option<Origin>,
    responses: &Responses,
) -> Result<Output, Error> {
    let at = format!("{id}.response");
    let mut output = None;
    for (status, response) in &responses.responses {
        if !matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2)) {
            continue;
        }
        let response = spec.response(&at, response)?;
        let this = match &row.accept {
            _ if response.content.is_empty() => Output::Nothing,
            None => {
                let (name, media) = only_content(&at, &response.content)?;
                content(schemas, &at, name, media)?
            }
            Some(name) => match response.content.get(name) {
                Some(media) => content(schemas, &at, name, media)?,
                None => {
                    return Err(Error::overlay(format!("operations.{id}"), "no response is of its `accept`"));
                }
            },
        };
        if output.get_or_insert_with(|| this.clone()) != &this {
            return Err(Error::spec(at, "successful responses of two types are not supported"));
        }
    }
    match (output, row.empty_response) {
        (None, _) => Err(Error::spec(at, "no successful response is described")),
        (Some(Output::Json(Type::Json)), true) => Ok(Output::Nothing),
        (Some(_), true) => {
            let problem = "`empty_response` is for a JSON object without members";
            Err(Error::overlay(format!("operations.{id}"), problem))
        }
        (Some(Output::Json(ty)), false) if origin == Some(Origin::Inferred) => Ok(Output::OptionalJson(ty)),
        (Some(output), false) => Ok(output),
    }
}

/// Lowers a response body of one media type.
fn content(schemas: &mut Schemas<'_>, at: &str, name: &str, media: &MediaType) -> Result<Output, Error> {
    if name == "application/json" {
        return Ok(Output::Json(media_schema(schemas, at, media)?));
    }
    match media_schema(schemas, at, media)? {
        Type::String => Ok(Output::Text(name.to_owned())),
        Type::File => Ok(Output::Bytes(name.to_owned())),
        _ => Err(Error::spec(at, format!("a response of `{name}` is text or bytes"))),
    }
}

type Extensions = IndexMap<String, serde_json::Value>;

/// Takes the idempotency of the overlay, else of the document, else the careful one.
fn idempotency(at: &str, row: &OperationRow, extensions: &Extensions) -> Result<Idempotency, Error> {
    match (row.idempotency, extensions.get("x-idempotency")) {
        (Some(chosen), _) => Ok(chosen),
        (None, Some(written)) => Idempotency::deserialize(written)
            .map_err(|_| Error::spec(at, "`x-idempotency` is safe, idempotent or non_idempotent")),
        (None, None) => Ok(Idempotency::default()),
    }
}

/// Reads where the description comes from; sources that say nothing about the shape are left out.
fn origin(at: &str, extensions: &Extensions) -> Result<Option<Origin>, Error> {
    match extensions.get("x-source") {
        None => Ok(None),
        Some(serde_json::Value::String(source)) => Ok(match source.as_str() {
            "documented" => Some(Origin::Documented),
            "inferred" => Some(Origin::Inferred),
            _ => None,
        }),
        Some(serde_json::Value::Object(_)) => Ok(None),
        Some(_) => Err(Error::spec(at, "`x-source` is a string")),
    }
}

fn is_multi_segment(at: &str, place: Place, extensions: &Extensions) -> Result<bool, Error> {
    match (extensions.get("x-multi-segment"), place) {
        (None | Some(serde_json::Value::Bool(false)), _) => Ok(false),
        (Some(serde_json::Value::Bool(true)), Place::Path) => Ok(true),
        (Some(_), _) => Err(Error::spec(at, "`x-multi-segment` is a boolean of a path parameter")),
    }
}

/// Joins the document's mark with the overlay's replacement; a replacement without a mark is refused.
pub(super) fn deprecation(
    at: &str,
    marked: bool,
    replacement: Option<&String>,
) -> Result<Option<Deprecation>, Error> {
    match (marked, replacement) {
        (false, None) => Ok(None),
        (true, found) => Ok(Some(Deprecation(found.cloned().unwrap_or_default()))),
        (false, Some(_)) => Err(Error::overlay(at, "the document does not mark it as deprecated")),
    }
}

fn only_content<'a>(
    at: &str,
    content: &'a IndexMap<String, MediaType>,
) -> Result<(&'a str, &'a MediaType), Error> {
    let mut found = content.iter();
    match (found.next(), found.next()) {
        (Some((name, media)), None) => Ok((name, media)),
        _ => Err(Error::spec(at, "exactly one content type is expected")),
    }
}

fn media_schema(schemas: &mut Schemas<'_>, at: &str, media: &MediaType) -> Result<Type, Error> {
    let schema = media.schema.as_ref().ok_or_else(|| Error::spec(at, "a schema is required"))?;
    if let ReferenceOr::Item(schema) = schema
        && let SchemaKind::Type(Kind::Object(ObjectType { properties, .. })) = &schema.schema_kind
        && !properties.is_empty()
    {
        return Err(Error::spec(at, "an object without a name is not supported here, make it a component"));
    }
    Ok(schemas.lower(at, schema, at)?.ty)
}

/// Fails when the placeholders of the path and its parameters differ.
fn check_path(at: &str, owner: &str, path: &str, operation: Option<&Operation>) -> Result<(), Error> {
    let parameters = operation.into_iter().flat_map(|operation| &operation.parameters);
    let declared: BTreeSet<_> = parameters
        .filter(|parameter| parameter.place == Place::Path)
        .map(|parameter| parameter.wire.as_str())
        .collect();
    let used: BTreeSet<_> =
        path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|part| part.0).collect();
    if declared == used {
        Ok(())
    } else {
        Err(Error::spec(at, format!("the path and the path parameters of {owner} differ")))
    }
}

/// Fails when two operations share a name.
pub(super) fn check_names(api: &Api) -> Result<(), Error> {
    let mut taken = BTreeSet::new();
    for operation in &api.operations {
        if !taken.insert((&operation.module, &operation.name)) {
            let problem = format!("`{}::{}` is the name of two operations", operation.module, operation.name);
            return Err(Error::overlay(format!("operations.{}", operation.id), problem));
        }
    }
    Ok(())
}
