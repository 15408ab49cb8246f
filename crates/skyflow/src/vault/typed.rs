//! Rows in the caller's own type, decoded in one pass.
//!
//! A response of the usual form is decoded straight into the caller's rows. Any other is read as
//! [`Vault::insert`] and [`Vault::get`] read it, and its rows are decoded one by one; so are inserted rows that become maps.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
    value::MapDeserializer,
};
use serde::{Deserialize, Serialize};
use skyflow_api::{DecodeError, Response};
use skyflow_types::RequestId;

use super::Vault;
use super::get::{GetRequest, GetResponse, StoredRows};
use super::insert::{InsertError, InsertRequest, InsertResponse, WrittenRows};
use super::row_with_id::{ID, Row};
use crate::elements::ReadBody;
use crate::{ElementError, Error};

/// Reports the outcome of each row of an insert, with the inserted rows in the caller's own type.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TypedInsertResponse<T> {
    /// The rows that were inserted or updated and fit the type, in the order of the request: `skyflow_id` and, when they
    /// were requested, one field per column with its token.
    pub rows: Vec<T>,
    /// The other rows, in the order of the request: those that were refused, and those that were inserted and do not fit the
    /// type, which have their `skyflow_id`.
    pub errors: Vec<InsertError>,
    /// The elements of the response that belong to no row of the request; see [`InsertResponse::surplus`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// The rows that were found, in the caller's own type.
#[non_exhaustive]
pub struct TypedGetResponse<T> {
    /// The rows that fit the type, in the order of the response.
    pub rows: Vec<T>,
    /// The rows that do not fit the type, and the elements of the response that are no rows.
    pub errors: Vec<Error>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// Rows are counted and not shown.
impl<T> fmt::Debug for TypedInsertResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedInsertResponse")
            .field("rows", &self.rows.len())
            .field("errors", &self.errors)
            .field("surplus", &self.surplus)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// Rows are counted and not shown.
impl<T> fmt::Debug for TypedGetResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedGetResponse")
            .field("rows", &self.rows.len())
            .field("errors", &self.errors)
            .field("request_id", &self.request_id)
            .finish()
    }
}

impl Vault {
    /// Inserts rows as [`Vault::insert`] does, and reads the response straight into your own type.
    ///
    /// It is the fastest way to insert many rows: the response is decoded once.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use serde_json::json;
    /// use skyflow::InsertRequest;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Card {
    ///     skyflow_id: String,
    ///     card_number: String,
    /// }
    ///
    /// let request = InsertRequest::new("table1").record(json!({"card_number": "4111111111111111"})).return_tokens(true);
    /// for card in vault.insert_as::<Card>(request).await?.rows {
    ///     println!("{} {}", card.skyflow_id, card.card_number);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Vault::insert`] does. A row that does not fit the type is no error of the call: it is in
    /// [`TypedInsertResponse::errors`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn insert_as<T: DeserializeOwned>(
        &self,
        request: InsertRequest,
    ) -> Result<TypedInsertResponse<T>, Error> {
        if request.continue_on_error {
            return Ok(self.insert(request).await?.into());
        }
        let (vault_id, count) = (self.id.as_str(), request.row_count());
        let call = request.into_insert::<Usual<Inserted<T>>>(vault_id);
        let read = |response| match usual(response, |rows| rows == count) {
            Ok((rows, request_id)) => {
                Ok(TypedInsertResponse { rows, errors: Vec::new(), surplus: Vec::new(), request_id })
            }
            Err(response) => InsertResponse::from_insert(response, count).map(Into::into),
        };
        self.handle.call(call, read).await
    }

    /// Gets rows as [`Vault::get`] does, and reads the response straight into your own type.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, ids: Vec<String>) -> Result<(), skyflow::Error> {
    /// use skyflow::GetRequest;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Person {
    ///     name: String,
    /// }
    ///
    /// let found = vault.get_as::<Person>(GetRequest::new("persons").ids(ids)).await?;
    /// println!("{} persons, {} rows of another form", found.rows.len(), found.errors.len());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Vault::get`] does. A row that does not fit the type is no error of the call: it is in
    /// [`TypedGetResponse::errors`].
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        request: GetRequest,
    ) -> Result<TypedGetResponse<T>, Error> {
        let call = request.into_list::<Usual<Stored<T>>>(self.id.as_str());
        let read = |response| match usual(response, |_| true) {
            Ok((rows, request_id)) => Ok(TypedGetResponse { rows, errors: Vec::new(), request_id }),
            Err(response) => Ok(GetResponse::from_list(response).into()),
        };
        self.handle.call(call, read).await
    }
}

