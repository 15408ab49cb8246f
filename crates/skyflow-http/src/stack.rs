use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_layer::Layer;

use crate::auth::RefusalRule;
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
    auth: Option<DynLayer>,
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

    /// Sets the layer that authenticates each attempt.
    pub fn auth(mut self, layer: DynLayer) -> Self {
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
        let mut attempt = HttpService::new(
            ServiceBuilder::new()
                .layer(attempt_timeout)
                .layer(AttemptTraceLayer::new(Arc::clone(&clock)).log_control(self.log.clone()))
                .layer(response_meta)
                .service(transport),
        );
        #[cfg(feature = "metrics")]
        if let Some(metrics) = self.metrics {
            let clock = Arc::clone(&clock);
            attempt = HttpService::new(AttemptMetricsLayer { metrics, clock }.layer(attempt));
        }
        if let Some(auth) = self.auth {
            attempt = auth.layer(attempt);
        }
        if let Some(permits) = self.in_flight {
            attempt = HttpService::new(GlobalConcurrencyLimitLayer::with_semaphore(permits).layer(attempt));
        }
        let attempt = DynLayer::stack(&self.attempt_layers, attempt);
        #[cfg(feature = "metrics")]
        let measured = self.metrics.map(|metrics| {
            let namespace = self.log.get_namespace().cloned();
            CallMetricsLayer { metrics, namespace, clock: Arc::clone(&clock) }
        });
        let operation = HttpService::new(
            ServiceBuilder::new()
                .layer(OperationTraceLayer::new(clock).log_control(self.log))
                .layer(deadline)
                .option_layer(self.metadata)
                .layer(self.retry)
                .service(attempt),
        );
        #[cfg(feature = "metrics")]
        let operation = match measured {
            Some(layer) => HttpService::new(layer.layer(operation)),
            None => operation,
        };
        DynLayer::stack(&self.operation_layers, operation)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tower::ServiceExt;

    use super::*;
    use crate::{
        Body, BoxError, CallOptions, Deadline, Error, ErrorKind, Idempotency, ManualClock, OperationInfo,
        Progress, Request, Response,
    };

    fn request() -> Request {
        let mut request = http::Request::get("https://vault.example/v1").body(Body::empty()).unwrap();
        request.extensions_mut().insert(OperationInfo::new("test", "/v1", Idempotency::Safe));
        request
    }

    fn recording(name: &'static str, seen: &Arc<Mutex<Vec<&'static str>>>) -> DynLayer {
        let seen = Arc::clone(seen);
        DynLayer::from_fn(move |inner: HttpService| {
            let seen = Arc::clone(&seen);
            inner.map_request(move |request: Request| {
                assert!(request.extensions().get::<OperationInfo>().is_some(), "{name} knows the operation");
                seen.lock().unwrap().push(name);
                request
            })
        })
    }

    #[tokio::test]
    async fn layers_see_operations_once_and_each_attempt() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let statuses = Arc::new(Mutex::new(vec![200, 503]));
        let transport = HttpService::new(tower::service_fn(move |request: Request| {
            let status = statuses.lock().unwrap().pop().unwrap();
            async move {
                assert_eq!(request.headers()["user-agent"], "acme/1");
                assert!(request.extensions().get::<Deadline>().is_some());
                Ok::<_, BoxError>(http::Response::builder().status(status).body(Body::empty())?)
            }
        }));
        let stack = Stack::new(Arc::new(ManualClock::auto_advancing()))
            .default_metadata(MetadataLayer::new("acme/1").unwrap())
            .operation_layer(recording("operation 1", &seen))
            .operation_layer(recording("operation 2", &seen))
            .attempt_layer(recording("attempt 1", &seen))
            .attempt_layer(recording("attempt 2", &seen))
            .auth(recording("auth", &seen))
            .build(transport);
        let response: Response = stack.send(request()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.extensions().get::<Progress>().unwrap().attempts(), 2);
        let attempt = ["attempt 1", "attempt 2", "auth"];
        assert_eq!(*seen.lock().unwrap(), [&["operation 1", "operation 2"][..], &attempt, &attempt].concat());
    }

    #[tokio::test]
    async fn sleeping_retry_holds_no_permit() {
        let permits = Arc::new(Semaphore::new(1));
        let clock = ManualClock::new();
        let transport = HttpService::new(tower::service_fn(|_: Request| async {
            Err::<Response, BoxError>(Error::new(ErrorKind::Io, None).into())
        }));
        let stack = Stack::new(Arc::new(clock.clone())).in_flight(Arc::clone(&permits)).build(transport);
        let call = tokio::spawn(async move { stack.send(request()).await });
        while clock.slept().is_empty() {
            assert!(!call.is_finished());
            tokio::task::yield_now().await;
        }
        assert_eq!(permits.available_permits(), 1);
        call.abort();
    }

    #[tokio::test]
    async fn rel_r08_no_call_outlives_its_deadline() {
        let clock = ManualClock::auto_advancing();
        let start = clock.monotonic();
        let transport = HttpService::new(tower::service_fn(|_: Request| {
            std::future::pending::<Result<Response, BoxError>>()
        }));
        let stack = Stack::new(Arc::new(clock.clone())).build(transport);
        let mut request = request();
        request.extensions_mut().insert(CallOptions::new().deadline(Duration::from_secs(7)));
        let error = stack.send(request).await.unwrap_err().downcast::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert!(error.may_have_been_applied(), "the attempt was on its way");
        assert!(clock.monotonic() - start <= Duration::from_secs(7));
    }
}
