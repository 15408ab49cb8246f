//! How every call of a client is sent, whichever way its result is waited for.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use skyflow_http::rest::{self, DecodeError, EncodeError, Operation};
use skyflow_http::{CallOptions, Clock, DynLayer, HttpService, LogControl, OperationInfo, Request};
use tower_layer::Layer;

use crate::cache::Registry;
use crate::error::ErrorBody;
use crate::model::IncompleteResponse;
use crate::tasks::Tasks;
use crate::{Error, InvalidInput, SecretPath};

/// The header that names the tenant of a request.
pub(crate) const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");

/// What the clones of a client share, and the settings of one of them; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    rest: rest::Client<HttpService>,
    tenant: Option<HeaderValue>,
    pub(crate) options: CallOptions,
    pub(crate) shared: Arc<Shared>,
}

/// State of a client beside its connections.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    /// The caches to tell about writes.
    pub(crate) caches: Registry,
    /// Work that outlives its caller, such as the revocation of a lease.
    pub(crate) tasks: Tasks,
    /// Whether writes that append are repeated after a lost response.
    pub(crate) retry_writes: bool,
    /// What the client logs beside its calls.
    pub(crate) log: LogControl,
}

impl Handle {
    pub(crate) fn new(rest: rest::Client<HttpService>, tenant: Option<HeaderValue>, shared: Shared) -> Self {
        Self { rest, tenant, options: CallOptions::default(), shared: Arc::new(shared) }
    }

    pub(crate) fn with_tenant(&self, tenant: &str) -> Result<Self, InvalidInput> {
        Ok(Self { tenant: Some(tenant_header(tenant)?), ..self.clone() })
    }

    pub(crate) fn with_layer(&self, layer: &DynLayer) -> Self {
        let service = layer.layer(self.rest.service().clone());
        Self { rest: rest::Client::new(service, self.rest.base().clone()), ..self.clone() }
    }

    /// Returns the tenant, which is a part of every key of a cache.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().and_then(|tenant| tenant.to_str().ok())
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Tells the caches that a secret has changed, or may have.
    pub(crate) fn changed(&self, path: &SecretPath) {
        self.shared.caches.changed(self.tenant(), path);
    }

    /// Tells the caches that any secret may have changed.
    pub(crate) fn all_changed(&self) {
        self.shared.caches.all_changed(self.tenant());
    }

    /// Sends an operation with the settings of this handle.
    pub(crate) async fn send<O>(&self, operation: O) -> Result<rest::Response<O::Output>, Error>
    where
        O: Operation<Error = ErrorBody>,
    {
        self.send_with(operation, self.options).await
    }

    /// Sends an operation with its own settings.
    pub(crate) async fn send_with<O>(
        &self,
        operation: O,
        mut options: CallOptions,
    ) -> Result<rest::Response<O::Output>, Error>
    where
        O: Operation<Error = ErrorBody>,
    {
        if self.shared.retry_writes && options.idempotent.is_none() {
            options.idempotent = Some(true);
        }
        let operation = InTenant { operation, tenant: self.tenant.clone() };
        self.rest.send_with(operation, options).await.map_err(|error| Error::of_call(&O::INFO, error))
    }
}

/// Checks the id of a tenant.
pub(crate) fn tenant_header(tenant: &str) -> Result<HeaderValue, InvalidInput> {
    let is_id = !tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_graphic());
    let header = HeaderValue::from_str(tenant).ok().filter(|_| is_id);
    header.ok_or_else(|| InvalidInput::new("tenant", "must be visible ASCII without white space"))
}

/// An operation with the header of its tenant.
struct InTenant<O> {
    operation: O,
    tenant: Option<HeaderValue>,
}

impl<O: Operation> Operation for InTenant<O> {
    type Output = O::Output;
    type Error = O::Error;
    const INFO: OperationInfo = O::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        let mut request = self.operation.encode()?;
        if let Some(tenant) = self.tenant {
            request.headers_mut().insert(TENANT, tenant);
        }
        Ok(request)
    }

    fn decode(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<O::Output, DecodeError> {
        O::decode(status, headers, body)
    }
}

/// Finishes the error of a response that lacks a member.
pub(crate) fn complete<O: Operation, T>(
    response: (StatusCode, Option<skyflow_types::RequestId>),
    result: Result<T, IncompleteResponse>,
) -> Result<T, Error> {
    result.map_err(|IncompleteResponse(what)| {
        Error::incomplete(&O::INFO, what).with_response(response.0, response.1)
    })
}
