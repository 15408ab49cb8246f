//! The error of every call: what it tells a caller. How it is made is in the modules below.

mod conversion;
mod problem;

use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use skyflow_api::runtime::clean;
use skyflow_http::RetryStop;
use skyflow_types::RequestId;

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
