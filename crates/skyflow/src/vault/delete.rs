use bytes::Bytes;
use serde::Serialize;
use skyflow_api::{DecodeError, Json, Operation, Response, records, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::Error;
use crate::elements::{ElementError, Elements, ReadBody, elements, sorted};
use crate::handle::{Call, ReadAs, subject};
use crate::record::{Origin, none_blank, not_blank, text_of};

/// Deletes rows of one table.
///
/// ```
/// use skyflow::DeleteRequest;
///
/// let request = DeleteRequest::new("table1", ["b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"]);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is given to `Vault::delete`"]
pub struct DeleteRequest {
    table: String,
    ids: Vec<String>,
}

impl DeleteRequest {
    /// Names the table and the ids of the rows.
    pub fn new<S: Into<String>>(table: impl Into<String>, ids: impl IntoIterator<Item = S>) -> Self {
        Self { table: table.into(), ids: ids.into_iter().map(Into::into).collect() }
    }

    fn into_bulk_delete(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<records::BulkDelete, DeletedIds>>, Error> {
        none_blank("ids", &self.ids)?;
        if let Some(index) = self.ids.iter().position(|id| id == "*") {
            let field = format!("ids[{index}]");
            return Err(Error::invalid(field, "means all rows: call delete_all_rows instead"));
        }
        bulk_delete(vault_id, self.table, self.ids)
    }
}

/// The rows that were deleted.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DeleteResponse {
    /// Their ids; a single `*` when all rows were deleted.
    pub deleted_ids: Vec<String>,
    /// The elements of the response that are no ids; the rows were deleted nevertheless.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl Vault {
    /// Deletes rows by id.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::DeleteRequest;
    ///
    /// let response = vault.delete(DeleteRequest::new("table1", [id])).await?;
    /// assert_eq!(response.deleted_ids.len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the table is blank, there is no id, an id is blank, or an id is `*`; fails as
    /// every call does afterwards, with 404 when an id is unknown.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse, Error> {
        self.delete_rows(request.into_bulk_delete(self.id().as_str())).await
    }

    /// Deletes every row of a table.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the table is blank; fails as every call does afterwards.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back a request that was already sent.
    pub async fn delete_all_rows(&self, table: impl Into<String>) -> Result<DeleteResponse, Error> {
        self.delete_rows(bulk_delete(self.id().as_str(), table.into(), vec!["*".to_owned()])).await
    }

    async fn delete_rows(
        &self,
        call: Result<Call<ReadAs<records::BulkDelete, DeletedIds>>, Error>,
    ) -> Result<DeleteResponse, Error> {
        let read = |response: Response<Elements<String>>| {
            let origin = Origin::of(records::BulkDelete::INFO.name, &response);
            let (deleted_ids, errors) = sorted(response.body, &origin, Ok);
            Ok(DeleteResponse { deleted_ids, errors, request_id: response.request_id })
        };
        self.handle.call(call, read).await
    }
}

/// The ids of a response, each read on its own; a number stays what it is.
struct DeletedIds;

impl ReadBody for DeletedIds {
    type Value = Elements<String>;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        let number = |id: Json| match id.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => text_of(id.get()).ok_or(id),
            _ => Err(id),
        };
        elements(body, "RecordIDResponse", |whole: types::BulkDeleteResponse| whole.record_ids, number)
    }
}

fn bulk_delete(
    vault_id: &str,
    table: String,
    ids: Vec<String>,
) -> Result<Call<ReadAs<records::BulkDelete, DeletedIds>>, Error> {
    not_blank("table", &table)?;
    // The id `*` means every row.
    let rows = (ids != ["*"]).then_some(ids.len());
    let subject = subject(&*table, rows);
    let delete = records::BulkDelete::new(vault_id, table, types::BulkDeleteRequest::new(ids));
    Ok(Call::new(ReadAs::new(delete)).about(subject))
}
