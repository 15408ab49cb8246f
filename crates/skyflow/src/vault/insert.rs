use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skyflow_api::runtime::{decode_json, decode_json_shared, null_as_default};
use skyflow_api::{DecodeError, Json, Operation, Response, records, types};
use skyflow_types::{RequestId, TokenMode};

use super::Vault;
use super::batch_outcome::{self, NO_OUTCOME, SURPLUS};
use super::row_with_id;
use crate::elements::{ReadBody, list_of, name_places, placed};
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::record::columns_of;
use crate::record::{RowProblem, check_row_tokens, names_row, not_blank, to_row};
use crate::{ElementError, Error, Record};

/// Inserts rows into one table.
///
/// ```
/// use serde::Serialize;
/// use skyflow::InsertRequest;
///
/// #[derive(Serialize)]
/// struct Card<'a> {
///     card_number: &'a str,
///     cardholder_name: &'a str,
/// }
///
/// let request = InsertRequest::new("table1")
///     .record(&Card { card_number: "4111111111111111", cardholder_name: "John Doe" })
///     .return_tokens(true);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Vault::insert`"]
pub struct InsertRequest {
    pub(super) table: String,
    rows: Vec<Result<Row, (&'static str, RowProblem)>>,
    pub(super) return_tokens: bool,
    pub(super) continue_on_error: bool,
    pub(super) upsert: Option<String>,
    homogeneous: bool,
    token_mode: TokenMode,
}

/// A row and the tokens that the caller brings for it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) fields: Json,
    pub(super) tokens: Option<Json>,
}

impl InsertRequest {
    /// Names the table. Without anything more a request has no rows, returns no tokens and stops at the first error.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            rows: Vec::new(),
            return_tokens: false,
            continue_on_error: false,
            upsert: None,
            homogeneous: false,
            token_mode: TokenMode::Disable,
        }
    }

    /// Adds a row: anything that serializes to a JSON object. It is serialized here, once. A number that is NaN or infinite
    /// is refused when the request is sent, with the name of its field. A [`serde_json::Value`] cannot hold one:
    /// `json!` has made it `null` already.
    pub fn record<T: Serialize>(mut self, record: T) -> Self {
        self.rows.push(match to_row(&record) {
            Ok(fields) => Ok(Row { fields, tokens: None }),
            Err(problem) => Err(("records", problem)),
        });
        self
    }

    /// Adds a row for each element.
    pub fn records<T: Serialize>(self, records: impl IntoIterator<Item = T>) -> Self {
        records.into_iter().fold(self, Self::record)
    }

    /// Adds a row with your own tokens: an object with a token for each column, or for some of them. It needs
    /// [`InsertRequest::token_mode`].
    pub fn record_with_tokens<T: Serialize, U: Serialize>(mut self, record: T, tokens: U) -> Self {
        self.rows.push(match (to_row(&record), to_row(&tokens)) {
            (Ok(fields), Ok(tokens)) => Ok(Row { fields, tokens: Some(tokens) }),
            (Err(problem), _) => Err(("records", problem)),
            (_, Err(problem)) => Err(("tokens", problem)),
        });
        self
    }

    /// Returns the tokens of the inserted columns; off by default.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Inserts the valid rows and reports the others, instead of all or nothing.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Updates the row that has the same value in this unique column, where there is one, instead of inserting.
    pub fn upsert(mut self, unique_column: impl Into<String>) -> Self {
        self.upsert = Some(unique_column.into());
        self
    }

    /// Requires that all rows have the same columns. It cannot be combined with [`InsertRequest::upsert`].
    pub fn homogeneous(mut self, yes: bool) -> Self {
        self.homogeneous = yes;
        self
    }

    /// Sets who creates the tokens; the vault by default.
    pub fn token_mode(mut self, mode: TokenMode) -> Self {
        self.token_mode = mode;
        self
    }

    /// `R` says how the response is read.
    pub(super) fn into_insert<R>(mut self, vault_id: &str) -> Result<Call<ReadAs<records::Insert, R>>, Error>
    where
        R: ReadBody,
    {
        let rows = self.take_rows()?;
        let repeatable = self.may_be_repeated(&rows);
        let subject = subject(&*self.table, rows.len());
        let entries = rows.into_iter().map(|row| {
            let entry = types::Record::default().fields(row.fields);
            match row.tokens {
                Some(tokens) => entry.tokens(tokens),
                None => entry,
            }
        });
        let mut body = types::InsertRecordsRequest::new(entries.collect()).tokenization(self.return_tokens);
        body.byot = self.byot();
        body.upsert = self.upsert;
        body.homogeneous = self.homogeneous.then_some(true);
        let insert = records::Insert::new(vault_id, &self.table, body);
        Ok(Call::new(ReadAs::new(insert)).repeatable_if(repeatable).about(subject))
    }

    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Checks the request and takes its rows out.
    pub(super) fn take_rows(&mut self) -> Result<Vec<Row>, Error> {
        not_blank("table", &self.table)?;
        if let Some(column) = &self.upsert {
            not_blank("upsert", column)?;
            if self.homogeneous {
                return Err(Error::invalid("upsert", "cannot be combined with homogeneous"));
            }
        }
        let rows = std::mem::take(&mut self.rows).into_iter().enumerate();
        let rows: Vec<Row> = rows
            .map(|(index, row)| row.map_err(|(list, problem)| problem.at(list, index)))
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(Error::invalid("records", "must not be empty"));
        }
        self.check_tokens(&rows)?;
        // The batch endpoint has no such option, so the promise is kept here.
        if self.homogeneous && self.continue_on_error {
            check_homogeneous(&rows)?;
        }
        Ok(rows)
    }

    fn check_tokens(&self, rows: &[Row]) -> Result<(), Error> {
        let bring = rows.iter().any(|row| row.tokens.is_some());
        if !bring && !matches!(self.token_mode, TokenMode::Disable) {
            return Err(Error::invalid("tokens", "are required by the token mode"));
        }
        rows.iter().enumerate().try_for_each(|(index, row)| {
            // With ENABLE a row may leave its tokens to the vault.
            if row.tokens.is_none() && matches!(self.token_mode, TokenMode::Enable) {
                return Ok(());
            }
            check_row_tokens(self.token_mode, &row.fields, row.tokens.as_ref(), || format!("tokens[{index}]"))
        })
    }

    /// A row that names the unique column is found again by a second try; one that does not is inserted twice.
    pub(super) fn may_be_repeated(&self, rows: &[Row]) -> bool {
        self.upsert.as_ref().is_some_and(|column| rows.iter().all(|row| names_row(&row.fields, column)))
    }

    pub(super) fn byot(&self) -> Option<types::TokenMode> {
        match self.token_mode {
            TokenMode::Disable => None,
            mode => Some(mode.as_str().into()),
        }
    }
}

