//! Makes token streams readable: `prettyplease`, blank lines between items, then `rustfmt` with the repository's settings.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proc_macro2::TokenStream;

use super::Error;

/// Deprecated operations and members are named where they are implemented.
const ALLOW_DEPRECATED: &str = "\n#![allow(deprecated)]\n";

/// Formats the items of one file. The file's own `//!` lines come first.
pub fn file(name: &str, header: &str, source: &Source, root: &Path) -> Result<String, Error> {
    let mut text = format!("// {header}\n");
    for line in &source.doc {
        text.push_str("//!");
        text.push_str(if line.is_empty() { "" } else { " " });
        text.push_str(line);
        text.push('\n');
    }
    if source.allows_deprecated {
        text.push_str(ALLOW_DEPRECATED);
    }
    for group in &source.groups {
        text.push('\n');
        let parsed = syn::parse2::<syn::File>(group.clone())
            .map_err(|source| Error::Tokens { file: name.to_owned(), source })?;
        text.push_str(&blank_lines(&prettyplease::unparse(&parsed)));
    }
    rustfmt(name, &text, root)
}

/// The contents of one generated file.
#[derive(Default)]
pub struct Source {
    /// Lines of the module documentation.
    pub doc: Vec<String>,
    /// Whether the file, and the modules in it, name deprecated items.
    pub allows_deprecated: bool,
    /// Groups of items, separated by one blank line.
    pub groups: Vec<TokenStream>,
}

/// Puts a blank line after each block or constant that another item or method follows.
fn blank_lines(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let (mut after_block, mut after_constant) = (false, false);
    for line in code.lines() {
        let follows = !line.trim_start().starts_with('}') && !line.is_empty();
        if after_block && follows || after_constant && line.starts_with("    fn ") {
            out.push('\n');
        }
        after_block = line == "}" || line == "    }";
        after_constant = line.ends_with(';');
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn rustfmt(name: &str, text: &str, root: &Path) -> Result<String, Error> {
    let failed = |problem: String| Error::Rustfmt { file: name.to_owned(), problem };
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut input = child.stdin.take().ok_or_else(|| failed("no standard input".to_owned()))?;
    // A thread writes, so that neither pipe can fill while the other waits.
    let output = std::thread::scope(|scope| {
        let writer = scope.spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output();
        writer
            .join()
            .map_err(|_| "the writer thread stopped".to_owned())?
            .map_err(|error| error.to_string())?;
        output.map_err(|error| error.to_string())
    })
    .map_err(failed)?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}
