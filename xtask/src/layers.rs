//! Checks the dependency direction between the crates of this workspace, and that restricted dependencies are named by
//! the crates that may name them only. `deny.toml` lists what must not be in the graph at all.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::{features, published, trees};

/// Which crates of this workspace a crate may depend on. A crate without a row fails the check.
const DIRECTION: &[(&str, &[&str])] = &[
    ("skyflow-types", &[]),
    ("skyflow-http", &["skyflow-types"]),
    ("skyflow-auth", &["skyflow-http", "skyflow-types"]),
    ("skyflow-api", &["skyflow-http", "skyflow-types"]),
    ("skyflow-management", &["skyflow-api", "skyflow-auth", "skyflow-http", "skyflow-types"]),
    ("skyflow", &["skyflow-api", "skyflow-auth", "skyflow-http", "skyflow-types"]),
    ("skyflow-testkit", &["skyflow-http"]),
    ("skyflow-emulator-detect", &["skyflow-types"]),
    ("scaivault", &["skyflow-http", "skyflow-types"]),
    ("scaivault-emulator", &["scaivault", "skyflow-http", "skyflow-testkit", "skyflow-types"]),
    ("skyflow-emulator", &["skyflow-emulator-detect", "skyflow-http", "skyflow-testkit", "skyflow-types"]),
];

/// Crates that no other crate depends on and that may use all the others.
const UNPUBLISHED: &[&str] =
    &["skyflow-conformance", "skyflow-examples", "skyflow-interop", "skyflow-loom", "skyflow-tests", "xtask"];

/// Restricted dependencies, and the crates that may name them.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("aws-lc-rs", &["scaivault", "scaivault-emulator", "skyflow-auth", "skyflow-emulator"]),
    ("h2", &["skyflow-http"]),
    ("hyper", &["skyflow-http", "skyflow-testkit"]),
    ("hyper-util", &["skyflow-http", "skyflow-testkit"]),
    ("image", &["skyflow-emulator-detect"]),
    ("jsonwebtoken", &["skyflow-auth"]),
    ("lopdf", &["skyflow-emulator-detect"]),
    ("rcgen", &["scaivault-emulator", "skyflow-testkit"]),
    ("ring", &["scaivault", "skyflow-auth"]),
    ("rusqlite", &["scaivault-emulator", "skyflow-emulator"]),
    ("rustls", &["skyflow-http", "skyflow-testkit"]),
    ("rustls-platform-verifier", &["skyflow-http"]),
    ("tokio-rustls", &["skyflow-http", "skyflow-testkit"]),
    ("zip", &["skyflow-emulator-detect"]),
];

/// Says why the check failed: one line per violation.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cargo metadata failed: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("{} violation(s) of the dependency rules:\n  {}", .0.len(), .0.join("\n  "))]
    Violations(Vec<String>),
}

/// Checks the packages of this workspace: the directions of their dependencies, how many packages they bring, their
/// features, and what the published ones state.
pub fn run() -> Result<(), String> {
    directions().map_err(|error| error.to_string())?;
    published::check()?;
    trees::run()?;
    features::run()
}

fn directions() -> Result<(), Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let violations = direct(&metadata);
    if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
}

fn direct(metadata: &Metadata) -> Vec<String> {
    let members: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let mut violations = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if UNPUBLISHED.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = DIRECTION.iter().find(|(krate, _)| *krate == name) else {
            violations.push(format!("{name} has no row in the table of dependency directions"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let to = dependency.name.as_str();
            if members.contains(to) && !allowed.contains(&to) {
                violations.push(format!("{name} -> {to}: against the dependency direction"));
            }
            if RESTRICTED.iter().any(|(krate, users)| *krate == to && !users.contains(&name)) {
                violations.push(format!("{name} -> {to}: restricted to other crates"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_point_to_earlier_rows() {
        for (row, (name, below)) in DIRECTION.iter().enumerate() {
            for target in *below {
                let at = DIRECTION.iter().position(|(krate, _)| krate == target);
                assert!(at.is_some_and(|at| at < row), "{name} -> {target}");
            }
        }
    }

    #[test]
    fn forbidden_dependencies_are_reported() {
        let json = serde_json::json!({
            "packages": [package("skyflow-types", &["hyper", "skyflow-http"]), package("skyflow-http", &["hyper"])],
            "workspace_members": ["skyflow-types", "skyflow-http"],
            "workspace_default_members": ["skyflow-types", "skyflow-http"],
            "resolve": null, "target_directory": "t", "version": 1, "workspace_root": "r", "metadata": null,
        });
        let metadata: Metadata = serde_json::from_value(json).unwrap();
        assert_eq!(
            direct(&metadata),
            [
                "skyflow-types -> hyper: restricted to other crates",
                "skyflow-types -> skyflow-http: against the dependency direction"
            ]
        );
    }

    fn package(name: &str, dependencies: &[&str]) -> serde_json::Value {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|to| {
                serde_json::json!({
                    "name": to, "source": null, "req": "*", "kind": null, "rename": null, "optional": false,
                    "uses_default_features": true, "features": [], "target": null, "registry": null
                })
            })
            .collect();
        serde_json::json!({
            "name": name, "version": "0.1.0", "id": name, "license": null, "license_file": null, "description": null,
            "source": null, "dependencies": dependencies, "targets": [], "features": {}, "manifest_path": "Cargo.toml",
            "metadata": null, "publish": null, "authors": [], "categories": [], "keywords": [], "readme": null,
            "repository": null, "homepage": null, "documentation": null, "edition": "2024", "links": null,
            "default_run": null, "rust_version": null
        })
    }
}
