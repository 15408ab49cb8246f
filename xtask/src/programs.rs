//! Builds the programs of the workspace that the commands run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, by the kind of its target.
#[derive(Clone, Copy)]
pub enum Program {
    Binary(&'static str),
    Example(&'static str),
}

/// Any example: Cargo then counts the features of dev-dependencies, as it does for tests.
const ANY_EXAMPLE: &str = "warm_insert";

/// Builds a program and returns its path.
///
/// The features are those of `cargo test --workspace`, so that no crate is compiled twice.
pub fn build(program: Program) -> Result<PathBuf, String> {
    let (Program::Binary(name) | Program::Example(name)) = program;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "--workspace", "--example", ANY_EXAMPLE]);
    if let Program::Binary(name) = program {
        cargo.args(["--bin", name]);
    } else if name != ANY_EXAMPLE {
        cargo.args(["--example", name]);
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

/// Builds a program and runs it to its end, at the root of the workspace.
pub fn run(program: Program, args: &[String]) -> Result<(), String> {
    let path = build(program)?;
    let status = Command::new(&path)
        .args(args)
        .current_dir(root()?)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", path.display())) }
}

fn root() -> Result<&'static Path, String> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or_else(|| "xtask is not below the root".to_owned())
}
