//! The crates that are published.

use cargo_metadata::{MetadataCommand, Package};

/// Returns the packages of this workspace that do not say `publish = false`.
pub fn packages() -> Result<Vec<Package>, String> {
    let metadata = MetadataCommand::new().no_deps().exec();
    let metadata = metadata.map_err(|error| format!("cargo metadata failed: {error}"))?;
    let is_published = |package: &Package| package.publish.as_ref().is_none_or(|to| !to.is_empty());
    Ok(metadata.packages.into_iter().filter(is_published).collect())
}
