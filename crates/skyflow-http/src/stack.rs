use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
#[cfg(not(feature = "metrics"))]
use tower_layer::Identity;

use crate::auth::{AuthLayer, RefusalRule};
#[cfg(feature = "metrics")]
use crate::layers::call_metrics::{AttemptMetricsLayer, CallMetricsLayer};
use crate::layers::{
    AttemptTimeoutLayer, AttemptTraceLayer, DeadlineLayer, MetadataError, MetadataLayer, OperationTraceLayer,
    ResponseMetaLayer, RetryLayer,
};
use crate::{Clock, DynLayer, HttpService, LogControl, Setting};

/// The default stack, with a slot for each thing that differs between clients.
///
/// From the outside in: operation layers, operation trace, deadline, metadata, retry, attempt layers, concurrency
/// limit, auth, attempt timeout, attempt trace, response meta, transport. The numbers: 60 s for a call, 30 s for an
/// attempt, both 1 s longer for each 64 KiB of the request body, 3 attempts, responses up to 64 MiB.
#[derive(Debug, Clone)]
pub struct Stack {
    clock: Arc<dyn Clock>,
    deadline: Option<Duration>,
    attempt_timeout: Option<Duration>,
    body_time: Option<Duration>,
    metadata: Option<MetadataLayer>,
    refusal: Option<RefusalRule>,
    retry: RetryLayer,
    response_limit: usize,
    gzip: bool,
    in_flight: Option<Arc<Semaphore>>,
    operation_layers: Vec<DynLayer>,
    attempt_layers: Vec<DynLayer>,
    auth: Option<AuthLayer>,
    log: LogControl,
    #[cfg(feature = "metrics")]
    metrics: Option<crate::metrics::CallMetrics>,
}

