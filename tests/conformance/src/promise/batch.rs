//! The entries of a batch response, in either form: `{Body, Status}`, or the single operation's own response.

use crate::json::Json;
use crate::trace::Reply;

use super::OWN_MESSAGE;

const MEMBERS: [&str; 6] = ["records", "skyflow_id", "fields", "tokens", "fileMetadata", "deleted"];

/// What a successful entry holds.
pub(super) struct Entry {
    pub(super) http_code: Json,
    /// `{skyflow_id, fields, tokens}` each.
    pub(super) rows: Vec<Json>,
    /// Whether it says anything at all.
    is_response: bool,
    /// Whether its own status says that it succeeded.
    succeeded: bool,
}

/// Reads an entry, or the message and status of its failure.
pub(super) fn entry(entry: &Json, reply: &Reply) -> Result<Entry, (String, Json)> {
    let body = entry.get("Body");
    let member = |name: &str| {
        let found = [body, entry].into_iter().map(|part| part.get(name)).find(|value| !value.is_null());
        found.cloned().unwrap_or(Json::Null)
    };
    let status = status(&member("Status"));
    let succeeded = status.is_some_and(|status| (200..300).contains(&status));
    let error = member("error");
    let is_error = !matches!(error.to_string().as_str(), "null" | "false" | "\"\"" | "{}");
    let not_deleted = member("deleted").as_bool() == Some(false);
    if is_error || (status.is_some() && !succeeded) || not_deleted {
        let described = error.get("message").as_str();
        let plain = if is_error { None } else { body.as_str().map(ToOwned::to_owned) };
        let message = error.as_str().or(described).map(ToOwned::to_owned).or(plain);
        let code = status.or_else(|| self::status(error.get("http_code"))).unwrap_or(reply.status);
        return Err((message.unwrap_or_else(|| OWN_MESSAGE.to_owned()), Json::number(code)));
    }
    let records = member("records");
    let listed = match &records {
        Json::List(rows) => rows.clone(),
        single => vec![single.clone()],
    };
    let own = Json::object(MEMBERS.map(|name| (name, member(name))));
    Ok(Entry {
        http_code: Json::number(status.unwrap_or(reply.status)),
        rows: listed.iter().chain([&own]).filter_map(row).collect(),
        is_response: MEMBERS.iter().any(|name| body.has(name) || entry.has(name)),
        succeeded,
    })
}

/// Reads a row; `None` when it is none.
pub(super) fn row(record: &Json) -> Option<Json> {
    let id = [record.get("skyflow_id"), record.get("fields").get("skyflow_id")];
    let id = id.into_iter().find_map(|id| match id {
        Json::Text(id) if !id.is_empty() => Some(id.clone()),
        Json::Number(id) => Some(id.clone()),
        _ => None,
    });
    let says_something =
        ["fields", "tokens", "fileMetadata"].iter().any(|name| !record.get(name).is_null()) || id.is_some();
    says_something.then(|| {
        Json::object([
            ("skyflow_id", Json::text_or_null(id)),
            ("fields", record.get("fields").clone()),
            ("tokens", record.get("tokens").clone()),
        ])
    })
}

fn status(status: &Json) -> Option<u16> {
    let digits = match status {
        Json::Number(digits) | Json::Text(digits) => digits,
        _ => return None,
    };
    digits.parse().ok().filter(|status| (100..1000).contains(status))
}

/// What a batch comes to: one outcome for each operation.
pub(super) fn response(args: &Json, entries: &[Json], reply: &Reply) -> Option<Json> {
    let operations = args.get("operations").elements();
    if entries.len() > operations.len() {
        return None;
    }
    let mut outcomes: Vec<Json> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let asked_for = match operation.get("of_operation").as_i64().and_then(|at| usize::try_from(at).ok()) {
            Some(earlier) => {
                outcomes.get(earlier).map_or(Json::Null, |outcome| outcome.get("skyflow_id").clone())
            }
            None => operation.get("id").clone(),
        };
        let names_its_row = operation.get("method").as_str() != Some("POST");
        let changes = matches!(operation.get("method").as_str(), Some("PUT" | "DELETE"));
        let silent = (OWN_MESSAGE.to_owned(), Json::Null);
        let found = entries.get(index).map_or(Err(silent.clone()), |found| entry(found, reply));
        let found = found.and_then(|entry| {
            let counts = names_its_row && (entry.is_response || (changes && entry.succeeded));
            match entry.rows.into_iter().next() {
                Some(row) => Ok((entry.http_code, row)),
                None if counts => Ok((entry.http_code, Json::object::<&str>([]))),
                None => Err(silent),
            }
        });
        let (http_code, row, error) = match found {
            Ok((http_code, mut row)) => {
                if names_its_row && row.get("skyflow_id").is_null() {
                    row.set("skyflow_id", asked_for);
                }
                (http_code, row, Json::Null)
            }
            Err((message, http_code)) => (http_code, Json::Null, Json::text(message)),
        };
        outcomes.push(Json::object([
            ("request_index", Json::number(index)),
            ("http_code", http_code),
            ("skyflow_id", row.get("skyflow_id").clone()),
            ("fields", row.get("fields").clone()),
            ("tokens", row.get("tokens").clone()),
            ("error", error),
        ]));
    }
    Some(Json::object([("type", Json::text("BatchResponse")), ("outcomes", Json::List(outcomes))]))
}
