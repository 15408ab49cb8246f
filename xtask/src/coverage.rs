//! The table of every published operation, `docs/api-coverage.md`: its binding, its method, and whether the embedded
//! vault has it. `cargo xtask coverage` writes the page; `cargo xtask ci coverage` compares it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

const PAGE: &str = "docs/api-coverage.md";

/// The test that sends every request of both documents and reads every response.
const ROUND_TRIPS: &str = "crates/skyflow-management/tests/round_trips";

/// The test that calls each method against the embedded vault. It compares what it called with the page.
const OF_METHODS: (&str, &str) =
    ("tests/tests/facade/every_operation.rs", "every_method_reaches_its_operation");

/// The test that sends the operations that the embedded vault refuses.
const OF_REFUSALS: (&str, &str) =
    ("crates/skyflow-emulator/tests/unsupported.rs", "refused_operations_are_named_with_501");

/// The tests that send the other operations to the embedded vault, by name or, with a last `_`, by its beginning.
const OF_OTHERS: &[(&str, (&str, &str))] = &[
    (
        "detect_configurations_",
        (
            "crates/skyflow-emulator/tests/detect/configurations.rs",
            "configurations_are_stored_changed_and_removed",
        ),
    ),
    (
        "records_delete",
        ("crates/skyflow-emulator/tests/changes.rs", "shared_token_works_until_last_record_is_gone"),
    ),
    (
        "records_upload_file",
        ("crates/skyflow-emulator/tests/files.rs", "v1_upload_takes_a_part_called_as_its_column"),
    ),
    (
        "token_exchange_get_token",
        ("crates/skyflow-emulator/tests/token_exchange.rs", "an_outside_token_buys_a_bearer_token"),
    ),
    (
        "token_exchange_",
        ("crates/skyflow-emulator/tests/token_exchange.rs", "configurations_are_kept_changed_and_deleted"),
    ),
];

/// What the table says of operations that the embedded vault refuses; its tests look for it.
const UNSUPPORTED: &str = "501";

/// A host, and where its operations are described and bound.
struct Host {
    title: &'static str,
    package: &'static str,
    document: &'static str,
    overlay: &'static str,
}

const HOSTS: [Host; 2] = [
    Host {
        title: "Vault hosts",
        package: "skyflow_api",
        document: "crates/skyflow-api/spec/skyflow.openapi.yaml",
        overlay: "crates/skyflow-api/spec/overlay.toml",
    },
    Host {
        title: "Management host",
        package: "skyflow_management",
        document: "crates/skyflow-management/spec/management.openapi.yaml",
        overlay: "crates/skyflow-management/spec/overlay.toml",
    },
];

/// The methods of the facade, by operation. An operation without a row is called through its binding and `Vault::send`.
const METHODS: &[(&str, &str)] = &[
    ("audit_list_events", "Vault::audit_events"),
    ("authentication_get_token", "ServiceAccountTokens"),
    ("bin_lookup_list_cards", "Vault::bin_lookup"),
    ("detect_v2_check_guardrails", "DetectV2::check_guardrails"),
    ("detect_v2_deidentify_file", "DetectV2::start_deidentify_file"),
    ("detect_v2_deidentify_string", "DetectV2::deidentify_string"),
    ("detect_v2_get_run", "DetectV2::get_run"),
    ("detect_v2_reidentify_file", "DetectV2::reidentify_file"),
    ("detect_v2_reidentify_string", "DetectV2::reidentify_string"),
    ("files_deidentify", "Detect::deidentify_file"),
    ("files_deidentify_audio", "Detect::deidentify_file"),
    ("files_deidentify_document", "Detect::deidentify_file"),
    ("files_deidentify_image", "Detect::deidentify_file"),
    ("files_deidentify_pdf", "Detect::deidentify_file"),
    ("files_deidentify_presentation", "Detect::deidentify_file"),
    ("files_deidentify_spreadsheet", "Detect::deidentify_file"),
    ("files_deidentify_structured_text", "Detect::deidentify_file"),
    ("files_deidentify_text", "Detect::deidentify_file"),
    ("files_get_run", "Detect::get_detect_run"),
    ("files_reidentify", "Detect::reidentify_file"),
    ("guardrails_check", "Detect::check_guardrails"),
    ("query_execute", "Vault::query"),
    ("records_batch", "Vault::batch"),
    ("records_bulk_delete", "Vault::delete"),
    ("records_delete_file", "Vault::delete_file"),
    ("records_get_file_scan_status", "Vault::file_scan_status"),
    ("records_get", "Vault::get_by_id"),
    ("records_get_files_upload_status", "Vault::upload_status"),
    ("records_insert", "Vault::insert"),
    ("records_list", "Vault::get"),
    ("records_update", "Vault::update"),
    ("records_upload_file_v2", "Vault::upload_file"),
    ("strings_deidentify", "Detect::deidentify_text"),
    ("strings_reidentify", "Detect::reidentify_text"),
    ("token_exchange_get_token", "StsTokens"),
    ("tokens_detokenize", "Vault::detokenize"),
    ("tokens_tokenize", "Vault::tokenize"),
];

/// Options of `cargo xtask coverage`.
#[derive(clap::Args)]
pub struct Args {
    /// Compares the page instead of writing it.
    #[arg(long)]
    check: bool,
}