/// Reads a response of the usual form straight into rows, and any other as `R::Other` does.
pub(super) struct Usual<R>(PhantomData<R>);

/// A row of a response of the usual form.
pub(super) trait UsualRow: DeserializeOwned {
    /// The caller's type.
    type Row;
    /// How a response of another form is read.
    type Other: ReadBody<Value: Default>;

    fn into_row(self) -> Self::Row;
}

/// The result of a read.
pub(super) enum Read<R: UsualRow> {
    /// The rows, and the response.
    Usual(Vec<R>, Bytes),
    Other(Untyped<R>),
}

/// The rows of a usual response, and its request id.
type Typed<R> = (Vec<<R as UsualRow>::Row>, Option<RequestId>);

/// A response of another form, as it is read without a type.
type Untyped<R> = <<R as UsualRow>::Other as ReadBody>::Value;

impl<R: UsualRow> ReadBody for Usual<R> {
    type Value = Read<R>;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        #[derive(Deserialize)]
        #[serde(bound = "R: DeserializeOwned")]
        struct Rows<R> {
            records: Vec<R>,
        }

        // Nothing of the response is kept, so its memory need not be shared.
        let read = std::str::from_utf8(body).ok().and_then(|text| serde_json::from_str::<Rows<R>>(text).ok());
        match read {
            Some(Rows { records }) => Ok(Read::Usual(records, body.clone())),
            None => R::Other::read(body).map(Read::Other),
        }
    }
}

/// Returns the rows of a usual response whose number fits; any other response as it is read without a type.
fn usual<R: UsualRow>(
    response: Response<Read<R>>,
    fits: impl FnOnce(usize) -> bool,
) -> Result<Typed<R>, Response<Untyped<R>>> {
    let mut usual = None;
    let response = response.map(|read| match read {
        Read::Usual(rows, _) if fits(rows.len()) => {
            usual = Some(rows.into_iter().map(R::into_row).collect());
            Default::default()
        }
        // It has the form of rows, and not their number.
        Read::Usual(_, body) => R::Other::read(&body).unwrap_or_default(),
        Read::Other(other) => other,
    });
    match usual {
        Some(rows) => Ok((rows, response.request_id)),
        None => Err(response),
    }
}

/// The names of the members of a row.
#[derive(Deserialize, PartialEq)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    SkyflowId,
    Tokens,
    Fields,
    #[serde(other)]
    Other,
}

/// The error of a row that is not of the usual form. It leads to a second read, and is not shown.
const UNUSUAL: &str = "a row of another form";

/// An inserted row: its id, and its tokens behind it.
pub(super) struct Inserted<T>(T);

impl<T: DeserializeOwned> UsualRow for Inserted<T> {
    type Row = T;
    type Other = WrittenRows;

    fn into_row(self) -> T {
        self.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Inserted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InsertedVisitor(PhantomData)).map(Self)
    }
}

struct InsertedVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for InsertedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an inserted row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        if members.next_key()? != Some(Member::SkyflowId) {
            return Err(A::Error::custom(UNUSUAL));
        }
        let skyflow_id: &'de str = members.next_value()?;
        if skyflow_id.is_empty() {
            return Err(A::Error::custom(UNUSUAL));
        }
        let row = match members.next_key()? {
            Some(Member::Tokens) => members.next_value_seed(Tokens { skyflow_id, row: PhantomData })?,
            Some(_) => return Err(A::Error::custom(UNUSUAL)),
            None => of_id(skyflow_id)?,
        };
        pass_over(members, &[Member::SkyflowId, Member::Tokens])?;
        Ok(row)
    }
}

