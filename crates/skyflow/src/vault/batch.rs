use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use skyflow_api::{Response, records, types};
use skyflow_types::{Redaction, RequestId, TokenMode};

use super::Vault;
use super::batch_outcome::Outcome;
use super::rows::{RowProblem, check_row_tokens, not_blank, to_row};
use crate::handle::Call;
use crate::{Error, Record};

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
    id: Option<String>,
    fields: Option<Result<skyflow_api::Json, RowProblem>>,
    tokens: Option<Result<skyflow_api::Json, RowProblem>>,
    return_tokens: bool,
    upsert: Option<String>,
    redaction: Option<Redaction>,
    download_url: Option<bool>,
    batch_id: Option<String>,
}

impl BatchOperation {
    fn of(method: types::BatchMethod, table: impl Into<String>, id: Option<String>) -> Self {
        Self {
            method,
            table: table.into(),
            id,
            fields: None,
            tokens: None,
            return_tokens: false,
            upsert: None,
            redaction: None,
            download_url: None,
            batch_id: None,
        }
    }

    /// Inserts a row.
    pub fn insert<T: Serialize>(table: impl Into<String>, record: T) -> Self {
        let fields = Some(to_row(&record));
        Self { fields, ..Self::of(types::BatchMethod::Post, table, None) }
    }

    /// Changes columns of a row.
    pub fn update<T: Serialize>(table: impl Into<String>, skyflow_id: impl Into<String>, fields: T) -> Self {
        let fields = Some(to_row(&fields));
        Self { fields, ..Self::of(types::BatchMethod::Put, table, Some(skyflow_id.into())) }
    }

    /// Gets a row.
    pub fn get(table: impl Into<String>, skyflow_id: impl Into<String>) -> Self {
        Self::of(types::BatchMethod::Get, table, Some(skyflow_id.into()))
    }

    /// Deletes a row.
    pub fn delete(table: impl Into<String>, skyflow_id: impl Into<String>) -> Self {
        Self::of(types::BatchMethod::Delete, table, Some(skyflow_id.into()))
    }

    /// Asks for tokens: of what is inserted or changed, or instead of the values that are got.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Brings tokens of your own for an insert or update. It needs [`BatchRequest::token_mode`].
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

    /// Asks a get for links to the files of file columns.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    /// Makes operations with the same text run one after the other.
    pub fn batch_id(mut self, id: impl Into<String>) -> Self {
        self.batch_id = Some(id.into());
        self
    }

    fn into_entry(self, index: usize, mode: TokenMode) -> Result<types::BatchRecord, Error> {
        let at = |name: &str| format!("operations[{index}].{name}");
        not_blank(&at("table"), &self.table)?;
        if let Some(id) = &self.id {
            not_blank(&at("skyflow_id"), id)?;
        }
        let fields = self.fields.transpose().map_err(|problem| problem.of(&at("fields")))?;
        let tokens = self.tokens.transpose().map_err(|problem| problem.of(&at("tokens")))?;
        match &fields {
            // With ENABLE a row may leave its tokens to the vault.
            Some(fields) if tokens.is_some() || mode == TokenMode::EnableStrict => {
                check_row_tokens(mode, fields, tokens.as_ref(), &at("tokens"))?;
            }
            None if tokens.is_some() => {
                return Err(Error::invalid(at("tokens"), "go with an insert or an update"));
            }
            _ => {}
        }
        if self.upsert.is_some() && self.method != types::BatchMethod::Post {
            return Err(Error::invalid(at("upsert"), "goes with an insert"));
        }
        let mut entry = types::BatchRecord::new(self.table, self.method);
        entry.id = self.id;
        entry.fields = fields;
        entry.tokens = tokens;
        entry.tokenization = self.return_tokens.then_some(true);
        entry.upsert = self.upsert;
        entry.redaction = self.redaction.map(|redaction| redaction.as_str().into());
        entry.download_url = self.download_url;
        entry.batch_id = self.batch_id;
        Ok(entry)
    }
}

impl fmt::Debug for BatchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchOperation")
            .field("method", &self.method)
            .field("table", &self.table)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Asks to run several operations in one request.
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

    /// Goes on after an operation that fails.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Says who makes the tokens; the vault by default.
    pub fn token_mode(mut self, mode: TokenMode) -> Self {
        self.token_mode = mode;
        self
    }
}

/// Tells what became of each operation.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BatchResponse {
    /// One outcome per operation, in the order of the request.
    pub outcomes: Vec<BatchOutcome>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

/// What became of one operation of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchOutcome {
    /// The place of the operation in the request, counted from 0.
    pub request_index: usize,
    /// The status of the operation; `None` when the answer says nothing about it.
    pub http_code: Option<u16>,
    /// What the operation gave, or why it failed.
    pub result: Result<BatchOutput, BatchError>,
}

/// What one operation of a batch gave.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BatchOutput {
    /// The id of the row.
    pub skyflow_id: Option<String>,
    /// The tokens, when they were asked for.
    pub tokens: Option<Record>,
    /// The values of a get.
    pub fields: Option<Record>,
}

/// Why one operation of a batch failed.
#[derive(Clone)]
pub struct BatchError(String);

impl BatchError {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the server's words; they may repeat a value, so keep them out of logs.
    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BatchError").field(&skyflow_types::redact_text(&self.0)).finish()
    }
}

/// Writes `request_index`, `http_code`, and either `output` or `error`.
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
        f.write_str(&skyflow_types::redact_text(&self.0))
    }
}

impl std::error::Error for BatchError {}

impl Vault {
    /// Runs several operations in one request: inserts, updates, gets and deletes, on any tables.
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
    /// serialise to an object, or tokens and token mode do not fit; fails as every call does afterwards. With
    /// `continue_on_error` a failed operation is no error: it is in [`BatchResponse::outcomes`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn batch(&self, request: BatchRequest) -> Result<BatchResponse, Error> {
        let (count, call) = (request.operations.len(), request.into_batch(self.id().as_str()));
        self.handle.call(call, |response| BatchResponse::from_batch(response, count)).await
    }
}

impl BatchRequest {
    fn into_batch(self, vault_id: &str) -> Result<Call<records::Batch>, Error> {
        let operations = self.operations.into_iter().enumerate();
        let entries: Vec<_> = operations
            .map(|(index, operation)| operation.into_entry(index, self.token_mode))
            .collect::<Result<_, Error>>()?;
        if entries.is_empty() {
            return Err(Error::invalid("operations", "must not be empty"));
        }
        let mut body = types::BatchRequest::new(entries).continue_on_error(self.continue_on_error);
        if self.token_mode != TokenMode::Disable {
            body = body.byot(self.token_mode.as_str());
        }
        Ok(Call::new(records::Batch::new(vault_id, body)))
    }
}

impl BatchResponse {
    fn from_batch(response: Response<types::BatchResponse>, count: usize) -> Result<Self, Error> {
        let outcomes = Outcome::of_all(response.body, count)?;
        let outcomes = outcomes.into_iter().enumerate().map(|(request_index, outcome)| {
            let (http_code, rows) = (outcome.http_code, outcome.rows);
            let result = rows.map_err(BatchError::new).map(|rows| {
                let row = rows.into_iter().next().unwrap_or_default();
                BatchOutput {
                    skyflow_id: row.id(),
                    tokens: row.tokens.map(Record::of_a_write),
                    fields: row.fields.map(Record::of_a_write),
                }
            });
            BatchOutcome { request_index, http_code, result }
        });
        Ok(Self { outcomes: outcomes.collect(), request_id: response.request_id })
    }
}
