//! `docs/response-forms.md` names only tests that exist, and every operation of the facade.

use std::path::Path;

const OPERATIONS: [&str; 20] = [
    "insert",
    "insert with `continue_on_error`",
    "batch",
    "get, pages",
    "get by id",
    "update",
    "delete",
    "query",
    "tokenize",
    "detokenize",
    "upload file",
    "delete file",
    "upload status",
    "file scan status",
    "BIN lookup",
    "audit events",
    "de-identify text",
    "re-identify text",
    "files and runs",
    "guardrails",
];

#[test]
fn table_of_forms_names_existing_tests_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("../docs/response-forms.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| operation "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    for operation in OPERATIONS {
        assert!(rows.iter().any(|row| row[0] == operation), "{operation} has no row");
    }
    for row in rows {
        let [_, _, tests] = row.as_slice() else { panic!("{row:?} has no three cells") };
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row:?} names no test");
        for test in tests {
            let (module, name) = test.split_once("::").unwrap_or_else(|| panic!("{test} names no module"));
            let source = std::fs::read_to_string(root.join(format!("tests/responses/{module}.rs"))).unwrap();
            assert!(source.contains(&format!("fn {name}(")), "there is no test {test}");
        }
    }
}
