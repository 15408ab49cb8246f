//! Programs that the checks need: taken from the `PATH` in the right version, or built once below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the program, and installs it when it is missing; `options` are those of `cargo install`.
pub fn ensure(name: &str, version: &str, options: &[&str]) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let own = root.join("bin").join(name);
    for program in [PathBuf::from(name), own.clone()] {
        if is_version(&program, version) {
            return Ok(program);
        }
    }
    println!("  installing {name} {version}; this takes some minutes, once");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["install", "--locked", "--quiet", "--version", version, name, "--root"])
        .arg(&root)
        .args(options)
        .status()
        .map_err(|error| format!("cannot run cargo install: {error}"))?;
    if status.success() && is_version(&own, version) {
        Ok(own)
    } else {
        Err(format!("cannot install {name} {version}; try `cargo install --locked {name}@{version}`"))
    }
}

fn is_version(program: &Path, version: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .any(|word| word.trim_start_matches('v') == version)
    })
}
