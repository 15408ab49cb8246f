//! Schemas to types.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase as _;
use openapiv3::{
    AdditionalProperties, AnySchema, ArrayType, ObjectType, ReferenceOr, Schema, SchemaKind, StringType,
    Type as Kind, VariantOrUnknownOrEmpty,
};
use serde::Deserialize;

use super::super::Error;
use super::super::ir::{Enum, Field, Type, TypeDef, TypeKind, Usage};
use super::super::overlay::{Overlay, SchemaLookup};
use super::super::spec::{Spec, schema_name};
use super::names;
use super::operation::deprecation;

/// How deep aliases may lead to aliases before it counts as a circle.
const MAX_ALIASES: usize = 16;

/// A type, and whether it is nullable.
pub(super) struct Lowered {
    pub(super) ty: Type,
    pub(super) nullable: bool,
}

/// The types made so far.
pub(super) struct Schemas<'a> {
    spec: &'a Spec,
    overlay: &'a Overlay,
    types: BTreeMap<String, TypeDef>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(spec: &'a Spec, overlay: &'a Overlay) -> Self {
        Self { spec, overlay, types: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> BTreeMap<String, TypeDef> {
        self.types
    }

    /// Makes the type of a component schema, unless it is skipped or only another name for a type.
    pub(super) fn define_component(&mut self, name: &str, found: &ReferenceOr<Schema>) -> Result<(), Error> {
        let row = self.overlay.schema(name);
        if row.skipped() || row.same_as().is_some() {
            return Ok(());
        }
        match found {
            ReferenceOr::Item(schema) if is_definition(schema) => self.define(name, schema),
            _ => self.resolve(name, found, name, 0).map(drop),
        }
    }

    /// Makes a struct or an enum.
    fn define(&mut self, name: &str, schema: &Schema) -> Result<(), Error> {
        let row = self.overlay.schema(name);
        let mut members: Vec<String> = Vec::new();
        let mut printed_anyway: Vec<String> = Vec::new();
        let mut extra = None;
        let kind = match &schema.schema_kind {
            SchemaKind::Type(Kind::Object(object)) => {
                let fields = self.fields(name, object, row)?;
                extra = self.extra(name, object, &fields)?;
                members.extend(fields.iter().map(|field| field.wire.clone()));
                let always = fields.iter().filter(|field| field.ty.is_always_printed());
                printed_anyway.extend(always.map(|field| field.wire.clone()));
                TypeKind::Struct(fields)
            }
            SchemaKind::Type(Kind::String(string)) => {
                let values = enumeration(name, string, row)?;
                members.extend(values.variants.iter().map(|(wire, _)| wire.clone()));
                TypeKind::Enum(values)
            }
            _ => return Err(Error::spec(name, "only objects and strings become types")),
        };
        let members: Vec<_> = members.iter().map(String::as_str).collect();
        let printed_anyway: Vec<_> = printed_anyway.iter().map(String::as_str).collect();
        row.check_members(name, &members, &printed_anyway)?;
        let doc = row.doc().map(str::to_owned).or_else(|| description(schema));
        let module = row.module().unwrap_or_default().to_owned();
        let def = TypeDef {
            name: names::checked(name, name.to_owned())?,
            doc,
            module,
            kind,
            extra,
            usage: Usage::default(),
        };
        match self.types.insert(name.to_owned(), def) {
            None => Ok(()),
            Some(_) => Err(Error::spec(name, "two schemas lead to this type name")),
        }
    }

    fn fields(
        &mut self,
        owner: &str,
        object: &ObjectType,
        row: SchemaLookup<'_>,
    ) -> Result<Vec<Field>, Error> {
        let mut fields = Vec::new();
        let mut taken = BTreeSet::new();
        for (wire, found) in &object.properties {
            let at = format!("{owner}.{wire}");
            let found = found.clone().unbox();
            let lowered = match row.type_of(wire) {
                Some(name) => Lowered { ty: self.overridden(&at, name)?, nullable: is_nullable(&found) },
                None => self.lower(&at, &found, &format!("{owner}{}", wire.to_upper_camel_case()))?,
            };
            let rust = match row.rename(wire) {
                Some(name) => names::checked(&at, name.to_owned())?,
                None => names::snake(&at, wire)?,
            };
            if !taken.insert(rust.clone()) {
                return Err(Error::spec(at, format!("a second field would be called `{rust}`")));
            }
            let doc = match &found {
                ReferenceOr::Item(schema) => description(schema),
                ReferenceOr::Reference { reference } => self.described(&at, reference)?,
            };
            fields.push(Field {
                rust,
                aliases: aliases(&at, &found, row.aliases(wire))?,
                doc: doc.map_or_else(|| format!("The `{wire}` property."), |doc| names::sentence(&doc)),
                required: object.required.contains(wire) && !lowered.nullable && !row.optional(wire),
                must_have: row.must_have(wire),
                read_only: is_read_only(&found),
                deprecated: deprecation(
                    &at,
                    is_deprecated(&found),
                    row.replacement(wire).map(str::to_owned).as_ref(),
                )?,
                printed: lowered.ty.is_always_printed() || row.prints(wire),
                ty: lowered.ty,
                wire: wire.clone(),
            });
        }
        match object.required.iter().find(|name| !object.properties.contains_key(*name)) {
            None => Ok(fields),
            Some(name) => Err(Error::spec(owner, format!("`{name}` is required but not a property"))),
        }
    }

    /// Finds the type of the members that an open object has besides its own.
    fn extra(&mut self, owner: &str, object: &ObjectType, fields: &[Field]) -> Result<Option<Type>, Error> {
        let ty = match &object.additional_properties {
            None | Some(AdditionalProperties::Any(false)) => return Ok(None),
            Some(AdditionalProperties::Any(true)) => Type::Json,
            Some(AdditionalProperties::Schema(schema)) => {
                let inner = self.resolve(&format!("{owner}.*"), schema, &format!("{owner}Value"), 0)?;
                if inner.nullable && inner.ty != Type::Json {
                    return Err(Error::spec(owner, "a map of nullable values is not supported"));
                }
                inner.ty
            }
        };
        match fields.iter().any(|field| field.rust == "extra") {
            false => Ok(Some(ty)),
            true => Err(Error::spec(owner, "an open object has a member `extra`, rename it in the overlay")),
        }
    }

    /// Lowers the schema at `at`. A struct or enum without a name gets `inline_name`.
    pub(super) fn lower(
        &mut self,
        at: &str,
        found: &ReferenceOr<Schema>,
        inline_name: &str,
    ) -> Result<Lowered, Error> {
        self.resolve(at, found, inline_name, 0)
    }

    fn resolve(
        &mut self,
        at: &str,
        found: &ReferenceOr<Schema>,
        inline_name: &str,
        depth: usize,
    ) -> Result<Lowered, Error> {
        if depth > MAX_ALIASES {
            return Err(Error::spec(at, "references run in a circle"));
        }
        let schema = match found {
            ReferenceOr::Reference { reference } => {
                let name = schema_name(at, reference)?;
                let name = self.overlay.schema(name).same_as().unwrap_or(name);
                let target = self.target(at, name)?;
                if let ReferenceOr::Item(schema) = target
                    && is_definition(schema)
                {
                    let nullable = schema.schema_data.nullable;
                    return Ok(Lowered { ty: Type::Named(name.to_owned()), nullable });
                }
                return self.resolve(at, target, name, depth + 1);
            }
            ReferenceOr::Item(schema) => schema,
        };
        let ty = match &schema.schema_kind {
            SchemaKind::Type(Kind::String(string)) if string.enumeration.is_empty() => {
                string_type(at, string)?
            }
            SchemaKind::Type(Kind::String(_)) => self.inline(inline_name, schema)?,
            SchemaKind::Type(Kind::Boolean(boolean)) if boolean.enumeration.is_empty() => Type::Bool,
            SchemaKind::Type(Kind::Integer(integer)) if integer.enumeration.is_empty() => Type::Integer,
            SchemaKind::Type(Kind::Number(number)) if number.enumeration.is_empty() => Type::Number,
            SchemaKind::Type(Kind::Array(array)) => self.list(at, array, inline_name, depth)?,
            SchemaKind::Type(Kind::Object(object)) if !object.properties.is_empty() => {
                self.inline(inline_name, schema)?
            }
            SchemaKind::Type(Kind::Object(object)) => self.map(at, object, inline_name, depth)?,
            SchemaKind::AllOf { all_of } => match all_of.as_slice() {
                [only] => {
                    let inner = self.resolve(at, only, inline_name, depth + 1)?;
                    return Ok(Lowered { nullable: inner.nullable || schema.schema_data.nullable, ..inner });
                }
                _ => return Err(Error::spec(at, "`allOf` of more than one schema is not supported")),
            },
            SchemaKind::Any(any) if is_free(any) => Type::Json,
            _ => {
                return Err(Error::spec(
                    at,
                    "this schema is not supported, give the field a type in the overlay",
                ));
            }
        };
        Ok(Lowered { ty, nullable: schema.schema_data.nullable })
    }

    fn list(&mut self, at: &str, array: &ArrayType, inline_name: &str, depth: usize) -> Result<Type, Error> {
        let items = array
            .items
            .clone()
            .ok_or_else(|| Error::spec(at, "an array without `items` is not supported"))?;
        let inner =
            self.resolve(&format!("{at}[]"), &items.unbox(), &format!("{inline_name}Item"), depth + 1)?;
        match inner.nullable {
            false => Ok(Type::List(Box::new(inner.ty))),
            // Free JSON may be null in a list; a typed null would shift the rows.
            true if inner.ty == Type::Json => Ok(Type::List(Box::new(Type::Json))),
            true => Err(Error::spec(at, "a list of nullable items is not supported")),
        }
    }

    fn map(&mut self, at: &str, object: &ObjectType, inline_name: &str, depth: usize) -> Result<Type, Error> {
        match &object.additional_properties {
            Some(AdditionalProperties::Schema(schema)) => {
                let inner =
                    self.resolve(&format!("{at}.*"), schema, &format!("{inline_name}Value"), depth + 1)?;
                match inner.nullable && inner.ty != Type::Json {
                    false => Ok(Type::Map(Box::new(inner.ty))),
                    true => Err(Error::spec(at, "a map of nullable values is not supported")),
                }
            }
            Some(AdditionalProperties::Any(false)) => {
                Err(Error::spec(at, "an object that is always empty has no use"))
            }
            Some(AdditionalProperties::Any(true)) | None => Ok(Type::Json),
        }
    }

    fn inline(&mut self, name: &str, schema: &Schema) -> Result<Type, Error> {
        self.define(name, schema)?;
        Ok(Type::Named(name.to_owned()))
    }

    fn overridden(&mut self, at: &str, name: &str) -> Result<Type, Error> {
        Ok(match name {
            "base64" => Type::Base64,
            "json" => Type::Json,
            "json[]" => Type::List(Box::new(Type::Json)),
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Bool,
            schema => {
                let reference =
                    ReferenceOr::Reference { reference: format!("#/components/schemas/{schema}") };
                self.resolve(at, &reference, schema, 0)?.ty
            }
        })
    }

    fn target(&self, at: &str, name: &str) -> Result<&'a ReferenceOr<Schema>, Error> {
        if self.overlay.schema(name).skipped() {
            return Err(Error::spec(at, format!("it uses the schema `{name}`, which the overlay skips")));
        }
        self.spec.schema(name).ok_or_else(|| Error::spec(at, format!("the schema `{name}` does not exist")))
    }

    fn described(&self, at: &str, reference: &str) -> Result<Option<String>, Error> {
        let name = schema_name(at, reference)?;
        Ok(match self.spec.schema(name) {
            Some(ReferenceOr::Item(schema)) => description(schema),
            _ => None,
        })
    }
}

