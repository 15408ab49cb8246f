//! The metrics of calls, attempts, tokens and connections. The recorder is that of the test's thread, on which its
//! runtime does everything.

#![cfg(all(feature = "transport", feature = "metrics"))]
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use skyflow_http::auth::{AccessToken, Cached, TokenError, TokenProvider, provider_fn};
use skyflow_http::metrics::{
    ACTIVE_REQUESTS, ALL, ATTEMPT_DURATION, CallMetrics, Metric, OPEN_CONNECTIONS, OPERATION_DURATION,
    RECEIVED_BYTES, RETRIES, SENT_BYTES, TOKEN_EXCHANGES,
};
use skyflow_http::{
    Body, BoxError, CallContext, CallSubject, Error, ErrorKind, HttpService, Idempotency, LogControl,
    ManualClock, OperationInfo, Request, Response, Stack, Transport,
};
use skyflow_testkit::{Reply, Scripted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROWS: Metric = Metric::of_rows("acme.rows", "rows");

type Values = BTreeMap<String, DebugValue>;

/// Installs a recorder on this thread, until the guard is dropped. What is read is what has changed since the last time.
fn record() -> (impl Fn() -> Values, impl Drop) {
    let recorder = Box::leak(Box::new(DebuggingRecorder::new()));
    let snapshotter: Snapshotter = recorder.snapshotter();
    let read = move || {
        let values = snapshotter.snapshot().into_vec().into_iter();
        values.map(|(key, _, _, value)| (shown(key.key()), value)).collect()
    };
    (read, metrics::set_default_local_recorder(recorder))
}

/// Writes a metric as `name{label=value,…}`, with its labels in order.
fn shown(key: &metrics::Key) -> String {
    let mut labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    labels.sort();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

fn count(value: Option<&DebugValue>) -> u64 {
    match value {
        Some(DebugValue::Counter(count)) => *count,
        Some(DebugValue::Histogram(values)) => values.len() as u64,
        other => panic!("{other:?}"),
    }
}

fn change(value: Option<&DebugValue>) -> f64 {
    match value {
        Some(DebugValue::Gauge(change)) => change.0,
        other => panic!("{other:?}"),
    }
}

fn request() -> Request {
    let uri = "https://api.example/tables/orders/secret-id?filter=secret";
    let mut request = http::Request::post(uri).body(Body::from("secret")).unwrap();
    let put = OperationInfo::new("rows.put", "/tables/{table}", Idempotency::Safe);
    let subject = CallSubject::new().collection("orders").rows(25);
    request.extensions_mut().insert(CallContext::new(put).subject(subject));
    request
}

fn stack(transport: HttpService) -> HttpService {
    let log = LogControl::default().product_name("acme").namespace("db-7");
    let metrics = CallMetrics::new("acme").rows(ROWS);
    Stack::new(Arc::new(ManualClock::auto_advancing())).log_control(log).metrics(metrics).build(transport)
}

#[tokio::test]
async fn call_and_attempts_are_measured() {
    let (values, _guard) = record();
    let script = Scripted::new([Reply::status(503), Reply::status(429), Reply::status(200)]);
    assert_eq!(stack(script.service()).send(request()).await.unwrap().status(), 200);
    let values = values();
    let of_call = "db.collection.name=orders,db.namespace=db-7,db.operation.name=rows.put";
    let call =
        format!("{}{{{of_call},db.response.status_code=200,db.system.name=acme}}", OPERATION_DURATION.name);
    assert_eq!(count(values.get(&call)), 1, "{values:#?}");
    let Some(DebugValue::Histogram(durations)) = values.get(&call) else { panic!("{values:#?}") };
    assert!(durations[0].0 > 0.0 && durations[0].0 < 60.0, "the pauses of the retries count, in seconds");
    let rows = "acme.rows{db.collection.name=orders,db.operation.name=rows.put,db.system.name=acme}";
    assert!(matches!(&values[rows], DebugValue::Histogram(rows) if rows[0].0 == 25.0));

    let of_attempt = "http.request.method=POST,http.response.status_code";
    for (status, failed) in [(503, "error.type=503,"), (429, "error.type=429,"), (200, "")] {
        let rest = "server.address=api.example,url.template=/tables/{table}";
        let attempt = format!("{}{{{failed}{of_attempt}={status},{rest}}}", ATTEMPT_DURATION.name);
        assert_eq!(count(values.get(&attempt)), 1, "{attempt} in {values:#?}");
    }
    for cause in ["503", "429"] {
        let retry =
            format!("{}{{db.operation.name=rows.put,db.system.name=acme,error.type={cause}}}", RETRIES.name);
        assert_eq!(count(values.get(&retry)), 1, "{retry} in {values:#?}");
    }
    let active = format!("{}{{http.request.method=POST,server.address=api.example}}", ACTIVE_REQUESTS.name);
    assert_eq!(change(values.get(&active)), 0.0);
    assert!(!format!("{values:?}").contains("secret"));
}

#[tokio::test]
async fn failures_are_named_by_their_kind() {
    let (values, _guard) = record();
    let failing = HttpService::new(tower::service_fn(|_: Request| async {
        Err::<Response, BoxError>(Error::new(ErrorKind::Tls, None).into())
    }));
    stack(failing).send(request()).await.unwrap_err();
    let custom = HttpService::new(tower::service_fn(|_: Request| async {
        Err::<Response, BoxError>("secret".into())
    }));
    stack(custom).send(request()).await.unwrap_err();
    let values = values();
    let calls: Vec<_> = values.keys().filter(|key| key.starts_with(OPERATION_DURATION.name)).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].contains("error.type=_OTHER") && calls[1].contains("error.type=tls"), "{calls:?}");
    assert!(!format!("{values:?}").contains("secret"));
}

