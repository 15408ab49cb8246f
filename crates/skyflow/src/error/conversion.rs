//! Errors of the crates below, as this crate tells them.

use std::error::Error as StdError;

use bytes::Bytes;
use skyflow_api::DecodeErrorKind;
use skyflow_auth::{
    AuthError, CREDENTIALS_ENV, CredentialsError, CredentialsErrorKind, InvalidVariable, explain,
};
use skyflow_http::{ErrorKind as TransportKind, SendBodyError};

use super::{Error, ErrorKind, Text};

/// The most bytes of an error body that are kept.
const BODY_LIMIT: usize = 64 * 1024;

/// Returns what a caller of this crate calls a parameter of a path.
fn callers_name(parameter: &'static str) -> &'static str {
    match parameter {
        "table_name" => "table",
        "id" => "skyflow_id",
        other => other,
    }
}

impl Error {
    /// `writes` says whether the operation changes anything at all.
    pub(crate) fn from_api(error: skyflow_api::Error, writes: bool) -> Self {
        let progress = error.progress().cloned();
        let mut error = match error {
            skyflow_api::Error::Encode(skyflow_api::EncodeError::ZeroTimeout(limit)) => {
                Self::invalid(limit, "must be greater than zero")
            }
            skyflow_api::Error::Encode(skyflow_api::EncodeError::NotFinite(path)) => {
                let field = if path.is_empty() { "body" } else { &path };
                Self::not_finite(field, "")
            }
            skyflow_api::Error::Encode(skyflow_api::EncodeError::Target(target)) => {
                Self::invalid(callers_name(target.name()), target.problem())
            }
            skyflow_api::Error::Encode(source) => {
                Self::invalid("request", "cannot be sent").with_source(source)
            }
            skyflow_api::Error::Api(response) => Self::from_response(*response),
            skyflow_api::Error::Decode { status, request_id, source, .. } => {
                let error = match source.kind() {
                    DecodeErrorKind::Encoding | DecodeErrorKind::Depth => Self::of(
                        ErrorKind::Decode,
                        Text::Own(format!("the response cannot be read: {source}")),
                    ),
                    _ => {
                        Self::bad_response("the response does not have the form that this operation defines")
                    }
                };
                error.with_status(status, request_id).with_source(source)
            }
            skyflow_api::Error::Service { source, .. } => Self::from_service(source),
            other => Self::of(ErrorKind::Custom, Text::Own("the call failed".to_owned())).with_source(other),
        };
        if let Some(progress) = progress {
            error.0.attempts = progress.attempts();
            error.0.retry_stop = progress.retry_stop();
            error.0.may_have_been_applied = writes && progress.may_have_been_applied();
        }
        error
    }

    fn from_response(response: skyflow_api::ApiError) -> Self {
        let body = response.expose_body();
        // A copy, so that the rest of a long body is not kept alive.
        let body = Bytes::copy_from_slice(body.get(..BODY_LIMIT).unwrap_or(body));
        let retryable = response.is_retryable();
        let text = match response.status.is_redirection() {
            // A token is sent to no other place than the configured one.
            true => Text::Own("the response is a redirect, which is not followed".to_owned()),
            false => Text::Server(response.message),
        };
        let mut error = Self::of(ErrorKind::Api, text);
        error.0.retryable = retryable;
        error.0.status = Some(response.status);
        error.0.http_code = Some(response.error.http_code);
        error.0.grpc_code = response.error.grpc_code;
        let http_status = response.error.http_status.map(|text| skyflow_types::redact_text(&text));
        error.0.http_status =
            http_status.or_else(|| response.status.canonical_reason().map(ToOwned::to_owned));
        error.0.request_id = response.request_id;
        error.0.details = response.error.details;
        error.0.error_from_client = response.error.error_from_client;
        error.0.body = body;
        error
    }

    pub(crate) fn from_service(source: skyflow_http::BoxError) -> Self {
        if let Some(transport) = source.downcast_ref::<skyflow_http::Error>() {
            if let Some(body) = transport.source().and_then(|source| source.downcast_ref::<SendBodyError>()) {
                return Self::invalid(body.part().unwrap_or("body"), body).with_source(source);
            }
            let (kind, retryable) = match transport.kind() {
                TransportKind::AttemptTimeout | TransportKind::DeadlineExceeded | TransportKind::Stalled => {
                    (ErrorKind::Timeout, true)
                }
                TransportKind::BodyTooLarge => (ErrorKind::Decode, false),
                TransportKind::Tls | TransportKind::Proxy => (ErrorKind::Transport, false),
                _ => (ErrorKind::Transport, true),
            };
            let mut text = transport.to_string();
            if transport.is_unresolved() {
                text.push_str(": check cluster_id and env, or the URL");
            }
            let mut error = Self::of(kind, Text::Own(text));
            error.0.retryable = retryable;
            return error.with_source(source);
        }
        let source = match source.downcast::<AuthError>() {
            Ok(auth) => return Self::from(*auth),
            Err(source) => source,
        };
        let text = "a layer of this client failed".to_owned();
        Self::of(ErrorKind::Custom, Text::Own(text)).with_source(source)
    }
}

/// Credentials that cannot be used; nothing was sent. The message of a [`CredentialsError`] holds no value.
impl From<CredentialsError> for Error {
    fn from(mut source: CredentialsError) -> Self {
        let is_of_the_client =
            source.variable().is_none() && matches!(source.field(), CREDENTIALS_ENV | "credentials");
        if source.kind() == CredentialsErrorKind::Missing && is_of_the_client {
            let ways = "are missing: set them on the vault or on the client, or set SKYFLOW_API_KEY, \
                        SKYFLOW_CREDENTIALS or SKYFLOW_CREDENTIALS_PATH";
            return Self::missing("credentials", ways);
        }
        let (field, problem) = source.setting();
        let mut error = Self::invalid(field, problem);
        error.0.kind = ErrorKind::Auth;
        match source.take_cause() {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }
}

/// An environment variable that holds no text.
impl From<InvalidVariable> for Error {
    fn from(source: InvalidVariable) -> Self {
        Self::invalid(source.name(), source.problem())
    }
}

/// A token that could not be obtained; the message says why, and what to check.
impl From<AuthError> for Error {
    fn from(auth: AuthError) -> Self {
        let mut error = Self::of(ErrorKind::Auth, Text::Own(explain(&auth)));
        error.0.retryable = auth.is_retryable();
        error.0.status = auth.status();
        error.0.http_code = auth.status().map(|status| status.as_u16());
        error.0.grpc_code = auth.server_code().and_then(|code| code.parse().ok());
        error.0.request_id = auth.request_id().cloned();
        error.with_source(auth)
    }
}
