//! Responses with a 2xx status.

use skyflow::ErrorKind;

use crate::identity::claims_of;
use crate::json::Json;
use crate::outcome::{Failure, Outcome};
use crate::trace::{Call, Reply};

use super::{batch, passages, run};

/// Represents any message of the SDK.
pub const OWN_MESSAGE: &str = "\u{1}a message of the SDK";

pub(super) fn outcome(call: &Call, path: &str, reply: &Reply) -> Outcome {
    match read(call, path, reply) {
        Some(response) => Outcome::Returned(response),
        None => Outcome::Failed(Box::new(unreadable(reply, super::run_id(call, path)))),
    }
}

/// Returns whether the operation can read this response to a request to this path.
pub fn reads(call: &Call, path: &str, reply: &Reply) -> bool {
    read(call, path, reply).is_some()
}

fn unreadable(reply: &Reply, run_id: Option<String>) -> Failure {
    Failure {
        kind: ErrorKind::Decode,
        message: None,
        http_code: Some(reply.status),
        http_status: None,
        grpc_code: None,
        request_id: reply.request_id().map(ToOwned::to_owned),
        details: Vec::new(),
        error_from_client: None,
        may_have_been_applied: true,
        run_id,
    }
}

fn read(call: &Call, path: &str, reply: &Reply) -> Option<Json> {
    if call.op == "invoke" {
        return Some(super::connection::response(reply));
    }
    let body = reply.json().filter(|body| matches!(body, Json::Object(_)))?;
    let args = &call.args;
    let response = |kind: &str, name: &str, list: Json, errors: Vec<Json>| {
        Json::object([("type", Json::text(kind)), (name, list), ("errors", Json::List(errors))])
    };
    Some(match call.op.as_str() {
        "insert" => {
            let rows = args.get("values").elements().len();
            let (inserted, errors) = match args.get("continue_on_error").as_bool() {
                Some(true) => batch(list(&body, "responses")?, rows, reply)?,
                _ => inserted(list(&body, "records")?, rows, reply)?,
            };
            response("InsertResponse", "inserted_fields", Json::List(inserted), errors)
        }
        "batch" => batch::response(args, list(&body, "responses")?, reply)?,
        "get" => {
            let row = |row: &Json| {
                [row.get("fields"), row.get("tokens")].into_iter().find(|part| !part.is_null()).cloned()
            };
            let rows = list(&body, "records")?.iter().map(|found| row(found).unwrap_or_else(empty));
            response("GetResponse", "data", Json::List(rows.collect()), Vec::new())
        }
        "query" => {
            let rows = list(&body, "records")?.iter().map(|row| {
                let part = |name| if row.get(name).is_null() { empty() } else { row.get(name).clone() };
                Json::object([("fields", part("fields")), ("tokenized_data", part("tokens"))])
            });
            response("QueryResponse", "fields", Json::List(rows.collect()), Vec::new())
        }
        "update" => {
            // The response need not repeat the id.
            let id = match body.get("skyflow_id") {
                Json::Null => args.get("data").get("skyflow_id").clone(),
                _ => text(&body, "skyflow_id")?,
            };
            let row = [("skyflow_id", id), ("tokens", body.get("tokens").clone())];
            response("UpdateResponse", "updated_field", Json::object(row), Vec::new())
        }
        "delete" => {
            let ids = list(&body, "RecordIDResponse")?;
            if ids.iter().any(|id| id.as_str().is_none()) {
                return None;
            }
            response("DeleteResponse", "deleted_ids", Json::List(ids.to_vec()), Vec::new())
        }
        "tokenize" => {
            let records = list(&body, "records")?;
            if records.len() != args.get("values").elements().len() {
                return None;
            }
            let (mut tokens, mut errors) = (Vec::new(), Vec::new());
            for (index, record) in records.iter().enumerate() {
                match text(record, "token") {
                    Some(token) => tokens.push(Json::object([("token", token)])),
                    None => {
                        errors.push(Json::object([("request_index", Json::number(index))]));
                    }
                }
            }
            response("TokenizeResponse", "tokenized_fields", Json::List(tokens), errors)
        }
        "detokenize" => {
            let (fields, errors) = detokenized(list(&body, "records")?, args.get("data").elements(), reply)?;
            response("DetokenizeResponse", "detokenized_fields", Json::List(fields), errors)
        }
        "upload_file" => {
            let id = text(&body, "skyflowID")?;
            Json::object([
                ("type", Json::text("FileUploadResponse")),
                ("skyflow_id", id),
                ("errors", Json::List(Vec::new())),
            ])
        }
        "deidentify_text" => passages::deidentified(&body)?,
        "reidentify_text" => Json::object([
            ("type", Json::text("ReidentifyTextResponse")),
            ("processed_text", text(&body, "text")?),
            ("errors", Json::List(Vec::new())),
        ]),
        "get_detect_run" | "deidentify_file" => match super::run_id(call, path) {
            Some(id) => run::responded(call, &id, &body)?,
            // The start of a run names it.
            None => {
                let id = run::named(body.get("run_id").as_str()?)?;
                Json::object([("run_id", Json::text(id))])
            }
        },
        "bearer_token" => {
            let token = body.get("accessToken").as_str().filter(|token| !token.is_empty())?;
            let shown = if claims_of(token).is_some() { "<jwt>" } else { token };
            Json::object([("returned", Json::List(vec![Json::text(shown)]))])
        }
        _ => return None,
    })
}

