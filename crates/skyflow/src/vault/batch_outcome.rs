//! Reads the answer of the batch endpoint: one outcome per entry, whatever status it has.

use serde::Deserialize;
use skyflow_api::{Json, types};

use crate::{Error, Record};

/// What is said about an entry that the answer does not mention.
pub(super) const NO_OUTCOME: &str = "the answer does not say what became of this row";

/// What became of one entry.
pub(super) struct Outcome {
    /// `None` when the answer says nothing about the entry.
    pub(super) http_code: Option<u16>,
    /// The rows of a success (any 2xx status), or the server's words about a failure.
    pub(super) rows: Result<Vec<Row>, String>,
}

/// A row as any of the single endpoints answers it.
#[derive(Deserialize, Default)]
pub(super) struct Row {
    pub(super) skyflow_id: Option<String>,
    pub(super) fields: Option<Json>,
    pub(super) tokens: Option<Json>,
}

impl Row {
    /// A got row has its id among the fields.
    pub(super) fn id(&self) -> Option<String> {
        self.skyflow_id.clone().or_else(|| Record::new(self.fields.clone()?).skyflow_id())
    }

    fn says_something(&self) -> bool {
        self.skyflow_id.is_some() || self.fields.is_some() || self.tokens.is_some()
    }
}

#[derive(Deserialize)]
struct Body {
    records: Option<Vec<Row>>,
    error: Option<Json>,
    #[serde(rename = "skyflow_id")]
    id: Option<String>,
    fields: Option<Json>,
    tokens: Option<Json>,
}

impl Outcome {
    /// Returns exactly `count` outcomes, in the order of the request.
    pub(super) fn of_all(answer: types::BatchResponse, count: usize) -> Result<Vec<Self>, Error> {
        if answer.responses.len() > count {
            return Err(Error::answer("the answer has more rows than the request"));
        }
        let outcomes = answer.responses.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        Ok(outcomes.take(count).map(Self::of).collect())
    }

    fn of(entry: Option<types::BatchResponseItem>) -> Self {
        let entry = entry.unwrap_or_default();
        let http_code = entry.status.and_then(|status| u16::try_from(status).ok());
        let body: Option<Body> = entry.body.and_then(|body| body.decode().ok());
        let refused = http_code.is_some_and(|status| !(200..300).contains(&status));
        match body {
            Some(Body { error: Some(error), .. }) => Self { http_code, rows: Err(words(&error)) },
            _ if refused => Self { http_code, rows: Err(String::new()) },
            None => Self { http_code: None, rows: Err(NO_OUTCOME.to_owned()) },
            Some(body) => {
                let single = Row { skyflow_id: body.id, fields: body.fields, tokens: body.tokens };
                let rows: Vec<Row> = body.records.unwrap_or_default().into_iter().chain([single]).collect();
                let rows: Vec<Row> = rows.into_iter().filter(Row::says_something).collect();
                match rows.is_empty() {
                    true => Self { http_code: None, rows: Err(NO_OUTCOME.to_owned()) },
                    false => Self { http_code, rows: Ok(rows) },
                }
            }
        }
    }
}

/// An entry's error is a text, or an object with a message.
fn words(error: &Json) -> String {
    #[derive(Deserialize)]
    struct Described {
        message: String,
    }
    if let Ok(text) = error.decode::<String>() {
        return text;
    }
    error.decode::<Described>().map(|described| described.message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(count: usize, responses: serde_json::Value) -> Vec<Outcome> {
        let answer = serde_json::from_value(serde_json::json!({"responses": responses})).unwrap();
        Outcome::of_all(answer, count).unwrap()
    }

    #[test]
    fn rel_b05_every_entry_has_one_outcome_whatever_its_status() {
        for status in [200, 201, 207, 400, 404, 409, 429, 500, 503] {
            let body = match status {
                200..300 => serde_json::json!({"records": [{"skyflow_id": "a", "tokens": null}]}),
                _ => serde_json::json!({"error": "no"}),
            };
            let found = outcomes(2, serde_json::json!([{"Body": body, "Status": status}]));
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].http_code, Some(status));
            assert_eq!(found[0].rows.is_ok(), (200..300).contains(&status), "{status}");
            assert_eq!(found[1].rows.as_ref().err().unwrap(), NO_OUTCOME);
            assert_eq!(found[1].http_code, None);
        }
    }

    #[test]
    fn entries_without_status_or_body_are_read_by_what_they_say() {
        let entries = serde_json::json!([
            {"Body": {"skyflow_id": "a"}},
            {"Body": {"error": {"message": "words"}}},
            {"Status": 200},
            {"Status": 500},
            {},
            {"Body": {"fields": {"skyflow_id": "b"}}, "Status": 200},
            {"Body": "text", "Status": 200},
        ]);
        let found = outcomes(7, entries);
        let summary: Vec<_> = found
            .iter()
            .map(|o| o.rows.as_ref().map(|rows| rows[0].id().unwrap()).map_err(String::as_str))
            .collect();
        let id = |id: &str| Ok(id.to_owned());
        let none = Err(NO_OUTCOME);
        assert_eq!(summary, [id("a"), Err("words"), none.clone(), Err(""), none.clone(), id("b"), none]);
    }

    #[test]
    fn an_answer_with_more_outcomes_than_entries_is_refused_and_says_that_it_was_applied() {
        let answer = serde_json::from_value(serde_json::json!({"responses": [{}, {}]})).unwrap();
        assert!(Outcome::of_all(answer, 1).is_err());
    }
}
