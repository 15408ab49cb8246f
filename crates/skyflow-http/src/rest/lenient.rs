//! Reads what fits a type and omits what does not: a value of an unexpected shape loses no other.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::DecodeError;
use super::error::places;

/// How many values are left out before the text is given up.
const MOST: usize = 64;

/// Reads JSON into a type. A value that does not fit becomes null, and the value around it where null does not fit
/// either. The text that fits costs nothing more than any other.
///
/// # Errors
///
/// Fails with the first problem when the text is not JSON, or does not fit as a whole.
pub(super) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    let mut error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let first = DecodeError::new(&error, text.as_bytes());
    if !first.is_of_a_value() {
        return Err(first);
    }
    let mut rest = text.to_owned();
    for _ in 0..MOST {
        let Some(misfit) = misfit(&rest, &error) else { break };
        rest.replace_range(misfit, "null");
        error = match serde_json::from_str(&rest) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
    }
    Err(first)
}

/// Finds the innermost value at the place of the error that is not null yet.
fn misfit(text: &str, error: &serde_json::Error) -> Option<std::ops::Range<usize>> {
    places(text.as_bytes(), error).into_iter().rev().find_map(|start| {
        let value = text.get(start..)?;
        let start = start + (value.len() - value.trim_start().len());
        let raw: &RawValue =
            serde_json::Deserializer::from_str(text.get(start..)?).into_iter().next()?.ok()?;
        (raw.get() != "null").then(|| start..start + raw.get().len())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Event {
        id: Option<String>,
        count: Option<i64>,
        inner: Option<Box<Event>>,
        scores: Option<BTreeMap<String, f64>>,
        must: Option<Must>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Must {
        id: String,
    }

    fn id(id: &str) -> Event {
        Event { id: Some(id.to_owned()), ..Event::default() }
    }

    #[test]
    fn values_that_do_not_fit_are_left_out() {
        for (text, expected) in [
            (r#"{"id":"a"}"#, id("a")),
            (r#"{"count":"x","id":"a"}"#, id("a")),
            (r#"{"id":"a","count":1.5}"#, id("a")),
            (r#"{"id":"a","count":{"a":[1,{"b":2}]}}"#, id("a")),
            (r#"{"id":"a","inner":"text","scores":[1]}"#, id("a")),
            (r#"{"id":"a","must":{"other":1}}"#, id("a")),
            (r#"{"id":"a","must":{"id":7}}"#, id("a")),
            (r#"{"id":"a","must":{"id":"\ud800"}}"#, id("a")),
            (r#"{"count":"\udc00x","id":"a"}"#, id("a")),
            (
                r#"{"id":[],"inner":{"id":"b","count":true}}"#,
                Event { inner: Some(Box::new(id("b"))), ..Event::default() },
            ),
            ("{ \"count\" :\n [ ] ,\n \"id\" : \"a\" }", id("a")),
            (r#"{"scores":{"a":"x"}}"#, Event { scores: None, ..Event::default() }),
        ] {
            assert_eq!(decode::<Event>(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_at_all_is_an_error() {
        for text in ["", "null", "7", "[1]", "{", r#"{"id":"a""#, r#"{"id":"a"} x"#, r#"{"id":"a","id":"b"}"#]
        {
            assert!(decode::<Event>(text).is_err(), "{text}");
        }
        let error = decode::<Vec<Must>>(r#"[{"id":"a"},{"id":7}]"#).unwrap_err();
        assert_eq!(error.path(), "[1].id");
    }

    #[test]
    fn effort_is_bounded() {
        let wrong: Vec<_> = (0..10_000).map(|n| format!("{{\"count\":\"{n}\"}}")).collect();
        assert!(decode::<Vec<Event>>(&format!("[{}]", wrong.join(","))).is_err());
        assert_eq!(decode::<Vec<Event>>(&format!("[{}]", wrong[..MOST].join(","))).unwrap().len(), MOST);
    }
}
