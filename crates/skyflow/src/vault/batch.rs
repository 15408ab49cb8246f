use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use skyflow_api::runtime::clean;
use skyflow_api::{Operation, Response, records, types};
use skyflow_types::{Redaction, RequestId, TokenMode};

use super::Vault;
use super::batch_outcome::{BatchCall, Entries, Outcome, Requested, Row};
use super::batch_row::{BatchRow, id_for_later};
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::record::{RowProblem, check_row_tokens, names_row, not_blank, to_row};
use crate::{ElementError, Error, Record};

/// One operation of a batch, on any table.
///
/// ```
/// use serde_json::json;
/// use skyflow::BatchOperation;
///
/// let insert = BatchOperation::insert("persons", json!({"name": "Jane Doe"})).return_tokens(true);
/// let delete = BatchOperation::delete("credit_cards", "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c").batch_id("1");
/// ```
#[derive(Clone)]
pub struct BatchOperation {
    method: types::BatchMethod,
    table: String,
    row: Option<BatchRow>,
    fields: Option<Result<skyflow_api::Json, RowProblem>>,
    tokens: Option<Result<skyflow_api::Json, RowProblem>>,
    return_tokens: bool,
    upsert: Option<String>,
    redaction: Option<Redaction>,
    download_url: Option<bool>,
    return_file_metadata: bool,
    batch_id: Option<String>,
}

impl BatchOperation {
    fn of(method: types::BatchMethod, table: impl Into<String>, row: Option<BatchRow>) -> Self {
        Self {
            method,
            table: table.into(),
            row,
            fields: None,
            tokens: None,
            return_tokens: false,
            upsert: None,
            redaction: None,
            download_url: None,
            return_file_metadata: false,
            batch_id: None,
        }
    }

    /// Inserts a row.
    pub fn insert<T: Serialize>(table: impl Into<String>, record: T) -> Self {
        let fields = Some(to_row(&record));
        Self { fields, ..Self::of(types::BatchMethod::Post, table, None) }
    }

    /// Changes columns of a row.
    pub fn update<T: Serialize>(table: impl Into<String>, row: impl Into<BatchRow>, fields: T) -> Self {
        let fields = Some(to_row(&fields));
        Self { fields, ..Self::of(types::BatchMethod::Put, table, Some(row.into())) }
    }

    /// Gets a row.
    pub fn get(table: impl Into<String>, row: impl Into<BatchRow>) -> Self {
        Self::of(types::BatchMethod::Get, table, Some(row.into()))
    }

    /// Deletes a row.
    pub fn delete(table: impl Into<String>, row: impl Into<BatchRow>) -> Self {
        Self::of(types::BatchMethod::Delete, table, Some(row.into()))
    }

    /// Returns tokens: of the inserted or changed columns, or instead of the values of a get.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Adds your own tokens for an insert or update. It needs [`BatchRequest::token_mode`].
    pub fn tokens<T: Serialize>(mut self, tokens: T) -> Self {
        self.tokens = Some(to_row(&tokens));
        self
    }

    /// Makes an insert update the row that has the same value in this unique column.
    pub fn upsert(mut self, unique_column: impl Into<String>) -> Self {
        self.upsert = Some(unique_column.into());
        self
    }

    /// Sets how much of the values a get shows.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Returns links to the files of file columns, for a get.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    /// Returns name, size and type of the files of file columns, for a get.
    pub fn return_file_metadata(mut self, yes: bool) -> Self {
        self.return_file_metadata = yes;
        self
    }

    /// Runs operations with the same batch id one after the other.
    pub fn batch_id(mut self, id: impl Into<String>) -> Self {
        self.batch_id = Some(id.into());
        self
    }

    /// Tells whether a second execution changes nothing more. A second delete of a row fails, and with it the other
    /// operations of its batch.
    fn may_be_repeated(&self) -> bool {
        match self.method {
            types::BatchMethod::Get | types::BatchMethod::Put => true,
            types::BatchMethod::Post => {
                let fields = self.fields.as_ref().and_then(|fields| fields.as_ref().ok());
                self.upsert.as_deref().zip(fields).is_some_and(|(column, row)| names_row(row, column))
            }
            _ => false,
        }
    }

