//! Replays recorded calls of the official SDK: `cargo xtask conformance [DIR]`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Options of `cargo xtask conformance`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// The directory of recorded calls; the ones that come with the project when none is given.
    directory: Option<PathBuf>,
}

/// Replays a directory in a program of its own, so that these commands do not depend on the SDK.
pub fn run(args: &Args) -> Result<(), String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--locked", "--package", "skyflow-conformance", "--manifest-path"])
        .arg(manifest)
        .arg("--")
        .args(&args.directory)
        .status()
        .map_err(|error| format!("cannot run the replay: {error}"))?;
    if status.success() { Ok(()) } else { Err("the replay found differences".to_owned()) }
}
