//! Checks how many packages a crate brings, and that certain crates are not among them.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use crate::programs;

/// The dependency tree of a crate with a choice of features, and its bounds.
struct Tree {
    package: &'static str,
    flags: &'static [&'static str],
    /// The largest number of packages, the crate itself included.
    maximum: Option<usize>,
    forbidden: &'static [&'static str],
}

/// An HTTP client and what it is built on.
const HTTP_CLIENT: &[&str] = &["h2", "hyper", "hyper-util", "mio", "rustls", "socket2"];

/// The client with its default features.
const SKYFLOW: Tree =
    Tree { package: "skyflow", flags: &[], maximum: Some(MOST_PACKAGES), forbidden: &["ring"] };

const MOST_PACKAGES: usize = 95;

const TREES: &[Tree] = &[
    Tree {
        package: "skyflow-http",
        flags: &["--no-default-features"],
        maximum: None,
        forbidden: HTTP_CLIENT,
    },
    Tree { package: "skyflow-api", flags: &[], maximum: None, forbidden: HTTP_CLIENT },
    Tree {
        package: "skyflow-management",
        flags: &["--no-default-features"],
        maximum: None,
        forbidden: HTTP_CLIENT,
    },
    Tree {
        package: "skyflow-auth",
        flags: &["--no-default-features"],
        maximum: None,
        forbidden: HTTP_CLIENT,
    },
    SKYFLOW,
    // With ring, nothing else is built that encrypts or signs.
    Tree {
        package: "skyflow",
        flags: &["--no-default-features", "--features", "hyper-ring"],
        maximum: None,
        forbidden: &["aws-lc-rs", "aws-lc-sys"],
    },
    Tree {
        package: "skyflow",
        flags: &["--no-default-features", "--features", "transport"],
        maximum: None,
        forbidden: &["aws-lc-rs", "aws-lc-sys", "ring"],
    },
    Tree {
        package: "scaivault",
        flags: &["--no-default-features", "--features", "hyper-ring"],
        maximum: None,
        forbidden: &["aws-lc-rs", "aws-lc-sys"],
    },
    Tree {
        package: "scaivault",
        flags: &["--no-default-features", "--features", "transport"],
        maximum: None,
        forbidden: &["aws-lc-rs", "aws-lc-sys", "ring"],
    },
    Tree {
        package: "skyflow-emulator",
        flags: &["--no-default-features"],
        maximum: Some(95),
        forbidden: &["clap", "hyper", "image", "lopdf", "rcgen", "rustls", "skyflow-emulator-detect", "zip"],
    },
];

/// Prints the number of packages of each tree; fails with one line per tree that exceeds its bounds.
pub fn run() -> Result<(), String> {
    let mut violations = Vec::new();
    for tree in TREES {
        let packages = tree.packages()?;
        let maximum = tree.maximum.map(|maximum| format!(", at most {maximum}")).unwrap_or_default();
        println!("  {}: {} packages{maximum}", tree.name(), packages.len());
        violations.extend(tree.violations(&packages));
    }
    if violations.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} dependency tree(s) exceed their bounds:\n  {}",
        violations.len(),
        violations.join("\n  ")
    ))
}

/// Returns how many packages the client brings, and how many it may bring.
pub fn packages_of_skyflow() -> Result<(usize, usize), String> {
    Ok((SKYFLOW.packages()?.len(), MOST_PACKAGES))
}

impl Tree {
    fn name(&self) -> String {
        [&[self.package][..], self.flags].concat().join(" ")
    }

    fn packages(&self) -> Result<BTreeSet<String>, String> {
        packages_of(self.package, self.flags)
    }

    fn violations(&self, packages: &BTreeSet<String>) -> Vec<String> {
        let is_forbidden =
            |package: &&String| package.split(' ').next().is_some_and(|name| self.forbidden.contains(&name));
        let unwanted = packages.iter().filter(is_forbidden);
        let mut violations: Vec<_> =
            unwanted.map(|package| format!("{}: {package} is forbidden", self.name())).collect();
        if let Some(maximum) = self.maximum.filter(|maximum| packages.len() > *maximum) {
            violations.push(format!("{}: {} packages, {maximum} are allowed", self.name(), packages.len()));
        }
        violations
    }
}

/// Returns name and version of every package that a build of this one needs, with these options of `cargo tree`.
pub fn packages_of(package: &str, options: &[impl AsRef<OsStr>]) -> Result<BTreeSet<String>, String> {
    let output = programs::cargo()
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--package", package])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cannot run cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(packages(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads the lines of `cargo tree --prefix none`: a package occurs as often as another needs it, with remarks behind
/// its version.
fn packages(lines: &str) -> BTreeSet<String> {
    let package = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    lines.lines().map(package).filter(|package| !package.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str =
        "a v0.1.0 (/some/path)\nsyn v2.0.1\nsyn v3.0.0\nb v1.0.0 (proc-macro)\nsyn v2.0.1 (*)\n\n";
    const TREE: Tree =
        Tree { package: "a", flags: &["--no-default-features"], maximum: Some(4), forbidden: &["sy"] };

    #[test]
    fn repeated_packages_are_counted_once() {
        assert_eq!(Vec::from_iter(packages(LINES)), ["a v0.1.0", "b v1.0.0", "syn v2.0.1", "syn v3.0.0"]);
        assert_eq!(TREE.violations(&packages(LINES)), Vec::<String>::new());
    }

    #[test]
    fn a_tree_beyond_its_bounds_is_reported() {
        let tree = Tree { maximum: Some(3), forbidden: &["b"], ..TREE };
        assert_eq!(
            tree.violations(&packages(LINES)),
            [
                "a --no-default-features: b v1.0.0 is forbidden",
                "a --no-default-features: 4 packages, 3 are allowed"
            ]
        );
    }
}
