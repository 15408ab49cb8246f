//! Which kind of error a failure is.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Map;
use skyflow_http::auth::TokenError;
use skyflow_http::rest::{self, DecodeError, EncodeError};
use skyflow_http::{BoxError, ErrorKind, Idempotency, OperationInfo};
use skyflow_types::RequestId;

use super::{CallError, Error, ErrorBody, ErrorCode, ServerError};

impl Error {
    /// Sorts the failure of a call.
    pub(crate) fn of_call(info: &OperationInfo, error: rest::Error<ErrorBody>) -> Self {
        let progress = error.progress().cloned();
        let attempts = progress.as_ref().map_or(0, skyflow_http::Progress::attempts);
        let writes = info.idempotency != Idempotency::Safe;
        let applied = writes && progress.as_ref().is_some_and(skyflow_http::Progress::may_have_been_applied);
        let mut call = CallError {
            operation: info.name,
            message: String::new(),
            status: error.status(),
            request_id: error.request_id().cloned(),
            attempts,
            may_have_been_applied: applied,
            source: None,
        };
        match error {
            rest::Error::Encode(source) => match &source {
                EncodeError::Target(target) => Self::invalid(target.name(), "cannot be a part of the URL"),
                EncodeError::ZeroTimeout(limit) => Self::invalid(*limit, "must be greater than zero"),
                other => Self::invalid("request", other.to_string()),
            },
            rest::Error::Api(response) => {
                let response = *response;
                let retry_stop = progress.and_then(|progress| progress.retry_stop());
                Self::of_response(Box::new(ServerError {
                    code: response.error.code.clone(),
                    message: response.message,
                    details: response.error.details,
                    request_id: response.request_id,
                    status: response.status,
                    retry_after: response.error.retry_after,
                    operation: info.name,
                    attempts,
                    may_have_been_applied: applied,
                    retry_stop,
                }))
            }
            rest::Error::Decode { source, .. } => {
                call.message = "the response does not have the form that the operation defines".to_owned();
                call.may_have_been_applied = writes;
                call.source = Some(Arc::new(source));
                Self::Decode(Box::new(call))
            }
            rest::Error::Service { source, .. } => Self::of_service(call, source, info),
            other => Self::Custom(Arc::new(other)),
        }
    }

    fn of_service(mut call: CallError, source: BoxError, info: &OperationInfo) -> Self {
        let source = match source.downcast::<TokenError>() {
            Ok(error) => return Self::Token(*error),
            Err(source) => source,
        };
        let Some(transport) = source.downcast_ref::<skyflow_http::Error>() else {
            return Self::Custom(source.into());
        };
        let kind = transport.kind();
        call.message = transport.to_string();
        call.source = Some(source.into());
        let appends = matches!(info.idempotency, Idempotency::NonIdempotent | Idempotency::Unknown);
        if appends && call.may_have_been_applied {
            return Self::OutcomeUnknown(Box::new(call));
        }
        match kind {
            ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded => Self::Timeout(Box::new(call)),
            ErrorKind::BodyTooLarge => Self::Decode(Box::new(call)),
            _ => Self::Transport(Box::new(call)),
        }
    }

    fn of_response(error: Box<ServerError>) -> Self {
        match error.status.as_u16() {
            401 => Self::Authentication(error),
            403 => Self::AccessDenied(error),
            404 | 410 => Self::NotFound(error),
            409 | 412 => Self::Conflict(error),
            429 => Self::RateLimited(error),
            400 | 422 => Self::Validation(error),
            500 => Self::Internal(error),
            502..=504 => Self::Unavailable(error),
            _ => Self::Api(error),
        }
    }

    /// Makes the error of a batch's element, which has a code and a message only.
    pub(crate) fn of_element(operation: &'static str, code: ErrorCode, message: String) -> Self {
        let status = code.status();
        Self::of_response(Box::new(ServerError {
            code,
            message,
            details: Map::new(),
            request_id: None,
            status,
            retry_after: None,
            operation,
            attempts: 1,
            may_have_been_applied: false,
            retry_stop: None,
        }))
    }

    /// Reports a response that lacks a member.
    pub(crate) fn incomplete(info: &OperationInfo, what: &str) -> Self {
        Self::Decode(Box::new(CallError {
            operation: info.name,
            message: format!("the response lacks {what}"),
            status: None,
            request_id: None,
            attempts: 1,
            may_have_been_applied: info.idempotency != Idempotency::Safe,
            source: None,
        }))
    }

    /// Reports a part of a response that cannot be read.
    pub(crate) fn undecodable(operation: &'static str, source: DecodeError) -> Self {
        Self::Decode(Box::new(CallError {
            operation,
            message: "a part of the response cannot be read".to_owned(),
            status: None,
            request_id: None,
            attempts: 1,
            may_have_been_applied: false,
            source: Some(Arc::new(source)),
        }))
    }

    pub(crate) fn with_response(mut self, status: StatusCode, request_id: Option<RequestId>) -> Self {
        if let Self::Decode(call) = &mut self {
            (call.status, call.request_id) = (Some(status), request_id);
        }
        self
    }

    /// Adds what a lost response may have left behind.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        if let Self::OutcomeUnknown(call) = &mut self {
            call.message = format!("{}: {hint}", call.message);
        }
        self
    }
}