fn check_homogeneous(rows: &[Row]) -> Result<(), Error> {
    let columns = |row: &Row| columns_of(&row.fields).into_keys().collect::<BTreeSet<_>>();
    let mut rows = rows.iter().map(columns).enumerate();
    let Some((_, first)) = rows.next() else { return Ok(()) };
    match rows.find(|(_, columns)| *columns != first) {
        None => Ok(()),
        Some((index, _)) => Err(Error::invalid(
            format!("records[{index}]"),
            "must have the columns of records[0] when homogeneous is set",
        )),
    }
}

impl fmt::Debug for InsertRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertRequest")
            .field("table", &self.table)
            .field("rows", &self.rows.len())
            .field("return_tokens", &self.return_tokens)
            .field("continue_on_error", &self.continue_on_error)
            .field("upsert", &self.upsert)
            .field("homogeneous", &self.homogeneous)
            .field("token_mode", &self.token_mode)
            .finish()
    }
}

/// Reports the outcome of each row: every row of the request is in exactly one of the two lists.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct InsertResponse {
    /// The rows that were inserted or updated, in the order of the request.
    pub inserted_fields: Vec<InsertedRecord>,
    /// The rows that were not, in the order of the request; empty unless `continue_on_error` was set.
    pub errors: Vec<InsertError>,
    /// The elements of the response that belong to no row of the request, where the others name theirs. Without such
    /// names a response with more rows than the request fails the call, and [`Error::expose_server_body`] has the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
    #[serde(skip)]
    pub(super) origin: Arc<Origin>,
}

impl InsertResponse {
    /// Returns the row of a request that had one row.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::InsertRequest;
    ///
    /// let card = serde_json::json!({"card_number": "4111111111111111"});
    /// let row = vault.insert(InsertRequest::new("table1").record(card)).await?.single()?;
    /// println!("{}", row.skyflow_id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Api`](crate::ErrorKind::Api) and the server's message when the row was not inserted, and
    /// with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the response is about several rows.
    pub fn single(mut self) -> Result<InsertedRecord, Error> {
        let is_one = self.inserted_fields.len() + self.errors.len() == 1 && self.surplus.is_empty();
        match (self.inserted_fields.pop(), self.errors.pop()) {
            (Some(row), _) if is_one => Ok(row),
            (None, Some(refused)) if is_one => Err(refused.into_error(&self.origin)),
            (last, refused) => {
                let rows = self.inserted_fields.iter().chain(&last).map(Json::from_serialize);
                let refused = self.errors.iter().chain(&refused).map(Json::from_serialize);
                let surplus = self.surplus.iter().map(|element| Ok(element.json().clone()));
                let rows: Vec<Json> = rows.chain(refused).chain(surplus).filter_map(Result::ok).collect();
                let error = Error::bad_response("expected a response about one row").with_elements(&rows);
                Err(error.in_response(&self.origin).applied())
            }
        }
    }

