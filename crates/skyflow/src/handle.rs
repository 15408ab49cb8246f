//! How a call is sent and read, for the handles on a vault, on Detect and on a connection.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use skyflow_api::{ApiErrorBody, Client, DecodeError, EncodeError, Operation, Response};
use skyflow_auth::{CallTokens, Credentials, TokenProvider, TokenProviders};
use skyflow_http::{BaseUri, HttpLayer, HttpService, Idempotency, OperationInfo, Request};
use tower_layer::Layer;

use crate::{CallOptions, Error};

/// The service that the calls of a handle go through, and their settings; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    api: Client<HttpService>,
    stack_options: skyflow_http::CallOptions,
    /// Headers and end user; missing for most handles.
    options: Option<Arc<CallOptions>>,
    /// Missing where the caller's own service authenticates.
    end_users: Option<Arc<EndUsers>>,
}

/// Where the tokens of end users come from.
#[derive(Debug)]
pub(crate) struct EndUsers {
    pub(crate) providers: TokenProviders,
    pub(crate) credentials: Credentials,
}

impl Handle {
    pub(crate) fn new(service: HttpService, base: BaseUri, end_users: Option<EndUsers>) -> Self {
        let end_users = end_users.map(Arc::new);
        Self { api: Client::new(service, base), stack_options: Default::default(), options: None, end_users }
    }

    pub(crate) fn with_options(&self, options: CallOptions) -> Self {
        Self { stack_options: options.stack, options: Some(Arc::new(options)), ..self.clone() }
    }

    /// Changes some options and keeps the others.
    pub(crate) fn changing(&self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        self.with_options(change(self.options.as_deref().cloned().unwrap_or_default()))
    }

    pub(crate) fn with_layer(&self, layer: impl HttpLayer) -> Self {
        let service = layer.into_dyn().layer(self.api.service().clone());
        Self { api: Client::new(service, self.api.base().clone()), ..self.clone() }
    }

    /// Sends a call, unless it could not be built, and reads its response.
    ///
    /// This is the one place that says in an error which operation and which response it is about.
    pub(crate) async fn call<O: Operation<Error = ApiErrorBody>, T>(
        &self,
        built: Result<Call<O>, Error>,
        read: impl FnOnce(Response<O::Output>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let named = |error: Error| error.in_operation(O::INFO.name);
        let call = built.and_then(|call| self.prepared(call)).map_err(named)?;
        let (options, writes) = (call.options(self.stack_options), call.writes);
        let sent = self.api.send_with(call, options).await;
        let response = sent.map_err(|error| named(Error::from_api(error, writes)))?;
        let (status, request_id) = (response.status, response.request_id.clone());
        read(response).map_err(|error| {
            let error = named(error).in_answer(status, request_id);
            if writes { error.applied() } else { error }
        })
    }

    fn prepared<O>(&self, mut call: Call<O>) -> Result<Call<O>, Error> {
        let Some(options) = &self.options else { return Ok(call) };
        call.headers = options.header_map()?;
        if let Some(options) = options.token_options()? {
            let end_users = self.end_users.as_deref().ok_or_else(Error::no_end_users)?;
            // It knows which credentials have neither context nor roles.
            end_users.credentials.clone().with_options(options.clone()).map_err(Error::call_credentials)?;
            let tokens = end_users.providers.get_scoped(&end_users.credentials, &options);
            call.tokens = Some(tokens?);
        }
        Ok(call)
    }
}

/// An operation, and what this call knows about it beyond its [`OperationInfo`].
pub(crate) struct Call<O> {
    operation: O,
    writes: bool,
    repeatable: bool,
    response_limit: Option<usize>,
    headers: HeaderMap,
    tokens: Option<Arc<dyn TokenProvider>>,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(operation: O) -> Self {
        Self {
            operation,
            writes: O::INFO.idempotency != Idempotency::Safe,
            repeatable: false,
            response_limit: None,
            headers: HeaderMap::new(),
            tokens: None,
        }
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
    fn options(&self, mut options: skyflow_http::CallOptions) -> skyflow_http::CallOptions {
        options.idempotent = options.idempotent.or(self.repeatable.then_some(true));
        options.response_limit = options.response_limit.or(self.response_limit);
        options
    }
}

impl<O: Operation> Operation for Call<O> {
    type Output = O::Output;
    type Error = O::Error;

    const INFO: OperationInfo = O::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        let mut request = self.operation.encode()?;
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        if let Some(tokens) = self.tokens {
            request.extensions_mut().insert(CallTokens(tokens));
        }
        Ok(request)
    }

    fn decode(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<O::Output, DecodeError> {
        O::decode(status, headers, body)
    }
}
