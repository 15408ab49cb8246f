//! Checks that the arrows between the crates only point down, and that each foreign crate stays in its room.
//! What must not be anywhere in the graph, however deep, stands in `deny.toml`.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which crates of this workspace a crate may depend on. A crate without a row fails the check.
const ARROWS: &[(&str, &[&str])] = &[
    ("skyflow-types", &[]),
    ("skyflow-http", &["skyflow-types"]),
    ("skyflow-auth", &["skyflow-http", "skyflow-types"]),
    ("skyflow-api", &["skyflow-http", "skyflow-types"]),
    ("skyflow-management", &["skyflow-api"]),
    ("skyflow", &["skyflow-api", "skyflow-auth", "skyflow-http", "skyflow-types"]),
    ("skyflow-emulator", &["skyflow-http", "skyflow-types"]),
];

/// Crates of the workspace that nobody depends on and that may use all the others.
const LEAVES: &[&str] = &["skyflow-conformance", "skyflow-examples", "skyflow-tests", "xtask"];

/// Foreign crates that only the named crates may ask for.
const ROOMS: &[(&str, &[&str])] = &[
    ("aws-lc-rs", &["skyflow-auth", "skyflow-emulator"]),
    ("h2", &["skyflow-http"]),
    ("hyper", &["skyflow-http", "skyflow-emulator"]),
    ("hyper-rustls", &["skyflow-http"]),
    ("hyper-util", &["skyflow-http", "skyflow-emulator"]),
    ("jsonwebtoken", &["skyflow-auth"]),
    ("rusqlite", &["skyflow-emulator"]),
    ("rustls", &["skyflow-http", "skyflow-emulator"]),
    ("rustls-platform-verifier", &["skyflow-http"]),
    ("tokio-rustls", &["skyflow-emulator"]),
];

/// Why the check failed: one line per arrow that should not be there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cargo metadata failed: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("{} arrow(s) that should not be there:\n  {}", .0.len(), .0.join("\n  "))]
    Violations(Vec<String>),
}

/// Checks the dependency graph of this workspace.
pub fn run() -> Result<(), Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let violations = direct(&metadata);
    if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
}

fn direct(metadata: &Metadata) -> Vec<String> {
    let members: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let mut violations = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if LEAVES.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(krate, _)| *krate == name) else {
            violations.push(format!("{name} has no row in the table of arrows"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let to = dependency.name.as_str();
            if members.contains(to) && !allowed.contains(&to) {
                violations.push(format!("{name} -> {to}: not below it"));
            }
            if ROOMS.iter().any(|(krate, rooms)| *krate == to && !rooms.contains(&name)) {
                violations.push(format!("{name} -> {to}: belongs to another crate"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_arrows_has_no_cycle_and_only_points_to_earlier_rows() {
        for (row, (name, below)) in ARROWS.iter().enumerate() {
            for target in *below {
                let at = ARROWS.iter().position(|(krate, _)| krate == target);
                assert!(at.is_some_and(|at| at < row), "{name} -> {target}");
            }
        }
    }

    #[test]
    fn a_crate_that_asks_for_a_foreign_room_is_reported() {
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
                "skyflow-types -> hyper: belongs to another crate",
                "skyflow-types -> skyflow-http: not below it"
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
