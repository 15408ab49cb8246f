use percent_encoding::percent_decode_str;
use skyflow_types::Redaction;

use crate::errors::{ApiError, ApiResult};

/// The decoded query of a request. A parameter with an empty value counts as absent.
pub(crate) struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    /// A space may be written as `+` or as `%20`.
    pub(crate) fn parse(query: &str) -> Self {
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (!value.is_empty()).then(|| (decode(name), decode(value)))
        });
        Self(pairs.collect())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the name of one of a few choices in uppercase; an SDK writes `null` for none.
    pub(crate) fn name(&self, name: &str) -> Option<String> {
        self.one(name).map(str::to_ascii_uppercase).filter(|text| text != "NULL")
    }

    pub(crate) fn flag(&self, name: &str) -> ApiResult<bool> {
        match self.name(name).as_deref() {
            None | Some("FALSE") => Ok(false),
            Some("TRUE") => Ok(true),
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    pub(crate) fn number(&self, name: &str) -> ApiResult<Option<u32>> {
        let whole = |text: String| {
            // Some clients write whole numbers as floats.
            let digits = text.strip_suffix(".0").unwrap_or(&text);
            digits.parse().map_err(|_| invalid(name, "a whole number"))
        };
        self.name(name).map(whole).transpose()
    }

    pub(crate) fn redaction(&self) -> ApiResult<Redaction> {
        match self.name("redaction").as_deref() {
            None | Some("DEFAULT") => Ok(Redaction::Default),
            Some("REDACTED") => Ok(Redaction::Redacted),
            Some("MASKED") => Ok(Redaction::Masked),
            Some("PLAIN_TEXT") => Ok(Redaction::PlainText),
            Some(_) => Err(invalid("redaction", "DEFAULT, REDACTED, MASKED or PLAIN_TEXT")),
        }
    }
}

pub(crate) fn invalid(name: &str, expected: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid request. The value of {name} is invalid. Specify {expected}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_keys_repeat_and_spaces_decode_both_ways() {
        let query = QueryParameters::parse("a=1&a=2+3&a=4%205%2B&column_name=&b");
        assert_eq!(query.all("a"), ["1", "2 3", "4 5+"]);
        assert_eq!(query.one("column_name"), None);
        assert_eq!(query.one("b"), None);
    }

    #[test]
    fn a_flag_is_true_false_or_refused() {
        let query = QueryParameters::parse("t=true&f=False&x=yes");
        assert!(query.flag("t").unwrap());
        assert!(!query.flag("f").unwrap() && !query.flag("absent").unwrap());
        assert!(query.flag("x").is_err());
    }
}
