//! `template`, a line break, and values for its parameters, one a line: a value never leaves its segment.

use http::uri::PathAndQuery;
use skyflow_http::PathTemplate;

/// No longer input has more to it.
const LONGEST: usize = 4096;
/// A shorter input cannot make a path of 64 KiB, which is too long for a request.
const SHORTEST_TOO_LONG: usize = 590;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if text.len() > LONGEST {
        return;
    }
    let mut lines = text.split('\n');
    let path = lines.next().unwrap_or_default();
    let Ok(template) = PathTemplate::parse(path) else { return };
    let values: Vec<&str> = lines.collect();
    let mut names: Vec<&str> = template.parameters().collect();
    names.sort_unstable();
    names.dedup();
    let value_of = |name: &str| {
        let index = names.binary_search(&name).ok()?;
        values.get(index).copied()
    };
    let target = match template.fill(value_of) {
        Ok(target) => match target.finish() {
            Ok(target) => target,
            Err(error) => {
                assert!(text.len() > SHORTEST_TOO_LONG, "an encoded path is a path: {error}");
                return;
            }
        },
        Err(error) => {
            let named = error.parameter().expect("a template that was read is not the reason");
            assert!(names.contains(&named), "{named} is no parameter of {path}");
            return;
        }
    };
    let filled = target.as_str();
    stays_one_path(path, filled);
    reads_itself(filled);
    gives_the_values_back(path, &template, &target, value_of);
}

fn stays_one_path(path: &str, filled: &str) {
    let segments = |path: &str| path.split('/').count();
    assert!(path.is_empty() || segments(path) == segments(filled), "{path} became {filled}");
    assert!(filled.starts_with('/'), "{filled}");
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#{}\\\"<>^`|".contains(&byte);
    assert!(filled.bytes().all(is_plain), "{filled}");
    for segment in filled.split('/') {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        assert!(!matches!(decoded.as_str(), "." | ".."), "{filled} has a dot segment");
    }
}

/// A filled path is a template without parameters that makes the same path.
fn reads_itself(filled: &str) {
    let read = PathTemplate::parse(filled).unwrap_or_else(|error| panic!("{filled}: {error}"));
    assert_eq!(read.parameters().next(), None, "{filled}");
    let written = read.fill(|_| None).expect("there is no parameter").finish().expect("it was a path");
    assert_eq!(written.as_str(), filled);
}

fn gives_the_values_back<'a>(
    path: &str,
    template: &PathTemplate,
    target: &PathAndQuery,
    value_of: impl Fn(&str) -> Option<&'a str>,
) {
    let is_whole = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => !name.contains('{'),
        None => !segment.contains('{'),
    };
    if !path.split('/').all(is_whole) {
        return;
    }
    let found = template.values_in(target).unwrap_or_else(|| panic!("{path} does not know {target}"));
    let expected: Vec<(String, String)> = template
        .parameters()
        .map(|name| (name.to_owned(), value_of(name).expect("it was filled").to_owned()))
        .collect();
    assert_eq!(found, expected, "{path} in {target}");
}
