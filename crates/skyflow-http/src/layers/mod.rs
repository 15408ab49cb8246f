//! Every layer of the default stack, each usable alone.
//!
//! From the outside in: [`OperationTraceLayer`], [`DeadlineLayer`], [`MetadataLayer`], [`RetryLayer`], (the
//! attempt layers of the user, the auth layer,) [`AttemptTimeoutLayer`], [`AttemptTraceLayer`],
//! [`ResponseMetaLayer`], and then the transport.

mod attempt_timeout;
mod backoff;
mod budget;
mod deadline;
mod metadata;
mod response_meta;
mod retry;
mod retry_after;
mod timer;
mod trace;

#[cfg(test)]
pub(crate) mod probe;

pub use attempt_timeout::{AttemptTimeout, AttemptTimeoutLayer};
pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use deadline::{DeadlineLayer, WithDeadline};
pub use metadata::{Metadata, MetadataError, MetadataLayer};
pub use response_meta::{ResponseMeta, ResponseMetaLayer};
pub use retry::{Retry, RetryLayer};
pub use timer::TimerFuture;
pub use trace::{AttemptTrace, AttemptTraceLayer, OperationTrace, OperationTraceLayer, TraceFuture};
