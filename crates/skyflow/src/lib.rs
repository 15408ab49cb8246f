#![doc = include_str!("../README.md")]

mod builder;
mod call_options;
mod call_settings;
mod client;
mod client_state;
mod config;
mod config_file;
mod connect;
pub mod connection;
pub mod detect;
mod environment;
mod error;
mod file_source;
mod handle;
mod headers;
mod local_file;
mod media_type;
mod record;
mod registry;
pub mod vault;

pub use builder::SkyflowBuilder;
pub use call_options::CallOptions;
pub use client::Skyflow;
pub use config::VaultConfig;
pub use connection::{
    Connection, ConnectionConfig, ConnectionData, ConnectionMetadata, InvokeConnectionRequest,
    InvokeConnectionResponse,
};
pub use detect::{
    Bleep, DateShift, DeidentifyFileRequest, DeidentifyTextRequest, DeidentifyTextResponse, Detect,
    DetectOutput, DetectRun, DetectedEntity, GuardrailsRequest, GuardrailsResponse, MaskingMethod,
    OutputKind, ReidentifyFileRequest, ReidentifyFileResponse, ReidentifyTextRequest, ReidentifyTextResponse,
    RunPoller, RunStatus, TextIndex, TokenFormat, TokenKind, Transcription,
};
pub use error::{Error, ErrorKind};
pub use file_source::FileSource;
pub use record::Record;
pub use skyflow_api::Json;
pub use skyflow_auth::{AuthError, Credentials, CredentialsError, CredentialsKind};
pub use skyflow_http::{RetryStop, Setting};
pub use skyflow_types::{DetectEntity, Env, LogLevel, Redaction, RequestId, Secret, Sensitive, TokenMode};
pub use vault::{
    AuditEvent, BatchError, BatchOperation, BatchOutcome, BatchOutput, BatchRequest, BatchResponse, BatchRow,
    DeleteRequest, DeleteResponse, DetokenizeError, DetokenizeRequest, DetokenizeResponse, DetokenizedField,
    FileScan, GetRequest, GetResponse, InsertError, InsertRequest, InsertResponse, InsertedRecord, Order,
    QueriedRecord, QueryRequest, QueryResponse, StoredRecord, TokenizeRequest, TokenizeResponse,
    TokenizedField, UpdateRequest, UpdateResponse, UploadFileRequest, UploadFileResponse, ValueType, Vault,
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
        is_response::<TokenizeResponse>();
        is_response::<UpdateResponse>();
        is_response::<UploadFileResponse>();
    }
}
