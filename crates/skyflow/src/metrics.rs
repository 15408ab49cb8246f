//! The metrics of this client, through the [`metrics`](https://docs.rs/metrics) facade.
//!
//! They are emitted as soon as the application has installed a recorder, which it does before it builds a client.
//! [`skyflow_http::metrics`] describes each one.

pub use skyflow_http::metrics::{Metric, MetricKind};

/// The rows, ids, tokens or values of each request.
pub const BATCH_ROWS: Metric =
    Metric::of_rows("skyflow.batch.rows", "The rows, ids, tokens or values of a request.");

/// Returns every metric of this client.
pub fn all() -> impl Iterator<Item = Metric> {
    skyflow_http::metrics::ALL.into_iter().chain([BATCH_ROWS])
}

/// Describes every metric to the recorder, for exporters that show descriptions and units.
///
/// ```
/// # fn install_a_recorder() {}
/// install_a_recorder();
/// skyflow::metrics::describe();
/// ```
pub fn describe() {
    all().for_each(|metric| metric.describe());
}