fn enumeration(name: &str, string: &StringType, row: SchemaLookup<'_>) -> Result<Enum, Error> {
    let mut variants = Vec::new();
    let mut taken = BTreeSet::from(["Other".to_owned()]);
    for wire in string.enumeration.iter().flatten() {
        let at = format!("{name}.{wire}");
        let rust = match row.rename(wire) {
            Some(new) => names::checked(&at, new.to_owned())?,
            None => names::variant(&at, wire)?,
        };
        if !taken.insert(rust.clone()) {
            let problem = format!("a second variant would be called `{rust}`, rename it in the overlay");
            return Err(Error::spec(at, problem));
        }
        variants.push((wire.clone(), rust));
    }
    Ok(Enum { variants })
}

fn string_type(at: &str, string: &StringType) -> Result<Type, Error> {
    use openapiv3::StringFormat::{Binary, Byte, Date, DateTime, Password};
    match &string.format {
        VariantOrUnknownOrEmpty::Item(Binary) => Ok(Type::File),
        VariantOrUnknownOrEmpty::Item(Byte | Date | DateTime | Password) | VariantOrUnknownOrEmpty::Empty => {
            Ok(Type::String)
        }
        VariantOrUnknownOrEmpty::Unknown(format)
            if ["uri", "uuid", "email", "int64"].contains(&format.as_str()) =>
        {
            Ok(Type::String)
        }
        VariantOrUnknownOrEmpty::Unknown(format) => {
            Err(Error::spec(at, format!("the string format `{format}` is not known")))
        }
    }
}

