//! What an API document cannot say: names, idempotency, which values may be printed, and corrections.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Error;
use super::ir::{Api, Idempotency};

/// The overlay file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Parameters, of any operation, whose value `Debug` prints.
    #[serde(default)]
    pub printed_parameters: BTreeSet<String>,
    /// Decodes the objects in the lists and maps of responses one by one.
    #[serde(default)]
    pub elementwise: bool,
    /// Modules of operations by cargo feature; every module is in exactly one, or there is no table.
    #[serde(default)]
    pub features: BTreeMap<String, Vec<String>>,
    /// One row for each operation, by `operationId`.
    #[serde(default)]
    pub operations: BTreeMap<String, OperationRow>,
    /// Rows for schemas that need one, by schema name.
    #[serde(default)]
    pub schemas: BTreeMap<String, SchemaRow>,
}

/// What the overlay says about one operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationRow {
    /// Module and struct, as in `records::Insert`.
    #[serde(default)]
    pub name: String,
    /// Omits the operation, with the reason.
    pub skip: Option<String>,
    /// Replaces the document's `x-idempotency`.
    pub idempotency: Option<Idempotency>,
    /// Replaces the summary. The first line is a third-person sentence.
    pub doc: Option<String>,
    /// The response is an empty object, which no caller reads.
    #[serde(default)]
    pub empty_response: bool,
    /// The body is an empty object, which callers need not pass.
    #[serde(default)]
    pub empty_body: bool,
    /// The media type to accept, of those that the document lists.
    pub accept: Option<String>,
    /// Parameters that may be left out, although the document requires them.
    #[serde(default)]
    pub optional: BTreeSet<String>,
    /// What to use instead of the deprecated operation.
    pub deprecated: Option<String>,
    /// What to use instead of deprecated parameters, by wire name.
    #[serde(default)]
    pub deprecated_parameters: BTreeMap<String, String>,
    /// New Rust names of parameters, by wire name.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Prefixes taken off the wire names of parameters before they become Rust names. The first that fits counts.
    #[serde(default)]
    pub strip_prefixes: Vec<String>,
}

/// What the overlay says about one schema.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaRow {
    /// Omits the schema, with the reason.
    pub skip: Option<String>,
    /// Another schema that has the shape missing from this one.
    pub same_as: Option<String>,
    /// The file that holds the model; the module of its operations if absent.
    pub module: Option<String>,
    /// Replaces the description.
    pub doc: Option<String>,
    /// Fields whose value `Debug` prints. Booleans, enums and models need no entry.
    #[serde(default)]
    pub debug: BTreeSet<String>,
    /// Members without which a response is another one: a body that lacks one fails to decode. A `null` list is empty.
    #[serde(default)]
    pub must_have: BTreeSet<String>,
    /// New Rust names of fields, or of enum variants, by wire name.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Other names under which servers send a field, by wire name.
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    /// Field types that replace the document's: `base64`, `json`, `json[]`, `string`, `integer`, `number`, `boolean` or a
    /// schema's name.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// Members that may be left out of a request, although the document requires them.
    #[serde(default)]
    pub optional: BTreeSet<String>,
    /// What to use instead of deprecated members, by wire name.
    #[serde(default)]
    pub deprecated: BTreeMap<String, String>,
}

