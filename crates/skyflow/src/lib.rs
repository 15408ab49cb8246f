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

/// The generated bindings, for operations that have no method of their own; see [`Vault::send`].
pub use skyflow_api as api;
/// Credentials, token providers and signers, for clients whose tokens come from elsewhere.
pub use skyflow_auth as auth;
/// The tower vocabulary and the layers of the stack, for clients with a stack of their own.
pub use skyflow_http as http;
/// Identifiers, environments, redaction levels and the wrappers of secrets.
pub use skyflow_types as types;
