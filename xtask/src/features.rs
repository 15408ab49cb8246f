//! Checks that a build of the whole workspace has every feature of its crates, so that `cargo test --workspace` tests
//! them all.

use cargo_metadata::{Metadata, MetadataCommand, PackageId};

/// Fails with one line for each feature that `tests/Cargo.toml` has to ask for.
pub fn run() -> Result<(), String> {
    let metadata =
        MetadataCommand::new().exec().map_err(|error| format!("cargo metadata failed: {error}"))?;
    let missing = missing(&metadata);
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("features that tests/Cargo.toml does not ask for:\n  {}", missing.join("\n  ")))
}

fn missing(metadata: &Metadata) -> Vec<String> {
    let nodes = metadata.resolve.as_ref().map_or(&[][..], |resolve| &resolve.nodes);
    let enabled = |id: &PackageId, feature: &str| {
        nodes.iter().any(|node| node.id == *id && node.features.iter().any(|name| name.as_str() == feature))
    };
    let mut missing = Vec::new();
    for package in metadata.workspace_packages() {
        for feature in package.features.keys().filter(|feature| !enabled(&package.id, feature)) {
            missing.push(format!("{}/{feature}", package.name));
        }
    }
    missing
}