    /// `earlier` holds the ids of the operations before this one.
    fn into_entry(self, earlier: &[String], mode: TokenMode) -> Result<types::BatchRecord, Error> {
        let index = earlier.len();
        let at = |name: &str| format!("operations[{index}].{name}");
        not_blank(format_args!("operations[{index}].table"), &self.table)?;
        let id = self
            .row
            .map(|row| row.into_wire(format_args!("operations[{index}].skyflow_id"), earlier))
            .transpose()?;
        let fields = self.fields.transpose().map_err(|problem| problem.of(&at("fields")))?;
        let tokens = self.tokens.transpose().map_err(|problem| problem.of(&at("tokens")))?;
        match &fields {
            // With ENABLE a row may leave its tokens to the vault.
            Some(fields) if tokens.is_some() || mode == TokenMode::EnableStrict => {
                check_row_tokens(mode, fields, tokens.as_ref(), || at("tokens"))?;
            }
            None if tokens.is_some() => {
                return Err(Error::invalid(at("tokens"), "are for inserts and updates only"));
            }
            _ => {}
        }
        if self.upsert.is_some() && self.method != types::BatchMethod::Post {
            return Err(Error::invalid(at("upsert"), "is for inserts only"));
        }
        let mut entry = types::BatchRecord::new(self.table, self.method);
        entry.id = id;
        entry.fields = fields;
        entry.tokens = tokens;
        entry.tokenization = self.return_tokens.then_some(true);
        entry.upsert = self.upsert;
        entry.redaction = self.redaction.map(|redaction| redaction.as_str().into());
        entry.download_url = self.download_url;
        entry.return_file_metadata = self.return_file_metadata.then_some(true);
        entry.batch_id = self.batch_id;
        Ok(entry)
    }
}

impl fmt::Debug for BatchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchOperation")
            .field("method", &self.method)
            .field("table", &self.table)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// Runs several operations in one request.
///
/// ```
/// use serde_json::json;
/// use skyflow::{BatchOperation, BatchRequest};
///
/// let request = BatchRequest::new([BatchOperation::insert("persons", json!({"name": "Ada"})).return_tokens(true)])
///     .operation(BatchOperation::delete("persons", "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"))
///     .continue_on_error(true);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::batch`"]
pub struct BatchRequest {
    operations: Vec<BatchOperation>,
    continue_on_error: bool,
    token_mode: TokenMode,
}

impl BatchRequest {
    /// Takes the operations. All of them happen or none, unless [`BatchRequest::continue_on_error`] is set.
    pub fn new(operations: impl IntoIterator<Item = BatchOperation>) -> Self {
        Self { operations: operations.into_iter().collect(), ..Self::default() }
    }

    /// Adds an operation.
    pub fn operation(mut self, operation: BatchOperation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Continues after a failed operation.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Sets who creates the tokens; the vault by default.
    pub fn token_mode(mut self, mode: TokenMode) -> Self {
        self.token_mode = mode;
        self
    }
}

/// Reports the outcome of each operation.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BatchResponse {
    /// One outcome per operation, in the order of the request.
    pub outcomes: Vec<BatchOutcome>,
    /// The elements of the response that belong to no operation of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// Reports the outcome of one operation of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchOutcome {
    /// The index of the operation in the request, from 0.
    pub request_index: usize,
    /// The status of the operation, or that of the whole response where operations have none; `None` when the
    /// operation is missing in the response.
    pub http_code: Option<u16>,
    /// The result of the operation, or its error.
    pub result: Result<BatchOutput, BatchError>,
    entry: Option<skyflow_api::Json>,
}

impl BatchOutcome {
    /// Returns the entry of this operation as JSON text, byte for byte as the server sent it; keep it out of logs.
    /// `None` when the response has no entry for it.
    pub fn raw(&self) -> Option<&str> {
        self.entry.as_ref().map(skyflow_api::Json::get)
    }
}

/// Holds the result of one operation of a batch.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BatchOutput {
    /// The id of the row.
    pub skyflow_id: Option<String>,
    /// The tokens, when they were requested.
    pub tokens: Option<Record>,
    /// The values of a get.
    pub fields: Option<Record>,
    /// The files of a get by column, when the response has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_metadata: Option<Record>,
    /// Further rows, when the response has more than one for the operation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_rows: Vec<BatchOutput>,
}

impl BatchOutput {
    fn of_all(rows: Vec<Row>, origin: &Arc<Origin>) -> Self {
        let mut rows = rows.into_iter().map(|row| Self::of(row, origin));
        let first = rows.next().unwrap_or_else(|| Self::of(Row::default(), origin));
        Self { further_rows: rows.collect(), ..first }
    }

    fn of(row: Row, origin: &Arc<Origin>) -> Self {
        let read = |columns| Record::of_a_write(columns).in_response(origin);
        Self {
            skyflow_id: row.skyflow_id,
            tokens: row.tokens.map(read),
            fields: row.fields.map(read),
            file_metadata: row.file_metadata.map(read),
            further_rows: Vec::new(),
        }
    }
}

