//! Every layer of the default stack, each usable alone.
//!
//! From the outside in: [`OperationTraceLayer`], [`DeadlineLayer`], [`MetadataLayer`], [`RetryLayer`], (the
//! attempt layers of the user, the auth layer,) [`AttemptTimeoutLayer`], [`AttemptTraceLayer`],
//! [`ResponseMetaLayer`], and then the transport.

mod backoff;
mod call_log;
#[cfg(feature = "metrics")]
pub(crate) mod call_metrics;
mod metadata;
mod response_meta;
mod retry;
mod retry_budget;
mod retry_decision;
mod time_limits;
mod trace;
mod trace_context;

#[cfg(test)]
pub(crate) mod probe;

pub use backoff::Backoff;
#[cfg(feature = "metrics")]
pub(crate) use call_log::error_type;
pub use call_log::{CallEnd, CallLog, CallNames, CallStart};
pub use metadata::{Metadata, MetadataError, MetadataLayer};
pub use response_meta::{ResponseMeta, ResponseMetaFuture, ResponseMetaLayer, request_id};
pub use retry::{Retry, RetryFuture, RetryLayer};
pub use retry_budget::{RetryBudget, RetryCost};
pub use time_limits::{AttemptTimeout, AttemptTimeoutLayer, DeadlineLayer, TimerFuture, WithDeadline};
pub use trace::{
    AttemptTrace, AttemptTraceLayer, LogControl, OperationTrace, OperationTraceLayer, TraceFuture,
};
pub use trace_context::{TraceContext, TraceContextLayer, WithTraceContext};
