//! Which part of a program an instruction belongs to.

use std::fmt::Write as _;

use super::figures::Counted;

const MEMORY: [&str; 8] = ["alloc", "free", "chunk", "tcache", "arena", "sysmalloc", "mtrim", "brk"];

const COPIES: [&str; 5] = ["mem", "bcmp", "str", "wmem", "rawmem"];

/// Names the crate of a source file, and the module where it is a crate of this repository.
pub fn area(file: &str, function: &str) -> String {
    if let Some((_, path)) = file.rsplit_once("/crates/") {
        let mut parts = path.split('/');
        let krate = parts.next().unwrap_or_default();
        let module = parts.find(|part| *part != "src").unwrap_or_default();
        return format!("{krate}/{}", module.trim_end_matches(".rs"));
    }
    if let Some((_, path)) = file.rsplit_once("/registry/src/") {
        let package = path.split('/').nth(1).unwrap_or(path);
        return name_of(package).to_owned();
    }
    if file.starts_with("/rustc/") || file.contains("/library/") {
        return "std".to_owned();
    }
    if file.contains("tests/bench/src/") {
        return "benchmark".to_owned();
    }
    // The C library, with or without its source files. Its names begin with underscores, by how public they are.
    let function = function.trim_start_matches('_');
    if MEMORY.iter().any(|part| function.contains(part)) {
        return "allocator".to_owned();
    }
    if COPIES.iter().any(|part| function.starts_with(part)) {
        return "copies of memory".to_owned();
    }
    "C library and system".to_owned()
}

/// Removes the version from the directory of a package.
fn name_of(package: &str) -> &str {
    let is_version = |(_, rest): &(&str, &str)| rest.starts_with(|first: char| first.is_ascii_digit());
    package
        .match_indices('-')
        .map(|(at, _)| (&package[..at], &package[at + 1..]))
        .find(is_version)
        .map_or(package, |(name, _)| name)
}

/// Lists where the instructions of ours above the floor are.
pub fn listed(counted: &Counted) -> String {
    let mut text = format!("{}, instructions above the floor:\n", counted.case);
    for (area, instructions) in &counted.above {
        let _ = writeln!(text, "  {instructions:>9.0} {area}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_files_belong_to_crates_and_modules() {
        for (file, function, expected) in [
            ("/w/tests/bench/../../crates/skyflow/src/vault/insert.rs", "f", "skyflow/vault"),
            ("/w/crates/skyflow-http/src/stack.rs", "f", "skyflow-http/stack"),
            ("/h/registry/src/index-1f/serde_json-1.0.154/src/de.rs", "f", "serde_json"),
            ("/h/registry/src/index-1f/http-body-util-0.1.5/src/lib.rs", "f", "http-body-util"),
            ("/rustc/5f/library/core/src/str/mod.rs", "f", "std"),
            ("/w/tests/bench/src/cases.rs", "f", "benchmark"),
            ("./malloc/malloc.c", "_int_malloc", "allocator"),
            ("???", "free", "allocator"),
            ("???", "__memcpy_avx_unaligned_erms", "copies of memory"),
            ("???", "epoll_wait", "C library and system"),
        ] {
            assert_eq!(area(file, function), expected, "{file} {function}");
        }
    }
}
