use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use skyflow_api::DecodeErrorKind;
use skyflow_api::runtime::clean;
use skyflow_auth::{AuthError, AuthErrorKind, CREDENTIALS_ENV, CredentialsError, CredentialsErrorKind};
use skyflow_http::{ErrorKind as TransportKind, RetryStop, SendBodyError};
use skyflow_types::RequestId;

use crate::record::Origin;

/// Sorts the errors of this crate by what a caller can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request or the configuration is wrong; nothing was executed. [`Error::field`] names what to fix. Nothing was
    /// sent, unless a file or another stream turned out to be unreadable or of the wrong length while it was sent.
    InvalidInput,
    /// The configuration lacks something: a vault, an address, credentials. [`Error::field`] names the setting or the
    /// environment variable; nothing was sent.
    Configuration,
    /// The credentials cannot be used ([`Error::field`] names which part), or the token endpoint issued no token.
    Auth,
    /// The server returned an error; [`Error::http_code`] and [`Error::message`] tell which.
    Api,
    /// The connection could not be made or broke.
    Transport,
    /// The attempt timeout or the deadline passed, or the transfer stalled.
    Timeout,
    /// The response does not have the form that the operation defines, or a row does not fit the requested type.
    Decode,
    /// A run of Detect ended without success; [`Error::run_id`] tells which.
    Run,
    /// An output of Detect could not be written; the cause is the `source()`. [`Error::run_id`] tells the run, which
    /// can be read again; a re-identified file has none, and is made again by the same call.
    Output,
    /// A custom layer or transport failed; its error is the `source()`.
    Custom,
}

/// Reports a call that failed.
///
/// `Display` is one line without the cause's text: the operation, what happened, status and request id. The cause is in
/// `source()`. No value of yours, no token and no key is put into either. A server's message is shown with what looks
/// like card numbers, social security numbers and e-mail addresses replaced; a name that a server repeats is not known
/// for one.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    text: Text,
    field: Option<String>,
    status: Option<StatusCode>,
    http_code: Option<u16>,
    grpc_code: Option<i64>,
    http_status: Option<String>,
    request_id: Option<RequestId>,
    details: Vec<skyflow_api::Json>,
    error_from_client: Option<bool>,
    retryable: bool,
    may_have_been_applied: bool,
    run_id: Option<String>,
    attempts: u32,
    retry_stop: Option<RetryStop>,
    body: Bytes,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The most bytes of an error body that are kept.
const BODY_LIMIT: usize = 64 * 1024;

enum Text {
    /// A message of this crate.
    Own(String),
    /// The server's message, as sent; shown redacted.
    Server(String),
}

