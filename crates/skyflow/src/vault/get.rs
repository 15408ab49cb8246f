use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use skyflow_api::{DecodeError, Json, Operation, Response, records, types};
use skyflow_types::{Redaction, RequestId};

use super::Vault;
use crate::elements::{ElementError, Elements, ReadBody, elements, lenient, sorted};
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::record::{none_blank, not_blank};
use crate::{Error, Record};

/// Orders rows by `skyflow_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// From the lowest id to the highest.
    Ascending,
    /// From the highest id to the lowest.
    Descending,
    /// In any order.
    None,
}

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "ASCENDING",
            Self::Descending => "DESCENDING",
            Self::None => "NONE",
        }
    }
}

/// The selected rows.
#[derive(Clone)]
pub(super) enum Rows {
    Ids(Vec<String>),
    Column(String, Vec<String>),
    All,
}

/// Values of a column are not shown.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) => f.debug_tuple("Ids").field(ids).finish(),
            Self::Column(name, values) => f.debug_tuple("Column").field(name).field(&values.len()).finish(),
            Self::All => f.write_str("All"),
        }
    }
}

/// Requests rows of one table, by their ids or by the values of a unique column.
///
/// ```
/// use skyflow::{GetRequest, Redaction};
///
/// let by_id = GetRequest::new("table1").ids(["b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"]).redaction(Redaction::PlainText);
/// let by_column = GetRequest::new("persons").column("email_address", ["jane@example.com"]);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Vault::get`"]
pub struct GetRequest {
    pub(super) table: String,
    pub(super) rows: Vec<Rows>,
    redaction: Option<Redaction>,
    return_tokens: bool,
    fields: Option<Vec<String>>,
    pub(super) offset: Option<u64>,
    pub(super) limit: Option<u64>,
    download_url: Option<bool>,
    return_file_metadata: bool,
    pub(super) order: Option<Order>,
}

impl GetRequest {
    /// Names the table. Nothing else is sent unless it is set.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            rows: Vec::new(),
            redaction: None,
            return_tokens: false,
            fields: None,
            offset: None,
            limit: None,
            download_url: None,
            return_file_metadata: false,
            order: None,
        }
    }

    /// Selects the rows with these ids. When one of them is unknown, the vault returns an error for all.
    pub fn ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.rows.push(Rows::Ids(ids.into_iter().map(Into::into).collect()));
        self
    }

    /// Selects the rows with these values in a unique column.
    pub fn column<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        self.rows.push(Rows::Column(name.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// Selects the rows of the whole table, in the order of their ids unless another is set.
    pub fn all_rows(mut self) -> Self {
        self.rows.push(Rows::All);
        self
    }

    /// Sets how much of the values is shown; the column's own level when not set.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Returns tokens instead of values; it requires ids, and cannot be combined with a redaction.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Returns these columns only.
    pub fn fields<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.fields = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// Skips this many rows.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = Some(rows);
        self
    }

    /// Limits the number of rows; the vault returns at most 25.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Returns links to the files of file columns; they are valid for 15 minutes.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    /// Returns name, size and type of the files of file columns; see [`StoredRecord::file_metadata`].
    pub fn return_file_metadata(mut self, yes: bool) -> Self {
        self.return_file_metadata = yes;
        self
    }

    /// Sets the order of the rows.
    pub fn order_by(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        not_blank("table", &self.table)?;
        match self.rows.as_slice() {
            [Rows::Ids(ids)] => none_blank("ids", ids)?,
            [Rows::Column(name, values)] => {
                not_blank("column_name", name)?;
                none_blank("column_values", values)?;
                if self.return_tokens {
                    return Err(Error::invalid("column_name", "cannot be combined with return_tokens"));
                }
            }
            [Rows::All] => {}
            [] => {
                return Err(Error::invalid(
                    "ids",
                    "is missing: specify exactly one of ids, column or all_rows",
                ));
            }
            _ => {
                return Err(Error::invalid(
                    "ids",
                    "cannot be combined: specify exactly one of ids, column or all_rows",
                ));
            }
        }
        if let Some(fields) = &self.fields {
            none_blank("fields", fields)?;
        }
        if self.return_tokens && self.redaction.is_some() {
            return Err(Error::invalid("redaction", "cannot be combined with return_tokens"));
        }
        Ok(())
    }

    /// `R` says how the response is read.
    pub(super) fn into_list<R: ReadBody>(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<records::List, R>>, Error> {
        self.check()?;
        let subject = subject(&*self.table, self.requested_ids());
        let mut list = records::List::new(vault_id, self.table);
        for rows in self.rows {
            list = match rows {
                Rows::Ids(ids) => list.skyflow_ids(ids),
                Rows::Column(name, values) => list.column_name(name).column_values(values),
                Rows::All => list,
            };
        }
        if let Some(redaction) = self.redaction {
            list = list.redaction(redaction.as_str());
        }
        if self.return_tokens {
            list = list.tokenization(true);
        }
        if let Some(fields) = self.fields {
            list = list.fields(fields);
        }
        if let Some(offset) = self.offset {
            list = list.offset(offset.to_string());
        }
        if let Some(limit) = self.limit {
            list = list.limit(limit.to_string());
        }
        if let Some(yes) = self.download_url {
            list = list.download_url(yes);
        }
        if self.return_file_metadata {
            list = list.return_file_metadata(true);
        }
        if let Some(order) = self.order {
            list = list.order_by(order.as_str());
        }
        Ok(Call::new(ReadAs::new(list)).about(subject))
    }

    /// Returns how many rows are requested by their ids.
    fn requested_ids(&self) -> Option<usize> {
        match self.rows.as_slice() {
            [Rows::Ids(ids)] => Some(ids.len()),
            _ => None,
        }
    }
}

impl fmt::Debug for GetRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetRequest")
            .field("table", &self.table)
            .field("rows", &self.rows)
            .field("redaction", &self.redaction)
            .field("return_tokens", &self.return_tokens)
            .field("fields", &self.fields)
            .field("offset", &self.offset)
            .field("limit", &self.limit)
            .field("download_url", &self.download_url)
            .field("return_file_metadata", &self.return_file_metadata)
            .field("order", &self.order)
            .finish()
    }
}

