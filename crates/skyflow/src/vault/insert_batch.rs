//! The insert that continues on errors: one batch entry and one outcome for each row.

use std::sync::Arc;

use skyflow_api::{Operation, Response, records, types};

use super::batch_outcome::{BatchCall, Entries, Failure, Outcome, Requested};
use super::insert::{InsertError, InsertRequest, InsertResponse, InsertedRecord};
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::{ElementError, Error};

impl InsertRequest {
    pub(super) fn into_batch(mut self, vault_id: &str) -> Result<Call<BatchCall>, Error> {
        let rows = self.take_rows()?;
        let repeatable = self.may_be_repeated(&rows);
        let subject = subject(&*self.table, rows.len());
        let entries = rows.into_iter().map(|row| {
            let mut entry = types::BatchRecord::new(&self.table, types::BatchMethod::Post)
                .fields(row.fields)
                .tokenization(self.return_tokens);
            entry.upsert = self.upsert.clone();
            entry.tokens = row.tokens;
            entry
        });
        let mut body = types::BatchRequest::new(entries.collect()).continue_on_error(true);
        body.byot = self.byot();
        let call = Call::new(ReadAs::new(records::Batch::new(vault_id, body)));
        Ok(call.repeatable_if(repeatable).about(subject))
    }
}

impl InsertResponse {
    pub(super) fn from_batch(response: Response<Entries>, count: usize) -> Result<Self, Error> {
        let origin = Origin::of(records::Batch::INFO.name, &response);
        let requested: Vec<_> = std::iter::repeat_with(|| Requested::INSERT).take(count).collect();
        let (outcomes, surplus) = Outcome::of_all(response.body, &requested, response.status)?;
        let (request_id, surplus) = (response.request_id, ElementError::surplus(surplus, &origin));
        let mut inserted =
            Self { inserted_fields: Vec::new(), errors: Vec::new(), surplus, request_id, origin };
        for (request_index, outcome) in outcomes.into_iter().enumerate() {
            inserted.sort(request_index, outcome);
        }
        Ok(inserted)
    }

    /// Puts one row into exactly one of the two lists.
    fn sort(&mut self, request_index: usize, outcome: Outcome) {
        let origin = Arc::clone(&self.origin);
        let (failure, http_code) = match outcome.rows {
            Err(failure) => (failure, outcome.http_code),
            Ok(rows) => {
                let before = self.inserted_fields.len();
                self.inserted_fields.extend(rows.into_iter().filter_map(|row| {
                    Some(InsertedRecord::new(row.skyflow_id?, request_index, row.tokens, &origin))
                }));
                if self.inserted_fields.len() > before {
                    return;
                }
                (Failure::no_outcome(), None)
            }
        };
        let request_id = self.request_id.clone();
        let Failure { message, skyflow_id } = failure;
        let error = origin.hide(&message);
        self.errors.push(InsertError { request_index, request_id, error, http_code, skyflow_id });
    }
}
