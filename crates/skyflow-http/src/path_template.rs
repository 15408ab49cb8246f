use std::fmt;

use http::uri::PathAndQuery;

use crate::RequestTarget;

/// The maximum length of a parameter name.
const MAX_NAME: usize = 64;

/// A path with parameters in braces, such as `/v1/cards/{card_id}/charge`.
///
/// Each value becomes percent-encoded text inside the segment of its parameter; no value can add a segment,
/// a query or a fragment.
///
/// ```
/// use skyflow_http::PathTemplate;
///
/// let template = PathTemplate::parse("/cards/{card_id}/charge")?;
/// let target = template.fill(|name| (name == "card_id").then_some("../a?b#c"))?.finish()?;
/// assert_eq!(target.as_str(), "/cards/..%2Fa%3Fb%23c/charge");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    segments: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Parameter(String),
}

/// Reports a path template that cannot be used, or a parameter of it. No value is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplateError {
    parameter: Option<String>,
    problem: &'static str,
}

impl PathTemplateError {
    /// Returns the name of the parameter, as the template writes it; `None` when the template itself is wrong.
    pub fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }

    /// Returns the violated rule, such as `must not be empty`.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for PathTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parameter {
            Some(name) => write!(f, "path parameter {name} {}", self.problem),
            None => write!(f, "path {}", self.problem),
        }
    }
}

impl std::error::Error for PathTemplateError {}

impl PathTemplate {
    /// Reads a path, which is empty or starts with `/`. A slash at its end is kept: to most servers it is another path.
    ///
    /// # Errors
    ///
    /// Fails when braces are unbalanced, a parameter has no name, or the path has dot segments, a query, a fragment
    /// or characters that a URI does not have.
    pub fn parse(path: &str) -> Result<Self, PathTemplateError> {
        let wrong = |problem| Err(PathTemplateError { parameter: None, problem });
        let Some(rest) = path.strip_prefix('/') else {
            return if path.is_empty() {
                Ok(Self { segments: Vec::new() })
            } else {
                wrong("must start with /")
            };
        };
        if path.contains(['?', '#']) {
            return wrong("must not have a query or a fragment");
        }
        let segments: Vec<Vec<Piece>> = rest.split('/').map(pieces).collect::<Result<_, _>>()?;
        let is_dots =
            |segment: &Vec<Piece>| matches!(segment.as_slice(), [Piece::Literal(text)] if is_dots(text));
        if segments.iter().any(is_dots) {
            return wrong("must not have dot segments");
        }
        Ok(Self { segments })
    }

    /// Returns the names of the parameters in the order of the path; one that occurs twice is returned twice.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// Replaces each parameter by its value.
    ///
    /// # Errors
    ///
    /// Fails when there is no value for a parameter, when a value is empty, and when one makes its segment `.` or
    /// `..`: those mean another path, encoded or not.
    pub fn fill<'a>(
        &self,
        value_of: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<RequestTarget, PathTemplateError> {
        let mut target = RequestTarget::new();
        if self.segments.is_empty() {
            return Ok(target.literal("/"));
        }
        for segment in &self.segments {
            target = target.literal("/");
            let mut plain = String::new();
            let mut last = None;
            for piece in segment {
                match piece {
                    Piece::Literal(text) => {
                        target = target.encoded(text);
                        plain.push_str(text);
                    }
                    Piece::Parameter(name) => {
                        let wrong = |problem| PathTemplateError { parameter: Some(name.clone()), problem };
                        let value = value_of(name).ok_or_else(|| wrong("has no value"))?;
                        if value.is_empty() {
                            return Err(wrong("must not be empty"));
                        }
                        target = target.encoding(value);
                        plain.push_str(&value.replace('%', "%25"));
                        last = Some(name);
                    }
                }
            }
            if let Some(name) = last.filter(|_| is_dots(&plain)) {
                let parameter = Some(name.clone());
                return Err(PathTemplateError { parameter, problem: "must not make a dot segment" });
            }
        }
        Ok(target)
    }

    /// Finds the values with which the template makes this path; `None` when it makes no such path.
    ///
    /// It knows parameters that are a whole segment. Values are percent-decoded. A slash at the end makes no difference.
    pub fn values_in(&self, path: &PathAndQuery) -> Option<Vec<(String, String)>> {
        let path = path.path().trim_end_matches('/');
        let segments: Vec<&str> =
            path.strip_prefix('/').map(|rest| rest.split('/').collect()).unwrap_or_default();
        let ends = self.segments.iter().rev().take_while(|pieces| pieces.is_empty()).count();
        if segments.len() != self.segments.len() - ends {
            return None;
        }
        let mut values = Vec::new();
        for (pieces, segment) in self.segments.iter().zip(segments) {
            match pieces.as_slice() {
                [Piece::Parameter(_)] if segment.is_empty() => return None,
                [Piece::Parameter(name)] => {
                    let value = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
                    values.push((name.clone(), value.into_owned()));
                }
                [Piece::Literal(text)] if text == segment => {}
                [] if segment.is_empty() => {}
                _ => return None,
            }
        }
        Some(values)
    }
}

