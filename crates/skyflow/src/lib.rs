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
    Connection, ConnectionConfig, ConnectionData, InvokeConnectionRequest, InvokeConnectionResponse,
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
    BatchOperation, BatchRequest, BatchResponse, DeleteRequest, DeleteResponse, DetokenizeRequest,
    DetokenizeResponse, GetRequest, GetResponse, InsertRequest, InsertResponse, Order, QueryRequest,
    QueryResponse, TokenizeRequest, TokenizeResponse, UpdateRequest, UpdateResponse, UploadFileRequest,
    UploadFileResponse, Vault,
};

/// The generated bindings, for operations that have no method of their own; see [`Vault::send`].
pub use skyflow_api as api;
/// The tower vocabulary and the layers of the stack, for clients with a stack of their own.
pub use skyflow_http as http;