    pub(super) fn from_insert(response: Response<Written>, count: usize) -> Result<Self, Error> {
        let origin = Origin::of(records::Insert::INFO.name, &response);
        let (Written { mut rows, body }, request_id) = (response.body, response.request_id);
        let mut surplus = Vec::new();
        let elements = if rows.len() == count { None } else { list_of(&body, "records") };
        let elements = elements.filter(|elements| rows.len() > count || name_places(elements, count));
        if let Some(elements) = elements {
            let (found, rest) = placed(elements, count, false, SURPLUS)?;
            rows = found.iter().map(|row| row.as_ref().and_then(WrittenRow::of_other_form)).collect();
            surplus = ElementError::surplus(rest, &origin);
        }
        let mut inserted_fields = Vec::with_capacity(count);
        let mut errors = Vec::new();
        let outcomes = rows.into_iter().chain(std::iter::repeat_with(|| None));
        for (request_index, outcome) in outcomes.take(count).enumerate() {
            match outcome {
                Some(WrittenRow { skyflow_id, tokens }) => {
                    inserted_fields.push(InsertedRecord::new(skyflow_id, request_index, tokens, &origin));
                }
                None => errors.push(InsertError {
                    request_index,
                    request_id: request_id.clone(),
                    error: NO_OUTCOME.to_owned(),
                    http_code: None,
                    skyflow_id: None,
                }),
            }
        }
        Ok(Self { inserted_fields, errors, surplus, request_id, origin })
    }

    /// Decodes the inserted rows into your own type: `skyflow_id` and, when they were requested, one field per
    /// column with its token.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when a row does not fit the type. The rows are in the
    /// vault all the same, and [`Error::may_have_been_applied`] says so.
    pub fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.each_record().collect()
    }

    /// Decodes the inserted rows into your own type, as [`InsertResponse::records`] does, each for itself: a row that does
    /// not fit is an error, and the others are read.
    pub fn each_record<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, Error>> + '_ {
        let rows = self.inserted_fields.iter();
        rows.map(|row| row.decode().map_err(|error| error.at_row(row.request_index)))
    }
}

/// A row that was inserted or updated.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct InsertedRecord {
    /// The id of the row.
    pub skyflow_id: String,
    /// The index of the row in the request, from 0.
    pub request_index: usize,
    /// The tokens by column, when they were requested.
    pub tokens: Option<Record>,
    #[serde(skip)]
    origin: Arc<Origin>,
}

impl InsertedRecord {
    pub(super) fn new(
        skyflow_id: String,
        request_index: usize,
        tokens: Option<Json>,
        origin: &Arc<Origin>,
    ) -> Self {
        let tokens = tokens.map(|tokens| Record::of_a_write(tokens).in_response(origin));
        Self { skyflow_id, request_index, tokens, origin: Arc::clone(origin) }
    }

    /// Returns the token of a column.
    pub fn token(&self, column: &str) -> Option<String> {
        self.tokens.as_ref()?.text(column)
    }

    /// Decodes the id and the tokens into one type of yours; a column called `skyflow_id` does not hide the id.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when they do not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.tokens {
            None => Record::of_a_write(with_id(&self.skyflow_id, "{}")).in_response(&self.origin).decode(),
            // A column of that name would duplicate the id, which no type decodes.
            Some(tokens) if tokens.raw().contains("skyflow_id") => {
                let mut merged = tokens.to_map()?;
                merged.insert("skyflow_id".to_owned(), self.skyflow_id.clone().into());
                let merged = Json::from_serialize(&merged)
                    .map_err(|_| Error::bad_response("the row cannot be read"))?;
                tokens.with_columns(merged).decode()
            }
            Some(tokens) => match row_with_id::decode(&self.skyflow_id, tokens.raw()) {
                Some(row) => Ok(row),
                // Decoded as one text, its error says where the row does not fit.
                None => tokens.with_columns(with_id(&self.skyflow_id, tokens.raw())).decode(),
            },
        }
    }
}

impl fmt::Debug for InsertedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertedRecord")
            .field("skyflow_id", &self.skyflow_id)
            .field("request_index", &self.request_index)
            .field("tokens", &self.tokens)
            .finish()
    }
}

