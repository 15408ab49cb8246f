//! The effect of a log level. It has a separate binary: another test's thread without a subscriber could switch
//! off a call site that this one listens to.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use skyflow_http::{
    Body, CallContext, Clock, Idempotency, LogControl, ManualClock, OperationInfo, Request, Stack,
};
use skyflow_testkit::{Reply, Scripted};
use skyflow_types::LogLevel;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, SubscriberExt};

/// A subscriber that writes everything into memory.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn request() -> Request {
    let mut request = http::Request::post("https://vault.example/v1/test").body(Body::empty()).unwrap();
    let info = OperationInfo::new("tokens.test", "/v1/vaults/{vault_id}/test", Idempotency::Safe);
    request.extensions_mut().insert(CallContext::new(info));
    request
}

async fn logged(level: LogLevel, status: u16) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .without_time()
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advancing());
    let transport = Scripted::new([Reply::status(status)]).service();
    let stack = Stack::new(clock).log_control(LogControl::new(level)).build(transport);
    stack.send(request()).await.unwrap();
    drop(guard);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn log_level_applies_to_every_layer() {
    let debug = logged(LogLevel::Debug, 503).await;
    assert!(debug.contains("client.operation") && debug.contains("client.attempt"), "{debug}");
    assert!(debug.contains("retrying") && debug.contains("finished") && debug.contains("WARN"), "{debug}");
    assert!(debug.contains("attempts=3") && debug.contains("http.response.status_code=503"), "{debug}");

    let info = logged(LogLevel::Info, 503).await;
    assert!(info.contains("client.operation") && info.contains("WARN"), "{info}");
    assert!(!info.contains("client.attempt") && !info.contains("DEBUG"), "{info}");

    let warn = logged(LogLevel::Warn, 503).await;
    assert!(warn.contains("WARN") && warn.contains("tokens.test") && !warn.contains("client."), "{warn}");
    assert_eq!(logged(LogLevel::Warn, 200).await, "");
    assert_eq!(logged(LogLevel::Error, 200).await, "");
    assert_eq!(logged(LogLevel::Off, 503).await, "");
}

#[tokio::test]
async fn each_call_is_one_event_with_its_figures() {
    let event = |log: &str, level: &str, message: &str| {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(message)).collect();
        let [line] = lines.as_slice() else { panic!("not one event: {log}") };
        assert!(line.trim_start().starts_with(level) && line.contains("rest_client: "), "{line}");
        (*line).to_owned()
    };
    let info = logged(LogLevel::Info, 200).await;
    let line = event(&info, "INFO", "call finished");
    for field in ["operation=\"tokens.test\"", "status=200", "attempts=1", "elapsed_ms=0"] {
        assert!(line.contains(field), "{line}");
    }
    assert!(!info.contains("ERROR") && !info.contains("WARN"), "{info}");

    let error = logged(LogLevel::Error, 503).await;
    assert_eq!(error.lines().count(), 1, "{error}");
    let line = event(&error, "ERROR", "call failed");
    for field in ["operation=\"tokens.test\"", "status=503", "attempts=3"] {
        assert!(line.contains(field), "{line}");
    }
    let warn = logged(LogLevel::Warn, 503).await;
    assert_eq!(warn.lines().filter(|line| line.contains("retrying") && line.contains("WARN")).count(), 2);
}

/// Notes how each field of spans and events is recorded.
#[derive(Clone, Default)]
struct Kinds(Arc<std::sync::Mutex<BTreeMap<&'static str, &'static str>>>);

impl Kinds {
    fn note(&self, field: &Field, kind: &'static str) {
        self.0.lock().unwrap().insert(field.name(), kind);
    }
}

impl Visit for Kinds {
    fn record_u64(&mut self, field: &Field, _: u64) {
        self.note(field, "number");
    }

    fn record_bool(&mut self, field: &Field, _: bool) {
        self.note(field, "bool");
    }

    fn record_str(&mut self, field: &Field, _: &str) {
        self.note(field, "string");
    }

    fn record_debug(&mut self, field: &Field, _: &dyn std::fmt::Debug) {
        self.note(field, "debug");
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Kinds {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut self.clone());
    }

    fn on_record(&self, _: &Id, values: &tracing::span::Record<'_>, _: Context<'_, S>) {
        values.record(&mut self.clone());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

#[tokio::test]
async fn figures_are_logged_as_numbers() {
    let kinds = Kinds::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(kinds.clone()));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advancing());
    let transport = Scripted::new([Reply::status(503)]).service();
    let stack = Stack::new(clock).log_control(LogControl::new(LogLevel::Debug)).build(transport);
    stack.send(request()).await.unwrap();
    drop(guard);
    let kinds = kinds.0.lock().unwrap();
    let numbers = [
        "attempt",
        "attempts",
        "elapsed_ms",
        "elapsed_us",
        "http.response.status_code",
        "pause_ms",
        "status",
    ];
    for field in numbers {
        assert_eq!(kinds.get(field), Some(&"number"), "{field}: {kinds:?}");
    }
    assert_eq!(kinds.get("ok"), Some(&"bool"));
    for field in ["operation", "http.route", "http.request.method", "server.address"] {
        assert_eq!(kinds.get(field), Some(&"string"), "{field}: {kinds:?}");
    }
}
