//! Makes API bindings from an OpenAPI document and an overlay file.
//!
//! `spec` reads the document, `overlay` what the document cannot say, `ir` is the model between the two ends, `lower`
//! fills it, `models` and `operations` print it with the pieces in `print`, `format` makes it readable, and `check`
//! puts it on disk or compares.
//!
//! Nothing here knows which API it is: a target is one row of [`TARGETS`].

mod check;
mod format;
mod ir;
mod lower;
mod models;
mod operations;
mod overlay;
mod print;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The bindings this repository generates.
const TARGETS: &[Target] = &[Target {
    name: "skyflow",
    spec: "crates/skyflow-api/spec/skyflow.openapi.yaml",
    overlay: "crates/skyflow-api/spec/overlay.toml",
    output: "crates/skyflow-api/src/generated",
    runtime: "crate",
}];

/// The longest generated file, in lines. A longer one asks for a `module` row in the overlay.
const MAX_LINES: usize = 800;

struct Target {
    name: &'static str,
    spec: &'static str,
    overlay: &'static str,
    output: &'static str,
    /// The path of the crate that holds the hand-written `runtime` module, as the generated code names it.
    runtime: &'static str,
}

/// Options of `cargo xtask codegen`.
#[derive(clap::Args)]
pub struct Args {
    /// Compares with the checked-in files instead of writing them; fails on drift and on leftover files.
    #[arg(long)]
    check: bool,
    /// Handles only the named target.
    #[arg(long)]
    target: Option<String>,
}

/// Why the generator stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the api document does not parse: {0}")]
    SpecSyntax(String),
    #[error("{at}: {problem}")]
    Spec { at: String, problem: String },
    #[error("the overlay does not parse: {0}")]
    OverlaySyntax(#[from] toml::de::Error),
    #[error("overlay, {row}: {problem}")]
    Overlay { row: String, problem: String },
    #[error("generated code for {file} does not parse: {source}")]
    Tokens { file: String, source: syn::Error },
    #[error("rustfmt failed on {file}: {problem}")]
    Rustfmt { file: String, problem: String },
    #[error(
        "{file} would have {lines} lines, more than {MAX_LINES}: give some of its schemas a `module` in the overlay"
    )]
    TooLong { file: String, lines: usize },
    #[error("no target is named `{0}`")]
    UnknownTarget(String),
    #[error("generated files are out of date, run `cargo xtask codegen`:\n  {}", .0.join("\n  "))]
    Drift(Vec<String>),
}

impl Error {
    fn spec(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Spec { at: at.into(), problem: problem.into() }
    }

    fn overlay(row: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Overlay { row: row.into(), problem: problem.into() }
    }
}

/// Generated files: path below the output directory, and text.
type Files = BTreeMap<String, String>;

/// Writes or checks every target.
pub fn run(args: &Args) -> Result<(), Error> {
    let root = repository_root();
    let targets: Vec<_> = TARGETS
        .iter()
        .filter(|target| args.target.as_deref().is_none_or(|name| name == target.name))
        .collect();
    if let (true, Some(name)) = (targets.is_empty(), &args.target) {
        return Err(Error::UnknownTarget(name.clone()));
    }
    for target in targets {
        let spec = read(&root.join(target.spec))?;
        let overlay = read(&root.join(target.overlay))?;
        let files = generate(&spec, &overlay, target.runtime, &root)?;
        let output = root.join(target.output);
        if args.check {
            check::compare(&files, &output, target.output)?;
        } else {
            check::write(&files, &output)?;
        }
    }
    Ok(())
}

/// Compares every target with what is checked in.
pub fn check() -> Result<(), Error> {
    run(&Args { check: true, target: None })
}

/// Turns a document and its overlay into files. Pure but for the call of `rustfmt`.
fn generate(spec: &str, overlay: &str, runtime: &str, root: &Path) -> Result<Files, Error> {
    let spec = spec::Spec::parse(spec)?;
    let overlay = overlay::Overlay::parse(overlay)?;
    let api = lower::lower(&spec, &overlay)?;
    let mut sources = models::files(&api, runtime);
    sources.extend(operations::files(&api, runtime));
    let mut files = Files::new();
    for (file, items) in sources {
        let text = format::file(&file, &items, root)?;
        let lines = text.lines().count();
        if lines > MAX_LINES {
            return Err(Error::TooLong { file, lines });
        }
        files.insert(file, text);
    }
    Ok(files)
}

fn repository_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Io {
        action: "read",
        path: path.to_path_buf(),
        source,
    })
}
