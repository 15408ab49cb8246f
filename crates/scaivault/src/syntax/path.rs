use std::fmt;
use std::str::FromStr;

use crate::InvalidInput;

/// Words that name a resource of the API where a path begins.
const RESERVED_FIRST: [&str; 2] = ["batch", "expiring"];

/// Words that name a resource of the API where a path ends.
const RESERVED_LAST: [&str; 4] = ["metadata", "versions", "rotate", "undelete"];

/// The path of a secret, such as `environments/production/salesforce/oauth`.
///
/// It has at most 10 levels and 512 characters, of `a-z`, `0-9`, `-` and `_`, with single slashes between levels. The
/// words `batch` and `expiring` cannot be the first level, and `metadata`, `versions`, `rotate` and `undelete` not the
/// last one: they name resources of the API.
///
/// ```
/// use scaivault::SecretPath;
///
/// let path = SecretPath::new("app/db/password")?;
/// assert_eq!(path.levels().count(), 3);
/// let error = SecretPath::new("App/db").unwrap_err();
/// assert_eq!(error.to_string(), "path may hold only a-z, 0-9, -, _ and /");
/// # Ok::<(), scaivault::InvalidInput>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPath(Box<str>);

impl SecretPath {
    /// The largest number of levels.
    pub const MAX_LEVELS: usize = 10;

    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 512;

    /// Checks a path.
    ///
    /// # Errors
    ///
    /// Fails with the field `path` and the violated rule.
    pub fn new(path: impl AsRef<str>) -> Result<Self, InvalidInput> {
        let path = path.as_ref();
        let problem = problem_of(path).or_else(|| reserved(path));
        match problem {
            Some(problem) => Err(InvalidInput::new("path", problem)),
            None => Ok(Self(path.into())),
        }
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the levels, from the first to the last.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

/// Returns the rule of the syntax that a path violates.
fn problem_of(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("must not be empty".to_owned());
    }
    if path.len() > SecretPath::MAX_LENGTH {
        return Some(format!("must have at most {} characters", SecretPath::MAX_LENGTH));
    }
    if !path.bytes().all(is_allowed) {
        return Some("may hold only a-z, 0-9, -, _ and /".to_owned());
    }
    if path.starts_with('/') || path.ends_with('/') {
        return Some("must not begin or end with a slash".to_owned());
    }
    if path.contains("//") {
        return Some("must not have an empty level".to_owned());
    }
    if path.split('/').count() > SecretPath::MAX_LEVELS {
        return Some(format!("must have at most {} levels", SecretPath::MAX_LEVELS));
    }
    None
}

fn reserved(path: &str) -> Option<String> {
    let first = path.split('/').next().filter(|first| RESERVED_FIRST.contains(first));
    let last = path.rsplit('/').next().filter(|last| RESERVED_LAST.contains(last));
    match (first, last) {
        (Some(word), _) => Some(format!("must not begin with the reserved word {word}")),
        (None, Some(word)) => Some(format!("must not end with the reserved word {word}")),
        (None, None) => None,
    }
}

fn is_allowed(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/')
}

/// Checks the prefix of a list: the start of paths, as text, which may end inside a level or with a slash.
pub(crate) fn checked_prefix(prefix: &str) -> Result<String, InvalidInput> {
    let invalid = |problem: String| Err(InvalidInput::new("prefix", problem));
    if prefix.is_empty() {
        return Ok(String::new());
    }
    match problem_of(prefix.strip_suffix('/').unwrap_or(prefix)) {
        Some(problem) => invalid(problem),
        None => Ok(prefix.to_owned()),
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for SecretPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretPath {
    type Err = InvalidInput;

    fn from_str(path: &str) -> Result<Self, InvalidInput> {
        Self::new(path)
    }
}

impl TryFrom<&str> for SecretPath {
    type Error = InvalidInput;

    fn try_from(path: &str) -> Result<Self, InvalidInput> {
        Self::new(path)
    }
}

impl TryFrom<String> for SecretPath {
    type Error = InvalidInput;

    fn try_from(path: String) -> Result<Self, InvalidInput> {
        Self::new(path)
    }
}

impl TryFrom<&String> for SecretPath {
    type Error = InvalidInput;

    fn try_from(path: &String) -> Result<Self, InvalidInput> {
        Self::new(path)
    }
}

impl From<&SecretPath> for SecretPath {
    fn from(path: &SecretPath) -> Self {
        path.clone()
    }
}

impl From<SecretPath> for String {
    fn from(path: SecretPath) -> Self {
        path.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_levels_and_length_are_exact() {
        let levels = |count: usize| vec!["a"; count].join("/");
        assert!(SecretPath::new(levels(10)).is_ok());
        assert_eq!(SecretPath::new(levels(11)).unwrap_err().problem(), "must have at most 10 levels");
        assert!(SecretPath::new("a".repeat(512)).is_ok());
        assert_eq!(
            SecretPath::new("a".repeat(513)).unwrap_err().problem(),
            "must have at most 512 characters"
        );
    }

    #[test]
    fn paths_outside_the_syntax_name_the_rule() {
        for (path, problem) in [
            ("", "must not be empty"),
            ("A", "may hold only a-z, 0-9, -, _ and /"),
            ("a.b", "may hold only a-z, 0-9, -, _ and /"),
            ("a b", "may hold only a-z, 0-9, -, _ and /"),
            ("ä", "may hold only a-z, 0-9, -, _ and /"),
            ("..", "may hold only a-z, 0-9, -, _ and /"),
            ("a%2fb", "may hold only a-z, 0-9, -, _ and /"),
            ("/a", "must not begin or end with a slash"),
            ("a/", "must not begin or end with a slash"),
            ("a//b", "must not have an empty level"),
        ] {
            let error = SecretPath::new(path).unwrap_err();
            assert_eq!((error.field(), error.problem()), ("path", problem), "{path:?}");
        }
    }

    #[test]
    fn reserved_words_are_refused_where_they_collide() {
        for path in [
            "batch",
            "batch/a",
            "expiring/b",
            "a/metadata",
            "metadata",
            "a/versions",
            "a/rotate",
            "a/undelete",
        ] {
            assert!(SecretPath::new(path).unwrap_err().problem().contains("reserved word"), "{path}");
        }
        for path in ["a/batch", "a/expiring", "metadata/a", "versions/a", "a/batches", "rotate-me"] {
            assert!(SecretPath::new(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn prefixes_may_end_with_a_slash() {
        for prefix in ["", "app", "app/", "environments/prod"] {
            assert_eq!(checked_prefix(prefix).unwrap(), prefix);
        }
        for prefix in ["/", "/a", "a//", "A", "a b"] {
            assert_eq!(checked_prefix(prefix).unwrap_err().field(), "prefix", "{prefix}");
        }
    }
}