impl Stack {
    /// Uses the defaults, without auth and without headers of a product.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            deadline: Some(Duration::from_secs(60)),
            attempt_timeout: Some(Duration::from_secs(30)),
            body_time: None,
            metadata: None,
            refusal: None,
            retry: RetryLayer::new(Arc::clone(&clock)),
            response_limit: ResponseMetaLayer::DEFAULT_LIMIT,
            gzip: false,
            in_flight: None,
            operation_layers: Vec::new(),
            attempt_layers: Vec::new(),
            auth: None,
            log: LogControl::default(),
            #[cfg(feature = "metrics")]
            metrics: None,
            clock,
        }
    }

    /// Sets the total time for a call; 60 s by default.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Some(total);
        self
    }

    /// Switches the deadline off.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Sets the time for one attempt; 30 s by default.
    pub fn attempt_timeout(mut self, one_attempt: Duration) -> Self {
        self.attempt_timeout = Some(one_attempt);
        self
    }

    /// Switches the attempt timeout off; the deadline still applies.
    pub fn no_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = None;
        self
    }

    /// Sets the time limits of a call and of an attempt; [`Setting::Inherit`] keeps the one that the stack has.
    pub fn time_limits(mut self, deadline: Setting<Duration>, attempt_timeout: Setting<Duration>) -> Self {
        self.deadline = deadline.or(self.deadline);
        self.attempt_timeout = attempt_timeout.or(self.attempt_timeout);
        self
    }

    /// Sets the time that each 64 KiB of a request body add to the deadline and the attempt timeout; 1 s by default.
    pub fn body_time(mut self, per_64_kib: Duration) -> Self {
        self.body_time = Some(per_64_kib);
        self
    }

    /// Sets how many times a request may be sent, the first time included; 3 by default.
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.retry = self.retry.max_attempts(attempts);
        self
    }

    /// Sends one more header with each request; it replaces a header of the same name.
    ///
    /// # Errors
    ///
    /// Fails as [`MetadataLayer::header`] does.
    pub fn header(self, name: HeaderName, value: &str) -> Result<Self, MetadataError> {
        self.with_metadata(|metadata| metadata.header(name, value))
    }

    /// Sends one more header as [`Stack::header`] does, whose value is no secret: a message of the server may repeat it.
    ///
    /// # Errors
    ///
    /// Fails as [`MetadataLayer::header`] does.
    pub fn public_header(self, name: HeaderName, value: &str) -> Result<Self, MetadataError> {
        self.with_metadata(|metadata| metadata.public_header(name, value))
    }

    fn with_metadata(
        mut self,
        add: impl FnOnce(MetadataLayer) -> Result<MetadataLayer, MetadataError>,
    ) -> Result<Self, MetadataError> {
        self.metadata = Some(add(self.metadata.unwrap_or_else(MetadataLayer::empty))?);
        Ok(self)
    }

    /// Returns the name of the time limit that is zero, so that every call would fail: `deadline` or `attempt_timeout`.
    pub fn zero_timeout(&self) -> Option<&'static str> {
        let zero = Some(Duration::ZERO);
        match (self.deadline, self.attempt_timeout) {
            (deadline, _) if deadline == zero => Some("deadline"),
            (_, attempt) if attempt == zero => Some("attempt_timeout"),
            _ => None,
        }
    }

    /// Replaces the headers that say who is calling.
    pub fn metadata(mut self, metadata: MetadataLayer) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Sets the headers that say who is calling, unless [`Stack::metadata`] or [`Stack::header`] has set any.
    pub fn default_metadata(mut self, metadata: MetadataLayer) -> Self {
        self.metadata.get_or_insert(metadata);
        self
    }

    /// Sets what a `401` proves for operations that a third party executes; see [`ResponseMetaLayer::refusal`].
    pub fn refusal(mut self, rule: RefusalRule) -> Self {
        self.refusal = Some(rule);
        self
    }

    /// Replaces the retry policy.
    pub fn retry(mut self, retry: RetryLayer) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the maximum size of a response in bytes.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Asks for responses compressed with gzip; off by default. The limit of a response counts its decoded bytes.
    pub fn gzip(mut self, yes: bool) -> Self {
        self.gzip = yes;
        self
    }

    /// Limits how many attempts are under way at once; stacks that share the semaphore share the limit.
    pub fn in_flight(mut self, permits: Arc<Semaphore>) -> Self {
        self.in_flight = Some(permits);
        self
    }

    /// Adds a layer that sees each operation once; the first one added is the outermost.
    pub fn operation_layer(mut self, layer: DynLayer) -> Self {
        self.operation_layers.push(layer);
        self
    }

    /// Adds a layer that sees each attempt, before it carries a token; the first one added is the outermost.
    pub fn attempt_layer(mut self, layer: DynLayer) -> Self {
        self.attempt_layers.push(layer);
        self
    }

    /// Sets the layer that authenticates each attempt. A layer of another type that does so is added with
    /// [`Stack::attempt_layer`].
    pub fn auth(mut self, layer: AuthLayer) -> Self {
        self.auth = Some(layer);
        self
    }

    /// Obeys a log level that can be changed while the stack is in use.
    pub fn log_control(mut self, log: LogControl) -> Self {
        self.log = log;
        self
    }

    /// Measures calls and attempts; see [`metrics`](crate::metrics).
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, metrics: crate::metrics::CallMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Gives this copy a separate, full retry budget, so that failures elsewhere do not use up its retries.
    pub fn partition(mut self) -> Self {
        self.retry = self.retry.partition();
        self
    }

    /// Builds the stack around `transport`.
    pub fn build(self, transport: HttpService) -> HttpService {
        let clock = self.clock;
        let mut attempt_timeout = match self.attempt_timeout {
            Some(limit) => AttemptTimeoutLayer::new(limit, Arc::clone(&clock)),
            None => AttemptTimeoutLayer::unlimited(Arc::clone(&clock)),
        };
        let mut deadline = match self.deadline {
            Some(total) => DeadlineLayer::new(total, Arc::clone(&clock)),
            None => DeadlineLayer::unlimited(Arc::clone(&clock)),
        };
        if let Some(time) = self.body_time {
            attempt_timeout = attempt_timeout.body_time(time);
            deadline = deadline.body_time(time);
        }
        let mut response_meta = ResponseMetaLayer::new(self.response_limit).gzip(self.gzip);
        if let Some(rule) = self.refusal {
            response_meta = response_meta.refusal(rule);
        }
        #[cfg(feature = "metrics")]
        let (measures_calls, measures_attempts) = self
            .metrics
            .map(|metrics| {
                let namespace = self.log.get_namespace().cloned();
                let calls = CallMetricsLayer { metrics, namespace, clock: Arc::clone(&clock) };
                (calls, AttemptMetricsLayer { metrics, clock: Arc::clone(&clock) })
            })
            .unzip();
        #[cfg(not(feature = "metrics"))]
        let (measures_calls, measures_attempts) = (None::<Identity>, None::<Identity>);
        let lends_copies = self.auth.is_some() && self.attempt_layers.is_empty();
        let attempt = HttpService::new(
            ServiceBuilder::new()
                .option_layer(self.in_flight.map(GlobalConcurrencyLimitLayer::with_semaphore))
                .option_layer(self.auth)
                .option_layer(measures_attempts)
                .layer(attempt_timeout)
                .layer(AttemptTraceLayer::new(Arc::clone(&clock)).log_control(self.log.clone()))
                .layer(response_meta)
                .service(transport),
        );
        let operation = HttpService::new(
            ServiceBuilder::new()
                .option_layer(measures_calls)
                .layer(OperationTraceLayer::new(clock).log_control(self.log))
                .layer(deadline)
                .option_layer(self.metadata)
                .layer(self.retry.lend_copies(lends_copies))
                .service(DynLayer::stack(&self.attempt_layers, attempt)),
        );
        DynLayer::stack(&self.operation_layers, operation)
    }
}

#[cfg(test)]
#[path = "stack/tests.rs"]
mod tests;
