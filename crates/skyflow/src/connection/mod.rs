//! Connections: third parties called through Skyflow, which replaces tokens with values on the way.

mod body;
mod config;
mod content_type;
mod form;
mod request;
mod response;
mod shape;
mod xml;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use skyflow_api::{ApiErrorBody, DecodeError, EncodeError, Operation};
use skyflow_http::{HttpLayer, Idempotency, OperationInfo, PathTemplate, Request};
use skyflow_types::ConnectionId;

pub use config::ConnectionConfig;
pub use request::InvokeConnectionRequest;
pub use response::{ConnectionData, ConnectionMetadata, InvokeConnectionResponse};

use crate::handle::{Call, Handle};
use crate::{CallOptions, Error};

/// A handle on one connection of a client; cheap to clone.
///
/// It keeps the configuration that the client had when the handle was taken.
#[derive(Debug, Clone)]
pub struct Connection {
    id: Arc<ConnectionId>,
    path: Arc<PathTemplate>,
    pub(crate) handle: Handle,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, path: PathTemplate, handle: Handle) -> Self {
        Self { id: Arc::new(id), path: Arc::new(path), handle }
    }

    /// Returns the connection's id.
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// Returns a handle whose calls have other options: time limits, attempts, idempotency, headers, end user.
    ///
    /// ```
    /// # async fn run(connection: skyflow::Connection) -> Result<(), skyflow::Error> {
    /// use skyflow::{CallOptions, InvokeConnectionRequest};
    ///
    /// // The third party knows the key again, so sending the request twice does no harm.
    /// let repeatable = connection.with_options(CallOptions::new().idempotent(true));
    /// let request = InvokeConnectionRequest::post()
    ///     .header("idempotency-key", "order-7")
    ///     .body(&serde_json::json!({"card": "5391-4629-3722-7102", "amount": 1999}));
    /// let response = repeatable.invoke(request).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { handle: self.handle.with_options(options), ..self.clone() }
    }

    /// Returns a handle whose calls pass through one more operation layer: any tower layer, outside all others.
    pub fn with_layer(&self, layer: impl HttpLayer) -> Self {
        Self { handle: self.handle.with_layer(layer), ..self.clone() }
    }

    /// Returns a handle whose calls are made for an end user; see [`CallOptions::context`].
    ///
    /// ```
    /// # async fn run(connection: skyflow::Connection, request: skyflow::InvokeConnectionRequest) -> Result<(), skyflow::Error> {
    /// let response = connection.with_context("user-7").invoke(request).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_context(&self, context: impl Into<serde_json::Value>) -> Self {
        Self { handle: self.handle.changing(|options| options.context(context)), ..self.clone() }
    }

    /// Returns a handle whose requests carry one more header; see [`CallOptions::header`].
    pub fn with_header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { handle: self.handle.changing(|options| options.header(name, value)), ..self.clone() }
    }

    /// Calls the third party behind the connection.
    ///
    /// The token travels in `x-skyflow-authorization`, unless the request has that header; an `authorization` of the
    /// request is the third party's. No redirect is followed. A call that may have reached the third party is sent
    /// again only when [`CallOptions::idempotent`] says that this does no harm, not even after a `429`.
    ///
    /// ```
    /// # async fn run(client: skyflow::Skyflow) -> Result<(), skyflow::Error> {
    /// use skyflow::InvokeConnectionRequest;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Charge {
    ///     id: String,
    /// }
    ///
    /// let request = InvokeConnectionRequest::post()
    ///     .path_param("card_id", "c-17")
    ///     .query_param("expand", "customer")
    ///     .body(&serde_json::json!({"card_number": "5391-4629-3722-7102", "amount": 1999}));
    /// let response = client.connection("payments")?.invoke(request).await?;
    /// let charge: Charge = response.decode()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when a parameter, a header or the body cannot be sent as it is. Fails as every
    /// call does afterwards, and when the response is not 2xx: [`Error::error_from_client`] tells whose fault it was,
    /// [`Error::expose_server_body`] has the response body. A 2xx response is never an error, whatever its body is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back what was already sent.
    pub async fn invoke(&self, request: InvokeConnectionRequest) -> Result<InvokeConnectionResponse, Error> {
        let call = request.into_http(&self.path).map(|request| Call::new(Invoke(request)));
        self.handle.call(call, |response| Ok(InvokeConnectionResponse::read(response))).await
    }
}

/// A request that is encoded already.
pub(crate) struct Invoke(Request);

impl Operation for Invoke {
    type Output = Bytes;
    type Error = ApiErrorBody;

    const INFO: OperationInfo = OperationInfo::new("connections.invoke", "/{route}", Idempotency::Unknown);

    fn encode(self) -> Result<Request, EncodeError> {
        Ok(self.0)
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<Bytes, DecodeError> {
        Ok(body.clone())
    }
}
