use serde::Serialize;
use skyflow_api::{Response, records, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::Error;
use crate::handle::Call;
use crate::record::{none_blank, not_blank};

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

    fn into_bulk_delete(self, vault_id: &str) -> Result<Call<records::BulkDelete>, Error> {
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
        call: Result<Call<records::BulkDelete>, Error>,
    ) -> Result<DeleteResponse, Error> {
        let read = |response: Response<types::BulkDeleteResponse>| {
            Ok(DeleteResponse { deleted_ids: response.body.record_ids, request_id: response.request_id })
        };
        self.handle.call(call, read).await
    }
}

fn bulk_delete(vault_id: &str, table: String, ids: Vec<String>) -> Result<Call<records::BulkDelete>, Error> {
    not_blank("table", &table)?;
    Ok(Call::new(records::BulkDelete::new(vault_id, table, types::BulkDeleteRequest::new(ids))))
}
