#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | [`Skyflow`], [`SkyflowBuilder`] | the client: vaults, connections, credentials, limits |
//! | [`vault`] | [`Vault`]: insert, get, update, delete, query, batch, detokenize, tokenize, files |
//! | [`detect`] | [`Detect`]: sensitive data in text and files; [`RunPoller`] waits for the run of a file |
//! | [`connection`] | [`Connection`]: calls of third parties through the vault |
//! | `blocking` | the synchronous API; with the feature `blocking` |
//! | [`auth`] | credentials, token providers, signed data tokens |
//! | [`http`] | the tower vocabulary, layers and the transport, for custom stacks |
//! | [`api`] | the generated operations, for [`Vault::send`] |
//! | [`types`] | ids, environments, redaction levels, secrets |
//!
//! Every call passes a tower stack: deadline, retry (only where a retry is harmless), authentication, attempt timeout,
//! tracing. [`SkyflowBuilder`] adds custom layers around operations and attempts, or takes another transport.
//!
//! # Errors
//!
//! Every call returns [`Error`]. [`Error::kind`] sorts failures by what a caller can do about them,
//! [`Error::is_retryable`] says that the same call may succeed later, and [`Error::may_have_been_applied`] that the vault
//! may have been changed although the call failed. Input is checked before a byte is sent, and [`Error::field`] names
//! the field. `Debug` and logs show no values; a server's message is shown with card numbers, social security numbers
//! and e-mail addresses replaced.
//!
//! # Logs
//!
//! Spans and events go to `tracing` with the target `rest_client`: a span `client.operation` for each call with the
//! operation, table, vault, rows, attempts, status and request id, and one event, `call finished` or `call failed`, with
//! its `elapsed_ms`. The fields have OpenTelemetry's names for database clients. [`SkyflowBuilder::log_level`] drops
//! events below a level. The feature `metrics` emits durations and counts through the `metrics` facade.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod call_log;
mod call_options;
mod call_settings;
mod client;
mod client_state;
mod config;
mod config_file;
mod connect;
pub mod connection;
pub mod detect;
mod elements;
mod environment;
mod error;
mod file_source;
mod handle;
mod headers;
mod media_type;
#[cfg(feature = "metrics")]
pub mod metrics;
mod record;
mod registry;
mod stored_file;
pub mod vault;

pub use builder::SkyflowBuilder;
pub use call_options::CallOptions;
pub use client::Skyflow;
pub use config::VaultConfig;
#[doc(inline)]
pub use connection::{
    Connection, ConnectionConfig, ConnectionData, ConnectionMetadata, InvokeConnectionRequest,
    InvokeConnectionResponse,
};
#[cfg(feature = "detect-v2")]
#[doc(inline)]
pub use detect::DetectV2;
#[doc(inline)]
pub use detect::{
    Bleep, DateShift, DeidentifyFileRequest, DeidentifyTextRequest, DeidentifyTextResponse, Detect,
    DetectOutput, DetectRun, DetectedEntity, GuardrailsRequest, GuardrailsResponse, MaskingMethod,
    OutputKind, ReidentifyFileRequest, ReidentifyFileResponse, ReidentifyTextRequest, ReidentifyTextResponse,
    RunPoller, RunStatus, TextIndex, TokenFormat, TokenKind, Transcription,
};
pub use elements::ElementError;
pub use error::{Error, ErrorKind};
pub use file_source::FileSource;
pub use record::Record;
#[doc(inline)]
pub use skyflow_api::Json;
#[doc(inline)]
pub use skyflow_auth::{AuthError, Credentials, CredentialsError, CredentialsKind};
#[doc(inline)]
pub use skyflow_http::{RetryStop, Setting};
#[doc(inline)]
pub use skyflow_types::{DetectEntity, Env, LogLevel, Redaction, RequestId, Secret, Sensitive, TokenMode};
#[doc(inline)]
pub use vault::{
    AuditEvent, BatchError, BatchOperation, BatchOutcome, BatchOutput, BatchRequest, BatchResponse, BatchRow,
    DeleteRequest, DeleteResponse, DetokenizeError, DetokenizeRequest, DetokenizeResponse, DetokenizedField,
    FileMetadata, FileScan, GetByIdRequest, GetRequest, GetResponse, InsertError, InsertRequest,
    InsertResponse, InsertedRecord, Order, QueriedRecord, QueryRequest, QueryResponse, SqlValue,
    StoredRecord, TokenizeError, TokenizeRequest, TokenizeResponse, TokenizedField, TypedGetResponse,
    TypedInsertResponse, UpdateRequest, UpdateResponse, UploadFileRequest, UploadFileResponse, UploadStatus,
    UploadStatusRequest, UploadStatusResponse, UploadedRow, ValueType, Vault,
};

/// The generated bindings, for operations that have no method here; see [`Vault::send`].
pub use skyflow_api as api;
/// Credentials, token providers and signers, for clients with another source of tokens.
pub use skyflow_auth as auth;
/// The tower vocabulary and the layers of the stack, for clients with a custom stack.
pub use skyflow_http as http;
/// Identifiers, environments, redaction levels and the wrappers of secrets.
pub use skyflow_types as types;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_response<T: serde::Serialize + std::fmt::Debug + Clone + Send + Sync>() {}

    #[test]
    fn every_response_implements_serialize() {
        is_response::<vault::AuditEvent>();
        is_response::<vault::FileScan>();
        is_response::<vault::BatchOutput>();
        is_response::<vault::BatchError>();
        is_response::<vault::StoredRecord>();
        is_response::<vault::TokenizedField>();
        is_response::<BatchOutcome>();
        is_response::<BatchResponse>();
        is_response::<DeleteResponse>();
        is_response::<DeidentifyTextResponse>();
        is_response::<DetectOutput>();
        is_response::<DetectRun>();
        is_response::<DetectedEntity>();
        is_response::<DetokenizeError>();
        is_response::<DetokenizeResponse>();
        is_response::<GetResponse>();
        is_response::<GuardrailsResponse>();
        is_response::<InsertError>();
        is_response::<InsertResponse>();
        is_response::<InvokeConnectionResponse>();
        is_response::<QueryResponse>();
        is_response::<Record>();
        is_response::<ReidentifyFileResponse>();
        is_response::<ReidentifyTextResponse>();
        is_response::<TokenizeError>();
        is_response::<TokenizeResponse>();
        is_response::<ElementError>();
        is_response::<api::types::Card>();
        is_response::<UpdateResponse>();
        is_response::<UploadFileResponse>();
    }
}