/// Encoded dots are dots to most servers.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn pieces(segment: &str) -> Result<Vec<Piece>, PathTemplateError> {
    let wrong = |problem| Err(PathTemplateError { parameter: None, problem });
    let mut pieces = Vec::new();
    let mut rest = segment;
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
        if literal.contains('}') {
            return wrong("has a closing brace without an opening one");
        }
        if !literal.bytes().all(is_path_byte) {
            return wrong("has characters that must be percent-encoded");
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        if literal.len() == rest.len() {
            break;
        }
        let Some((name, after)) = after.split_once('}') else {
            return wrong("has an opening brace without a closing one");
        };
        let is_name = |name: &str| {
            (1..=MAX_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !is_name(name) {
            return wrong(
                "has a parameter whose name is not 1 to 64 letters, digits, hyphens, dots or underscores",
            );
        }
        pieces.push(Piece::Parameter(name.to_owned()));
        rest = after;
    }
    Ok(pieces)
}

/// Tells whether RFC 3986 allows the byte in a segment; percent signs are allowed.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, values: &[(&str, &str)]) -> Result<String, PathTemplateError> {
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let target = PathTemplate::parse(template)?.fill(value)?;
        Ok(target.finish().unwrap().to_string())
    }

    #[test]
    fn fill_replaces_every_occurrence_only() {
        assert_eq!(
            filled("/a/{x}/b/{x}.{y}/c%20d", &[("x", "1 2"), ("y", "ü")]).unwrap(),
            "/a/1%202/b/1%202.%C3%BC/c%20d"
        );
        for kept in ["/a/", "/a//", "//", "/a/1/"] {
            assert_eq!(filled(&kept.replace('1', "{x}"), &[("x", "1")]).unwrap(), kept);
        }
        assert_eq!(filled("", &[]).unwrap(), "/");
        assert_eq!(filled("/", &[]).unwrap(), "/");
        assert_eq!(filled("/a//b", &[]).unwrap(), "/a//b");
    }

    #[test]
    fn a_value_cannot_leave_its_segment() {
        for value in ["../../admin?y=1#", "a/b", "\\", "%2e%2e", "%2F", "\r\n", "\0", "{x}", "ü/\u{202e}"] {
            let path = filled("/conn/{x}/end", &[("x", value)]).unwrap();
            assert_eq!(path.split('/').count(), 4, "{value:?}");
            assert!(!path.contains(['?', '#', '\\', '{']), "{value:?}");
        }
    }

    #[test]
    fn values_that_mean_another_path_are_refused() {
        for (template, value) in
            [("/{x}", ""), ("/{x}", "."), ("/{x}", ".."), ("/.{x}", "."), ("/{x}{x}", "."), ("/%2e{x}", ".")]
        {
            let error = filled(template, &[("x", value)]).unwrap_err();
            assert_eq!(error.parameter(), Some("x"), "{template} {value:?}");
        }
        assert_eq!(filled("/{y}", &[("x", "1")]).unwrap_err().to_string(), "path parameter y has no value");
    }

    #[test]
    fn templates_that_are_no_path_are_refused() {
        for template in [
            "a",
            "/a?b",
            "/a#b",
            "/..",
            "/a/./b",
            "/%2E%2e/x",
            "/{",
            "/}",
            "/{}",
            "/{a",
            "/a}",
            "/{a b}",
            "/ü",
            "/a b",
            "/a\\b",
            "/a\r\n",
            "/{{a}}",
            "/a\"",
        ] {
            assert!(PathTemplate::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn a_path_is_taken_apart_as_it_was_made() {
        let template = PathTemplate::parse("/cards/{id}/x").unwrap();
        let path = |text: &'static str| PathAndQuery::from_static(text);
        assert_eq!(
            template.values_in(&path("/cards/a%2Fb/x?q")).unwrap(),
            [("id".to_owned(), "a/b".to_owned())]
        );
        for other in ["/cards//x", "/cards/a/b/x", "/cards/a", "/"] {
            assert_eq!(template.values_in(&path(other)), None, "{other}");
        }
        assert!(template.values_in(&path("/cards/a/x/")).is_some());
        assert!(PathTemplate::parse("/cards/{id}/").unwrap().values_in(&path("/cards/a")).is_some());
        assert_eq!(PathTemplate::parse("/").unwrap().values_in(&path("/")), Some(Vec::new()));
    }
}
