use skyflow_api::{records, types};
use skyflow_types::RequestId;

use super::Vault;
use super::rows::{none_blank, not_blank};
use crate::Error;

/// Asks to delete rows of one table.
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

    fn check(&self) -> Result<(), Error> {
        not_blank("table", &self.table)?;
        none_blank("ids", &self.ids)?;
        match self.ids.iter().position(|id| id == "*") {
            Some(index) => {
                Err(Error::invalid(format!("ids[{index}]"), "means all rows: use `delete_all_rows` for that"))
            }
            None => Ok(()),
        }
    }
}

/// The rows that were deleted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeleteResponse {
    /// Their ids; a single `*` when all rows were deleted.
    pub deleted_ids: Vec<String>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

impl Vault {
    /// Deletes rows by id.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::DeleteRequest;
    ///
    /// let answer = vault.delete(DeleteRequest::new("table1", [id])).await?;
    /// assert_eq!(answer.deleted_ids.len(), 1);
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
        request.check().map_err(|error| error.in_operation("records.bulk_delete"))?;
        self.delete_ids(request.table, request.ids).await
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
        let table = table.into();
        not_blank("table", &table).map_err(|error| error.in_operation("records.bulk_delete"))?;
        self.delete_ids(table, vec!["*".to_owned()]).await
    }

    async fn delete_ids(&self, table: String, ids: Vec<String>) -> Result<DeleteResponse, Error> {
        let body = types::BulkDeleteRequest::new(ids);
        let answer = self.send(records::BulkDelete::new(self.id().as_str(), table, body)).await?;
        Ok(DeleteResponse { deleted_ids: answer.body.record_ids, request_id: answer.request_id })
    }
}
