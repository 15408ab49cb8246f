use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::{DecodeError, Json, Operation, Response, query, types};
use skyflow_types::RequestId;

use super::Vault;
use super::sql::{self, SqlValue};
use crate::elements::{ElementError, Elements, ReadBody, elements, lenient, sorted};
use crate::handle::{Call, ReadAs};
use crate::record::Origin;
use crate::record::not_blank;
use crate::{Error, Record};

/// Selects rows in SQL: one `SELECT`, at most 25 rows.
///
/// The vault checks the statement. A value that comes from elsewhere belongs into [`QueryRequest::bind`] and not into the
/// text of the statement.
///
/// ```
/// use skyflow::QueryRequest;
///
/// let request = QueryRequest::new("SELECT * FROM persons WHERE name = ? AND age > ?").bind("Conan O'Brien").bind(18);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Vault::query`"]
pub struct QueryRequest {
    query: String,
    values: Vec<SqlValue>,
}

impl QueryRequest {
    /// Takes the statement. A `?` outside of quotes and comments stands for a value of [`QueryRequest::bind`], when there
    /// is one.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into(), values: Vec::new() }
    }

    /// Puts a value in the place of the next `?`: a string in quotes, in which quotes are doubled, a number or a boolean.
    /// No value can change what the statement does.
    pub fn bind(mut self, value: impl Into<SqlValue>) -> Self {
        self.values.push(value.into());
        self
    }

    fn statement(self) -> Result<String, Error> {
        if self.values.is_empty() {
            return Ok(self.query);
        }
        sql::bound(&self.query, &self.values)
    }

    fn into_execute(self, vault_id: &str) -> Result<Call<ReadAs<query::Execute, QueriedRows>>, Error> {
        not_blank("query", &self.query)?;
        let query = query::Execute::new(vault_id, types::QueryRequest::new(self.statement()?));
        Ok(Call::new(ReadAs::new(query)))
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
    /// The elements of the response that are no rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ElementError>,
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

/// The rows of a query, each read on its own.
struct QueriedRows;

impl ReadBody for QueriedRows {
    type Value = Elements<types::Record>;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        elements(body, "records", |whole: types::QueryResponse| whole.records, lenient)
    }
}

impl QueryResponse {
    fn from_execute(response: Response<Elements<types::Record>>) -> Self {
        let origin = Origin::of(query::Execute::INFO.name, &response);
        let row = |row: types::Record| {
            let or_empty =
                |columns: Option<Json>| columns.map_or_else(Record::empty, Record::new).in_response(&origin);
            match row.fields.as_ref().filter(|fields| !fields.get().starts_with('{')) {
                Some(wrong) => Err(wrong.clone()),
                None => {
                    Ok(QueriedRecord { record: or_empty(row.fields), tokenized_data: or_empty(row.tokens) })
                }
            }
        };
        let (fields, errors) = sorted(response.body, &origin, row);
        Self { fields, errors, request_id: response.request_id }
    }

    /// Decodes the rows into your own type.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when a row does not fit the type, and when an element of
    /// the response is no row.
    pub fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.each_record().collect()
    }

    /// Decodes the rows into your own type, each for itself: a row that does not fit is an error, and the others are read.
    /// An element of the response that is no row is an error behind them.
    pub fn each_record<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, Error>> + '_ {
        let rows = self.fields.iter().enumerate();
        let rows = rows.map(|(index, row)| row.record.decode().map_err(|error| error.at_row(index)));
        rows.chain(self.errors.iter().map(|error| Err(error.clone().into_error())))
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
    /// Fails before anything is sent when the statement is blank, or does not have one `?` for each bound value; fails as
    /// every call does afterwards.
    pub async fn query(&self, request: QueryRequest) -> Result<QueryResponse, Error> {
        let call = request.into_execute(self.id().as_str());
        self.handle.call(call, |response| Ok(QueryResponse::from_execute(response))).await
    }
}
