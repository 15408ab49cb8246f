//! Requests and responses of every operation of both hosts, made from the API documents: each member is sent or read,
//! absent ones are not invented, and nothing panics.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod document;
mod management_host;
mod operations;
mod requests;
mod sample;
mod vault_hosts;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use skyflow_api::{DecodeErrorKind, Operation as _};
use skyflow_http::Idempotency;

use document::{Document, Fill};
use operations::{MANAGEMENT_HOST, Read, Row, VAULT_HOSTS};

const VAULT_DOCUMENT: &str = include_str!("../../../skyflow-api/spec/skyflow.openapi.yaml");
const MANAGEMENT_DOCUMENT: &str = include_str!("../../spec/management.openapi.yaml");

/// Operations of the management document that the bindings of the vault hosts have.
const GENERATED_ONCE: [&str; 2] = ["audit_list_events", "authentication_get_token"];

/// Schemas published without a shape, and those that have it: `same_as` in the overlay.
const SAME: &[(&str, &str)] =
    &[("FieldTemplateProperties", "Properties"), ("ObjectVaultSchema", "Schema"), ("ObjectVaultTag", "Tag")];

/// Runs a check for every operation that has a response.
fn for_each_operation(check: impl Fn(&str, Read, &Document, &serde_json::Value)) {
    let mut checked = 0;
    for (text, operations) in [(VAULT_DOCUMENT, VAULT_HOSTS), (MANAGEMENT_DOCUMENT, MANAGEMENT_HOST)] {
        let document = Document::parse(text, SAME);
        let by_name: BTreeMap<_, _> = operations.iter().map(|row| (row.name, row.read)).collect();
        for (name, schema) in document.operations() {
            if let (Some(read), Some(schema)) = (by_name.get(name), schema) {
                check(name, *read, &document, schema);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 203);
}

fn bytes(json: &serde_json::Value) -> Bytes {
    json.to_string().into()
}

/// Lists the lines that show a member without a value.
fn lost(shown: &str) -> Vec<&str> {
    shown
        .lines()
        .map(str::trim)
        .filter(|line| [": None,", ": [],", ": {},"].iter().any(|end| line.ends_with(end)))
        .collect()
}

#[test]
fn every_documented_operation_is_bound_once() {
    let names = |text| {
        let document = Document::parse(text, SAME);
        document.operations().iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>()
    };
    let bound =
        |operations: &[Row]| operations.iter().map(|row| row.name.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(bound(VAULT_HOSTS), names(VAULT_DOCUMENT));
    let management = names(MANAGEMENT_DOCUMENT);
    let rest = management.iter().filter(|name| !GENERATED_ONCE.contains(&name.as_str())).cloned().collect();
    assert_eq!(bound(MANAGEMENT_HOST), rest);
    assert_eq!((skyflow_api::OPERATIONS.len(), skyflow_management::OPERATIONS.len()), (51, 152));
    let infos = skyflow_api::OPERATIONS.iter().chain(skyflow_management::OPERATIONS);
    assert_eq!(infos.map(|info| info.name).collect::<BTreeSet<_>>().len(), 203);
}

#[test]
fn paths_are_those_of_the_document() {
    for (text, operations) in [(VAULT_DOCUMENT, VAULT_HOSTS), (MANAGEMENT_DOCUMENT, MANAGEMENT_HOST)] {
        let document = Document::parse(text, SAME);
        let paths = document.paths();
        for row in operations {
            let (method, path) = paths[row.name];
            assert_eq!(row.info.path_template, path, "{}", row.name);
            assert!(method != "get" || row.info.idempotency == Idempotency::Safe, "{}", row.name);
        }
    }
}

#[test]
fn every_member_of_a_response_is_read() {
    for_each_operation(|name, read, document, schema| {
        let body = document.body(schema, Fill::All(0));
        let shown =
            read(&bytes(&body.json)).unwrap_or_else(|error| panic!("{name}: {error} in {}", body.json));
        // Null is where a schema leads to itself.
        if !body.json.to_string().contains("null") {
            assert_eq!(lost(&shown), [""; 0], "{name}: {shown}\n{}", body.json);
        }
    });
}

#[test]
fn members_under_their_other_names_are_read() {
    let aliases = std::cell::Cell::new(0);
    for_each_operation(|name, read, document, schema| {
        let body = document.body(schema, Fill::Aliases);
        aliases.set(aliases.get() + body.aliases);
        let shown = read(&bytes(&body.json)).unwrap_or_else(|error| panic!("{name}: {error}"));
        if body.aliases > 0 {
            assert_eq!(lost(&shown), [""; 0], "{name}: {shown}");
        }
    });
    assert!(aliases.get() >= 5, "{}", aliases.get());
}

#[test]
fn every_enum_value_is_known_in_any_case() {
    for_each_operation(|name, read, document, schema| {
        let values = document.body(schema, Fill::All(0)).values;
        for fill in (0..values).map(Fill::All).chain([Fill::Lowercase]) {
            let body = document.body(schema, fill);
            let shown = read(&bytes(&body.json)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!shown.contains("Other("), "{name}: {shown}");
        }
    });
}

#[test]
fn an_enum_value_without_a_name_is_kept() {
    for_each_operation(|name, read, document, schema| {
        let body = document.body(schema, Fill::UnknownValues);
        let shown = read(&bytes(&body.json)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(shown.matches(document::UNKNOWN).count(), body.enums, "{name}: {shown}");
    });
}

#[test]
fn absent_and_null_members_are_not_invented() {
    for_each_operation(|name, read, document, schema| {
        for json in [serde_json::json!({}), document.body(schema, Fill::Nulls).json] {
            match read(&bytes(&json)) {
                Ok(shown) => assert!(!shown.contains("Some("), "{name}: {shown}"),
                // A response without its main list, or its verdict, is another one.
                Err(error) => assert_eq!(error.kind(), DecodeErrorKind::Data, "{name}: {error}"),
            }
        }
    });
}

#[test]
fn out_of_bounds_and_new_members_are_read() {
    for_each_operation(|name, read, document, schema| {
        for fill in [Fill::Beyond, Fill::Unnamed] {
            let body = document.body(schema, fill);
            read(&bytes(&body.json)).unwrap_or_else(|error| panic!("{name}: {error} in {}", body.json));
        }
    });
}

#[test]
fn bodies_of_another_shape_do_not_panic() {
    for_each_operation(|_, read, document, schema| {
        let full = document.body(schema, Fill::All(0)).json.to_string();
        for cut in (0..full.len()).step_by(7) {
            drop(read(&full.as_bytes()[..cut].to_vec().into()));
        }
        for text in ["", "null", "[]", "7", "\"text\"", "<p>", "{\"", "[{}]"] {
            drop(read(&text.into()));
        }
    });
}

#[test]
fn a_request_carries_what_its_setters_were_given() {
    let list = skyflow_management::vaults::List::new("w").limit("5").encode().unwrap();
    assert_eq!(list.uri(), "/v1/vaults?workspaceID=w&limit=5");
    let stop = skyflow_management::pipeline_runs::Stop::new("p", "r").encode().unwrap();
    assert_eq!(stop.body().as_bytes().unwrap(), "{}".as_bytes());
}
