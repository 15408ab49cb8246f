//! Names of this SDK in the migration tables.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Page, compiled, read};
use crate::tracked::files;

/// The names that do not exist, and how many were checked.
pub struct Names {
    pub problems: Vec<String>,
    pub count: usize,
}

/// Checks that each method, constant and variant in the last column of the migration tables is public in a crate.
pub fn missing(root: &Path, pages: &[Page]) -> Result<Names, String> {
    let declared = declared(root)?;
    let named = compiled(r"(?:::|\.)([A-Za-z_]\w*)|\b([A-Z]\w+)\b|^([a-z_]\w*)(?:\(|$)")?;
    let mut names = Names { problems: Vec::new(), count: 0 };
    for page in pages.iter().filter(|page| page.name.starts_with("migrate/")) {
        for span in rust_spans(&page.text) {
            let found = named.captures_iter(span).filter_map(|name| name.iter().skip(1).flatten().next());
            for name in found.map(|name| name.as_str()) {
                names.count += 1;
                if !declared.contains(name) && !FOREIGN.contains(&name) {
                    names.problems.push(format!("{}: no crate declares `{name}` of `{span}`", page.name));
                }
            }
        }
    }
    Ok(names)
}

/// Names of the language and of other crates, methods of traits, and variables of the environment.
const FOREIGN: [&str; 10] = [
    "T",
    "await",
    "from",
    "from_str",
    "source",
    "token",
    "tracing",
    "SKYFLOW_API_KEY",
    "SKYFLOW_CREDENTIALS",
    "SKYFLOW_CREDENTIALS_PATH",
];

/// The code spans in the last column of tables whose header names Rust.
fn rust_spans(text: &str) -> impl Iterator<Item = &str> {
    let mut in_table = false;
    text.lines()
        .filter_map(move |line| {
            let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
                in_table = false;
                return None;
            };
            let last = cells.rsplit('|').next().unwrap_or_default();
            if last.trim().starts_with("Rust") {
                in_table = true;
                return None;
            }
            in_table.then_some(last)
        })
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

/// Every public name that the sources of the crates declare: functions, types, variants, constants and fields.
fn declared(root: &Path) -> Result<BTreeSet<String>, String> {
    let declaration = compiled(
        r"(?m)\bpub (?:const |async )*fn (\w+)|\bpub (?:struct|enum|trait|type|const|mod) (\w+)|^\s*pub (\w+):|^\s*([A-Z]\w*)\b|\b([A-Z_]{2,}) =>?",
    )?;
    let mut names = BTreeSet::new();
    for file in files(root)? {
        let path = file.to_string_lossy().replace('\\', "/");
        if !(path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs")) {
            continue;
        }
        let text = read(&root.join(&file))?;
        let found = declaration.captures_iter(&text).filter_map(|name| name.iter().skip(1).flatten().next());
        names.extend(found.map(|name| name.as_str().to_owned()));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_the_last_column_are_read() {
        let text = "| Go | Rust |\n|---|---|\n| `A` | `b()`, `C::d` |\n\n| x | y |\n| `A` | `e` |\n";
        assert_eq!(rust_spans(text).collect::<Vec<_>>(), ["b()", "C::d"]);
    }

    #[test]
    fn unknown_names_are_reported() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let page = |cell: &str| {
            let text = format!("| Go | Rust |\n|---|---|\n| `A` | `{cell}` |\n");
            [Page { name: "migrate/go.md".to_owned(), text }]
        };
        assert!(missing(root, &page("InsertRequest::new(t).records(rows)")).unwrap().problems.is_empty());
        assert!(missing(root, &page("Redaction::PlainText")).unwrap().problems.is_empty());
        assert_eq!(missing(root, &page("InsertRequest::new(t).recrods(rows)")).unwrap().problems.len(), 1);
        assert_eq!(missing(root, &page("Redaction::Plain_Text")).unwrap().problems.len(), 1);
    }
}
