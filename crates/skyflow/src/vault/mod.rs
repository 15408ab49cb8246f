//! One vault: its operations, their requests and their responses.
//!
//! Every response implements `Serialize`, so that it can be handed on as JSON. That writes all of it, values and tokens
//! included; `Debug` shows neither.

mod audit;
mod batch;
mod batch_outcome;
mod batch_row;
mod delete;
mod detokenize;
mod file_metadata;
mod get;
mod get_by_id;
mod insert;
mod insert_batch;
mod metadata;
mod pages;
mod query;
mod row_with_id;
mod sql;
mod tokenize;
mod typed;
mod update;
mod upload;
mod upload_status;

use std::sync::Arc;

use skyflow_api::{ApiErrorBody, Operation, Response};
use skyflow_http::{Clock, HttpLayer};
use skyflow_types::VaultId;

pub use audit::AuditEvent;
pub use batch::{BatchError, BatchOperation, BatchOutcome, BatchOutput, BatchRequest, BatchResponse};
pub use batch_row::BatchRow;
pub use delete::{DeleteRequest, DeleteResponse};
pub use detokenize::{DetokenizeError, DetokenizeRequest, DetokenizeResponse, DetokenizedField, ValueType};
pub use file_metadata::FileMetadata;
pub use get::{GetRequest, GetResponse, Order, StoredRecord};
pub use get_by_id::GetByIdRequest;
pub use insert::{InsertError, InsertRequest, InsertResponse, InsertedRecord};
pub use query::{QueriedRecord, QueryRequest, QueryResponse};
pub use sql::SqlValue;
pub use tokenize::{TokenizeError, TokenizeRequest, TokenizeResponse, TokenizedField};
pub use typed::{TypedGetResponse, TypedInsertResponse};
pub use update::{UpdateRequest, UpdateResponse};
pub use upload::{FileScan, UploadFileRequest, UploadFileResponse};
pub use upload_status::{UploadStatus, UploadStatusRequest, UploadStatusResponse, UploadedRow};

use crate::handle::{Call, Handle};
use crate::{CallOptions, Detect, Error};

/// A handle on one vault of a client; cheap to clone.
///
/// It keeps the configuration that the client had when the handle was taken.
#[derive(Debug, Clone)]
pub struct Vault {
    id: Arc<VaultId>,
    pub(crate) handle: Handle,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Vault {
    pub(crate) fn new(id: VaultId, handle: Handle, clock: Arc<dyn Clock>) -> Self {
        Self { id: Arc::new(id), handle, clock }
    }

    /// Returns a handle on Detect in this vault; it shares the options and layers of this one.
    pub fn detect(&self) -> Detect {
        Detect::new(self.clone())
    }

    /// Returns the vault's id.
    pub fn id(&self) -> &VaultId {
        &self.id
    }

    /// Returns a handle whose calls have other options: time limits, attempts, idempotency, headers, end user.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use std::time::Duration;
    /// use skyflow::{CallOptions, GetRequest};
    ///
    /// let quick = vault.with_options(CallOptions::new().deadline(Duration::from_millis(800)).no_retry());
    /// let response = quick.get(GetRequest::new("persons").ids(["b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"])).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { handle: self.handle.with_options(options), ..self.clone() }
    }

    /// Returns a handle whose calls pass through one more operation layer: any tower layer, outside all others.
    pub fn with_layer(&self, layer: impl HttpLayer) -> Self {
        Self { handle: self.handle.with_layer(layer), ..self.clone() }
    }

    /// Returns a handle whose calls are made for an end user; see [`CallOptions::context`].
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, request: skyflow::GetRequest) -> Result<(), skyflow::Error> {
    /// let response = vault.with_context("user-7").get(request).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_context(&self, context: impl Into<serde_json::Value>) -> Self {
        Self { handle: self.handle.changing(|options| options.context(context)), ..self.clone() }
    }

    /// Returns a handle whose requests carry one more header; see [`CallOptions::header`].
    pub fn with_header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { handle: self.handle.changing(|options| options.header(name, value)), ..self.clone() }
    }

    /// Sends an operation of the generated bindings through this vault's stack, such as one that has no method here.
    ///
    /// # Errors
    ///
    /// Fails as every call of this client does; see [`Error`].
    pub async fn send<O: Operation<Error = ApiErrorBody>>(
        &self,
        operation: O,
    ) -> Result<Response<O::Output>, Error> {
        self.handle.call(Ok(Call::new(operation)), Ok).await
    }
}
