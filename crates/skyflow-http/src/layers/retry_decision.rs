//! Which outcomes are worth a retry.

use std::time::Duration;

use http::StatusCode;

use super::RetryCost;
use super::retry_after::retry_after;
use crate::{BoxError, CallContext, Clock, Error, ErrorKind, Idempotency, Response};

/// Which failures of a request may be repeated, from the fewest to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Repeat {
    OnlyWhatWasNotSent,
    /// Requests that were not sent, or rejected with a `429`.
    WhatWasNotExecuted,
    Anything,
}

impl Repeat {
    pub(super) fn of(call: &CallContext) -> Self {
        let idempotency = call.operation.map_or(Idempotency::NonIdempotent, |info| info.idempotency);
        match (call.options.idempotent, idempotency) {
            (Some(true), _) => Self::Anything,
            (_, Idempotency::Unknown) => Self::OnlyWhatWasNotSent,
            (None, Idempotency::Safe | Idempotency::Idempotent) => Self::Anything,
            _ => Self::WhatWasNotExecuted,
        }
    }
}

/// A failure that is worth a retry.
#[derive(Clone, Copy, Default)]
pub(super) struct Cause {
    /// The operation allows the retry.
    pub(super) allowed: bool,
    pub(super) throttled: bool,
    /// The server is there and has not looked at the request.
    unprocessed: bool,
    pub(super) internal_error: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Cause {
    /// Returns why the outcome is worth a retry; `None` when it is final.
    pub(super) fn of(
        outcome: &Result<Response, BoxError>,
        repeat: Repeat,
        clock: &dyn Clock,
    ) -> Option<Self> {
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                let kind = error.downcast_ref::<Error>()?.kind();
                let least = match kind {
                    ErrorKind::Connect | ErrorKind::Refused => Repeat::OnlyWhatWasNotSent,
                    ErrorKind::Io | ErrorKind::AttemptTimeout | ErrorKind::Stalled => Repeat::Anything,
                    _ => return None,
                };
                let unprocessed = kind == ErrorKind::Refused;
                return Some(Self { allowed: repeat >= least, unprocessed, ..Self::default() });
            }
        };
        let (least, throttled) = match response.status() {
            StatusCode::TOO_MANY_REQUESTS => (Repeat::WhatWasNotExecuted, true),
            status if matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504) => (Repeat::Anything, false),
            _ => return None,
        };
        let retry_after = retry_after(response.headers(), clock.now());
        let internal_error = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
        Some(Self { allowed: repeat >= least, throttled, unprocessed: false, internal_error, retry_after })
    }

    pub(super) fn cost(&self) -> RetryCost {
        match self {
            Self { unprocessed: true, .. } => RetryCost::Refused,
            Self { throttled: true, .. } => RetryCost::Throttled,
            _ => RetryCost::Failed,
        }
    }
}
