//! The same queries on the same rows, in the embedded vault and in DuckDB: both must find the same.

#[path = "../python_sdk/venv.rs"]
mod venv;

mod queries;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use serde_json::{Value, json};
use skyflow::{InsertRequest, QueryRequest, Skyflow};
use skyflow_emulator::EmbeddedVault;

use queries::COLUMNS;
use venv::Package;

const DUCKDB: Package = Package { name: "duckdb", version: "2.0.1" };
const SEED: u64 = 0x5eed_0020;
const QUERIES: usize = 6_000;
/// As many as were compared from outside.
const COMPARED: usize = 4_000;

/// Few enough that each row of one table joined with each of the other fits into one response.
fn rows() -> Vec<Value> {
    vec![
        json!({"name": "Ada", "state": "CA", "age": 36, "score": 0.5, "active": true}),
        json!({"name": "ada", "state": "ca", "age": -1, "score": -0.25, "active": false}),
        json!({"name": "it's", "state": "CA", "age": 0, "score": 36.0}),
        json!({"name": "Zo\u{eb}", "age": 1000000, "active": true}),
        json!({"name": "", "state": "A_a", "score": 1e6, "active": false}),
    ]
}

#[tokio::test]
#[ignore = "it installs DuckDB: `cargo xtask interop sql` runs it"]
async fn queries_find_what_duckdb_finds() {
    let python = match DUCKDB.python(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(python) => python,
        Err(problem) => return report(&format!("NOT TESTED: {problem}\n")),
    };
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = Skyflow::connect(embedded.endpoint()).unwrap().default_vault().unwrap();
    vault.insert(InsertRequest::new("table1").records(rows())).await.unwrap();

    let mut random = Rng::with_seed(SEED);
    let texts: Vec<String> = (0..QUERIES).map(|_| queries::query(&mut random)).collect();
    let theirs = of_duckdb(&python, &texts);
    let (mut compared, mut found, mut refused, mut different) = (0, 0, Vec::new(), Vec::new());
    for (text, theirs) in texts.iter().zip(&theirs) {
        let theirs = theirs.as_array().unwrap_or_else(|| panic!("DuckDB refused {text}: {theirs}"));
        match vault.query(QueryRequest::new(text.as_str())).await {
            Ok(response) => {
                compared += 1;
                let width = text.matches(" AS c").count();
                let ours: Vec<Value> = response.records().unwrap();
                let ours =
                    ours.iter().map(|row| (0..width).map(|n| neutral(&row[format!("c{n}")])).collect());
                let theirs = theirs.iter().map(|row| row.as_array().unwrap().iter().map(neutral).collect());
                let (ours, theirs) = (sorted(ours), sorted(theirs));
                found += usize::from(ours.iter().flatten().any(|value| value != "null"));
                if ours != theirs {
                    different.push(format!("{text}\n  embedded {ours:?}\n  DuckDB   {theirs:?}"));
                }
            }
            Err(error) if error.is_bad_request() => refused.push(format!("{error}: {text}")),
            Err(error) => panic!("{error}: {text}"),
        }
    }
    report(&format!("DuckDB: {compared} queries compared, {found} with values, {} refused\n", refused.len()));
    assert!(found > compared / 2, "{found} found values");
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different[..different.len().min(20)].join("\n")
    );
    assert!(compared >= COMPARED, "{compared} compared: {}", refused[..refused.len().min(20)].join("\n"));
}

fn of_duckdb(python: &Path, queries: &[String]) -> Vec<Value> {
    let columns = COLUMNS.map(|(name, kind)| json!([name, kind.sql()]));
    let work =
        json!({"tables": [{"name": "table1", "columns": columns, "rows": rows()}], "queries": queries});
    let mut driver = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/duckdb/driver.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads all before it writes anything.
    driver.stdin.take().unwrap().write_all(work.to_string().as_bytes()).unwrap();
    let output = driver.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes a value so that a number has one form, whatever its type, and sums of floats may end differently.
fn neutral(value: &Value) -> String {
    match (value.as_f64(), value) {
        (Some(number), _) => format!("{:.9}", number + 0.0),
        (None, other) => other.to_string(),
    }
}

fn sorted(rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

/// Not captured by the test harness, so that the log of a run shows what was compared.
fn report(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