impl Error {
    fn of(kind: ErrorKind, text: Text) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            text,
            field: None,
            status: None,
            http_code: None,
            grpc_code: None,
            http_status: None,
            request_id: None,
            details: Vec::new(),
            error_from_client: None,
            retryable: false,
            may_have_been_applied: false,
            run_id: None,
            attempts: 0,
            retry_stop: None,
            body: Bytes::new(),
            source: None,
        }))
    }

    /// A request or a setting that cannot be used; `problem` holds no value.
    pub(crate) fn invalid(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        let field = field.into();
        let mut error = Self::of(ErrorKind::InvalidInput, Text::Own(format!("{field} {problem}")));
        error.0.field = Some(field);
        error.0.http_code = Some(400);
        error.0.http_status = Some("Bad Request".to_owned());
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A part of the configuration that is missing.
    pub(crate) fn missing(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        let mut error = Self::invalid(field, problem);
        error.0.kind = ErrorKind::Configuration;
        error
    }

    /// A context or roles that the calls of a handle cannot be made with; nothing was sent.
    pub(crate) fn call_credentials(source: CredentialsError) -> Self {
        let field = source.field();
        let problem = match source.kind() {
            CredentialsErrorKind::NotApplicable => {
                "cannot be set: API keys and bearer tokens have none, use a service account".to_owned()
            }
            _ => format!("cannot be used: {source}"),
        };
        Self::invalid(field, problem)
    }

    /// A context or roles in a client whose service was handed over whole.
    pub(crate) fn no_end_users() -> Self {
        Self::invalid("context", "cannot be set: the client's own service does the authentication")
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn no_background_thread(source: std::io::Error) -> Self {
        let text = "the background thread of the client cannot be started".to_owned();
        Self::of(ErrorKind::Configuration, Text::Own(text)).with_source(source)
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn deadlock(source: skyflow_http::blocking::WouldDeadlock) -> Self {
        Self::of(ErrorKind::Custom, Text::Own(source.to_string())).with_source(source)
    }

    /// A response that was received completely and cannot be used.
    pub(crate) fn bad_response(problem: &'static str) -> Self {
        Self::of(ErrorKind::Decode, Text::Own(problem.to_owned()))
    }

    /// A row that does not fit the caller's type. The names in the message are those of the type.
    pub(crate) fn row(source: skyflow_api::DecodeError) -> Self {
        let text = match (source.missing_field(), source.kind()) {
            (Some(field), _) => format!("the row lacks the field `{field}` of the requested type"),
            (None, DecodeErrorKind::Surrogate) => {
                "the row has text with an unpaired surrogate, which Rust strings cannot hold".to_owned()
            }
            (None, _) => "the row does not fit the requested type".to_owned(),
        };
        Self::of(ErrorKind::Decode, Text::Own(text)).with_source(source)
    }

    /// An element of a response that does not have the form that the operation defines.
    pub(crate) fn misshapen(index: usize) -> Self {
        let text =
            format!("element {index} of the response does not have the form that this operation defines");
        Self::of(ErrorKind::Decode, Text::Own(text))
    }

    /// An element of a response that belongs to nothing in the request.
    pub(crate) fn surplus(index: usize) -> Self {
        let text = format!("element {index} of the response belongs to nothing in the request");
        Self::of(ErrorKind::Decode, Text::Own(text))
    }

    /// Keeps the elements of a response, so that the ids in them are not lost.
    pub(crate) fn with_elements(mut self, elements: &[skyflow_api::Json]) -> Self {
        let elements: Vec<&str> = elements.iter().map(skyflow_api::Json::get).collect();
        self.0.body = format!("[{}]", elements.join(",")).into();
        self
    }

    /// A number at a path below `field` that JSON does not have.
    pub(crate) fn not_finite(field: &str, path: &str) -> Self {
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let problem = "must be a finite number: JSON has neither NaN nor infinities";
        Self::invalid(format!("{field}{dot}{path}"), problem)
    }

    /// Names the row among others.
    pub(crate) fn at_row(mut self, index: usize) -> Self {
        if let Text::Own(text) = &mut self.0.text {
            *text = format!("records[{index}]: {text}");
        }
        self
    }

    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Adds status and request id of the response.
    pub(crate) fn with_status(mut self, status: StatusCode, request_id: Option<RequestId>) -> Self {
        self.0.status = Some(status);
        self.0.http_code = Some(status.as_u16());
        self.with_request_id(request_id)
    }

    /// Says which response the row came in.
    pub(crate) fn in_response(self, origin: &Origin) -> Self {
        let error = self.in_operation(origin.operation).with_status(origin.status, origin.request_id.clone());
        error.after_attempts(origin.progress.attempts())
    }

    /// Says which response a refused row came in, and keeps the code of the row.
    pub(crate) fn of_row(self, origin: &Origin) -> Self {
        let code = self.0.http_code;
        let mut error = self.in_response(origin);
        error.0.http_code = code;
        error
    }

    fn after_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<RequestId>) -> Self {
        self.0.request_id = request_id;
        self
    }

    /// Says which run of Detect it was.
    pub(crate) fn with_run_id(mut self, run_id: impl Into<String>) -> Self {
        self.0.run_id = Some(run_id.into());
        self
    }

    /// A row that the server refused while the call as a whole succeeded.
    pub(crate) fn refused_row(message: String, http_code: Option<u16>) -> Self {
        let mut error = Self::of(ErrorKind::Api, Text::Server(clean(&message)));
        error.0.http_code = http_code;
        error
    }

    /// A run that did not succeed, with the server's message. It was started, so starting it again does not help.
    pub(crate) fn run(message: &str, from_server: Option<String>) -> Self {
        let text =
            from_server.map_or_else(|| Text::Own(message.to_owned()), |text| Text::Server(clean(&text)));
        Self::of(ErrorKind::Run, text).applied()
    }

    /// Outputs that could not be written.
    pub(crate) fn unsaved(source: std::io::Error) -> Self {
        let text = "the output cannot be written into the output directory".to_owned();
        Self::of(ErrorKind::Output, Text::Own(text)).with_source(source)
    }

    /// The write succeeded, and only its response cannot be used.
    pub(crate) fn applied(mut self) -> Self {
        self.0.may_have_been_applied = true;
        self
    }

    /// `writes` says whether the operation changes anything at all.
    pub(crate) fn from_api(error: skyflow_api::Error, writes: bool) -> Self {
        let progress = error.progress().cloned();
        let mut error = match error {
            skyflow_api::Error::Encode(skyflow_api::EncodeError::ZeroTimeout(limit)) => {
                Self::invalid(limit, "must be greater than zero")
            }
            skyflow_api::Error::Encode(skyflow_api::EncodeError::NotFinite(path)) => {
                let field = if path.is_empty() { "body" } else { &path };
                Self::not_finite(field, "")
            }
            skyflow_api::Error::Encode(source) => {
                let field = match &source {
                    skyflow_api::EncodeError::Target(target) => target.name(),
                    _ => "request",
                };
                Self::invalid(field, "cannot be sent").with_source(source)
            }
            skyflow_api::Error::Api(response) => Self::from_response(*response),
            skyflow_api::Error::Decode { status, request_id, source, .. } => {
                let error = match source.kind() {
                    DecodeErrorKind::Encoding | DecodeErrorKind::Depth => Self::of(
                        ErrorKind::Decode,
                        Text::Own(format!("the response cannot be read: {source}")),
                    ),
                    _ => {
                        Self::bad_response("the response does not have the form that this operation defines")
                    }
                };
                error.with_status(status, request_id).with_source(source)
            }
            skyflow_api::Error::Service { source, .. } => Self::from_service(source),
            other => Self::of(ErrorKind::Custom, Text::Own("the call failed".to_owned())).with_source(other),
        };
        if let Some(progress) = progress {
            error.0.attempts = progress.attempts();
            error.0.retry_stop = progress.retry_stop();
            error.0.may_have_been_applied = writes && progress.may_have_been_applied();
        }
        error
    }

    fn from_response(response: skyflow_api::ApiError) -> Self {
        let body = response.expose_body();
        // A copy, so that the rest of a long body is not kept alive.
        let body = Bytes::copy_from_slice(body.get(..BODY_LIMIT).unwrap_or(body));
        let retryable = response.is_retryable();
        let text = match response.status.is_redirection() {
            // A token is sent to no other place than the configured one.
            true => Text::Own("the response is a redirect, which is not followed".to_owned()),
            false => Text::Server(response.message),
        };
        let mut error = Self::of(ErrorKind::Api, text);
        error.0.retryable = retryable;
        error.0.status = Some(response.status);
        error.0.http_code = Some(response.error.http_code);
        error.0.grpc_code = response.error.grpc_code;
        let http_status = response.error.http_status.map(|text| skyflow_types::redact_text(&text));
        error.0.http_status =
            http_status.or_else(|| response.status.canonical_reason().map(ToOwned::to_owned));
        error.0.request_id = response.request_id;
        error.0.details = response.error.details;
        error.0.error_from_client = response.error.error_from_client;
        error.0.body = body;
        error
    }

    pub(crate) fn from_service(source: skyflow_http::BoxError) -> Self {
        if let Some(transport) = source.downcast_ref::<skyflow_http::Error>() {
            if let Some(body) = transport.source().and_then(|source| source.downcast_ref::<SendBodyError>()) {
                return Self::invalid(body.part().unwrap_or("body"), body).with_source(source);
            }
            let (kind, retryable) = match transport.kind() {
                TransportKind::AttemptTimeout | TransportKind::DeadlineExceeded | TransportKind::Stalled => {
                    (ErrorKind::Timeout, true)
                }
                TransportKind::BodyTooLarge => (ErrorKind::Decode, false),
                TransportKind::Tls | TransportKind::Proxy => (ErrorKind::Transport, false),
                _ => (ErrorKind::Transport, true),
            };
            let mut text = transport.to_string();
            if transport.is_unresolved() {
                text.push_str(": check cluster_id and env, or the URL");
            }
            let mut error = Self::of(kind, Text::Own(text));
            error.0.retryable = retryable;
            return error.with_source(source);
        }
        let source = match source.downcast::<AuthError>() {
            Ok(auth) => return Self::from(*auth),
            Err(source) => source,
        };
        let text = "a layer of this client failed".to_owned();
        Self::of(ErrorKind::Custom, Text::Own(text)).with_source(source)
    }

    /// Returns what kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the error of the transport, when the request got no response.
    pub fn transport_error(&self) -> Option<&skyflow_http::Error> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// Returns the name of the operation in the REST API, such as `records.insert`; `None` while a client is built.
    ///
    /// [`Vault::get`](crate::Vault::get) is `records.list`, [`Vault::delete`](crate::Vault::delete) is
    /// `records.bulk_delete`, and an insert that continues on errors is `records.batch`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the invalid field, such as `table` or `records[3]`, when the input was refused.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Returns the HTTP status of the response; for [`ErrorKind::Auth`], of the token endpoint's. `None` when there was
    /// no response. An error body cannot change it.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Tells whether the response had status 400.
    pub fn is_bad_request(&self) -> bool {
        self.has_status(StatusCode::BAD_REQUEST)
    }

    /// Tells whether the response had status 401: the token or the API key was refused.
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// Tells whether the response had status 403: the role lacks the permission.
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// Tells whether the response had status 404: the vault, table, row or token does not exist.
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
    }

    /// Tells whether the response had status 429: too many requests, after all retries.
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Tells whether the response had a status of 500 or more.
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.0.status == Some(status)
    }

    /// Returns the HTTP code of the failure: the one in the error body, else the status of the response; 400 for
    /// refused input, as in the official SDKs; `None` when there was no response. A code below 400 in an error body is
    /// ignored. [`Error::status`] is the response's own.
    pub fn http_code(&self) -> Option<u16> {
        self.0.http_code
    }

    /// Returns the gRPC code of the error body.
    pub fn grpc_code(&self) -> Option<i64> {
        self.0.grpc_code
    }

    /// Returns the status text, such as `Bad Request`.
    pub fn http_status(&self) -> Option<&str> {
        self.0.http_status.as_deref()
    }

    /// Returns the request id of the response.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns the details of the error body, as sent; `Debug` does not show them.
    pub fn details(&self) -> &[skyflow_api::Json] {
        &self.0.details
    }

    /// Returns the server's message with what looks like personal data replaced, or a message of this crate.
    pub fn message(&self) -> String {
        match &self.0.text {
            Text::Own(text) => text.clone(),
            Text::Server(text) => skyflow_types::redact_text(text),
        }
    }

    /// Returns the server's message as sent, which may repeat what was sent to it; keep it out of logs.
    pub fn expose_server_message(&self) -> Option<&str> {
        match &self.0.text {
            Text::Own(_) => None,
            Text::Server(text) => Some(text),
        }
    }

    /// Returns the error body as sent, up to its first 64 KiB; empty when there was none. When the elements of a
    /// successful response cannot be assigned to the request, it is the JSON list of them, whole: the ids of inserted rows
    /// are in it. It may repeat what was sent; keep it out of logs.
    pub fn expose_server_body(&self) -> &[u8] {
        &self.0.body
    }

    /// Returns whose fault a failed connection call was: `true` when the third party failed and not Skyflow.
    pub fn error_from_client(&self) -> Option<bool> {
        self.0.error_from_client
    }

    /// Returns the id of the Detect run that the failure is about: the run exists, and can be read again with
    /// [`Detect::run`](crate::Detect::run).
    pub fn run_id(&self) -> Option<&str> {
        self.0.run_id.as_deref()
    }

    /// Tells whether the same call may succeed later, with nothing changed. Check [`Error::may_have_been_applied`]
    /// before you retry a write.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Tells whether a time limit ended the call.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Tells whether the vault may have been changed although the call failed.
    ///
    /// `false` is a promise: the write was certainly not executed. `true` means that the outcome is unknown;
    /// read back before you retry.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// Returns how many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns why the client did not try again, when the failure was one worth a retry; `None` for the others.
    pub fn retry_stop(&self) -> Option<RetryStop> {
        self.0.retry_stop
    }
}

