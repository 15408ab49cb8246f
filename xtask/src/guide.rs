//! Checks the guide in `docs/guide` and builds it with mdBook: `cargo xtask guide`.

mod links;
mod names;
mod promises;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::tools;

/// The version of mdBook that builds the guide.
const MDBOOK: &str = "0.5.4";

/// Options of `cargo xtask guide`.
#[derive(clap::Args)]
pub struct Args {
    /// Checks pages, links and names, and builds nothing.
    #[arg(long)]
    check: bool,
}

/// Checks the guide, and builds it unless only a check is requested.
pub fn run(args: &Args) -> Result<(), String> {
    check()?;
    if args.check { Ok(()) } else { build() }
}

/// Checks that every page is in the summary and its code in the documentation tests, that no link is broken, and that
/// the names in the migration tables and the tests in the table of promises exist.
pub fn check() -> Result<(), String> {
    let root = root()?;
    let mut problems = Vec::new();
    let pages = pages(&root)?;
    let summary = read(&root.join("docs/guide/src/SUMMARY.md"))?;
    let tested = read(&root.join("examples/src/guide.rs"))?;
    problems.extend(not_listed(&pages, &summary));
    problems.extend(not_tested(&pages, &tested));
    let links = links::broken(&root)?;
    problems.extend(links.problems);
    let names = names::missing(&root, &pages)?;
    problems.extend(names.problems);
    let promises = promises::check(&root)?;
    problems.extend(promises.problems);
    println!(
        "  {} pages, {} links, {} names in migration tables, {} proven promises",
        pages.len(),
        links.count,
        names.count,
        promises.proven
    );
    if problems.is_empty() { Ok(()) } else { Err(format!("\n  {}", problems.join("\n  "))) }
}

/// Builds the guide into `target/guide`.
pub fn build() -> Result<(), String> {
    let mdbook = tools::ensure("mdbook", MDBOOK, &["--no-default-features", "--features", "search"])?;
    let book = root()?.join("docs/guide");
    let status =
        Command::new(mdbook).arg("build").arg(&book).status().map_err(|error| format!("mdbook: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("mdbook build: {status}")) }
}

fn root() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.map(Path::to_path_buf).ok_or_else(|| "xtask is not below the workspace root".to_owned())
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A page of the guide.
struct Page {
    /// Its path below `docs/guide/src`.
    name: String,
    text: String,
}

fn pages(root: &Path) -> Result<Vec<Page>, String> {
    let source = root.join("docs/guide/src");
    let mut pages = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(&source).map_err(|error| error.to_string())?;
                let name = name.to_string_lossy().replace('\\', "/");
                if name != "SUMMARY.md" {
                    pages.push(Page { name, text: read(&path)? });
                }
            }
        }
    }
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pages)
}

/// mdBook builds only what the summary lists. That the listed files exist is a check of the links.
fn not_listed(pages: &[Page], summary: &str) -> Vec<String> {
    let missing = pages.iter().filter(|page| !summary.contains(&format!("({})", page.name)));
    missing.map(|page| format!("docs/guide/src/SUMMARY.md does not list {}", page.name)).collect()
}

/// A page with code has to be among the documentation tests, and all of its code has to be compiled.
fn not_tested(pages: &[Page], tested: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for page in pages {
        let fences = page.text.lines().filter_map(|line| line.trim().strip_prefix("```"));
        let fences: BTreeSet<&str> = fences.filter(|info| info.starts_with("rust")).collect();
        if !fences.is_empty() && !tested.contains(&format!("\"{}\"", page.name)) {
            problems.push(format!("examples/src/guide.rs lacks {}", page.name));
        }
        if fences.iter().any(|info| info.contains("ignore")) {
            problems.push(format!("{}: code that is ignored is not compiled", page.name));
        }
    }
    problems
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str, text: &str) -> Page {
        Page { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn page_outside_the_summary_is_reported() {
        let pages = [page("a.md", ""), page("b/index.md", "")];
        assert_eq!(not_listed(&pages, "- [A](a.md)").len(), 1);
        assert!(not_listed(&pages, "- [A](a.md)\n  - [B](b/index.md)").is_empty());
    }

    #[test]
    fn code_that_is_not_compiled_is_reported() {
        let pages = [page("a.md", "```rust\nfn main() {}\n```"), page("b.md", "```text\n```")];
        assert_eq!(not_tested(&pages, "").len(), 1);
        assert!(not_tested(&pages, "A: \"a.md\",").is_empty());
        assert_eq!(not_tested(&[page("a.md", "```rust,ignore\n```")], "A: \"a.md\",").len(), 1);
    }
}
