//! Reads the response of the batch endpoint: one outcome per entry, whatever its form and status.
//!
//! With `continueOnError` an entry is `{"Body": …, "Status": …}`, without it the single operation's own response.
//! Both forms are read whatever was requested, and each entry on its own: one that cannot be read loses no other.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use skyflow_api::Json;
use skyflow_api::records;
use skyflow_api::runtime::null_as_default;
use skyflow_api::types::BatchMethod;

use super::batch_row::BatchRow;
use crate::Error;
use crate::elements::{Indexed, Strict, placed};
use crate::handle::ReadAs;
use crate::record::{columns_of, members_of, message_of, text_of};

/// The message for an entry that is missing in the response.
pub(super) const NO_OUTCOME: &str = "the response does not say what became of this row";
/// The message for a response whose entries cannot be told apart.
pub(super) const SURPLUS: &str = "the response has more rows than the request";
/// The message for a delete that did not happen.
const NOT_DELETED: &str = "the response says that the row was not deleted";
/// The message for an entry whose status is no status of HTTP.
const NO_STATUS: &str = "the response has a status for this row that is none of HTTP";
/// The members of the single operations' responses.
const MEMBERS: [&str; 6] = ["records", "skyflow_id", "fields", "tokens", "fileMetadata", "deleted"];

/// A batch of which the entries alone are read.
pub(super) type BatchCall = ReadAs<records::Batch, Strict<Entries>>;

/// The entries of a response.
#[derive(Deserialize)]
pub(super) struct Entries {
    #[serde(deserialize_with = "null_as_default")]
    responses: Vec<Json>,
}

/// What an entry of the request expects.
pub(super) struct Requested {
    pub(super) method: BatchMethod,
    pub(super) row: Option<BatchRow>,
}

impl Requested {
    pub(super) const INSERT: Self = Self { method: BatchMethod::Post, row: None };
}

/// The outcome of one entry.
pub(super) struct Outcome {
    /// `None` when the entry is missing in the response.
    pub(super) http_code: Option<u16>,
    pub(super) rows: Result<Vec<Row>, Failure>,
    /// The entry as sent.
    pub(super) raw: Option<Json>,
}

/// Why an entry failed.
#[derive(Debug, Default)]
pub(super) struct Failure {
    /// The server's message.
    pub(super) message: String,
    /// The row that the entry names nevertheless.
    pub(super) skyflow_id: Option<String>,
}

impl Failure {
    pub(super) fn no_outcome() -> Self {
        Self { message: NO_OUTCOME.to_owned(), skyflow_id: None }
    }
}

/// A row as any of the single operations returns it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) skyflow_id: Option<String>,
    pub(super) fields: Option<Json>,
    pub(super) tokens: Option<Json>,
    pub(super) file_metadata: Option<Json>,
}

impl Row {
    /// Reads a row on its own; `None` when it is none.
    pub(super) fn read(row: &Json) -> Option<Self> {
        Self::of(&Members { body: BTreeMap::new(), own: columns_of(row) })
    }

    /// Reads a row; `None` when it has no member of one.
    fn of(members: &Members<'_>) -> Option<Self> {
        let json = |name| members.get(name).and_then(|value| Json::parse(value.get()).ok());
        let fields: Option<Json> = json("fields");
        // A row that was read has its id among the fields.
        let among_fields = || columns_of(fields.as_ref()?).get("skyflow_id").and_then(|id| id_of(id));
        let skyflow_id = members.get("skyflow_id").and_then(id_of).or_else(among_fields);
        let row = Self { skyflow_id, fields, tokens: json("tokens"), file_metadata: json("fileMetadata") };
        row.says_something().then_some(row)
    }

    fn says_something(&self) -> bool {
        self.skyflow_id.is_some()
            || self.fields.is_some()
            || self.tokens.is_some()
            || self.file_metadata.is_some()
    }
}

/// The members of an entry: those of its `Body`, and its own where the body does not have them.
struct Members<'a> {
    body: BTreeMap<String, &'a RawValue>,
    own: BTreeMap<String, &'a RawValue>,
}

impl<'a> Members<'a> {
    fn of_entry(entry: &'a Json) -> Self {
        let own = columns_of(entry);
        let body = own.get("Body").map(|body| members_of(body.get())).unwrap_or_default();
        Self { body, own }
    }

    fn of_row(row: &'a RawValue) -> Self {
        Self { body: BTreeMap::new(), own: members_of(row.get()) }
    }

