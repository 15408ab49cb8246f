//! One vault: its operations, their requests and their answers.

mod audit;
mod batch;
mod batch_outcome;
mod batch_row;
mod delete;
mod detokenize;
mod get;
mod insert;
mod insert_batch;
mod metadata;
mod pages;
mod query;
mod read_as;
mod rows;
mod tokenize;
mod update;
mod upload;

use std::sync::Arc;

use skyflow_api::{ApiErrorBody, Client, Operation, Response};
use skyflow_http::{BaseUri, CallOptions, Clock, DynLayer, HttpService, Idempotency};
use skyflow_types::VaultId;
use tower_layer::Layer;

pub use audit::AuditEvent;
pub use batch::{BatchError, BatchOperation, BatchOutcome, BatchOutput, BatchRequest, BatchResponse};
pub use batch_row::BatchRow;
pub use delete::{DeleteRequest, DeleteResponse};
pub use detokenize::{DetokenizeError, DetokenizeRequest, DetokenizeResponse, DetokenizedField, ValueType};
pub use get::{GetRequest, GetResponse, Order, StoredRecord};
pub use insert::{InsertError, InsertRequest, InsertResponse, InsertedRecord};
pub use query::{QueriedRecord, QueryRequest, QueryResponse};
pub(crate) use rows::{none_blank, not_blank};
pub use tokenize::{TokenizeRequest, TokenizeResponse};
pub use update::{UpdateRequest, UpdateResponse};
pub use upload::{FileScan, UploadFileRequest, UploadFileResponse};

use crate::{Detect, Error};

/// A handle on one vault of a client; cheap to clone.
///
/// It keeps the configuration that the client had when the handle was taken.
#[derive(Debug, Clone)]
pub struct Vault {
    id: Arc<VaultId>,
    api: Client<HttpService>,
    options: CallOptions,
    clock: Arc<dyn Clock>,
}

impl Vault {
    pub(crate) fn new(id: VaultId, base: BaseUri, service: HttpService, clock: Arc<dyn Clock>) -> Self {
        Self { id: Arc::new(id), api: Client::new(service, base), options: CallOptions::default(), clock }
    }

    /// Returns a handle on Detect in this vault; it shares the options and layers of this one.
    pub fn detect(&self) -> Detect {
        Detect::new(self.clone())
    }

    pub(crate) fn options(&self) -> CallOptions {
        self.options
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the vault's id.
    pub fn id(&self) -> &VaultId {
        &self.id
    }

    /// Returns a handle whose calls have options of their own: deadline, attempt timeout, attempts, idempotency.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use std::time::Duration;
    /// use skyflow::{CallOptions, GetRequest};
    ///
    /// let quick = vault.with_options(CallOptions::new().deadline(Duration::from_millis(800)).no_retry());
    /// let answer = quick.get(GetRequest::new("persons").ids(["b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"])).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// Returns a handle whose calls pass through one more operation layer, outside all others.
    pub fn with_layer(&self, layer: &DynLayer) -> Self {
        let service = layer.layer(self.api.service().clone());
        Self { api: Client::new(service, self.api.base().clone()), ..self.clone() }
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
        self.send_with(operation, self.options).await
    }

    pub(crate) async fn send_with<O: Operation<Error = ApiErrorBody>>(
        &self,
        operation: O,
        options: CallOptions,
    ) -> Result<Response<O::Output>, Error> {
        self.send_as(operation, options, O::INFO.idempotency != Idempotency::Safe).await
    }

    /// Sends an operation of which this call knows better than its kind whether it changes anything.
    pub(crate) async fn send_as<O: Operation<Error = ApiErrorBody>>(
        &self,
        operation: O,
        options: CallOptions,
        writes: bool,
    ) -> Result<Response<O::Output>, Error> {
        let answer = self.api.send_with(operation, options).await;
        answer.map_err(|error| Error::from_api(error, writes).in_operation(O::INFO.name))
    }
}
