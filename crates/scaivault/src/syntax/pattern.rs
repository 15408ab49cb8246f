use std::fmt;
use std::str::FromStr;

use crate::InvalidInput;

/// A pattern for paths, as rules of policies and subscriptions use it.
///
/// It matches a whole path, segment by segment: `**` is any number of segments, including none; `*` is one segment, or
/// any characters inside one; `?` is one character. A pattern that begins with `**/` and goes on needs at least one
/// segment there, as the published table says: `**/ssl/*` does not match `ssl/cert`.
///
/// ```
/// use scaivault::PathPattern;
///
/// let pattern = PathPattern::new("environments/production/**")?;
/// assert!(pattern.matches("environments/production/salesforce/oauth"));
/// assert!(!pattern.matches("environments/staging/salesforce/oauth"));
/// # Ok::<(), scaivault::InvalidInput>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern(Box<str>);

/// The longest pattern, in characters.
const MAX_LENGTH: usize = 512;

impl PathPattern {
    /// Checks a pattern.
    ///
    /// # Errors
    ///
    /// Fails for a pattern that can match no path: an empty one, one with an empty segment or a slash at its beginning
    /// or end, one with characters that no path has, and one with `**` inside a longer segment.
    pub fn new(pattern: impl AsRef<str>) -> Result<Self, InvalidInput> {
        let pattern = pattern.as_ref();
        match problem_of(pattern) {
            Some(problem) => Err(InvalidInput::new("path_pattern", problem)),
            None => Ok(Self(pattern.into())),
        }
    }

    /// Returns the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the pattern matches a whole path.
    pub fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        match pattern.as_slice() {
            ["**", rest @ ..] if !rest.is_empty() => {
                path.split_first().is_some_and(|(_, path)| matches_from(&pattern, path))
            }
            _ => matches_from(&pattern, &path),
        }
    }
}

/// Compares segments. For each pattern segment it keeps at which places of the path the rest may begin, so that many
/// `**` cost no more than the product of both lengths.
fn matches_from(pattern: &[&str], path: &[&str]) -> bool {
    let mut reachable = vec![false; path.len() + 1];
    if let Some(start) = reachable.first_mut() {
        *start = true;
    }
    for &segment in pattern {
        let mut next = vec![false; path.len() + 1];
        if segment == "**" {
            let mut seen = false;
            for (next, here) in next.iter_mut().zip(&reachable) {
                seen |= here;
                *next = seen;
            }
        } else {
            for ((here, name), next) in reachable.iter().zip(path).zip(next.iter_mut().skip(1)) {
                *next = *here && segment_matches(segment.as_bytes(), name.as_bytes());
            }
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// Compares the characters of one segment; `*` goes back to its last place when the rest does not fit.
fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, position));
                at += 1;
            }
            Some(&byte) if byte == b'?' || Some(&byte) == text.get(position) => {
                at += 1;
                position += 1;
            }
            _ => match &mut star {
                Some((after, begin)) => {
                    *begin += 1;
                    (at, position) = (*after, *begin);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

fn problem_of(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        return Some("must not be empty");
    }
    if pattern.len() > MAX_LENGTH {
        return Some("must have at most 512 characters");
    }
    // A dot is no character of a path, but a published pattern has one.
    let is_allowed =
        |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b'*' | b'?' | b'.');
    if !pattern.bytes().all(is_allowed) {
        return Some("may hold only a-z, 0-9, -, _, ., /, * and ?");
    }
    if pattern.starts_with('/') || pattern.ends_with('/') {
        return Some("must not begin or end with a slash");
    }
    if pattern.contains("//") {
        return Some("must not have an empty segment");
    }
    if pattern.split('/').any(|segment| segment.contains("**") && segment != "**") {
        return Some("must have ** as a whole segment");
    }
    None
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPattern {
    type Err = InvalidInput;

    fn from_str(pattern: &str) -> Result<Self, InvalidInput> {
        Self::new(pattern)
    }
}

impl TryFrom<&str> for PathPattern {
    type Error = InvalidInput;

    fn try_from(pattern: &str) -> Result<Self, InvalidInput> {
        Self::new(pattern)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = InvalidInput;

    fn try_from(pattern: String) -> Result<Self, InvalidInput> {
        Self::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_of_patterns_holds() {
        for (pattern, path, expected) in [
            ("app/db", "app/db", true),
            ("app/db", "app/db/password", false),
            ("app/*", "app/db", true),
            ("app/*", "app/db/password", false),
            ("app/*", "app", false),
            ("app/**", "app/db", true),
            ("app/**", "app/db/password", true),
            ("app/**", "app", true),
            ("app/**", "application/db", false),
            ("**/ssl/*", "ssl/cert", false),
            ("**/ssl/*", "a/ssl/cert", true),
            ("**/ssl/*", "a/b/ssl/cert", true),
            ("**", "anything/at/all", true),
            ("app/?b", "app/db", true),
            ("app/?b", "app/b", false),
            ("app/d?", "app/d/", false),
            ("app/**/password", "app/password", true),
            ("app/**/password", "app/a/b/password", true),
            ("secrets/*.key", "secrets/a.key", true),
            ("secrets/db-*", "secrets/db-1", true),
            ("secrets/db-*", "secrets/db", false),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/d/c", false),
            ("db", "app/db", false),
        ] {
            assert_eq!(PathPattern::new(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_that_cannot_match_are_refused() {
        for pattern in ["", "/app", "app/", "a//b", "App", "a b", "app/**b", "***", "ä", "[ab]", "{a,b}"] {
            assert_eq!(PathPattern::new(pattern).unwrap_err().field(), "path_pattern", "{pattern}");
        }
    }

    #[test]
    fn hostile_pattern_takes_no_long_time() {
        let pattern = PathPattern::new(vec!["**"; 100].join("/") + "/x").unwrap();
        assert!(!pattern.matches(&vec!["a"; 100].join("/")));
        let stars = PathPattern::new("a*".repeat(200) + "b").unwrap();
        assert!(!stars.matches(&"a".repeat(500)));
    }
}
