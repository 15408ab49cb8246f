//! JSON against JSON, place by place.

use std::collections::BTreeSet;

use crate::json::{Json, same_number};
use crate::promise::OWN_MESSAGE;

/// What a caller puts in and gets out as it is: in there null is not the same as absent.
const OF_THE_CALLER: [&str; 2] = ["fields", "tokens"];

/// A place, what was expected there, and what there is.
pub(super) type Found = (String, String, String);

/// Compares two values of which no member may be missing.
pub(super) fn strict(expected: &Json, got: &Json) -> Vec<Found> {
    let mut found = Vec::new();
    walk("", expected, got, true, &mut found);
    found
}

/// Compares two request bodies: a member that is null is the same as none, except in the caller's own rows.
pub(super) fn body(expected: &Json, got: &Json) -> Vec<Found> {
    let mut found = Vec::new();
    walk("", expected, got, false, &mut found);
    found
}

fn walk(at: &str, expected: &Json, got: &Json, strict: bool, found: &mut Vec<Found>) {
    match (expected, got) {
        (Json::Object(left), Json::Object(right)) => {
            let keys: BTreeSet<&String> = left.iter().chain(right).map(|(key, _)| key).collect();
            for key in keys {
                let at = format!("{at}.{key}");
                if strict && expected.has(key) != got.has(key) {
                    found.push((at, presence(expected, key), presence(got, key)));
                    continue;
                }
                let strict = strict || OF_THE_CALLER.contains(&key.as_str());
                walk(&at, expected.get(key), got.get(key), strict, found);
            }
            // A key twice is a defect that a look-up by name does not see.
            for (side, members) in [(0, left), (1, right)] {
                let distinct: BTreeSet<&String> = members.iter().map(|(key, _)| key).collect();
                if distinct.len() != members.len() {
                    let words = |other| if side == other { "a key twice" } else { "each key once" };
                    found.push((at.to_owned(), words(0).to_owned(), words(1).to_owned()));
                }
            }
        }
        (Json::List(left), Json::List(right)) => {
            if left.len() != right.len() {
                found.push((
                    at.to_owned(),
                    format!("{} elements: {expected}", left.len()),
                    format!("{} elements: {got}", right.len()),
                ));
                return;
            }
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(&format!("{at}[{index}]"), left, right, strict, found);
            }
        }
        (Json::Number(left), Json::Number(right)) if same_number(left, right) => {}
        // Only a promise says that, never a recording.
        (Json::Text(promised), Json::Text(_)) if promised == OWN_MESSAGE => {}
        (expected, got) if expected == got => {}
        (expected, got) => found.push((at.to_owned(), expected.to_string(), got.to_string())),
    }
}

fn presence(object: &Json, key: &str) -> String {
    if object.has(key) { object.get(key).to_string() } else { "absent".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn null_is_absent_in_envelopes_and_kept_in_rows() {
        assert!(body(&json(r#"{"a":null,"b":{"c":null}}"#), &json(r#"{"b":{}}"#)).is_empty());
        assert_eq!(body(&json(r#"{"fields":{"a":null}}"#), &json(r#"{"fields":{}}"#)).len(), 1);
        assert!(body(&json(r#"{"tokens":null}"#), &json("{}")).is_empty());
        assert_eq!(strict(&json(r#"{"a":null}"#), &json("{}")).len(), 1);
    }

    #[test]
    fn order_counts_in_lists_and_not_in_objects() {
        assert!(strict(&json(r#"{"a":1,"b":[1,2]}"#), &json(r#"{"b":[1,2.0],"a":1}"#)).is_empty());
        assert_eq!(strict(&json("[1,2]"), &json("[2,1]")).len(), 2);
        assert_eq!(strict(&json("[1,2]"), &json("[1]")).len(), 1);
        assert_eq!(
            strict(&json(r#"{"a":"1"}"#), &json(r#"{"a":1}"#)),
            [(".a".into(), "\"1\"".into(), "1".into())]
        );
        assert_eq!(strict(&json(r#"{"a":1}"#), &json(r#"{"a":1,"a":1}"#)).len(), 1);
    }
}