/// Tells whether a schema becomes a struct or an enum.
fn is_definition(schema: &Schema) -> bool {
    match &schema.schema_kind {
        SchemaKind::Type(Kind::Object(object)) => !object.properties.is_empty(),
        SchemaKind::Type(Kind::String(string)) => !string.enumeration.is_empty(),
        _ => false,
    }
}

fn is_free(any: &AnySchema) -> bool {
    *any == AnySchema::default()
}

fn is_nullable(found: &ReferenceOr<Schema>) -> bool {
    matches!(found, ReferenceOr::Item(schema) if schema.schema_data.nullable)
}

fn is_read_only(found: &ReferenceOr<Schema>) -> bool {
    matches!(found, ReferenceOr::Item(schema) if schema.schema_data.read_only)
}

fn is_deprecated(found: &ReferenceOr<Schema>) -> bool {
    matches!(found, ReferenceOr::Item(schema) if schema.schema_data.deprecated)
}

/// Joins the other names of a member that the document (`x-aliases`) and the overlay know.
fn aliases(at: &str, found: &ReferenceOr<Schema>, more: &[String]) -> Result<Vec<String>, Error> {
    let written = match found {
        ReferenceOr::Item(schema) => schema.schema_data.extensions.get("x-aliases"),
        ReferenceOr::Reference { .. } => None,
    };
    let mut aliases: Vec<String> = match written {
        None => Vec::new(),
        Some(names) => Deserialize::deserialize(names)
            .map_err(|_| Error::spec(at, "`x-aliases` is a list of strings"))?,
    };
    match more.iter().find(|name| aliases.contains(name)) {
        None => aliases.extend_from_slice(more),
        Some(name) => return Err(Error::overlay(at, format!("the document has the alias `{name}` already"))),
    }
    Ok(aliases)
}

fn description(schema: &Schema) -> Option<String> {
    schema.schema_data.description.clone()
}