fn empty() -> Json {
    Json::Object(Vec::new())
}

/// Returns a list of the body: `null` is empty, and a body without the list is unreadable.
fn list<'a>(body: &'a Json, name: &str) -> Option<&'a [Json]> {
    match body.get(name) {
        Json::List(elements) => Some(elements),
        Json::Null if body.has(name) => Some(&[]),
        _ => None,
    }
}

fn text(body: &Json, name: &str) -> Option<Json> {
    body.get(name).as_str().map(Json::text)
}

fn row(id: Json, index: usize, tokens: &Json) -> Json {
    Json::object([("skyflow_id", id), ("request_index", Json::number(index)), ("tokens", tokens.clone())])
}

fn row_error(index: usize, reply: &Reply, message: &str, http_code: Json) -> Json {
    Json::object([
        ("request_index", Json::number(index)),
        ("request_id", Json::text_or_null(reply.request_id())),
        ("error", Json::text(message)),
        ("http_code", http_code),
    ])
}

type Sorted = (Vec<Json>, Vec<Json>);

/// Sorts rows into inserted and failed: every row of the request is in one list, and more rows are an error.
fn inserted(records: &[Json], rows: usize, reply: &Reply) -> Option<Sorted> {
    if records.len() > rows {
        return None;
    }
    let (mut inserted, mut errors) = (Vec::new(), Vec::new());
    for index in 0..rows {
        let record = records.get(index).and_then(batch::row).unwrap_or(Json::Null);
        match text(&record, "skyflow_id") {
            Some(id) => inserted.push(row(id, index, record.get("tokens"))),
            None => errors.push(row_error(index, reply, OWN_MESSAGE, Json::Null)),
        }
    }
    Some((inserted, errors))
}

/// A row is inserted when its entry says no error, and an error with its own status otherwise.
fn batch(entries: &[Json], rows: usize, reply: &Reply) -> Option<Sorted> {
    if entries.len() > rows {
        return None;
    }
    let (mut inserted, mut errors) = (Vec::new(), Vec::new());
    for index in 0..rows {
        let failure = match entries.get(index).map(|entry| batch::entry(entry, reply)) {
            Some(Ok(entry)) => {
                let before = inserted.len();
                for found in entry.rows {
                    if !found.get("skyflow_id").is_null() {
                        inserted.push(row(found.get("skyflow_id").clone(), index, found.get("tokens")));
                    }
                }
                (inserted.len() == before).then(|| (OWN_MESSAGE.to_owned(), Json::Null))
            }
            Some(Err(failure)) => Some(failure),
            None => Some((OWN_MESSAGE.to_owned(), Json::Null)),
        };
        if let Some((message, http_code)) = failure {
            errors.push(row_error(index, reply, &message, http_code));
        }
    }
    Some((inserted, errors))
}

/// Sorts values by the token they name; a value without a known token belongs to its position.
fn detokenized(records: &[Json], asked: &[Json], reply: &Reply) -> Option<Sorted> {
    let token = |item: &Json| item.get("token").as_str().unwrap_or_default().to_owned();
    let asked: Vec<String> = asked.iter().map(token).collect();
    let is_named = |record: &Json| asked.contains(&token(record));
    let mut left: Vec<(usize, &Json)> = records.iter().enumerate().collect();
    let by_place = records.len() == asked.len();
    if !records.is_empty() && !by_place && !records.iter().any(is_named) {
        return None;
    }
    let (mut fields, mut errors) = (Vec::new(), Vec::new());
    for (index, token) in asked.iter().enumerate() {
        let named = left.iter().position(|(_, record)| record.get("token").as_str() == Some(token));
        let found = named
            .or_else(|| left.iter().position(|(at, record)| by_place && *at == index && !is_named(record)));
        let record = found.map(|at| left.remove(at).1);
        let message =
            record.and_then(|record| record.get("error").as_str()).filter(|message| !message.is_empty());
        let shown = |rest: [(&str, Json); 2]| {
            let first = [("token", Json::text(token)), ("request_index", Json::number(index))];
            Json::object(first.into_iter().chain(rest))
        };
        match (record, message) {
            (Some(record), None) => {
                fields.push(shown([
                    ("value", record.get("value").clone()),
                    ("type", record.get("valueType").clone()),
                ]));
            }
            (_, message) => errors.push(shown([
                ("error", Json::text(message.unwrap_or(OWN_MESSAGE))),
                ("request_id", Json::text_or_null(reply.request_id())),
            ])),
        }
    }
    Some((fields, errors))
}
