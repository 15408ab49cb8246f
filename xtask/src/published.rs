//! The crates that are published.

use cargo_metadata::{MetadataCommand, Package};

/// Returns the packages of this workspace that do not say `publish = false`.
pub fn packages() -> Result<Vec<Package>, String> {
    let metadata = MetadataCommand::new().no_deps().exec();
    let metadata = metadata.map_err(|error| format!("cargo metadata failed: {error}"))?;
    let is_published = |package: &Package| package.publish.as_ref().is_none_or(|to| !to.is_empty());
    Ok(metadata.packages.into_iter().filter(is_published).collect())
}

/// Fails with one line for each fact that a published package does not state: docs.rs shows the items of every feature
/// only where the package asks for it, and each package has its front page and search terms.
pub fn check() -> Result<(), String> {
    let problems: Vec<String> = packages()?.iter().flat_map(problems).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n  ")) }
}

fn problems(package: &Package) -> Vec<String> {
    let docs = &package.metadata["docs"]["rs"];
    let has_cfg = docs["rustdoc-args"].as_array().is_some_and(|args| args.iter().any(|arg| arg == "docsrs"));
    let root = package.targets.iter().find(|target| target.is_lib()).map(|target| &target.src_path);
    let shows_features = root.is_some_and(|path| {
        std::fs::read_to_string(path).is_ok_and(|text| text.contains("cfg_attr(docsrs, feature(doc_cfg))"))
    });
    let facts = [
        (docs["all-features"] == true, "all-features of [package.metadata.docs.rs]"),
        (has_cfg, "--cfg docsrs in [package.metadata.docs.rs]"),
        (shows_features, "feature(doc_cfg) in its library"),
        (package.rust_version.is_some(), "rust-version"),
        (package.readme.is_some(), "readme"),
        (package.description.is_some(), "description"),
        (!package.keywords.is_empty(), "keywords"),
        (!package.categories.is_empty(), "categories"),
    ];
    let missing = facts.iter().filter(|(is_there, _)| !is_there);
    missing.map(|(_, fact)| format!("{} does not state: {fact}", package.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_without_a_fact_are_reported() {
        let mut package = packages().unwrap().remove(0);
        assert_eq!(problems(&package), Vec::<String>::new());
        package.metadata = serde_json::Value::Null;
        package.keywords.clear();
        let found = problems(&package).join("\n");
        for fact in ["all-features", "--cfg docsrs", "keywords"] {
            assert!(found.contains(fact), "{found}");
        }
    }
}
