//! Builds the programs of the workspace that the commands run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The example whose calls are profiled.
pub const WARM_INSERT: &str = "warm_insert";

/// Returns a call of the cargo that runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds a binary, or [`WARM_INSERT`], and returns its path.
///
/// The features are those of `cargo test --workspace`, so that no crate is compiled twice.
pub fn build(name: &str) -> Result<PathBuf, String> {
    let mut cargo = cargo();
    // With an example, Cargo counts the features of dev-dependencies, as it does for tests.
    cargo.args(["build", "--quiet", "--locked", "--workspace", "--example", WARM_INSERT]);
    if name != WARM_INSERT {
        cargo.args(["--bin", name]);
    }
    let output = cargo
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root()?)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo build: {error}"))?;
    let messages = cargo_metadata::Message::parse_stream(output.stdout.as_slice());
    let executable = messages.filter_map(Result::ok).find_map(|message| match message {
        cargo_metadata::Message::CompilerArtifact(artifact) if artifact.target.name == name => {
            artifact.executable
        }
        _ => None,
    });
    executable.map(Into::into).ok_or_else(|| format!("{name} does not build"))
}

/// Builds a binary and runs it to its end, at the root of the workspace.
pub fn run(name: &str, args: &[String]) -> Result<(), String> {
    let path = build(name)?;
    let status = Command::new(&path)
        .args(args)
        .current_dir(root()?)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", path.display())) }
}

/// Returns the root of the workspace.
pub fn root() -> Result<&'static Path, String> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or_else(|| "xtask is not below the root".to_owned())
}