/// Decodes the tokens of a row, with its id in front of them.
struct Tokens<'de, T> {
    skyflow_id: &'de str,
    row: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Tokens<'de, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, tokens: D) -> Result<T, D::Error> {
        tokens.deserialize_option(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Tokens<'de, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tokens")
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<T, E> {
        of_id(self.skyflow_id)
    }

    fn visit_some<D: Deserializer<'de>>(self, tokens: D) -> Result<T, D::Error> {
        T::deserialize(Row { skyflow_id: Some(self.skyflow_id), is_struct: true, members: tokens })
    }
}

/// A row without tokens.
fn of_id<'de, T: Deserialize<'de>, E: serde::de::Error>(skyflow_id: &'de str) -> Result<T, E> {
    T::deserialize(MapDeserializer::new(std::iter::once((ID, skyflow_id))))
}

/// A stored row: its fields.
pub(super) struct Stored<T>(T);

impl<T: DeserializeOwned> UsualRow for Stored<T> {
    type Row = T;
    type Other = StoredRows;

    fn into_row(self) -> T {
        self.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StoredVisitor(PhantomData)).map(Self)
    }
}

struct StoredVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for StoredVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        if members.next_key()? != Some(Member::Fields) {
            return Err(A::Error::custom(UNUSUAL));
        }
        let row = members.next_value_seed(Fields(PhantomData))?;
        pass_over(members, &[Member::Fields])?;
        Ok(row)
    }
}

/// Decodes the fields of a row, which are an object.
struct Fields<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Fields<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, fields: D) -> Result<T, D::Error> {
        T::deserialize(Row { skyflow_id: None, is_struct: false, members: fields })
    }
}

/// Passes over the other members of a row. One of those that were read makes the row one of another form.
fn pass_over<'de, A: MapAccess<'de>>(mut members: A, read: &[Member]) -> Result<(), A::Error> {
    while let Some(member) = members.next_key()? {
        if read.contains(&member) {
            return Err(A::Error::custom(UNUSUAL));
        }
        members.next_value::<IgnoredAny>()?;
    }
    Ok(())
}

impl<T: DeserializeOwned> From<InsertResponse> for TypedInsertResponse<T> {
    fn from(response: InsertResponse) -> Self {
        let InsertResponse { inserted_fields, mut errors, surplus, request_id, .. } = response;
        let mut rows = Vec::with_capacity(inserted_fields.len());
        for row in inserted_fields {
            match row.decode() {
                Ok(read) => rows.push(read),
                Err(error) => errors.push(InsertError {
                    request_index: row.request_index,
                    request_id: request_id.clone(),
                    error: error.message().to_owned(),
                    http_code: None,
                    skyflow_id: Some(row.skyflow_id),
                }),
            }
        }
        errors.sort_by_key(|error| error.request_index);
        Self { rows, errors, surplus, request_id }
    }
}