/// The rows that were found.
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct GetResponse {
    /// The rows, in the order of the response.
    pub data: Vec<StoredRecord>,
    /// The elements of the response that are no rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// One stored row: it derefs to the [`Record`] of its columns, and keeps what the response has beside them.
///
/// `Serialize` writes the columns alone; a row with tokens or file metadata is an object of `record`, `tokens` and
/// `file_metadata`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredRecord {
    /// The columns: the `fields` of the response. Where there are none, the tokens: with
    /// [`GetRequest::return_tokens`] some servers put the tokens beside the fields and some in their place.
    pub record: Record,
    /// The tokens by column, where the response has them beside the fields or instead of them.
    pub tokens: Option<Record>,
    /// Name, size and type of the files by column, when they were requested.
    pub file_metadata: Option<Record>,
}

impl Serialize for StoredRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.tokens.is_none() && self.file_metadata.is_none() {
            return self.record.serialize(serializer);
        }
        let mut row = serializer.serialize_struct("StoredRecord", 3)?;
        row.serialize_field("record", &self.record)?;
        row.serialize_field("tokens", &self.tokens)?;
        row.serialize_field("file_metadata", &self.file_metadata)?;
        row.end()
    }
}

impl StoredRecord {
    /// Reads a row; the columns of one that has none come back as the error.
    pub(super) fn of(row: types::StoredRecord, origin: &Arc<Origin>) -> Result<Self, Json> {
        let read = |columns| Record::new(columns).in_response(origin);
        let columns = row.fields.as_ref().or(row.tokens.as_ref());
        if let Some(wrong) = columns.filter(|columns| !columns.get().starts_with('{')) {
            return Err(wrong.clone());
        }
        let tokens = row.tokens.map(read);
        // A row with neither is a row all the same.
        let record = row.fields.map(read).or_else(|| tokens.clone());
        let record = record.unwrap_or_else(|| Record::empty().in_response(origin));
        Ok(Self { record, tokens, file_metadata: row.file_metadata.map(read) })
    }
}

