//! Exports spans and metrics as OTLP over HTTP, without another HTTP client: the transport of this SDK sends them.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names the collector, `http://localhost:4318` by default.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::json;
use skyflow::InsertRequest;
use skyflow::http::layers::{TraceContext, TraceContextLayer};
use skyflow::http::{Body, DynLayer, HttpService, TARGET, Transport};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::{in_process, metrics_bridge};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Sends exports on the runtime of the program: exporters call it from threads of their own.
#[derive(Debug, Clone)]
struct Sender {
    transport: HttpService,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let transport = self.transport.clone();
        let exchange = self.runtime.spawn(async move {
            let (parts, body) = transport.send(request.map(Body::from)).await?.into_parts();
            Ok::<_, HttpError>(http::Response::from_parts(parts, body.collect(1 << 20).await?))
        });
        exchange.await?
    }
}

/// Returns the position of the current span, for the header `traceparent`.
fn current_position() -> Option<TraceContext> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
    TraceContext::new(trace_id, u64::from_be_bytes(span.span_id().to_bytes()), span.is_sampled())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sender = Sender { transport: Transport::new().into_service(), runtime: Handle::current() };
    let resource = Resource::builder().with_service_name("orders").build();

    let spans = SpanExporter::builder().with_http().with_http_client(sender.clone()).build()?;
    let tracers =
        SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build();
    let exported = tracing_opentelemetry::layer().with_tracer(tracers.tracer("skyflow"));
    let only_calls = Targets::new().with_target(TARGET, tracing::Level::DEBUG);
    tracing_subscriber::registry().with(exported.with_filter(only_calls)).init();

    let metrics = MetricExporter::builder().with_http().with_http_client(sender).build()?;
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).with_resource(resource).build();
    metrics_bridge::install(meters.meter("skyflow"))?;
    skyflow::metrics::describe();

    let embedded = EmbeddedVault::builder().build()?;
    let client = in_process(&embedded)?
        .attempt_layer(DynLayer::new(TraceContextLayer::new(current_position)))
        .build()?;
    let people = [json!({"name": "Ada Lovelace"}), json!({"name": "Grace Hopper"})];
    let inserted = client.default_vault()?.insert(InsertRequest::new("persons").records(people)).await?;
    println!("inserted {} rows", inserted.inserted_fields.len());

    // They wait for their exports, which this runtime sends.
    let flushed = tokio::task::spawn_blocking(move || [tracers.shutdown(), meters.shutdown()]).await?;
    match flushed.into_iter().collect::<Result<(), _>>() {
        Ok(()) => println!("exported"),
        Err(error) => println!("not exported: {error}"),
    }
    Ok(())
}
