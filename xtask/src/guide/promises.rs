//! The tables of promises in `docs/reliability.md` and of cases in `docs/scaivault-cases.md`: every id is there once, and
//! each named test exists.

use std::collections::BTreeMap;
use std::path::Path;

use super::{compiled, read};

/// A document with one table.
struct Table {
    document: &'static str,
    /// The letters of the ids, with the last number of each.
    ids: &'static [(char, u32)],
}

const TABLES: [Table; 2] = [
    Table { document: "docs/reliability.md", ids: &[('T', 13), ('R', 25), ('S', 11), ('P', 10)] },
    Table { document: "docs/scaivault-cases.md", ids: &[('C', 54)] },
];

/// What the check of the tables found.
pub struct Promises {
    pub problems: Vec<String>,
    /// How many rows say that they are proven.
    pub proven: usize,
}

/// Compares the tables with the tests in the tree.
pub fn check(root: &Path) -> Result<Promises, String> {
    let mut found = Promises { problems: Vec::new(), proven: 0 };
    for table in &TABLES {
        let of_table = check_table(root, table)?;
        found.problems.extend(of_table.problems);
        found.proven += of_table.proven;
    }
    Ok(found)
}

fn check_table(root: &Path, table: &Table) -> Result<Promises, String> {
    let document = table.document;
    let text = read(&root.join(document))?;
    let rows = rows(&text)?;
    let mut problems = Vec::new();
    let mut proven = 0;
    for (letter, last) in table.ids {
        for number in 1..=*last {
            let id = format!("{letter}{number:02}");
            let Some([row]) = rows.get(&id).map(Vec::as_slice) else {
                problems.push(format!("{document}: {id} needs exactly one row"));
                continue;
            };
            let tests = tests(row.tests).map_err(|problem| format!("{document}: {id}: {problem}"))?;
            for (file, name) in &tests {
                match std::fs::read_to_string(root.join(file)) {
                    Err(_) => problems.push(format!("{document}: {id}: {file} does not exist")),
                    Ok(source) if !has(file, &source, name) => {
                        problems.push(format!("{document}: {id}: {file} has no {name}"));
                    }
                    Ok(_) => {}
                }
            }
            match row.state {
                "proven" if tests.is_empty() => {
                    problems.push(format!("{document}: {id} is proven by no test"));
                }
                "proven" => proven += 1,
                "smaller" | "not" if row.size.is_empty() => {
                    problems.push(format!("{document}: {id} gives no reason"));
                }
                "smaller" | "not" => {}
                other => problems.push(format!("{document}: {id}: the state {other:?} is unknown")),
            }
        }
    }
    for id in rows.keys() {
        let (letter, number) = id.split_at(1);
        let is_expected = |(known, last): &(char, u32)| {
            letter.starts_with(*known)
                && number.parse::<u32>().is_ok_and(|number| (1..=*last).contains(&number))
        };
        if !table.ids.iter().any(is_expected) {
            problems.push(format!("{document}: {id} is none of the ids"));
        }
    }
    let total: u32 = table.ids.iter().map(|(_, last)| last).sum();
    let stated = format!("{proven} of {total} are proven");
    if !text.contains(&stated) {
        problems.push(format!("{document} should say: {stated}"));
    }
    Ok(Promises { problems, proven })
}

/// A name is that of a function; in a settings file it is any text.
fn has(file: &str, source: &str, name: &str) -> bool {
    if file.ends_with(".rs") { source.contains(&format!("fn {name}(")) } else { source.contains(name) }
}

/// One row of the table.
struct Row<'a> {
    state: &'a str,
    tests: &'a str,
    size: &'a str,
}

fn rows(text: &str) -> Result<BTreeMap<String, Vec<Row<'_>>>, String> {
    let id_pattern = compiled(r"^[A-Z]\d\d$")?;
    let mut rows: BTreeMap<String, Vec<Row<'_>>> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [id, _promise, state, tests, size] = cells.as_slice()
            && id_pattern.is_match(id)
        {
            rows.entry((*id).to_owned()).or_default().push(Row { state, tests, size });
        }
    }
    Ok(rows)
}

/// Splits a cell into files and the names of their tests: "`a.rs` `one` `two`, `b.rs` `three`".
fn tests(cell: &str) -> Result<Vec<(String, String)>, String> {
    let mut file: Option<&str> = None;
    let mut found = Vec::new();
    for (_, [span]) in compiled("`([^`]+)`")?.captures_iter(cell).map(|captures| captures.extract()) {
        if Path::new(span).extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            file = Some(span);
        } else {
            let file = file.ok_or_else(|| format!("{span} is in no file"))?;
            found.push((file.to_owned(), span.to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_lists_the_tests_of_each_file() {
        let text = "| id | promise | state | tests | size |\n| T01 | one | proven | `a.rs` `x` `y`, `b.rs` `z` | 10 |";
        let rows = rows(text).unwrap();
        let pairs = tests(rows["T01"][0].tests).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(file, name)| (file.as_str(), name.as_str())).collect();
        assert_eq!(pairs, [("a.rs", "x"), ("a.rs", "y"), ("b.rs", "z")]);
        assert!(tests("`x`").is_err());
    }

    #[test]
    fn test_that_does_not_exist_is_reported() {
        const TABLE: Table = Table { document: "docs/table.md", ids: &[('T', 3)] };
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("a.rs"), "fn there() {}").unwrap();
        let table = "0 of 3 are proven\n| T01 | p | proven | `a.rs` `there` `gone`, `b.rs` `x` | s |\n| T02 | p | not | | |\n| T04 | p | not | | s |";
        std::fs::write(root.path().join(TABLE.document), table).unwrap();
        let found = check_table(root.path(), &TABLE).unwrap();
        let all = found.problems.join("\n");
        for part in [
            "has no gone",
            "b.rs does not exist",
            "T02 gives no reason",
            "T03 needs",
            "T04 is none",
            "say: 1 of 3",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
        assert!(!all.contains("no there"), "{all}");
    }
}
