//! Claims of tokens: times are recorded as seconds from the moment of the call.

use super::json::{Found, strict};
use crate::json::Json;

/// How many seconds a recorded time may be off: the recording machine needed some, and rounded.
const TOLERANCE: i64 = 5;

/// Compares claims; `at` is the time of day of our call, in seconds.
pub(super) fn compare(expected: &Json, got: &Json, at: i64) -> Vec<Found> {
    // Times that are close enough are replaced by the recorded ones.
    let members = got.members().iter().map(|(name, value)| {
        let recorded = expected.get(name);
        let value = if is_close(recorded, value, at) { recorded } else { value };
        (name.clone(), value.clone())
    });
    let got = if matches!(got, Json::Object(_)) { Json::object(members) } else { got.clone() };
    strict(expected, &got)
}

fn is_close(recorded: &Json, got: &Json, at: i64) -> bool {
    let after = recorded.as_str().and_then(|text| text.strip_prefix("now")?.parse::<i64>().ok());
    matches!((after, got.as_i64()), (Some(after), Some(got)) if (got - at - after).abs() <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_time_is_compared_with_the_call() {
        let recorded = Json::parse(r#"{"iss":"a","exp":"now+60","iat":"now+0"}"#).unwrap();
        let ours = |exp: i64| Json::parse(&format!(r#"{{"iat":1000,"exp":{exp},"iss":"a"}}"#)).unwrap();
        assert!(compare(&recorded, &ours(1061), 1001).is_empty());
        assert_eq!(compare(&recorded, &ours(3600), 1001).len(), 1);
        assert_eq!(compare(&recorded, &Json::Null, 1001).len(), 1);
    }
}
