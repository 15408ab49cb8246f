//! How a call is sent and read, for the handles on a vault, on Detect and on a connection.

use skyflow_api::{Client, Operation, Response};
use skyflow_http::{BaseUri, CallOptions, DynLayer, HttpService, Idempotency};
use tower_layer::Layer;

use crate::Error;

/// The service that the calls of a handle go through, and their settings; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    api: Client<HttpService>,
    options: CallOptions,
}

/// An operation, and what this call knows about it beyond its [`OperationInfo`](skyflow_http::OperationInfo).
pub(crate) struct Call<O> {
    operation: O,
    writes: bool,
    repeatable: bool,
    response_limit: Option<usize>,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(operation: O) -> Self {
        let writes = O::INFO.idempotency != Idempotency::Safe;
        Self { operation, writes, repeatable: false, response_limit: None }
    }

    /// Allows the call to be repeated after an attempt that may have been applied.
    pub(crate) fn repeatable_if(mut self, yes: bool) -> Self {
        self.repeatable = yes;
        self
    }

    /// Says that this call changes nothing, although calls of its kind may.
    pub(crate) fn read_only_if(mut self, yes: bool) -> Self {
        if yes {
            self.writes = false;
            self.repeatable = true;
        }
        self
    }

    /// Sets how many bytes the response may have.
    pub(crate) fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = Some(bytes);
        self
    }

    /// The caller's settings win.
    fn options(&self, mut options: CallOptions) -> CallOptions {
        options.idempotent = options.idempotent.or(self.repeatable.then_some(true));
        options.response_limit = options.response_limit.or(self.response_limit);
        options
    }
}

impl Handle {
    pub(crate) fn new(service: HttpService, base: BaseUri) -> Self {
        Self { api: Client::new(service, base), options: CallOptions::default() }
    }

    pub(crate) fn with_options(&self, options: CallOptions) -> Self {
        Self { options, ..self.clone() }
    }

    pub(crate) fn with_layer(&self, layer: &DynLayer) -> Self {
        let service = layer.layer(self.api.service().clone());
        Self { api: Client::new(service, self.api.base().clone()), ..self.clone() }
    }

    /// Sends a call, unless it could not be built, and reads its response.
    ///
    /// This is the one place that says in an error which operation and which response it is about.
    pub(crate) async fn call<O: Operation, T>(
        &self,
        built: Result<Call<O>, Error>,
        read: impl FnOnce(Response<O::Output>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let named = |error: Error| error.in_operation(O::INFO.name);
        let call = built.map_err(named)?;
        let (options, writes) = (call.options(self.options), call.writes);
        let sent = self.api.send_with(call.operation, options).await;
        let response = sent.map_err(|error| named(Error::from_api(error, writes)))?;
        let (status, request_id) = (response.status, response.request_id.clone());
        read(response).map_err(|error| {
            let error = named(error).in_answer(status, request_id);
            if writes { error.applied() } else { error }
        })
    }
}
