use std::fmt;

use serde::de::DeserializeOwned;
use skyflow_api::{ApiErrorBody, Operation, Response, audit, types};
use skyflow_http::blocking::BlockingRuntime;
use skyflow_types::VaultId;

use super::{Detect, Elements, blocking_methods, handle_methods, wait};
use crate::{
    AuditEvent, BatchRequest, BatchResponse, DeleteRequest, DeleteResponse, DetokenizeRequest,
    DetokenizeResponse, Error, FileScan, GetByIdRequest, GetRequest, GetResponse, InsertRequest,
    InsertResponse, QueryRequest, QueryResponse, StoredRecord, TokenizeRequest, TokenizeResponse,
    TypedGetResponse, TypedInsertResponse, UpdateRequest, UpdateResponse, UploadFileRequest,
    UploadFileResponse, UploadStatusRequest, UploadStatusResponse,
};

/// A handle on one vault of a synchronous client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    handle: crate::Vault,
    runtime: BlockingRuntime,
}

impl Vault {
    handle_methods!(Vault);

    /// Returns a handle on Detect in this vault; it shares the options and layers of this one.
    pub fn detect(&self) -> Detect {
        Detect::new(self.handle.detect(), self.runtime.clone())
    }

    /// Returns the vault's id.
    pub fn id(&self) -> &VaultId {
        self.handle.id()
    }

    blocking_methods! { Vault:
        fn insert(request: InsertRequest) -> InsertResponse;
        fn get(request: GetRequest) -> GetResponse;
        fn get_by_id(request: GetByIdRequest) -> StoredRecord;
        fn get_one(request: GetRequest) -> StoredRecord;
        fn update(request: UpdateRequest) -> UpdateResponse;
        fn delete(request: DeleteRequest) -> DeleteResponse;
        fn delete_all_rows(table: impl Into<String>) -> DeleteResponse;
        fn batch(request: BatchRequest) -> BatchResponse;
        fn query(request: QueryRequest) -> QueryResponse;
        fn detokenize(request: DetokenizeRequest) -> DetokenizeResponse;
        fn tokenize(request: TokenizeRequest) -> TokenizeResponse;
        fn upload_file(request: UploadFileRequest) -> UploadFileResponse;
        fn delete_file(table: impl Into<String>, skyflow_id: impl Into<String>, column: impl Into<String>) -> bool;
        fn upload_status(request: UploadStatusRequest) -> UploadStatusResponse;
        fn file_scan_status(table: impl Into<String>, skyflow_id: impl Into<String>, column: impl Into<String>) -> FileScan;
        fn bin_lookup(request: types::BinLookupRequest) -> Vec<types::Card>;
    }

    /// Inserts rows, reads the response straight into your own type, and blocks the thread until it has ended; see
    /// [`Vault::insert_as`](crate::Vault::insert_as).
    ///
    /// # Errors
    ///
    /// Fails as [`Vault::insert`] does.
    pub fn insert_as<T: DeserializeOwned>(
        &self,
        request: InsertRequest,
    ) -> Result<TypedInsertResponse<T>, Error> {
        wait(&self.runtime, self.handle.insert_as(request))
    }

    /// Gets rows, reads the response straight into your own type, and blocks the thread until it has ended; see
    /// [`Vault::get_as`](crate::Vault::get_as).
    ///
    /// # Errors
    ///
    /// Fails as [`Vault::get`] does.
    pub fn get_as<T: DeserializeOwned>(&self, request: GetRequest) -> Result<TypedGetResponse<T>, Error> {
        wait(&self.runtime, self.handle.get_as(request))
    }

    /// Sends an operation of the generated bindings, and blocks the thread until it has ended; see
    /// [`Vault::send`](crate::Vault::send).
    ///
    /// # Errors
    ///
    /// Fails as every call of this client does; see [`Error`].
    pub fn send<O: Operation<Error = ApiErrorBody>>(
        &self,
        operation: O,
    ) -> Result<Response<O::Output>, Error> {
        wait(&self.runtime, self.handle.send(operation))
    }

    /// Gets rows page after page, 25 at a time, until the caller stops or there are no more; see
    /// [`Vault::get_pages`](crate::Vault::get_pages).
    ///
    /// ```
    /// # fn run(vault: skyflow::blocking::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::GetRequest;
    ///
    /// for row in vault.get_pages(GetRequest::new("persons").all_rows()) {
    ///     println!("{:?}", row?.skyflow_id());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn get_pages(&self, request: GetRequest) -> Rows {
        Rows(Elements::new(&self.runtime, self.handle.get_pages(request)))
    }

    /// Lists audit events of an account, page after page, until the caller stops or there are no more; see
    /// [`Vault::audit_events`](crate::Vault::audit_events).
    pub fn audit_events(&self, request: audit::ListEvents) -> Events {
        Events(Elements::new(&self.runtime, self.handle.audit_events(request)))
    }
}

/// The rows of [`Vault::get_pages`]. A failed page is the last element.
pub struct Rows(Elements<StoredRecord>);

impl Iterator for Rows {
    type Item = Result<StoredRecord, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl std::iter::FusedIterator for Rows {}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

/// The events of [`Vault::audit_events`]. A failed page is the last element.
pub struct Events(Elements<AuditEvent>);

impl Iterator for Events {
    type Item = Result<AuditEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl std::iter::FusedIterator for Events {}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
