use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use skyflow_api::runtime::decode_json;
use skyflow_api::{DecodeError, Json, Operation, Response, records, types};
use skyflow_types::{RequestId, TokenMode};

use super::Vault;
use super::batch_outcome::Row;
use crate::elements::ReadBody;
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::record::columns_of;
use crate::record::{RowProblem, check_row_tokens, not_blank, to_row};
use crate::{Error, Record};

/// Changes columns of one row.
///
/// ```
/// use serde_json::json;
/// use skyflow::UpdateRequest;
///
/// let request = UpdateRequest::new("table1", "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c", json!({"cardholder_name": "Jane Doe"}))
///     .return_tokens(true);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Vault::update`"]
pub struct UpdateRequest {
    table: String,
    skyflow_id: String,
    fields: Result<Json, RowProblem>,
    tokens: Option<Result<Json, RowProblem>>,
    return_tokens: bool,
    token_mode: TokenMode,
}

impl UpdateRequest {
    /// Names the row and its new values: anything that serializes to a JSON object. Columns that are not named stay as
    /// they are, and null clears a column. A `skyflow_id` among the values must be the row's. A number that is NaN or
    /// infinite is refused when the request is sent; a [`serde_json::Value`] cannot hold one: `json!` has made it `null`
    /// already.
    pub fn new<T: Serialize>(table: impl Into<String>, skyflow_id: impl Into<String>, fields: T) -> Self {
        Self {
            table: table.into(),
            skyflow_id: skyflow_id.into(),
            fields: to_row(&fields),
            tokens: None,
            return_tokens: false,
            token_mode: TokenMode::Disable,
        }
    }

    /// Adds your own tokens, an object with a token per column. It needs [`UpdateRequest::token_mode`].
    pub fn tokens<T: Serialize>(mut self, tokens: T) -> Self {
        self.tokens = Some(to_row(&tokens));
        self
    }

    /// Returns the tokens of the changed columns; off by default.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Sets who creates the tokens; the vault by default.
    pub fn token_mode(mut self, mode: TokenMode) -> Self {
        self.token_mode = mode;
        self
    }

    fn into_update(self, vault_id: &str) -> Result<Call<ReadAs<records::Update, UpdatedRow>>, Error> {
        not_blank("table", &self.table)?;
        not_blank("skyflow_id", &self.skyflow_id)?;
        let fields = self.fields.map_err(|problem| problem.of("fields"))?;
        let fields = without_id(fields, &self.skyflow_id)?;
        let tokens = self.tokens.transpose().map_err(|problem| problem.of("tokens"))?;
        check_row_tokens(self.token_mode, &fields, tokens.as_ref(), || "tokens".to_owned())?;
        let subject = subject(&*self.table, 1);
        let mut row = types::Record::default().fields(fields);
        row.tokens = tokens;
        let mut body = types::UpdateRecordRequest::new(row).tokenization(self.return_tokens);
        if self.token_mode != TokenMode::Disable {
            body = body.byot(self.token_mode.as_str());
        }
        let update = records::Update::new(vault_id, self.table, self.skyflow_id, body);
        Ok(Call::new(ReadAs::new(update)).about(subject))
    }
}

/// The id travels in the path; among the fields the vault would take it for a column.
fn without_id(fields: Json, skyflow_id: &str) -> Result<Json, Error> {
    let mut columns = columns_of(&fields);
    if let Some(id) = columns.remove("skyflow_id") {
        if serde_json::from_str::<String>(id.get()).ok().as_deref() != Some(skyflow_id) {
            return Err(Error::invalid("fields.skyflow_id", "is not the id of the row"));
        }
        let rest = Json::from_serialize(&columns);
        return refuse_empty(rest.map_err(|_| RowProblem::Unserializable.of("fields"))?);
    }
    drop(columns);
    refuse_empty(fields)
}

fn refuse_empty(fields: Json) -> Result<Json, Error> {
    if columns_of(&fields).is_empty() {
        Err(Error::invalid("fields", "must not be empty"))
    } else {
        Ok(fields)
    }
}

impl fmt::Debug for UpdateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateRequest")
            .field("table", &self.table)
            .field("skyflow_id", &self.skyflow_id)
            .field("return_tokens", &self.return_tokens)
            .field("token_mode", &self.token_mode)
            .finish_non_exhaustive()
    }
}

/// A response whose members are independent of each other.
struct UpdatedRow;

impl ReadBody for UpdatedRow {
    type Value = Row;

    fn read(body: &Bytes) -> Result<Row, DecodeError> {
        let json = decode_json::<Json>(body)?;
        if json.get().starts_with('{') {
            return Ok(Row::read(&json).unwrap_or_default());
        }
        // It fails, and says where.
        json.decode::<types::UpdateRecordResponse>().map(|_| Row::default())
    }
}

/// The row that was changed.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct UpdateResponse {
    /// The id of the row.
    pub skyflow_id: String,
    /// The tokens of the changed columns, when they were requested.
    pub tokens: Option<Record>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl UpdateResponse {
    /// A response need not repeat the id that was requested.
    fn from_update(response: Response<Row>, requested_id: String) -> Self {
        let origin = Origin::of(records::Update::INFO.name, &response);
        let tokens = response.body.tokens.map(|tokens| Record::of_a_write(tokens).in_response(&origin));
        let skyflow_id = response.body.skyflow_id.unwrap_or(requested_id);
        Self { skyflow_id, tokens, request_id: response.request_id }
    }

    /// Returns the token of a column.
    pub fn token(&self, column: &str) -> Option<String> {
        self.tokens.as_ref()?.text(column)
    }
}

impl Vault {
    /// Changes columns of one row.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use serde_json::json;
    /// use skyflow::UpdateRequest;
    ///
    /// vault.update(UpdateRequest::new("table1", id, json!({"cardholder_name": "Jane Doe"}))).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table or id is blank, the fields do not serialise to an object with at least
    /// one column, or tokens and token mode do not fit; fails as every call does afterwards.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn update(&self, request: UpdateRequest) -> Result<UpdateResponse, Error> {
        let requested_id = request.skyflow_id.clone();
        let call = request.into_update(self.id().as_str());
        self.handle.call(call, |response| Ok(UpdateResponse::from_update(response, requested_id))).await
    }
}
