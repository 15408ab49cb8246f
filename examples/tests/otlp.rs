//! Runs the example that exports OTLP, and decodes what a collector on loopback receives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use skyflow::http::{Body, BoxError, HttpService, Request, Response};
use skyflow_testkit::Server;

type Received = Arc<Mutex<Vec<(String, Bytes)>>>;

/// Accepts every export and keeps it.
fn collector(received: &Received) -> HttpService {
    let received = Arc::clone(received);
    HttpService::new(tower::service_fn(move |request: Request| {
        let received = Arc::clone(&received);
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect(1 << 24).await?;
            received.lock().unwrap().push((path, body));
            Ok::<_, BoxError>(Response::new(Body::empty()))
        }
    }))
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.as_str(), text(&pair.value))).collect()
}

async fn export() -> Vec<(String, Bytes)> {
    let received = Received::default();
    let server = Server::serve(collector(&received)).await.unwrap();
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    let mut command = Command::new(program.join("examples/opentelemetry"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", server.url("").trim_end_matches('/'));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.expect("`cargo test -p skyflow-examples` builds the examples first");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.contains("inserted 2 rows\nexported"),
        "{shown}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let received = received.lock().unwrap().clone();
    assert!(received.iter().all(|(_, body)| !String::from_utf8_lossy(body).contains("Lovelace")));
    received
}

fn bodies<M: Message + Default>(received: &[(String, Bytes)], path: &str) -> Vec<M> {
    let of_path = received.iter().filter(|(found, _)| found == path);
    of_path.map(|(_, body)| M::decode(body.clone()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_receives_spans_and_metrics() {
    let received = export().await;

    let traces: Vec<ExportTraceServiceRequest> = bodies(&received, "/v1/traces");
    let resources = || traces.iter().flat_map(|request| &request.resource_spans);
    let service = resources().next().unwrap().resource.as_ref().unwrap();
    assert_eq!(attributes(&service.attributes)["service.name"], "orders");
    let spans: Vec<&Span> =
        resources().flat_map(|spans| &spans.scope_spans).flat_map(|scope| &scope.spans).collect();
    let call = *spans.iter().find(|span| span.name == "records.insert persons").unwrap();
    assert_eq!(call.kind(), SpanKind::Client);
    let found = attributes(&call.attributes);
    for (name, value) in [
        ("db.system.name", "skyflow"),
        ("db.operation.name", "records.insert"),
        ("db.collection.name", "persons"),
        ("db.response.status_code", "200"),
        ("skyflow.batch.rows", "2"),
        ("attempts", "1"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name} of {found:#?}");
    }
    assert!(found.contains_key("db.namespace"));
    assert!(spans.iter().any(|span| span.parent_span_id == call.span_id && span.name == "client.attempt"));

    let metrics: Vec<ExportMetricsServiceRequest> = bodies(&received, "/v1/metrics");
    let metrics: BTreeMap<_, _> = metrics
        .iter()
        .flat_map(|request| &request.resource_metrics)
        .flat_map(|resource| &resource.scope_metrics)
        .flat_map(|scope| &scope.metrics)
        .map(|metric| (metric.name.as_str(), metric))
        .collect();
    let duration = metrics["db.client.operation.duration"];
    assert_eq!(duration.unit, "s");
    let Some(Data::Histogram(histogram)) = &duration.data else { panic!("{duration:?}") };
    let point = histogram
        .data_points
        .iter()
        .find(|point| attributes(&point.attributes)["db.operation.name"] == "records.insert")
        .unwrap();
    assert_eq!((point.count, point.explicit_bounds.len()), (1, 8));
    assert_eq!(attributes(&point.attributes)["db.collection.name"], "persons");
    for name in ["http.client.request.duration", "rest.client.token_exchanges", "skyflow.batch.rows"] {
        assert!(metrics.contains_key(name), "{name} in {:?}", metrics.keys());
    }
    let Some(Data::Sum(active)) = &metrics["http.client.active_requests"].data else { panic!() };
    assert!(!active.is_monotonic);
}