    /// Returns a member that is not null.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        [&self.body, &self.own]
            .into_iter()
            .filter_map(|members| members.get(name).copied())
            .find(|value| value.get() != "null")
    }

    /// Tells whether the entry is the response of a single operation, or holds one.
    fn is_response(&self) -> bool {
        MEMBERS.iter().any(|name| self.body.contains_key(*name) || self.own.contains_key(*name))
    }

    fn rows(&self) -> Vec<Row> {
        let list = self.get("records").map(RawValue::get);
        let listed: Vec<&RawValue> = match list {
            Some(list) if list.starts_with('[') => serde_json::from_str(list).unwrap_or_default(),
            // One row without a list around it.
            Some(row) => serde_json::from_str(row).into_iter().collect(),
            None => Vec::new(),
        };
        let listed = listed.into_iter().filter_map(|row| Row::of(&Members::of_row(row)));
        listed.chain(Row::of(self)).collect()
    }

    /// Returns the status of the entry. One that is no status of HTTP, such as -3, says at least that the entry did not
    /// succeed as it should.
    fn status(&self) -> Status {
        match self.get("Status").map(status_of) {
            None => Status::Absent,
            Some(Some(status)) => Status::Http(status),
            Some(None) => Status::Unknown,
        }
    }

    /// Returns the server's message about a failure, and the status within it.
    fn error(&self) -> Option<(String, Option<u16>)> {
        let error = self.get("error")?.get();
        let code = members_of(error).get("http_code").copied().and_then(status_of);
        message_of(error).map(|message| (message, code))
    }

    /// Returns a body that is no object, but text about a failure.
    fn text(&self) -> Option<String> {
        let text = self.get("Body")?.get();
        if text.starts_with('"') { text_of(text) } else { self.get("message").and_then(|m| text_of(m.get())) }
    }
}

impl Outcome {
    /// Returns exactly one outcome for each entry of the request, in its order, and the entries of the response that
    /// belong to none.
    pub(super) fn of_all(
        response: Entries,
        requested: &[Requested],
        status: StatusCode,
    ) -> Result<(Vec<Self>, Indexed), Error> {
        let in_order = response.responses.len() <= requested.len();
        let (entries, surplus) = placed(response.responses, requested.len(), in_order, SURPLUS)?;
        let mut outcomes: Vec<Self> = Vec::with_capacity(requested.len());
        for (requested, entry) in requested.iter().zip(entries) {
            let earlier = requested.row.as_ref().and_then(BatchRow::operation);
            let earlier = earlier.and_then(|index| outcomes.get(index)).and_then(Self::skyflow_id);
            let id = requested.row.as_ref().and_then(BatchRow::known_id).or(earlier).map(ToOwned::to_owned);
            outcomes.push(Self::of(entry, &requested.method, id, status));
        }
        Ok((outcomes, surplus))
    }

    /// Returns the id of the entry's row.
    fn skyflow_id(&self) -> Option<&str> {
        self.rows.as_ref().ok()?.first()?.skyflow_id.as_deref()
    }

    fn of(entry: Option<Json>, method: &BatchMethod, id: Option<String>, response: StatusCode) -> Self {
        let Some(entry) = entry else {
            return Self { http_code: None, rows: Err(Failure::no_outcome()), raw: None };
        };
        let (http_code, rows) = read(&Members::of_entry(&entry), method, id, response);
        Self { http_code, rows, raw: Some(entry) }
    }
}

fn read(
    entry: &Members<'_>,
    method: &BatchMethod,
    id: Option<String>,
    response: StatusCode,
) -> (Option<u16>, Result<Vec<Row>, Failure>) {
    let (status, succeeded, failed) = match entry.status() {
        Status::Absent => (None, false, false),
        Status::Unknown => (None, false, true),
        Status::Http(status) => {
            let succeeded = (200..300).contains(&status);
            (Some(status), succeeded, !succeeded)
        }
    };
    let mut rows = entry.rows();
    let error = entry.error();
    let not_deleted = entry.get("deleted").is_some_and(|deleted| deleted.get() == "false");
    if error.is_some() || failed || not_deleted {
        let (message, code) = error.unwrap_or_else(|| {
            let message = entry.text().or_else(|| not_deleted.then(|| NOT_DELETED.to_owned()));
            let unknown = || (failed && status.is_none()).then(|| NO_STATUS.to_owned());
            (message.or_else(unknown).unwrap_or_default(), None)
        });
        let skyflow_id = rows.into_iter().find_map(|row| row.skyflow_id);
        let known = status.or(code);
        // Without any status it is unknown what became of the row.
        let http_code = if failed { known } else { known.or(Some(response.as_u16())) };
        return (http_code, Err(Failure { message, skyflow_id }));
    }
    let names_its_row = *method != BatchMethod::Post;
    let changes = matches!(method, BatchMethod::Put | BatchMethod::Delete);
    if rows.is_empty() && names_its_row && (entry.is_response() || (changes && succeeded)) {
        rows.push(Row::default());
    }
    if rows.is_empty() {
        return (None, Err(Failure::no_outcome()));
    }
    if names_its_row && let Some(first) = rows.first_mut() {
        // The response need not repeat the id that was requested.
        first.skyflow_id = first.skyflow_id.take().or(id);
    }
    (Some(status.unwrap_or_else(|| response.as_u16())), Ok(rows))
}

