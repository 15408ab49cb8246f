//! What spans and events cost a call when nothing listens: the trace layers over a service in memory, less that service
//! alone. It fails above the limit.
//!
//! `cargo bench -p skyflow-http --bench observability`

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program that measures")]
#![allow(missing_docs)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use http::Uri;
use skyflow_http::layers::{AttemptTraceLayer, OperationTraceLayer};
use skyflow_http::{
    Body, CallContext, Clock, Idempotency, LogControl, ManualClock, OperationInfo, Request, Response,
};
use skyflow_testkit::Constant;
use tower::ServiceBuilder;
use tower_service::Service;

/// The most nanoseconds a call.
const LIMIT: f64 = 100.0;
/// Short rounds, so that some of them are not interrupted.
const CALLS: u32 = 2_000;
const ROUNDS: usize = 500;

const INFO: OperationInfo =
    OperationInfo::new("records.insert", "/v1/vaults/{vault_id}/{table_name}", Idempotency::NonIdempotent);

/// Returns the nanoseconds of a call, its request included.
fn measure<S: Service<Request, Response = Response>>(service: &mut S, uri: &Uri) -> f64 {
    let started = Instant::now();
    for _ in 0..CALLS {
        let mut request = Request::new(Body::empty());
        request.uri_mut().clone_from(uri);
        request.extensions_mut().insert(CallContext::new(INFO));
        black_box(service.call(black_box(request)).now_or_never().is_some());
    }
    started.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn main() -> ExitCode {
    let uri = Uri::from_static("https://vault.example/v1/vaults/v/t");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let log = LogControl::default().product_name("acme").namespace("v");
    let mut traced = ServiceBuilder::new()
        .layer(OperationTraceLayer::new(Arc::clone(&clock)).log_control(log.clone()))
        .layer(AttemptTraceLayer::new(clock).log_control(log))
        .service(Constant::default());
    let mut bare = Constant::default();
    // Interleaved, so that what else the machine does meets both; the best round is the one that it disturbed least.
    let (mut least_bare, mut least_traced) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        least_bare = least_bare.min(measure(&mut bare, &uri));
        least_traced = least_traced.min(measure(&mut traced, &uri));
    }
    let cost = least_traced - least_bare;
    println!("tracing without a subscriber: {cost:.0} ns a call, at most {LIMIT:.0}");
    if cost <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