impl fmt::Debug for InsertResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertResponse")
            .field("inserted_fields", &self.inserted_fields)
            .field("errors", &self.errors)
            .field("surplus", &self.surplus)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// Puts the id in front of the members of a JSON object, without taking the object apart.
fn with_id(skyflow_id: &str, object: &str) -> Json {
    let members = object.trim_start().strip_prefix('{').unwrap_or("}");
    let comma = if members.trim_start().starts_with('}') { "" } else { "," };
    let id = serde_json::Value::from(skyflow_id);
    Json::parse(&format!("{{\"skyflow_id\":{id}{comma}{members}")).unwrap_or_else(|_| Json::empty_object())
}

/// Describes why a row was not inserted.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct InsertError {
    /// The index of the row in the request, from 0.
    pub request_index: usize,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
    /// The server's message about this row; it may repeat a value, so keep it out of logs.
    pub error: String,
    /// The status of this row; `None` when it is missing in the response, and then it may have been inserted.
    pub http_code: Option<u16>,
    /// The id that the response names beside the error.
    pub skyflow_id: Option<String>,
}

impl InsertError {
    fn into_error(self, origin: &Origin) -> Error {
        let is_unknown = self.http_code.is_none();
        let error = Error::refused_row(self.error, self.http_code).of_row(origin);
        if is_unknown { error.applied() } else { error }
    }
}

impl fmt::Debug for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertError")
            .field("request_index", &self.request_index)
            .field("request_id", &self.request_id)
            .field("error", &skyflow_types::redact_text(&self.error))
            .field("http_code", &self.http_code)
            .field("skyflow_id", &self.skyflow_id)
            .finish()
    }
}

/// The rows of a response: `None` for one that does not say what became of it.
pub(super) struct WrittenRows;

/// The rows of a response, and the response.
#[derive(Default)]
pub(super) struct Written {
    rows: Vec<Option<WrittenRow>>,
    body: Bytes,
}

/// A row as the published API describes it.
#[derive(Deserialize)]
pub(super) struct WrittenRow {
    skyflow_id: String,
    tokens: Option<Json>,
}

impl WrittenRow {
    /// Reads a row of any other form.
    fn of_other_form(row: &Json) -> Option<Self> {
        let row = batch_outcome::Row::read(row)?;
        Some(Self { skyflow_id: row.skyflow_id?, tokens: row.tokens })
    }
}

impl ReadBody for WrittenRows {
    type Value = Written;

    /// Reads the response in one pass, and again row by row when a row has another form.
    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        #[derive(Deserialize)]
        struct Rows<R> {
            #[serde(deserialize_with = "null_as_default", bound = "R: Deserialize<'de>")]
            records: Vec<R>,
        }

        let rows = match decode_json_shared::<Rows<WrittenRow>>(body) {
            Ok(rows) if rows.records.iter().all(|row| !row.skyflow_id.is_empty()) => {
                rows.records.into_iter().map(Some).collect()
            }
            _ => {
                let rows: Rows<Json> = decode_json(body)?;
                rows.records.iter().map(WrittenRow::of_other_form).collect()
            }
        };
        Ok(Written { rows, body: body.clone() })
    }
}

impl Vault {
    /// Inserts rows into a table, and updates instead where [`InsertRequest::upsert`] says so.
    ///
    /// All rows or none are inserted, unless [`InsertRequest::continue_on_error`] is set: then each row is on its own.
    /// A failed insert is sent again only when the vault certainly did not act on it, or when every row names its
    /// upsert column. See [`Error::may_have_been_applied`].
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use serde_json::json;
    /// use skyflow::InsertRequest;
    ///
    /// let request = InsertRequest::new("table1")
    ///     .record(json!({"card_number": "4111111111111111", "cardholder_name": "John Doe"}))
    ///     .return_tokens(true);
    /// let response = vault.insert(request).await?;
    /// for row in &response.inserted_fields {
    ///     println!("{} {:?}", row.skyflow_id, row.token("card_number"));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the table is blank, there is no row, a row does not serialise to an object,
    /// `upsert` is combined with `homogeneous`, or tokens and token mode do not fit; fails as every call does
    /// afterwards. With `continue_on_error` a refused row is no error: it is in [`InsertResponse::errors`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn insert(&self, request: InsertRequest) -> Result<InsertResponse, Error> {
        let (vault_id, count) = (self.id.as_str(), request.row_count());
        if request.continue_on_error {
            let call = request.into_batch(vault_id);
            return self.handle.call(call, |response| InsertResponse::from_batch(response, count)).await;
        }
        let call = request.into_insert::<WrittenRows>(vault_id);
        self.handle.call(call, |response| InsertResponse::from_insert(response, count)).await
    }
}
