//! How a call is sent and read, for the handles on a vault, on Detect and on a connection.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use skyflow_api::{ApiErrorBody, Client, DecodeError, EncodeError, Operation, Response};
use skyflow_auth::{CallTokens, Credentials, EndUserTokens, TokenOptions, TokenProvider, TokenProviders};
use skyflow_http::{
    BaseUri, CallContext, CallSubject, HttpLayer, HttpService, Idempotency, LogControl, OperationInfo,
    Request, TARGET,
};
use skyflow_types::LogLevel;
use tower_layer::Layer;
use tracing::Level;

use crate::elements::ReadBody;
use crate::record::Origin;
use crate::{CallOptions, Error, ErrorKind};

/// The service that the calls of a handle go through, and their settings; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    api: Client<HttpService>,
    stack_options: skyflow_http::CallOptions,
    /// Headers and end user; missing for most handles.
    options: Option<Arc<CallOptions>>,
    /// Missing where the caller's own service authenticates.
    end_users: Option<Arc<EndUsers>>,
    log: LogControl,
}

/// Where the tokens of end users come from.
#[derive(Debug)]
pub(crate) struct EndUsers {
    providers: TokenProviders,
    credentials: Credentials,
    /// Known from the first call for an end user on.
    tokens: OnceLock<EndUserTokens>,
}

impl EndUsers {
    pub(crate) fn new(providers: TokenProviders, credentials: Credentials) -> Self {
        Self { providers, credentials, tokens: OnceLock::new() }
    }

    fn tokens_of(&self, options: &TokenOptions) -> Result<Arc<dyn TokenProvider>, Error> {
        // It knows which credentials have neither context nor roles.
        self.credentials.clone().with_options(options.clone()).map_err(Error::call_credentials)?;
        if let Some(tokens) = self.tokens.get() {
            return Ok(tokens.get(options));
        }
        let tokens = self.providers.end_users(&self.credentials)?;
        Ok(self.tokens.get_or_init(|| tokens).get(options))
    }
}

impl Handle {
    pub(crate) fn new(
        service: HttpService,
        base: BaseUri,
        end_users: Option<EndUsers>,
        log: LogControl,
    ) -> Self {
        let (api, end_users) = (Client::new(service, base), end_users.map(Arc::new));
        Self { api, stack_options: Default::default(), options: None, end_users, log }
    }

    /// Returns scheme, host and port of the server.
    pub(crate) fn origin(&self) -> String {
        self.api.base().origin()
    }

