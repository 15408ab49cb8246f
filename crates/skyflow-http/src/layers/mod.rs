//! Every layer of the default stack, each usable alone.
//!
//! From the outside in: [`OperationTraceLayer`], [`DeadlineLayer`], [`MetadataLayer`], [`RetryLayer`], (the
//! attempt layers of the user, the auth layer,) [`AttemptTimeoutLayer`], [`AttemptTraceLayer`],
//! [`ResponseMetaLayer`], and then the transport.

mod backoff;
mod metadata;
mod response_meta;
mod retry;
mod retry_after;
mod retry_budget;
mod time_limits;
mod trace;

#[cfg(test)]
pub(crate) mod probe;

pub use backoff::Backoff;
pub use metadata::{Metadata, MetadataError, MetadataLayer};
pub use response_meta::{ResponseMeta, ResponseMetaLayer, request_id};
pub use retry::{Retry, RetryLayer};
pub use retry_budget::RetryBudget;
pub use time_limits::{AttemptTimeout, AttemptTimeoutLayer, DeadlineLayer, TimerFuture, WithDeadline};
pub use trace::{
    AttemptTrace, AttemptTraceLayer, LogControl, OperationTrace, OperationTraceLayer, TraceFuture,
};
