use serde_json::value::RawValue;

use super::shape::{MAX_DEPTH, Shape};
use crate::Error;

/// Writes an object as the pairs of a form: nested members as `a[b]`, list elements as `a[0]`, null as nothing.
pub(super) fn pairs_of(json: &str) -> Result<Vec<(String, String)>, Error> {
    let Some(Shape::Object(members)) = Shape::of(json) else {
        return Err(Error::invalid("body", "must serialize to an object, or be the form's own text"));
    };
    let mut pairs = Vec::new();
    for (key, value) in members {
        collect(key, value, 1, &mut pairs)?;
    }
    Ok(pairs)
}

fn collect(
    key: String,
    value: &RawValue,
    depth: usize,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::invalid("body", "is nested too deeply for a form"));
    }
    match Shape::of(value.get()) {
        None | Some(Shape::Null) => pairs.push((key, String::new())),
        Some(Shape::Scalar(text)) => pairs.push((key, text.to_owned())),
        Some(Shape::Text(text)) => pairs.push((key, text)),
        Some(Shape::List(elements)) => {
            for (index, element) in elements.into_iter().enumerate() {
                collect(format!("{key}[{index}]"), element, depth + 1, pairs)?;
            }
        }
        Some(Shape::Object(members)) => {
            for (member, value) in members {
                collect(format!("{key}[{member}]"), value, depth + 1, pairs)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_order_and_digits_survive() {
        let json = r#"{"z":1,"a":{"c":[true,{"d":"x&y"}],"b":null},"n":12345678901234567890.10,"e":[]}"#;
        let expected = [
            ("z", "1"),
            ("a[c][0]", "true"),
            ("a[c][1][d]", "x&y"),
            ("a[b]", ""),
            ("n", "12345678901234567890.10"),
        ];
        let pairs = pairs_of(json).unwrap();
        assert!(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected), "{pairs:?}");
    }

    #[test]
    fn what_is_no_object_is_no_form() {
        for json in ["[1]", "1", "null", "true"] {
            assert_eq!(pairs_of(json).unwrap_err().field(), Some("body"), "{json}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        assert!(pairs_of(&deep).unwrap_err().to_string().contains("nested too deeply"));
    }
}