    /// Obtains the token that the first call would obtain.
    pub(crate) async fn fetch_token(&self) -> Result<(), Error> {
        let Some(tokens) = &self.end_users else { return Ok(()) };
        let tokens = tokens.providers.get(&tokens.credentials)?;
        tokens.token().await.map_err(|error| Error::from_service(error.into()))?;
        Ok(())
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
    /// This is the one place that adds the operation and the response to an error, and that logs refused input.
    pub(crate) async fn call<O: Operation<Error = ApiErrorBody>, T>(
        &self,
        built: Result<Call<O>, Error>,
        read: impl FnOnce(Response<O::Output>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let named = |error: Error| error.in_operation(O::INFO.name);
        let call =
            built.and_then(|call| self.prepared(call)).map_err(|error| self.log_refusal(named(error)))?;
        let (options, writes) = (call.options(self.stack_options), call.writes);
        let response = self.api.send_with(call, options).await.map_err(|error| {
            let error = named(Error::from_api(error, writes));
            if error.kind() == ErrorKind::InvalidInput { self.log_refusal(error) } else { error }
        })?;
        let origin = Origin::new(O::INFO.name, &response);
        read(response).map_err(|error| {
            let error = error.in_response(&origin);
            if writes { error.applied() } else { error }
        })
    }

    /// The message of an error may quote a cause, so the event has the operation and the field only.
    fn log_refusal(&self, error: Error) -> Error {
        if self.log.permits(LogLevel::Warn) {
            let (product, operation, field) = (self.log.product(), error.operation(), error.field());
            tracing::warn!(target: TARGET, product, operation, field, "request refused");
        }
        error
    }

    fn prepared<O>(&self, mut call: Call<O>) -> Result<Call<O>, Error> {
        let Some(options) = &self.options else { return Ok(call) };
        call.headers = options.header_map()?;
        if let Some(options) = options.token_options()? {
            let end_users = self.end_users.as_deref().ok_or_else(Error::no_end_users)?;
            call.tokens = Some(end_users.tokens_of(&options)?);
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
    usual_attempts: Option<NonZeroU32>,
    headers: HeaderMap,
    tokens: Option<Arc<dyn TokenProvider>>,
    subject: Option<CallSubject>,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(operation: O) -> Self {
        Self {
            operation,
            writes: O::INFO.idempotency != Idempotency::Safe,
            repeatable: false,
            response_limit: None,
            usual_attempts: None,
            headers: HeaderMap::new(),
            tokens: None,
            subject: None,
        }
    }

    /// Names table and rows; see [`subject`].
    pub(crate) fn about(mut self, subject: Option<CallSubject>) -> Self {
        self.subject = subject;
        self
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

    /// Sets how many times the request is sent when the caller sets nothing else.
    pub(crate) fn usual_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.usual_attempts = Some(attempts);
        self
    }

    /// The caller's settings win.
    fn options(&self, mut options: skyflow_http::CallOptions) -> skyflow_http::CallOptions {
        options.idempotent = options.idempotent.or(self.repeatable.then_some(true));
        options.response_limit = options.response_limit.or(self.response_limit);
        options.usual_attempts = options.usual_attempts.or(self.usual_attempts);
        options
    }
}

/// Names table and rows of a call for spans, events and metrics, where something listens.
pub(crate) fn subject<'a>(
    table: impl Into<Option<&'a str>>,
    rows: impl Into<Option<usize>>,
) -> Option<CallSubject> {
    if !cfg!(feature = "metrics") && !tracing::enabled!(target: TARGET, Level::ERROR) {
        return None;
    }
    let subject = table.into().map_or_else(CallSubject::new, |table| CallSubject::new().collection(table));
    Some(match rows.into() {
        Some(rows) => subject.rows(u64::try_from(rows).unwrap_or(u64::MAX)),
        None => subject,
    })
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
        CallContext::of_mut(request.extensions_mut()).subject = self.subject;
        Ok(request)
    }

    fn decode(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<O::Output, DecodeError> {
        O::decode(status, headers, body)
    }
}

/// An operation whose response is read in another way than that of the bindings: a value of an unexpected shape loses
/// no other.
pub(crate) struct ReadAs<O, R> {
    operation: O,
    response: PhantomData<fn() -> R>,
}

impl<O, R> ReadAs<O, R> {
    pub(crate) fn new(operation: O) -> Self {
        Self { operation, response: PhantomData }
    }
}

impl<O: Operation, R: ReadBody> Operation for ReadAs<O, R> {
    type Output = R::Value;
    type Error = O::Error;

    const INFO: OperationInfo = O::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        self.operation.encode()
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<R::Value, DecodeError> {
        R::read(body)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use skyflow_types::LogLevel;

    use crate::{Credentials, InsertRequest, Skyflow, VaultConfig};

    /// What a subscriber writes.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn refused_input_is_logged_at_warn() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let client = Skyflow::builder()
            .transport(tower::service_fn(async |_| Err::<skyflow_http::Response, _>("nothing may be sent")))
            .vault(VaultConfig::with_base_url("v1", "http://127.0.0.1:1"))
            .credentials(Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef").unwrap())
            .build()
            .unwrap();
        let vault = client.default_vault().unwrap();
        let refused = || InsertRequest::new("table1").record(json!({"a": 1})).record("4111111111111111");

        for level in [LogLevel::Debug, LogLevel::Warn] {
            client.set_log_level(level);
            vault.insert(refused()).await.unwrap_err();
            let logged = lines.take();
            assert_eq!(logged.matches("WARN").count(), 1, "{logged}");
            for part in [
                "request refused",
                r#"operation="records.insert""#,
                r#"field="records[1]""#,
                r#"product="skyflow""#,
            ] {
                assert!(logged.contains(part), "{part} in {logged}");
            }
            assert!(!logged.contains("4111"), "{logged}");
        }
        // Refused while the request is encoded.
        vault
            .with_header("host", "evil")
            .insert(InsertRequest::new("t").record(json!({})))
            .await
            .unwrap_err();
        assert!(lines.take().contains(r#"field="headers.host""#));

        for level in [LogLevel::Error, LogLevel::Off] {
            client.set_log_level(level);
            vault.insert(refused()).await.unwrap_err();
            assert_eq!(lines.take(), "");
        }
    }
}