#[tokio::test]
async fn dropped_call_is_cancelled_and_not_in_flight() {
    let (values, _guard) = record();
    let silent = HttpService::new(tower::service_fn(|_: Request| {
        std::future::pending::<Result<Response, BoxError>>()
    }));
    let clock = Arc::new(ManualClock::new());
    let stack = Stack::new(clock).metrics(CallMetrics::new("acme")).build(silent);
    let mut call = Box::pin(stack.send(request()));
    let first = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    let active = format!("{}{{http.request.method=POST,server.address=api.example}}", ACTIVE_REQUESTS.name);
    assert_eq!(change(values().get(&active)), 1.0);
    drop(call);
    let values = values();
    assert_eq!(change(values.get(&active)), -1.0);
    for metric in [OPERATION_DURATION, ATTEMPT_DURATION] {
        let cancelled = |key: &&String| key.starts_with(metric.name) && key.contains("error.type=cancelled");
        assert_eq!(values.keys().filter(cancelled).count(), 1, "{values:#?}");
    }
}

#[tokio::test]
async fn token_exchanges_are_counted_by_outcome() {
    let (values, _guard) = record();
    let clock = Arc::new(ManualClock::new());
    let log = LogControl::default().product_name("acme");
    let good = provider_fn(|| async { Ok(AccessToken::new("secret-token")?) });
    let good = Cached::with_clock(good, clock.clone()).log_control(log.clone());
    good.token().await.unwrap();
    good.token().await.unwrap();
    let bad = provider_fn(|| async { Err::<AccessToken, _>(TokenError::unavailable("closed")) });
    Cached::with_clock(bad, clock).log_control(log).token().await.unwrap_err();
    let values = values();
    let name = TOKEN_EXCHANGES.name;
    assert_eq!(count(values.get(&format!("{name}{{product=acme}}"))), 1, "{values:#?}");
    assert_eq!(
        count(values.get(&format!("{name}{{error.type=unavailable,product=acme}}"))),
        1,
        "{values:#?}"
    );
}

#[tokio::test]
async fn connections_and_their_bytes_are_counted() {
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (values, _guard) = record();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            socket.read_buf(&mut request).await.unwrap();
        }
        socket.write_all(RESPONSE).await.unwrap();
        (request.len() as u64, socket)
    });
    let transport = Transport::builder().clock(Arc::new(ManualClock::new())).build().into_service();
    let response = transport.send(http::Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect(100).await.unwrap();
    let (sent, socket) = server.await.unwrap();
    let key = |metric: Metric| format!("{}{{server.address=127.0.0.1}}", metric.name);
    let seen = values();
    assert_eq!(count(seen.get(&key(SENT_BYTES))), sent);
    assert_eq!(count(seen.get(&key(RECEIVED_BYTES))), RESPONSE.len() as u64);
    assert_eq!(change(seen.get(&key(OPEN_CONNECTIONS))), 1.0);
    drop(socket);
    // The task of the connection sees that the server has closed it.
    while change(values().get(&key(OPEN_CONNECTIONS))) != -1.0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn every_metric_has_a_name_and_a_unit() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        for metric in ALL {
            metric.describe();
            assert!(!metric.description.is_empty() && !metric.unit.is_empty());
        }
        metrics::counter!(SENT_BYTES.name).increment(1);
    });
    let (_, unit, description, _) = snapshotter.snapshot().into_vec().remove(0);
    assert_eq!((unit, description.as_deref()), (Some(metrics::Unit::Bytes), Some(SENT_BYTES.description)));
}