/// The rows of a table, each read on its own.
pub(super) struct StoredRows;

impl ReadBody for StoredRows {
    type Value = Elements<types::StoredRecord>;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        elements(body, "records", |whole: types::ListRecordsResponse| whole.records, lenient)
    }
}

impl Deref for StoredRecord {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl GetResponse {
    pub(super) fn from_list(response: Response<Elements<types::StoredRecord>>) -> Self {
        let origin = Origin::of(records::List::INFO.name, &response);
        let (data, errors) = sorted(response.body, &origin, |row| StoredRecord::of(row, &origin));
        Self { data, errors, request_id: response.request_id }
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
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, request: skyflow::GetRequest) -> Result<(), skyflow::Error> {
    /// # #[derive(serde::Deserialize)]
    /// # struct Card { card_number: String }
    /// let response = vault.get(request).await?;
    /// let (cards, misfits): (Vec<_>, Vec<_>) = response.each_record::<Card>().partition(Result::is_ok);
    /// # Ok(()) }
    /// ```
    pub fn each_record<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, Error>> + '_ {
        let rows = self.data.iter().enumerate();
        let rows = rows.map(|(index, row)| row.decode().map_err(|error| error.at_row(index)));
        rows.chain(self.errors.iter().map(|error| Err(error.clone().into_error())))
    }
}

impl Vault {
    /// Gets rows by id or by the values of a unique column.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::{GetRequest, Redaction};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Card {
    ///     skyflow_id: String,
    ///     card_number: String,
    /// }
    ///
    /// let response = vault.get(GetRequest::new("table1").ids([id]).redaction(Redaction::PlainText)).await?;
    /// let cards: Vec<Card> = response.records()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the table is blank, neither or both of ids and column are given, a list is
    /// empty or has a blank element, or tokens are requested together with a redaction or a column; fails as every
    /// call does afterwards, with 404 when an id is unknown.
    pub async fn get(&self, request: GetRequest) -> Result<GetResponse, Error> {
        let call = request.into_list::<StoredRows>(self.id().as_str());
        self.handle.call(call, |response| Ok(GetResponse::from_list(response))).await
    }

    /// Gets one row.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::GetRequest;
    ///
    /// let person = vault.get_one(GetRequest::new("persons").ids([id])).await?;
    /// println!("{:?}", person.text("state"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Vault::get`] does, with 404 when an id is unknown, and with
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the response has no row or several.
    pub async fn get_one(&self, request: GetRequest) -> Result<StoredRecord, Error> {
        let call = request.into_list::<StoredRows>(self.id.as_str());
        let read = |response| {
            let GetResponse { data: mut rows, mut errors, .. } = GetResponse::from_list(response);
            match (rows.pop(), errors.pop()) {
                (Some(row), None) if rows.is_empty() => Ok(row),
                (None, Some(error)) if errors.is_empty() => Err(error.into_error()),
                (last, failed) => {
                    let rows = rows.iter().chain(&last).filter_map(|row| Json::from_serialize(row).ok());
                    let misshapen = errors.iter().chain(&failed).map(|element| element.json().clone());
                    let rows = rows.chain(misshapen);
                    Err(Error::bad_response("expected one row").with_elements(&rows.collect::<Vec<_>>()))
                }
            }
        };
        self.handle.call(call, read).await
    }
}

#[cfg(test)]
mod tests {
    use skyflow_api::Json;

    use super::*;

    #[test]
    fn row_with_tokens_is_serialized_with_both() {
        let record = |json: &str| Record::new(Json::parse(json).unwrap());
        let mut row = StoredRecord { record: record(r#"{"n":1.10}"#), tokens: None, file_metadata: None };
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"n":1.10}"#);
        row.tokens = Some(record(r#"{"n":"t1"}"#));
        let expected = r#"{"record":{"n":1.10},"tokens":{"n":"t1"},"file_metadata":null}"#;
        assert_eq!(serde_json::to_string(&row).unwrap(), expected);
    }
}