/// The status of an entry.
enum Status {
    Absent,
    Http(u16),
    Unknown,
}

/// Reads a status; some servers write it as a string.
fn status_of(status: &RawValue) -> Option<u16> {
    let status: f64 = text_of(status.get())?.trim().parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and within the range"
    )]
    (status.fract() == 0.0 && (100.0..1000.0).contains(&status)).then_some(status as u16)
}

/// Reads an id; a number stays what it is.
fn id_of(id: &RawValue) -> Option<String> {
    let text = match id.get().as_bytes().first()? {
        b'"' | b'-' | b'0'..=b'9' => text_of(id.get())?,
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(count: usize, responses: serde_json::Value) -> Vec<Outcome> {
        let response = serde_json::from_value(serde_json::json!({"responses": responses})).unwrap();
        let requested: Vec<_> = std::iter::repeat_with(|| Requested::INSERT).take(count).collect();
        Outcome::of_all(response, &requested, StatusCode::OK).unwrap().0
    }

    #[test]
    fn rel_b05_every_entry_has_one_outcome() {
        for status in [200, 201, 207, 400, 404, 409, 429, 500, 503] {
            let body = match status {
                200..300 => serde_json::json!({"records": [{"skyflow_id": "a", "tokens": null}]}),
                _ => serde_json::json!({"error": "no"}),
            };
            let found = outcomes(2, serde_json::json!([{"Body": body, "Status": status}]));
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].http_code, Some(status));
            assert_eq!(found[0].rows.is_ok(), (200..300).contains(&status), "{status}");
            assert_eq!(found[1].rows.as_ref().err().unwrap().message, NO_OUTCOME);
            assert_eq!(found[1].http_code, None);
        }
    }

    #[test]
    fn entries_without_status_or_body_are_read() {
        let entries = serde_json::json!([
            {"Body": {"skyflow_id": "a"}},
            {"Body": {"error": {"message": "message"}}},
            {"Status": 200},
            {"Status": 500},
            {},
            {"Body": {"fields": {"skyflow_id": "b"}}, "Status": 200},
            {"Body": "text", "Status": 200},
        ]);
        let found = outcomes(7, entries);
        let summary: Vec<_> = found
            .iter()
            .map(|o| {
                o.rows
                    .as_ref()
                    .map(|rows| rows[0].skyflow_id.clone().unwrap())
                    .map_err(|e| e.message.as_str())
            })
            .collect();
        let id = |id: &str| Ok(id.to_owned());
        let none = Err(NO_OUTCOME);
        assert_eq!(summary, [id("a"), Err("message"), none.clone(), Err(""), none.clone(), id("b"), none]);
    }

    #[test]
    fn status_outside_of_http_is_no_success() {
        let body = serde_json::json!({"records": [{"skyflow_id": "a"}]});
        for status in ["-3", "0", "99", "1000", "70000", "\"OK\"", "\"\"", "200.5", "true", "{}", "[200]"] {
            let status: Json = Json::parse(status).unwrap();
            let entry = serde_json::json!({"Body": body, "Status": status});
            let found = outcomes(1, serde_json::json!([entry]));
            let failure = found[0].rows.as_ref().unwrap_err();
            assert_eq!(found[0].http_code, None, "{status:?}");
            assert_eq!((failure.skyflow_id.as_deref(), failure.message.as_str()), (Some("a"), NO_STATUS));
        }
        for status in ["200", "\"200\"", "200.0", "2e2", "null"] {
            let status: Json = Json::parse(status).unwrap();
            let found = outcomes(1, serde_json::json!([{"Body": body, "Status": status}]));
            assert_eq!((found[0].http_code, found[0].rows.is_ok()), (Some(200), true), "{status:?}");
        }
    }

    #[test]
    fn surplus_outcomes_are_kept_in_the_error() {
        let entry = |id: &str| serde_json::json!({"Body": {"skyflow_id": id}, "Status": 200});
        let all = |responses: serde_json::Value| {
            let response = serde_json::from_value(serde_json::json!({"responses": responses})).unwrap();
            Outcome::of_all(response, &[Requested::INSERT], StatusCode::OK)
        };
        let error = all(serde_json::json!([entry("id-1"), entry("id-2")])).err().unwrap();
        let kept = String::from_utf8_lossy(error.expose_server_body()).into_owned();
        assert!(kept.contains("id-1") && kept.contains("id-2"), "{kept}");
        let mut placed = entry("id-2");
        placed["request_index"] = 0.into();
        let (outcomes, surplus) = all(serde_json::json!([entry("id-1"), placed])).unwrap();
        assert_eq!(outcomes[0].skyflow_id(), Some("id-2"));
        assert_eq!(surplus.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0]);
    }
}