/// Describes why one operation of a batch failed.
#[derive(Clone, Serialize)]
pub struct BatchError {
    message: String,
    skyflow_id: Option<String>,
}

impl BatchError {
    /// Returns the server's message; it may repeat a value, so keep it out of logs.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the id that the response names beside the error.
    pub fn skyflow_id(&self) -> Option<&str> {
        self.skyflow_id.as_deref()
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BatchError").field(&skyflow_types::redact_text(&self.message)).finish()
    }
}

/// Writes `request_index`, `http_code`, and either `output` or `error`, which is the server's message.
impl Serialize for BatchOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut outcome = serializer.serialize_struct("BatchOutcome", 3)?;
        outcome.serialize_field("request_index", &self.request_index)?;
        outcome.serialize_field("http_code", &self.http_code)?;
        match &self.result {
            Ok(output) => outcome.serialize_field("output", output)?,
            Err(error) => outcome.serialize_field("error", error.message())?,
        }
        outcome.end()
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&skyflow_types::redact_text(&clean(&self.message)))
    }
}

impl std::error::Error for BatchError {}

impl Vault {
    /// Runs several operations in one request: inserts, updates, gets and deletes, on any tables.
    ///
    /// A batch of gets, updates and inserts with an upsert column that each of their rows has is retried as they are. Any
    /// other batch is retried only when it was certainly not executed.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use serde_json::json;
    /// use skyflow::{BatchOperation, BatchRequest};
    ///
    /// let request = BatchRequest::new([
    ///     BatchOperation::insert("persons", json!({"name": "Jane Doe"})),
    ///     BatchOperation::delete("credit_cards", id),
    /// ]);
    /// for outcome in vault.batch(request.continue_on_error(true)).await?.outcomes {
    ///     println!("{} {:?}", outcome.request_index, outcome.http_code);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no operation, a table or id is blank, fields or tokens do not
    /// serialise to an object, tokens and token mode do not fit, or a [`BatchRow`] refers to an operation that is not
    /// an earlier one; fails as every call does afterwards. With
    /// `continue_on_error` a failed operation is no error: it is in [`BatchResponse::outcomes`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn batch(&self, request: BatchRequest) -> Result<BatchResponse, Error> {
        let (requested, call) = (request.requested(), request.into_batch(self.id().as_str()));
        self.handle.call(call, |response| BatchResponse::from_batch(response, &requested)).await
    }
}

impl BatchRequest {
    fn requested(&self) -> Vec<Requested> {
        let requested = |operation: &BatchOperation| Requested {
            method: operation.method.clone(),
            row: operation.row.clone(),
        };
        self.operations.iter().map(requested).collect()
    }

    fn into_batch(self, vault_id: &str) -> Result<Call<BatchCall>, Error> {
        let reads_only = self.operations.iter().all(|operation| operation.method == types::BatchMethod::Get);
        let repeatable = self.operations.iter().all(BatchOperation::may_be_repeated);
        let mut entries = Vec::with_capacity(self.operations.len());
        let mut ids = Vec::with_capacity(self.operations.len());
        for operation in self.operations {
            let entry = operation.into_entry(&ids, self.token_mode)?;
            ids.push(id_for_later(&entry, ids.len()));
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err(Error::invalid("operations", "must not be empty"));
        }
        let mut body = types::BatchRequest::new(entries).continue_on_error(self.continue_on_error);
        if self.token_mode != TokenMode::Disable {
            body = body.byot(self.token_mode.as_str());
        }
        let subject = subject(None, ids.len());
        let call = Call::new(ReadAs::new(records::Batch::new(vault_id, body)));
        Ok(call.repeatable_if(repeatable).read_only_if(reads_only).about(subject))
    }
}

impl BatchResponse {
    fn from_batch(response: Response<Entries>, requested: &[Requested]) -> Result<Self, Error> {
        let origin = Origin::of(records::Batch::INFO.name, &response);
        let (outcomes, surplus) = Outcome::of_all(response.body, requested, response.status)?;
        let outcomes = outcomes.into_iter().enumerate().map(|(request_index, outcome)| {
            let result = match outcome.rows {
                Ok(rows) => Ok(BatchOutput::of_all(rows, &origin)),
                Err(failure) => {
                    let message = origin.hide(&failure.message);
                    Err(BatchError { message, skyflow_id: failure.skyflow_id })
                }
            };
            BatchOutcome { request_index, http_code: outcome.http_code, result, entry: outcome.raw }
        });
        let surplus = ElementError::surplus(surplus, &origin);
        Ok(Self { outcomes: outcomes.collect(), surplus, request_id: response.request_id })
    }
}
