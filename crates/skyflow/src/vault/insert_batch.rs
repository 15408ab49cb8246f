//! The insert that goes on after an error: one batch entry per row, and one outcome per row.

use std::sync::Arc;

use skyflow_api::{Operation, records, types};
use skyflow_http::CallOptions;

use super::Vault;
use super::batch_outcome::{Asked, Failure, Outcome};
use super::insert::{InsertError, InsertRequest, InsertResponse, InsertedRecord, Row};
use crate::record::Origin;
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
    let origin = Origin::of(records::Batch::INFO.name, &answer);
    let asked: Vec<_> = std::iter::repeat_with(|| Asked::INSERT).take(count).collect();
    let outcomes = Outcome::of_all(answer.body, &asked, answer.status, answer.request_id.as_ref())?;
    let request_id = origin.request_id.clone();
    let mut response = InsertResponse { inserted_fields: Vec::new(), errors: Vec::new(), request_id };
    for (request_index, outcome) in outcomes.into_iter().enumerate() {
        sort(&mut response, request_index, outcome, &origin);
    }
    Ok(response)
}

/// Puts one row into exactly one of the two lists.
fn sort(response: &mut InsertResponse, request_index: usize, outcome: Outcome, origin: &Arc<Origin>) {
    let (failure, http_code) = match outcome.rows {
        Err(failure) => (failure, outcome.http_code),
        Ok(rows) => {
            let inserted = rows.into_iter().filter_map(|row| {
                let tokens = row.tokens.map(|tokens| Record::of_a_write(tokens).in_response(origin));
                Some(InsertedRecord { skyflow_id: row.skyflow_id?, request_index, tokens })
            });
            let before = response.inserted_fields.len();
            response.inserted_fields.extend(inserted);
            if response.inserted_fields.len() > before {
                return;
            }
            (Failure::no_outcome(), None)
        }
    };
    let request_id = response.request_id.clone();
    let Failure { message: error, skyflow_id } = failure;
    response.errors.push(InsertError { request_index, request_id, error, http_code, skyflow_id });
}