impl Overlay {
    /// Parses the overlay file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(toml::from_str(text)?)
    }

    /// Finds the row of a schema; a schema without a row has the defaults.
    pub fn schema(&self, name: &str) -> SchemaLookup<'_> {
        SchemaLookup { row: self.schemas.get(name) }
    }

    /// Fails when a row names something that the document does not have, or that has no effect.
    pub fn check(&self, api: &Api, schemas: &BTreeSet<&str>) -> Result<(), Error> {
        let mut parameters = BTreeSet::new();
        let mut printed_anyway = BTreeSet::new();
        for (id, row) in self.operations.iter().filter(|(_, row)| row.skip.is_none()) {
            let operation = api.operations.iter().find(|operation| operation.id == *id).ok_or_else(|| {
                Error::overlay(format!("operations.{id}"), "the document has no such operation")
            })?;
            let names: BTreeSet<_> =
                operation.parameters.iter().map(|parameter| parameter.wire.as_str()).collect();
            let keys = row.rename.keys().chain(&row.optional).chain(row.deprecated_parameters.keys());
            if let Some(wire) = keys.into_iter().find(|wire| !names.contains(wire.as_str())) {
                return Err(Error::overlay(
                    format!("operations.{id}"),
                    format!("no parameter is named `{wire}`"),
                ));
            }
            for prefix in &row.strip_prefixes {
                if !names.iter().any(|name| name.starts_with(prefix.as_str())) {
                    let problem = format!("no parameter starts with `{prefix}`");
                    return Err(Error::overlay(format!("operations.{id}"), problem));
                }
            }
            for parameter in &operation.parameters {
                parameters.insert(parameter.wire.as_str());
                if parameter.ty.is_always_printed() {
                    printed_anyway.insert(parameter.wire.as_str());
                }
            }
        }
        for name in &self.printed_parameters {
            if !parameters.contains(name.as_str()) || printed_anyway.contains(name.as_str()) {
                let problem = format!("`{name}` names no parameter, or one that is always printed");
                return Err(Error::overlay("printed_parameters", problem));
            }
        }
        let has_effect = |name: &String, row: &SchemaRow| match row.skip.as_ref().or(row.same_as.as_ref()) {
            Some(_) => schemas.contains(name.as_str()),
            None => api.types.contains_key(name),
        };
        match self.schemas.iter().find(|(name, row)| !has_effect(name, row)) {
            None => Ok(()),
            Some((name, _)) => Err(Error::overlay(
                format!("schemas.{name}"),
                "the document has no such schema that becomes a type",
            )),
        }
    }
}

/// The row of one schema, if there is one.
#[derive(Clone, Copy)]
pub struct SchemaLookup<'a> {
    row: Option<&'a SchemaRow>,
}

impl<'a> SchemaLookup<'a> {
    pub fn skipped(self) -> bool {
        self.row.is_some_and(|row| row.skip.is_some())
    }

    pub fn same_as(self) -> Option<&'a str> {
        self.row?.same_as.as_deref()
    }

    pub fn doc(self) -> Option<&'a str> {
        self.row?.doc.as_deref()
    }

    pub fn module(self) -> Option<&'a str> {
        self.row?.module.as_deref()
    }

    pub fn rename(self, wire: &str) -> Option<&'a str> {
        self.row?.rename.get(wire).map(String::as_str)
    }

    pub fn aliases(self, wire: &str) -> &'a [String] {
        self.row.and_then(|row| row.aliases.get(wire)).map_or(&[], Vec::as_slice)
    }

    pub fn type_of(self, wire: &str) -> Option<&'a str> {
        self.row?.types.get(wire).map(String::as_str)
    }

    pub fn prints(self, wire: &str) -> bool {
        self.row.is_some_and(|row| row.debug.contains(wire))
    }

    pub fn must_have(self, wire: &str) -> bool {
        self.row.is_some_and(|row| row.must_have.contains(wire))
    }

    pub fn optional(self, wire: &str) -> bool {
        self.row.is_some_and(|row| row.optional.contains(wire))
    }

    pub fn replacement(self, wire: &str) -> Option<&'a str> {
        self.row?.deprecated.get(wire).map(String::as_str)
    }

    /// Fails when the row names a field or variant that does not exist, or has no effect.
    pub fn check_members(self, schema: &str, members: &[&str], printed_anyway: &[&str]) -> Result<(), Error> {
        let Some(row) = self.row else { return Ok(()) };
        let keys =
            row.rename.keys().chain(row.types.keys()).chain(row.aliases.keys()).chain(row.deprecated.keys());
        let lists = row.debug.iter().chain(&row.must_have).chain(&row.optional);
        for wire in lists.chain(keys) {
            if !members.contains(&wire.as_str()) {
                return Err(Error::overlay(
                    format!("schemas.{schema}"),
                    format!("it has no member `{wire}`"),
                ));
            }
        }
        match row.debug.iter().find(|wire| printed_anyway.contains(&wire.as_str())) {
            None => Ok(()),
            Some(wire) => {
                Err(Error::overlay(format!("schemas.{schema}"), format!("`{wire}` is always printed")))
            }
        }
    }
}
