#![doc = include_str!("../README.md")]

mod builder;
mod call_options;
mod client;
mod client_state;
mod config;
pub mod connection;
pub mod detect;
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
pub use skyflow_auth::Credentials;
pub use skyflow_http::RetryStop;
pub use skyflow_types::{DetectEntity, Env, LogLevel, Redaction, RequestId, Secret, Sensitive, TokenMode};
pub use vault::{
    BatchError, BatchOperation, BatchOutcome, BatchOutput, BatchRequest, BatchResponse, DeleteRequest,
    DeleteResponse, DetokenizeError, DetokenizeRequest, DetokenizeResponse, DetokenizedField, GetRequest,
    GetResponse, InsertError, InsertRequest, InsertResponse, InsertedRecord, Order, QueriedRecord,
    QueryRequest, QueryResponse, TokenizeRequest, TokenizeResponse, TokenizedField, UpdateRequest,
    UpdateResponse, UploadFileRequest, UploadFileResponse, ValueType, Vault,
};

/// The generated bindings, for operations that have no method of their own; see [`Vault::send`].
pub use skyflow_api as api;
/// The tower vocabulary and the layers of the stack, for clients with a stack of their own.
pub use skyflow_http as http;
