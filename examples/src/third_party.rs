//! A third party on a loopback port, for the examples of connections.

use serde_json::Value;
use skyflow_testkit::{Reply, Scripted, ServeError, Server};

/// Starts a server of JSON: `respond` takes path and body of each request, and returns status and body.
///
/// # Errors
///
/// Fails when no loopback port can be opened.
pub async fn start<F>(respond: F) -> Result<Server, ServeError>
where
    F: Fn(&str, Value) -> (u16, Value) + Send + Sync + 'static,
{
    let service = Scripted::from_fn(move |request| {
        let (status, body) = respond(request.target(), request.json());
        Reply::json(status, &body)
    });
    Server::serve(service).await
}
