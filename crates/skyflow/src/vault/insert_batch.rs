//! The insert that goes on after an error: one batch entry per row, and one outcome per row.

use serde::Deserialize;
use skyflow_api::{Json, records, types};
use skyflow_http::CallOptions;
use skyflow_types::RequestId;

use super::Vault;
use super::insert::{InsertError, InsertRequest, InsertResponse, InsertedRecord, NO_OUTCOME, Row};
use crate::{Error, Record};

pub(super) async fn send(
    vault: &Vault,
    request: &InsertRequest,
    rows: Vec<Row>,
    options: CallOptions,
) -> Result<InsertResponse, Error> {
    let count = rows.len();
    let entries = rows.into_iter().map(|row| {
        let mut entry = types::BatchRecord::new(&request.table, types::BatchMethod::Post)
            .fields(row.fields)
            .tokenization(request.return_tokens);
        entry.upsert = request.upsert.clone();
        entry.tokens = row.tokens;
        entry
    });
    let mut body = types::BatchRequest::new(entries.collect()).continue_on_error(true);
    body.byot = request.byot();
    let answer = vault.send_with(records::Batch::new(vault.id().as_str(), body), options).await?;

    let request_id = answer.request_id;
    if answer.body.responses.len() > count {
        let error = Error::answer("the answer has more rows than the request").in_operation("records.batch");
        return Err(error.with_request_id(request_id).applied());
    }
    let mut response = InsertResponse { inserted_fields: Vec::new(), errors: Vec::new(), request_id };
    let outcomes = answer.body.responses.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    for (request_index, outcome) in outcomes.take(count).enumerate() {
        sort(&mut response, request_index, outcome);
    }
    Ok(response)
}

/// The body of one entry: what the single endpoint answers, or an error.
#[derive(Deserialize, Default)]
struct EntryBody {
    #[serde(default)]
    records: Option<Vec<types::InsertedRecord>>,
    #[serde(default)]
    error: Option<Json>,
}

/// Puts one row into exactly one of the two lists. Any 2xx status is a success, and any other status is a failure.
fn sort(response: &mut InsertResponse, request_index: usize, outcome: Option<types::BatchResponseItem>) {
    let outcome = outcome.unwrap_or_default();
    let http_code = outcome.status.and_then(|status| u16::try_from(status).ok());
    let body: EntryBody = outcome.body.and_then(|body| body.decode().ok()).unwrap_or_default();
    let refused = http_code.is_some_and(|status| !(200..300).contains(&status)) || body.error.is_some();
    if !refused {
        let before = response.inserted_fields.len();
        let rows = body.records.into_iter().flatten();
        response.inserted_fields.extend(rows.filter_map(|row| {
            let tokens = row.tokens.map(Record::new);
            Some(InsertedRecord { skyflow_id: row.skyflow_id?, request_index, tokens })
        }));
        if response.inserted_fields.len() > before {
            return;
        }
    }
    let request_id: Option<RequestId> = response.request_id.clone();
    let (error, http_code) = match (refused, body.error) {
        (true, Some(error)) => (words(&error), http_code),
        (true, None) => (String::new(), http_code),
        (false, _) => (NO_OUTCOME.to_owned(), None),
    };
    response.errors.push(InsertError { request_index, request_id, error, http_code });
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
