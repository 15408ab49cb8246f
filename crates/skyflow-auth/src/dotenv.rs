use std::path::{Path, PathBuf};

use skyflow_http::LogControl;
use zeroize::Zeroizing;

use crate::key::{read_file, text_of};
use crate::{CREDENTIALS_ENV, Credentials, CredentialsError, CredentialsErrorKind};

/// Reads the variables of [`Credentials::from_env`] from the environment, else from a `.env` file.
///
/// Only the file that is named is read, by default `.env` in the working directory. A parent directory is searched
/// only when [`DotEnv::search_parents`] allows it: anyone with write access to one could otherwise inject their
/// own there. The environment of the process is not changed.
#[derive(Debug, Clone)]
pub struct DotEnv {
    file: PathBuf,
    parents: bool,
    strict: bool,
}

impl DotEnv {
    /// Takes `.env` in the working directory.
    pub fn new() -> Self {
        Self::file(".env")
    }

    /// Takes another file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { file: path.into(), parents: false, strict: false }
    }

    /// Looks in the parent directories too, the nearest one first.
    pub fn search_parents(mut self) -> Self {
        self.parents = true;
        self
    }

    /// Refuses a file that the group or others can read, instead of a warning.
    pub fn strict_permissions(mut self, yes: bool) -> Self {
        self.strict = yes;
        self
    }

    /// Returns the credentials of the environment, else of the file.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or is larger than 64 KiB, and as [`Credentials::from_env`] does.
    pub fn credentials(&self) -> Result<Credentials, CredentialsError> {
        match Credentials::from_env() {
            Err(error) if error.kind() == CredentialsErrorKind::Missing => {}
            outcome => return outcome,
        }
        let Some(path) = self.find() else { return Err(CredentialsError::missing(CREDENTIALS_ENV)) };
        let file = read_file(&path)?;
        if self.strict && file.open_to_others().is_some() {
            return Err(CredentialsError::new("credentials file", CredentialsErrorKind::FilePermissions));
        }
        crate::key_file::warn_if_open_to_others(file.open_to_others(), &LogControl::default());
        let text = text_of(file)?;
        Credentials::from_env_with(|name| variable(&text, name).map(|value| value.as_str().to_owned()))
    }

    fn find(&self) -> Option<PathBuf> {
        if self.file.exists() {
            return Some(self.file.clone());
        }
        if !self.parents {
            return None;
        }
        let from = std::path::absolute(&self.file).ok()?;
        let name = from.file_name()?;
        from.parent()?
            .ancestors()
            .skip(1)
            .map(|directory: &Path| directory.join(name))
            .find(|path| path.exists())
    }
}

impl Default for DotEnv {
    fn default() -> Self {
        Self::new()
    }
}

/// Finds the value of a variable; the last one wins, as in a shell.
///
/// `NAME=value`, `export NAME=value`, `# comment`; in `'…'` everything is literal, in `"…"` a backslash escapes
/// and line breaks are kept, and a bare value ends with its line or at ` #`.
fn variable(file: &str, name: &str) -> Option<Zeroizing<String>> {
    let mut found = None;
    let mut rest = file.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let statement = line.trim_start();
        let statement = statement.strip_prefix("export ").unwrap_or(statement);
        let Some((key, value)) = statement.split_once('=').filter(|_| !statement.starts_with('#')) else {
            rest = after;
            continue;
        };
        // From the value on, to the end of the file: a quoted value may go over several lines.
        let start = rest.len() - after.len() - usize::from(rest.len() > line.len()) - value.len();
        let value_on = rest.get(start..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let (value, length) = match value_on.chars().next() {
            Some('\'') => quoted(value_on, '\''),
            Some('"') => quoted(value_on, '"'),
            _ => None,
        }
        .unwrap_or_else(|| bare(value_on));
        if key.trim() == name {
            found = Some(value);
        }
        let beyond = value_on.get(length..).unwrap_or_default();
        rest = beyond.split_once('\n').map_or("", |(_, next)| next);
    }
    found
}

fn bare(text: &str) -> (Zeroizing<String>, usize) {
    let line = text.split('\n').next().unwrap_or_default();
    let value = line.split_once(" #").map_or(line, |(value, _)| value);
    (Zeroizing::new(value.trim().to_owned()), line.len())
}

/// The value between quotes and how far it reaches; `None` when the closing quote is missing.
fn quoted(text: &str, quote: char) -> Option<(Zeroizing<String>, usize)> {
    let mut value = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.char_indices().skip(1);
    while let Some((index, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, index + c.len_utf8())),
            '\\' if quote == '"' => match chars.next()?.1 {
                // Kept for JSON: a line break inside a JSON text has to stay escaped there.
                'n' => value.push_str("\\n"),
                'r' => value.push_str("\\r"),
                't' => value.push_str("\\t"),
                other => value.push(other),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Option<String> {
        variable(file, "SKYFLOW_CREDENTIALS").map(|value| value.as_str().to_owned())
    }

    #[test]
    fn every_usual_way_to_write_a_value_is_read() {
        for (file, expected) in [
            ("SKYFLOW_CREDENTIALS={\"a\":\"b\"}", r#"{"a":"b"}"#),
            ("A=1\r\nSKYFLOW_CREDENTIALS={\"a\":\"b\"}\r\nB=2\r\n", r#"{"a":"b"}"#),
            ("export SKYFLOW_CREDENTIALS='{\"a\": \"b\"}' # comment", r#"{"a": "b"}"#),
            ("# SKYFLOW_CREDENTIALS=x\n  SKYFLOW_CREDENTIALS = y # z", "y"),
            (r#"SKYFLOW_CREDENTIALS="{\"a\":\"b\\nc\"}""#, r#"{"a":"b\nc"}"#),
            (r#"SKYFLOW_CREDENTIALS="{\"a\":\"b\nc\"}""#, r#"{"a":"b\nc"}"#),
            ("SKYFLOW_CREDENTIALS='{\n \"a\": 1\n}'\nB=2", "{\n \"a\": 1\n}"),
            ("A='x\nSKYFLOW_CREDENTIALS=inside\n'\nSKYFLOW_CREDENTIALS=outside", "outside"),
            ("SKYFLOW_CREDENTIALS=first\nSKYFLOW_CREDENTIALS=second", "second"),
            ("SKYFLOW_CREDENTIALS='not closed", "'not closed"),
            ("SKYFLOW_CREDENTIALS=a#b", "a#b"),
            ("SKYFLOW_CREDENTIALS=", ""),
            ("\u{feff}SKYFLOW_CREDENTIALS=\u{fc}", "\u{fc}"),
        ] {
            assert_eq!(read(file).as_deref(), Some(expected), "{file}");
        }
        for file in
            ["", "\n\n", "SKYFLOW_CREDENTIALS", "XSKYFLOW_CREDENTIALS=x", "skyflow_credentials=x", "=x"]
        {
            assert_eq!(read(file), None, "{file}");
        }
    }

    #[test]
    fn no_text_makes_it_panic_or_loop() {
        let pieces = ["'", "\"", "\\", "\n", "=", "#", " ", "SKYFLOW_CREDENTIALS=", "\u{1f600}", "export "];
        for seed in 0..2_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text: String =
                (0..random.usize(0..30)).map(|_| pieces[random.usize(0..pieces.len())]).collect();
            let _ = variable(&text, "SKYFLOW_CREDENTIALS");
        }
    }
}
