//! What came out of a call of this SDK.

use std::fmt;

use skyflow::ErrorKind;
use skyflow_auth::{AuthError, AuthErrorKind, CredentialsError};

use crate::json::Json;

/// What came out of a call: of this SDK, or as it is promised.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A response, in the official form with `tokens` beside the rest of a row.
    Returned(Json),
    /// Refused before anything was sent.
    Refused { field: String },
    /// An error after something was sent, or was meant to be.
    Failed(Box<Failure>),
    /// The Rust API has no way to say it: the compiler refuses it.
    Inexpressible { argument: String, why: String },
    /// The replay does not know the operation or the argument.
    Unknown(String),
}

/// What an error tells its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: ErrorKind,
    /// The server's words as sent; `None` for words of the SDK's own.
    pub message: Option<String>,
    pub http_code: Option<u16>,
    pub http_status: Option<String>,
    pub grpc_code: Option<i64>,
    pub request_id: Option<String>,
    pub details: Vec<Json>,
    pub error_from_client: Option<bool>,
    pub may_have_been_applied: bool,
    /// The run of Detect that goes on at the server.
    pub run_id: Option<String>,
}

impl From<skyflow::Error> for Outcome {
    fn from(error: skyflow::Error) -> Self {
        if let Some(auth) = AuthError::find(&error) {
            return auth.clone().into();
        }
        let refused =
            matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Configuration | ErrorKind::Auth);
        if let Some(field) = error.field().filter(|_| refused) {
            return Self::Refused { field: field.to_owned() };
        }
        Self::Failed(Box::new(Failure {
            kind: error.kind(),
            message: error.expose_server_message().map(ToOwned::to_owned),
            http_code: error.http_code(),
            http_status: error.http_status().map(ToOwned::to_owned),
            grpc_code: error.grpc_code(),
            request_id: error.request_id().map(ToString::to_string),
            details: error.details().iter().filter_map(|detail| Json::parse(detail.get()).ok()).collect(),
            error_from_client: error.error_from_client(),
            may_have_been_applied: error.may_have_been_applied(),
            run_id: error.run_id().map(ToOwned::to_owned),
        }))
    }
}

impl From<AuthError> for Outcome {
    fn from(error: AuthError) -> Self {
        if error.kind() == AuthErrorKind::Credentials
            && let Some(field) = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<CredentialsError>())
                .map(CredentialsError::field)
        {
            return Self::Refused { field: field.to_owned() };
        }
        Self::Failed(Box::new(Failure {
            kind: ErrorKind::Auth,
            message: error.server_message().map(ToOwned::to_owned),
            http_code: error.status().map(|status| status.as_u16()),
            http_status: None,
            grpc_code: error.server_code().and_then(|code| code.parse().ok()),
            request_id: error.request_id().map(ToString::to_string),
            details: Vec::new(),
            error_from_client: None,
            may_have_been_applied: false,
            run_id: None,
        }))
    }
}

impl From<CredentialsError> for Outcome {
    fn from(error: CredentialsError) -> Self {
        Self::Refused { field: error.field().to_owned() }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(json) => write!(f, "returned {json}"),
            Self::Refused { field } => write!(f, "refused before anything was sent, because of `{field}`"),
            Self::Failed(failure) => write!(f, "failed {failure:?}"),
            Self::Inexpressible { argument, why } => {
                write!(f, "cannot be written in Rust: `{argument}` {why}")
            }
            Self::Unknown(what) => write!(f, "not known to the replay: {what}"),
        }
    }
}
