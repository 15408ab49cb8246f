//! Path items to operations.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use openapiv3::{
    MediaType, ObjectType, Operation as SpecOperation, Parameter as SpecParameter, ParameterSchemaOrContent,
    PathItem, PathStyle, QueryStyle, ReferenceOr, Responses, SchemaKind, StatusCode, Type as Kind,
};

use super::super::Error;
use super::super::ir::{Api, Body, Encoding, Operation, Output, Parameter, Place, Type};
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
        let id = operation
            .operation_id
            .as_deref()
            .ok_or_else(|| Error::spec(&at, "an `operationId` is needed"))?;
        let row = overlay
            .operations
            .get(id)
            .ok_or_else(|| Error::overlay(format!("operations.{id}"), "this operation has no row"))?;
        let (module, name) = split_name(id, row)?;
        let servers = if operation.servers.is_empty() { &item.servers } else { &operation.servers };
        let owner = format!("{module}::{name}");
        let doc = match row.doc.clone().or_else(|| operation.summary.clone()) {
            Some(doc) => names::sentence(&doc),
            None => return Err(Error::spec(at, "an operation needs a summary, or a `doc` in the overlay")),
        };
        operations.push(Operation {
            parameters: parameters(spec, overlay, schemas, id, row, operation)?,
            body: body(schemas, id, operation)?,
            output: output(spec, schemas, id, &operation.responses)?,
            id: id.to_owned(),
            idempotency: row.idempotency,
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
        let lowered = schemas.lower(&at, schema, &format!("{id}_{}", data.name))?;
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
            required: data.required,
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
        Type::Base64 | Type::Json | Type::File | Type::List(_) | Type::Map(_) => {
            Err(Error::spec(at, "a parameter of this type is not supported"))
        }
    }
}

fn body(schemas: &mut Schemas<'_>, id: &str, operation: &SpecOperation) -> Result<Option<Body>, Error> {
    let at = format!("{id}.body");
    let Some(found) = &operation.request_body else { return Ok(None) };
    let ReferenceOr::Item(found) = found else {
        return Err(Error::spec(at, "a body that is a reference is not supported"));
    };
    let (media_type, media) = only_content(&at, &found.content)?;
    let encoding = match media_type {
        "application/json" => Encoding::Json,
        "multipart/form-data" if media.encoding.is_empty() => Encoding::Multipart,
        _ => return Err(Error::spec(at, format!("a body of `{media_type}` is not supported"))),
    };
    let ty = media_schema(schemas, &at, media)?;
    Ok(Some(Body { ty, encoding, required: found.required }))
}

fn output(spec: &Spec, schemas: &mut Schemas<'_>, id: &str, responses: &Responses) -> Result<Output, Error> {
    let at = format!("{id}.response");
    let mut output = None;
    for (status, response) in &responses.responses {
        if !matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2)) {
            continue;
        }
        let response = spec.response(&at, response)?;
        let this = if response.content.is_empty() {
            Output::Nothing
        } else {
            match only_content(&at, &response.content)? {
                ("application/json", media) => Output::Json(media_schema(schemas, &at, media)?),
                (other, _) => {
                    return Err(Error::spec(at, format!("an answer of `{other}` is not supported")));
                }
            }
        };
        if output.get_or_insert_with(|| this.clone()) != &this {
            return Err(Error::spec(at, "successful answers of two types are not supported"));
        }
    }
    output.ok_or_else(|| Error::spec(at, "no successful answer is described"))
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
    let schema = media.schema.as_ref().ok_or_else(|| Error::spec(at, "a schema is expected"))?;
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