/// Credentials that cannot be used; nothing was sent. The message of a [`CredentialsError`] holds no value.
impl From<CredentialsError> for Error {
    fn from(mut source: CredentialsError) -> Self {
        let missing = source.kind() == CredentialsErrorKind::Missing;
        let (field, problem) = match (source.variable(), source.field()) {
            (None, CREDENTIALS_ENV | "credentials") if missing => {
                let ways = "are missing: set them on the vault or on the client, or set SKYFLOW_API_KEY, \
                            SKYFLOW_CREDENTIALS or SKYFLOW_CREDENTIALS_PATH";
                return Self::missing("credentials", ways);
            }
            (Some(variable), field) if variable == field => {
                (variable.to_owned(), source.to_string().split_off(field.len() + 1))
            }
            (Some(variable), _) => {
                let message = source.to_string();
                let message = message
                    .strip_prefix(variable)
                    .map_or(message.as_str(), |rest| rest.trim_start_matches(": "));
                (variable.to_owned(), format!("cannot be used: {message}"))
            }
            (None, "credentials") => ("credentials".to_owned(), format!("cannot be used: {source}")),
            (None, "credentials file") => {
                ("credentials.path".to_owned(), format!("cannot be used: {source}"))
            }
            (None, field) => (format!("credentials.{field}"), format!("cannot be used: {source}")),
        };
        let mut error = Self::invalid(field, problem);
        error.0.kind = ErrorKind::Auth;
        match source.take_cause() {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }
}

/// A token that could not be obtained; the message says why, and what to check.
impl From<AuthError> for Error {
    fn from(auth: AuthError) -> Self {
        let credentials =
            StdError::source(&auth).and_then(|source| source.downcast_ref::<CredentialsError>());
        let reason = match (auth.server_message().filter(|message| !message.is_empty()), credentials) {
            (Some(message), _) => skyflow_types::redact_text(message),
            (None, Some(credentials)) => credentials.to_string(),
            // Why there was no connection is in the error of the transport.
            (None, None) => match StdError::source(&auth) {
                Some(cause) if auth.kind() == AuthErrorKind::Unavailable => format!("{auth}: {cause}"),
                _ => auth.to_string(),
            },
        };
        let check = match auth.kind() {
            AuthErrorKind::Rejected => {
                "; check that the service account, its key and its roles exist and are enabled"
            }
            AuthErrorKind::Unavailable => "; check the token URI and the network",
            _ => "",
        };
        let text = format!("could not obtain an access token: {reason}{check}");
        let mut error = Self::of(ErrorKind::Auth, Text::Own(text));
        error.0.retryable = auth.is_retryable();
        error.0.status = auth.status();
        error.0.http_code = auth.status().map(|status| status.as_u16());
        error.0.grpc_code = auth.server_code().and_then(|code| code.parse().ok());
        error.0.request_id = auth.request_id().cloned();
        error.with_source(auth)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.message())?;
        // Refused input has a field; its code is for programs only.
        if inner.field.is_none()
            && let Some(code) = inner.http_code
        {
            let status = inner.status.map_or(code, |status| status.as_u16());
            write!(f, " (http {status}")?;
            if status != code {
                write!(f, ", code {code}")?;
            }
            match inner.grpc_code {
                Some(grpc) => write!(f, ", grpc {grpc})")?,
                None => f.write_str(")")?,
            }
        }
        if let Some(id) = &inner.request_id {
            write!(f, " [request id {id}]")?;
        }
        if let Some(run) = &inner.run_id {
            write!(f, " [run {}]", clean(run))?;
        }
        // Of a run it is clear that it was started.
        if inner.may_have_been_applied && inner.kind != ErrorKind::Run {
            f.write_str("; the write may have been applied")?;
            if let Some(status) = inner.status.filter(|status| matches!(status.as_u16(), 502..=504)) {
                let why = "a proxy also sends it after it has passed the request on";
                write!(f, ": the status {} does not tell, {why}", status.as_u16())?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("operation", &inner.operation)
            .field("message", &self.message())
            .field("field", &inner.field)
            .field("status", &inner.status)
            .field("http_code", &inner.http_code)
            .field("grpc_code", &inner.grpc_code)
            .field("request_id", &inner.request_id)
            .field("may_have_been_applied", &inner.may_have_been_applied)
            .field("run_id", &inner.run_id)
            .field("attempts", &inner.attempts)
            .field("retry_stop", &inner.retry_stop)
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        // `Display` has the transport's message, so the chain continues below it.
        match source.downcast_ref::<skyflow_http::Error>() {
            Some(transport) => transport.source(),
            None => Some(source),
        }
    }
}
