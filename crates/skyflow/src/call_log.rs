//! The spans and events of Skyflow calls, by OpenTelemetry's conventions for database clients.

use skyflow_http::TARGET;
use skyflow_http::layers::{CallEnd, CallLog, CallNames, CallStart};
use tracing::Span;
use tracing::field::Empty;

/// The name of the product, which is also the value of `db.system.name`.
pub(crate) const SYSTEM: &str = "skyflow";

/// Adds the names of the conventions to the fields that every product on `skyflow-http` has.
#[derive(Debug)]
pub(crate) struct DatabaseCalls;

impl CallLog for DatabaseCalls {
    fn span(&self, start: &CallStart<'_>) -> Span {
        let CallNames { product, operation, namespace, collection, rows, .. } = start.names;
        tracing::info_span!(
            target: TARGET,
            "client.operation",
            otel.name = operation.map(|operation| display(SpanName { operation, collection })),
            otel.kind = "client",
            product,
            operation,
            db.system.name = SYSTEM,
            db.operation.name = operation,
            db.collection.name = collection,
            db.namespace = namespace,
            skyflow.batch.rows = rows,
            http.route = start.route,
            http.request.method = start.method,
            server.address = start.host,
            attempts = Empty,
            http.response.status_code = Empty,
            db.response.status_code = Empty,
            request_id = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        )
    }

    fn event(&self, end: &CallEnd<'_>) {
        let CallEnd { names, status, attempts, request_id, .. } = *end;
        let CallNames { product, operation, namespace, collection, rows, .. } = names;
        let elapsed_ms = end.elapsed_ms();
        match end.error_type {
            Some(error_type) => tracing::error!(
                target: TARGET, product, operation, status, attempts, elapsed_ms, request_id,
                error.type = error_type,
                db.system.name = SYSTEM,
                db.operation.name = operation,
                db.collection.name = collection,
                db.namespace = namespace,
                skyflow.batch.rows = rows,
                "call failed"
            ),
            None => tracing::info!(
                target: TARGET, product, operation, status, attempts, elapsed_ms, request_id,
                db.system.name = SYSTEM,
                db.operation.name = operation,
                db.collection.name = collection,
                db.namespace = namespace,
                skyflow.batch.rows = rows,
                "call finished"
            ),
        }
    }
}

/// The name of an exported span: operation and table.
struct SpanName<'a> {
    operation: &'static str,
    collection: Option<&'a str>,
}

impl std::fmt::Display for SpanName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.operation)?;
        self.collection.map_or(Ok(()), |collection| write!(f, " {collection}"))
    }
}
