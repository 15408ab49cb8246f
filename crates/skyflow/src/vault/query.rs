use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::{Json, Operation, Response, query, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::handle::Call;
use crate::record::Origin;
use crate::record::not_blank;
use crate::{Error, Record};

/// Selects rows in SQL: one `SELECT`, at most 25 rows.
///
/// The vault checks the statement. Values that come from elsewhere do not belong into its text without quoting.
///
/// ```
/// use skyflow::QueryRequest;
///
/// let request = QueryRequest::new("SELECT name, state FROM persons WHERE age > 40 LIMIT 10");
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Vault::query`"]
pub struct QueryRequest {
    query: String,
}

impl QueryRequest {
    /// Takes the statement.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into() }
    }

    fn into_execute(self, vault_id: &str) -> Result<Call<query::Execute>, Error> {
        not_blank("query", &self.query)?;
        Ok(Call::new(query::Execute::new(vault_id, types::QueryRequest::new(self.query))))
    }
}

/// A statement may quote values, so it is not shown.
impl fmt::Debug for QueryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryRequest").finish_non_exhaustive()
    }
}

/// The rows that the statement selects.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct QueryResponse {
    /// The rows, in the order of the response.
    pub fields: Vec<QueriedRecord>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// One row of a query.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct QueriedRecord {
    /// The selected columns.
    pub record: Record,
    /// The tokens by column; empty when the server sends none.
    pub tokenized_data: Record,
}

impl QueryResponse {
    fn from_execute(response: Response<types::QueryResponse>) -> Self {
        let origin = Origin::of(query::Execute::INFO.name, &response);
        let row = |row: types::Record| {
            let or_empty =
                |columns: Option<Json>| columns.map_or_else(Record::empty, Record::new).in_response(&origin);
            QueriedRecord { record: or_empty(row.fields), tokenized_data: or_empty(row.tokens) }
        };
        Self { fields: response.body.records.into_iter().map(row).collect(), request_id: response.request_id }
    }

    /// Decodes the rows into your own type.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when a row does not fit the type.
    pub fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let rows = self.fields.iter().enumerate();
        rows.map(|(index, row)| row.record.decode().map_err(|error| error.at_row(index))).collect()
    }
}

impl Vault {
    /// Selects rows with SQL.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::QueryRequest;
    ///
    /// let response = vault.query(QueryRequest::new("SELECT state FROM persons LIMIT 10")).await?;
    /// for row in &response.fields {
    ///     println!("{:?}", row.record.text("state"));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the statement is blank; fails as every call does afterwards.
    pub async fn query(&self, request: QueryRequest) -> Result<QueryResponse, Error> {
        let call = request.into_execute(self.id().as_str());
        self.handle.call(call, |response| Ok(QueryResponse::from_execute(response))).await
    }
}
