//! Checks what a user of one crate has to build: the dependency trees of the published crates, resolved by cargo.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// One tree: the package, the flags it is resolved with, the crates that must not be in it, and how many packages it
/// may have at most.
struct Tree {
    package: &'static str,
    flags: &'static [&'static str],
    forbidden: &'static [&'static str],
    at_most: Option<usize>,
}

/// An HTTP client and what it stands on.
const HTTP_CLIENT: &[&str] = &["h2", "hyper", "hyper-rustls", "hyper-util", "mio", "rustls", "socket2"];

const TREES: &[Tree] = &[
    Tree {
        package: "skyflow-http",
        flags: &["--no-default-features"],
        forbidden: HTTP_CLIENT,
        at_most: None,
    },
    Tree { package: "skyflow-api", flags: &[], forbidden: HTTP_CLIENT, at_most: None },
    Tree {
        package: "skyflow-auth",
        flags: &["--no-default-features"],
        forbidden: HTTP_CLIENT,
        at_most: None,
    },
];

/// Resolves every tree and reports what should not be there: one line per violation.
pub fn violations() -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for tree in TREES {
        let packages = packages(tree)?;
        println!("  {} {}: {} packages", tree.package, tree.flags.join(" "), packages.len());
        found.extend(tree.violations(&packages));
    }
    Ok(found)
}

impl Tree {
    fn violations(&self, packages: &BTreeSet<String>) -> Vec<String> {
        let named = |text: String| format!("{} {}: {text}", self.package, self.flags.join(" "));
        let forbidden = self.forbidden.iter().filter(|krate| packages.contains(**krate));
        let mut found: Vec<String> = forbidden.map(|krate| named(format!("needs {krate}"))).collect();
        if let Some(most) = self.at_most.filter(|most| packages.len() > *most) {
            found.push(named(format!("has {} packages, at most {most} are allowed", packages.len())));
        }
        found
    }
}

/// Returns the names in the tree of normal dependencies, the package itself included.
fn packages(tree: &Tree) -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package"])
        .arg(tree.package)
        .args(tree.flags)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .map_err(|error| format!("cannot run cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(names(&String::from_utf8_lossy(&output.stdout)))
}

fn names(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_and_too_many_crates_are_reported() {
        let tree = Tree { package: "a", flags: &["--f"], forbidden: &["mio", "hyper"], at_most: Some(2) };
        let packages = names("a v1.0.0 (/x)\nmio v1.2.0\nserde v1.0.0\nserde v1.0.0 (*)\n");
        assert_eq!(
            tree.violations(&packages),
            ["a --f: needs mio", "a --f: has 3 packages, at most 2 are allowed"]
        );
    }
}
