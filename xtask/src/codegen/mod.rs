//! Makes API bindings from an OpenAPI document and an overlay file.
//!
//! `spec` reads the document, `overlay` what the document cannot say, `ir` is the model between the two ends, `lower`
//! fills it, `models` and `operations` print it with the pieces in `print`, `format` makes it readable, and `check`
//! puts it on disk or compares.
//!
//! Nothing here knows which API it is: a target is one row of the table in `targets`.

mod check;
mod format;
mod ir;
mod lower;
mod models;
mod operations;
mod overlay;
mod print;
mod samples;
mod sizes;
mod spec;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use targets::{Printing, TARGETS};

/// The longest generated file, in lines. A longer one needs `module` rows in the overlay.
const MAX_LINES: usize = 800;

/// Options of `cargo xtask codegen`.
#[derive(clap::Args)]
pub struct Args {
    /// Compares with the checked-in files instead of writing them; fails on drift and on leftover files.
    #[arg(long)]
    check: bool,
    /// Handles only the named target.
    #[arg(long)]
    target: Option<String>,
    /// Prints the generated lines and the build time of each crate and feature, and writes nothing.
    #[arg(long, conflicts_with = "check")]
    sizes: bool,
}

/// Says why the generator stopped.
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
        "{file} would have {lines} lines, more than {MAX_LINES}: in the overlay, give some of its schemas a `module`, or some of its operations a name in another module"
    )]
    TooLong { file: String, lines: usize },
    #[error("the runtime path `{0}` is not a path")]
    RuntimePath(&'static str),
    #[error("cannot build {package}: {problem}")]
    Build { package: &'static str, problem: String },
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
    if args.sizes {
        return sizes::print(&targets, &root);
    }
    for target in targets {
        let spec = read(&root.join(target.spec))?;
        let overlay = read(&root.join(target.overlay))?;
        let (bindings, samples) = generate(&spec, &overlay, target.package, &target.printing, &root)?;
        let samples = target.samples.map(|output| (samples, output));
        for (files, output) in [(bindings, target.output)].into_iter().chain(samples) {
            if args.check {
                check::compare(&files, &root.join(output), output)?;
            } else {
                check::write(&files, &root.join(output))?;
            }
        }
    }
    Ok(())
}

/// Compares every target with what is checked in.
pub fn check() -> Result<(), Error> {
    run(&Args { check: true, target: None, sizes: false })
}

/// Turns a document and its overlay into bindings, and into requests for tests. Pure but for the call of `rustfmt`.
fn generate(
    spec: &str,
    overlay: &str,
    package: &str,
    printing: &Printing,
    root: &Path,
) -> Result<(Files, Files), Error> {
    let spec = spec::Spec::parse(spec)?;
    let overlay = overlay::Overlay::parse(overlay)?;
    let api = lower::lower(&spec, &overlay)?;
    let runtime = printing.runtime.parse().map_err(|_| Error::RuntimePath(printing.runtime))?;
    let mut sources = models::files(&api, &runtime);
    sources.extend(operations::files(&api, &runtime, printing.prefix));
    let samples = formatted(samples::files(&api, package), printing, root)?;
    Ok((formatted(sources, printing, root)?, samples))
}

fn formatted(
    sources: BTreeMap<String, format::Source>,
    printing: &Printing,
    root: &Path,
) -> Result<Files, Error> {
    let mut files = Files::new();
    for (file, items) in sources {
        let text = format::file(&file, printing.header, &items, root)?;
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
