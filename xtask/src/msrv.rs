//! Compiles each published crate with the oldest Rust that its manifest names: `cargo xtask ci msrv`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use cargo_metadata::Package;

use crate::published;

/// Checks the crates with the toolchains that can be installed, and says which crates were only linted.
///
/// Clippy compares the standard library's items with the manifest too (`clippy::incompatible_msrv`), but not the syntax,
/// and not the dependencies.
pub fn run() -> Result<(), String> {
    for (toolchain, crates) in by_toolchain(&published::packages()?)? {
        if !is_installed(&toolchain) {
            println!("  only linted, because Rust {toolchain} cannot be installed: {}", crates.join(", "));
            continue;
        }
        check(&toolchain, &crates)?;
        println!("  compiled with Rust {toolchain}: {}", crates.join(", "));
    }
    Ok(())
}

fn by_toolchain(packages: &[Package]) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let name = package.name.to_string();
        let version =
            package.rust_version.as_ref().ok_or_else(|| format!("{name} does not say its rust-version"))?;
        groups.entry(format!("{}.{}", version.major, version.minor)).or_default().push(name);
    }
    Ok(groups)
}

/// Installs the toolchain where it is missing; false when that is not possible.
fn is_installed(toolchain: &str) -> bool {
    let install = ["toolchain", "install", toolchain, "--profile", "minimal", "--no-self-update"];
    let status = Command::new("rustup").args(install).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn check(toolchain: &str, crates: &[String]) -> Result<(), String> {
    let mut cargo = Command::new("rustup");
    // A separate directory: the files of two compilers in one make each other's builds slower.
    cargo.args(["run", toolchain, "cargo", "check", "--quiet", "--locked", "--all-features"]);
    cargo.args(["--target-dir", "target/msrv"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // Cargo hands its own programs on, which are those of another toolchain.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        cargo.env_remove(variable);
    }
    for name in crates {
        cargo.args(["--package", name]);
    }
    let status = cargo.status().map_err(|error| format!("cannot run rustup: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("Rust {toolchain} cannot compile {}", crates.join(", ")))
    }
}