impl<T: DeserializeOwned> From<GetResponse> for TypedGetResponse<T> {
    fn from(response: GetResponse) -> Self {
        let (mut rows, mut errors) = (Vec::with_capacity(response.data.len()), Vec::new());
        for row in response.each_record() {
            match row {
                Ok(row) => rows.push(row),
                Err(error) => errors.push(error),
            }
        }
        Self { rows, errors, request_id: response.request_id }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Card {
        skyflow_id: String,
        card: Option<String>,
    }

    fn inserted<T: DeserializeOwned>(body: &str) -> Option<Vec<T>> {
        match Usual::<Inserted<T>>::read(&Bytes::copy_from_slice(body.as_bytes())) {
            Ok(Read::Usual(rows, _)) => Some(rows.into_iter().map(|row| row.0).collect()),
            Ok(Read::Other(_)) | Err(_) => None,
        }
    }

    fn stored<T: DeserializeOwned>(body: &str) -> Option<Vec<T>> {
        match Usual::<Stored<T>>::read(&Bytes::copy_from_slice(body.as_bytes())) {
            Ok(Read::Usual(rows, _)) => Some(rows.into_iter().map(|row| row.0).collect()),
            Ok(Read::Other(_)) | Err(_) => None,
        }
    }

    #[test]
    fn usual_inserted_rows_are_read_in_one_pass() {
        let card = |id: &str, card: Option<&str>| Card { skyflow_id: id.into(), card: card.map(Into::into) };
        let body = r#"{"more":[{}],"records":[{"skyflow_id":"a","tokens":{"x":{"y":[1]},"card":"t"},"z":1},
            {"skyflow_id":"b","tokens":null},{"skyflow_id":"c"},{"skyflow_id":"d","tokens":{}}]}"#;
        let expected = [card("a", Some("t")), card("b", None), card("c", None), card("d", None)];
        assert_eq!(inserted::<Card>(body).unwrap(), expected);
        // A map would let a column that is called like the id hide it.
        assert_eq!(inserted::<Value>(body), None);
        let one = r#"{"records":[{"skyflow_id":"a","tokens":{"card":"t"}}]}"#;
        assert_eq!(inserted::<Option<Card>>(one).unwrap(), [Some(card("a", Some("t")))]);
        assert_eq!(inserted::<Card>(r#"{"records":[]}"#).unwrap(), []);
    }

    #[test]
    fn inserted_rows_of_other_forms_are_read_again() {
        for row in [
            r#"{"tokens":{"card":"t"},"skyflow_id":"a"}"#,
            r#"{"skyflow_id":"","tokens":{"card":"t"}}"#,
            r#"{"skyflow_id":7,"tokens":{"card":"t"}}"#,
            r#"{"skyflow_id":"\u0061","tokens":{"card":"t"}}"#,
            r#"{"skyflow_id":"a","tokens":{"card":7}}"#,
            r#"{"skyflow_id":"a","tokens":[]}"#,
            r#"{"skyflow_id":"a","tokens":"t"}"#,
            r#"{"skyflow_id":"a","other":1,"tokens":{}}"#,
            r#"{"skyflow_id":"a","tokens":{},"skyflow_id":"b"}"#,
            r#"{"skyflow_id":"a","tokens":{},"tokens":{"card":"t"}}"#,
            r#"{"skyflow_id":"a","tokens":{"card":"t","skyflow_id":"hidden"}}"#,
            "null",
            "[]",
        ] {
            let body = format!(r#"{{"records":[{{"skyflow_id":"z","tokens":{{"card":"t"}}}},{row}]}}"#);
            assert_eq!(inserted::<Card>(&body), None, "{row}");
        }
        let hidden = r#"{"records":[{"skyflow_id":"a","tokens":{"skyflow_id":"hidden"}}]}"#;
        assert_eq!(inserted::<BTreeMap<String, String>>(hidden), None);
        for body in ["", "[]", r#"{"records":null}"#, r#"{"records":[{"skyflow_id":"a"}]"#] {
            assert_eq!(inserted::<Card>(body), None, "{body}");
        }
    }

    #[test]
    fn stored_rows_are_read_in_one_pass_or_again() {
        let body = r#"{"records":[{"fields":{"skyflow_id":"a","card":"4111"},"tokens":{"card":"t"}},
            {"fields":{"skyflow_id":"b","other":[{}]}}]}"#;
        let rows: Vec<Card> = stored(body).unwrap();
        assert_eq!((rows[0].card.as_deref(), rows[1].skyflow_id.as_str()), (Some("4111"), "b"));
        for row in [
            r#"{"tokens":{"skyflow_id":"a"}}"#,
            r#"{"fields":null,"tokens":{"skyflow_id":"a"}}"#,
            r#"{"fields":[1]}"#,
            r#"{"fields":{"skyflow_id":"a"},"fields":{"skyflow_id":"b"}}"#,
            "{}",
            "7",
        ] {
            let body = format!(r#"{{"records":[{row}]}}"#);
            assert_eq!(stored::<Card>(&body), None, "{row}");
            assert_eq!(stored::<Value>(&body), None, "{row}");
        }
    }
}