/// Writes the page, or compares it.
pub fn run(args: &Args) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is not below the root")?;
    let page = page(root)?;
    let path = root.join(PAGE);
    if !args.check {
        return fs::write(&path, page).map_err(|error| format!("cannot write {PAGE}: {error}"));
    }
    match fs::read_to_string(&path) {
        Ok(found) if found == page => Ok(()),
        _ => Err(format!("{PAGE} is out of date: run `cargo xtask coverage`")),
    }
}

/// Compares the page.
pub fn check() -> Result<(), String> {
    run(&Args { check: true })
}

fn page(root: &Path) -> Result<String, String> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))
    };
    let routes = read("crates/skyflow-emulator/src/routes.rs")?;
    // Its tests name operations that are refused.
    let routes = routes.split("#[cfg(test)]").next().unwrap_or_default();
    let unsupported = read("crates/skyflow-emulator/src/routes/unsupported.rs")?;
    let sources =
        all_sources(&root.join("crates/skyflow/src"))? + &all_sources(&root.join("crates/skyflow-auth/src"))?;
    let mut methods: BTreeMap<&str, &str> = METHODS.iter().copied().collect();
    let (mut tables, mut listed, mut calls) = (String::new(), 0, BTreeSet::new());
    let mut bindings: BTreeMap<String, String> = BTreeMap::new();
    for host in &HOSTS {
        let document: Value = serde_yaml_ng::from_str(&read(host.document)?)
            .map_err(|error| format!("{}: {error}", host.document))?;
        let overlay: toml::Table =
            read(host.overlay)?.parse().map_err(|error| format!("{}: {error}", host.overlay))?;
        let _ = write!(
            tables,
            "\n## {}\n\n| operation | path | binding | method | embedded vault | test |\n|---|---|---|---|---|---|\n",
            host.title
        );
        for (method, path, id) in operations(&document) {
            listed += 1;
            calls.insert((method.clone(), path.clone()));
            let name = overlay
                .get("operations")
                .and_then(|rows| rows.get(&id)?.get("name")?.as_str())
                .map(|name| format!("{}::{name}", host.package));
            // An operation of both documents is generated once.
            let binding = match name {
                Some(name) => bindings.entry(id.clone()).or_insert(name).clone(),
                None => bindings.get(&id).cloned().ok_or_else(|| format!("{id} has no binding"))?,
            };
            let facade = match methods.get(id.as_str()) {
                Some(facade) => {
                    let name = facade.rsplit("::").next().unwrap_or(facade);
                    let defined = [format!("fn {name}("), format!("fn {name}<"), format!("struct {name}")];
                    if !defined.iter().any(|text| sources.contains(text)) {
                        return Err(format!("{facade} is not defined"));
                    }
                    format!("`{facade}`")
                }
                None => "through the binding".to_owned(),
            };
            let is_named = |source: &str| source.contains(&format!("\"{id}\""));
            let embedded = match (is_named(routes), is_named(&unsupported)) {
                (true, false) => "yes",
                (false, true) => UNSUPPORTED,
                (true, true) => return Err(format!("the embedded vault both has and refuses {id}")),
                (false, false) => return Err(format!("the embedded vault does not know {id}")),
            };
            let others = || {
                OF_OTHERS
                    .iter()
                    .find(|(start, _)| id == *start || start.ends_with('_') && id.starts_with(start))
                    .map(|(_, test)| *test)
            };
            let (file, test) = match embedded {
                UNSUPPORTED => OF_REFUSALS,
                _ => match others() {
                    Some(test) => test,
                    None if methods.contains_key(id.as_str()) => OF_METHODS,
                    None => return Err(format!("no test sends {id}")),
                },
            };
            if !read(file)?.contains(&format!("fn {test}(")) {
                return Err(format!("{file} has no {test}"));
            }
            let name = file.rsplit('/').next().unwrap_or(file);
            let test = format!("[`{name}`](../{file}) `{test}`");
            let _ = writeln!(
                tables,
                "| `{id}` | `{method} {path}` | `{binding}` | {facade} | {embedded} | {test} |"
            );
        }
    }
    methods.retain(|id, _| !bindings.contains_key(*id));
    if let Some(id) = methods.keys().next() {
        return Err(format!("{id} is no operation of the documents"));
    }
    Ok(format!(
        "# API coverage\n\n<!-- Written by `cargo xtask coverage`; do not edit. -->\n\n\
         The published API has {listed} operations, which are {} calls: two are in both documents. Every one has a \
         generated binding, whose request and response are sent and read by the tests in `{ROUND_TRIPS}` with each \
         member, each enum value and each absent member of the API documents. An operation without a method is sent with \
         `Vault::send`, or with a client of your own.\n\n\
         The embedded vault has the operations with `yes`. It refuses those with `{UNSUPPORTED}` with that status, a message \
         that names them and the documented error body. The last column names one test that sends the operation to the \
         embedded vault.\n{tables}",
        calls.len()
    ))
}

/// Lists method, path and name of the operations.
fn operations(document: &Value) -> Vec<(String, String, String)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().filter_map(move |(method, operation)| {
                let id = operation.get("operationId")?.as_str()?;
                Some((method.to_uppercase(), path.clone(), id.to_owned()))
            })
        })
        .collect()
}

fn all_sources(directory: &Path) -> Result<String, String> {
    let mut text = String::new();
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            text += &all_sources(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).map_err(failed)?;
        }
    }
    Ok(text)
}
