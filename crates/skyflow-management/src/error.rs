use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use skyflow_api::{ApiError, EncodeError};
use skyflow_auth::{AuthError, CredentialsError, CredentialsErrorKind, InvalidVariable, explain};
use skyflow_http::{BoxError, ErrorKind as TransportKind, RetryStop};
use skyflow_types::{RequestId, redact_text};

/// Sorts the errors of this crate by what a caller can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting of the client is missing or cannot be used; [`Error::field`] names it. Nothing was sent.
    Configuration,
    /// The request cannot be made from the operation. Nothing was sent.
    InvalidInput,
    /// The credentials cannot be used ([`Error::field`] names which part), or the token endpoint issued no token.
    Auth,
    /// The server returned an error; [`Error::status`] and [`Error::message`] tell which.
    Api,
    /// The connection could not be made or broke.
    Transport,
    /// The attempt timeout or the deadline passed, or the transfer stalled.
    Timeout,
    /// The response does not have the form that the operation defines. The operation was executed.
    Decode,
    /// A custom layer or transport failed; its error is the `source()`.
    Custom,
}

/// Reports a call that failed, or a client that cannot be made.
///
/// `Display` is one line without the cause's text; the cause is in `source()`. No token and no key is put into either. A
/// server's message is shown with what looks like card numbers, social security numbers and e-mail addresses replaced.
///
/// ```
/// # async fn run(client: skyflow_management::Client) -> Result<(), skyflow_management::Error> {
/// use skyflow_management::roles;
///
/// match client.send(roles::Get::new("b1c2")).await {
///     Ok(response) => println!("{:?}", response.body.role),
///     Err(error) if error.is_not_found() => println!("no such role"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    field: Option<Cow<'static, str>>,
    /// The message of this crate; that of the server is in `api`.
    text: String,
    api: Option<Box<ApiError>>,
    status: Option<StatusCode>,
    request_id: Option<RequestId>,
    retryable: bool,
    may_have_been_applied: bool,
    attempts: u32,
    retry_stop: Option<RetryStop>,
    source: Option<BoxError>,
}

impl Error {
    fn of(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            field: None,
            text: text.into(),
            api: None,
            status: None,
            request_id: None,
            retryable: false,
            may_have_been_applied: false,
            attempts: 0,
            retry_stop: None,
            source: None,
        }))
    }

    /// A setting that cannot be used; `problem` holds no value.
    pub(crate) fn setting(field: impl Into<Cow<'static, str>>, problem: impl fmt::Display) -> Self {
        let field = field.into();
        let mut error = Self::of(ErrorKind::Configuration, format!("{field} {problem}"));
        error.0.field = Some(field);
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sorts the error of a call; `writes` says that the operation may change something.
    pub(crate) fn from_api(error: skyflow_api::Error, operation: &'static str, writes: bool) -> Self {
        let progress = error.progress().cloned();
        let (status, request_id) = (error.status(), error.request_id().cloned());
        let mut error = match error {
            skyflow_api::Error::Encode(source) => Self::from_request(source),
            skyflow_api::Error::Api(api) => Self::from_response(api),
            skyflow_api::Error::Service { source, .. } => Self::from_service(source),
            skyflow_api::Error::Decode { source, .. } => {
                Self::of(ErrorKind::Decode, "the response could not be read").with_source(source)
            }
            other => Self::of(ErrorKind::Custom, "the call failed").with_source(other),
        };
        error.0.operation = Some(operation);
        error.0.status = error.0.status.or(status);
        error.0.request_id = error.0.request_id.or(request_id);
        if let Some(progress) = progress {
            error.0.attempts = progress.attempts();
            error.0.retry_stop = progress.retry_stop();
            error.0.may_have_been_applied =
                writes && (error.0.kind == ErrorKind::Decode || progress.may_have_been_applied());
        }
        error
    }

    fn from_request(source: EncodeError) -> Self {
        Self::of(ErrorKind::InvalidInput, source.to_string()).with_source(source)
    }

    fn from_response(api: Box<ApiError>) -> Self {
        let mut error = Self::of(ErrorKind::Api, "");
        error.0.retryable = api.is_retryable();
        error.0.api = Some(api);
        error
    }

    fn from_service(source: BoxError) -> Self {
        if let Some(transport) = source.downcast_ref::<skyflow_http::Error>() {
            let (kind, retryable) = match transport.kind() {
                TransportKind::AttemptTimeout | TransportKind::DeadlineExceeded | TransportKind::Stalled => {
                    (ErrorKind::Timeout, true)
                }
                TransportKind::BodyTooLarge => (ErrorKind::Decode, false),
                TransportKind::Tls | TransportKind::Proxy => (ErrorKind::Transport, false),
                _ => (ErrorKind::Transport, true),
            };
            let mut error = Self::of(kind, transport.to_string());
            error.0.retryable = retryable;
            return error.with_source(source);
        }
        match source.downcast::<AuthError>() {
            Ok(auth) => Self::from_auth(*auth),
            Err(source) => Self::of(ErrorKind::Custom, "a layer of this client failed").with_source(source),
        }
    }

    fn from_auth(auth: AuthError) -> Self {
        let mut error = Self::of(ErrorKind::Auth, explain(&auth));
        error.0.retryable = auth.is_retryable();
        error.0.status = auth.status();
        error.0.request_id = auth.request_id().cloned();
        error.with_source(auth)
    }

    /// Returns what kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the operation, such as `management.roles.list`; `None` while a client is built.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the setting or the environment variable that cannot be used, such as `account_id`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Returns the HTTP status of the response; for [`ErrorKind::Auth`], of the token endpoint's.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Tells whether the response had status 401: the token or the API key was refused.
    pub fn is_unauthorized(&self) -> bool {
        self.0.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Tells whether the response had status 403: the role lacks the permission.
    pub fn is_forbidden(&self) -> bool {
        self.0.status == Some(StatusCode::FORBIDDEN)
    }

    /// Tells whether the response had status 404: the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(StatusCode::NOT_FOUND)
    }

    /// Tells whether the response had status 409: the state of the object does not allow the operation.
    pub fn is_conflict(&self) -> bool {
        self.0.status == Some(StatusCode::CONFLICT)
    }

    /// Returns the response of the server: its message as sent, codes, details and body. It may repeat what was sent.
    pub fn api_error(&self) -> Option<&ApiError> {
        self.0.api.as_deref()
    }

    /// Returns the server's message with what looks like personal data replaced, or a message of this crate.
    pub fn message(&self) -> Cow<'_, str> {
        match &self.0.api {
            Some(api) => Cow::Owned(redact_text(&api.message)),
            None => Cow::Borrowed(&self.0.text),
        }
    }

    /// Returns the request id of the response.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Tells whether the same call may succeed later, with nothing changed. Check [`Error::may_have_been_applied`]
    /// before you retry a write.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Tells whether the operation may have been executed although the call failed. `false` is a promise; `true` means
    /// that the outcome is unknown.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// Returns how many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns why the client did not try again, when the failure was one worth a retry.
    pub fn retry_stop(&self) -> Option<RetryStop> {
        self.0.retry_stop
    }
}

/// Credentials that cannot be used; nothing was sent.
impl From<CredentialsError> for Error {
    fn from(source: CredentialsError) -> Self {
        let (field, problem) = match source.kind() {
            CredentialsErrorKind::Missing if source.variable().is_none() => {
                let ways = "are missing: set them on the client, or set SKYFLOW_API_KEY, SKYFLOW_CREDENTIALS or \
                            SKYFLOW_CREDENTIALS_PATH";
                (source.field().to_owned(), ways.to_owned())
            }
            _ => source.setting(),
        };
        let mut error = Self::setting(field, problem);
        error.0.kind = ErrorKind::Auth;
        error.with_source(source)
    }
}

/// An environment variable that holds no text.
impl From<InvalidVariable> for Error {
    fn from(source: InvalidVariable) -> Self {
        Self::setting(source.name(), source.problem())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.message())?;
        if let Some(status) = inner.status {
            write!(f, " (http {}", status.as_u16())?;
            match inner.api.as_ref().and_then(|api| api.error.grpc_code) {
                Some(grpc) => write!(f, ", grpc {grpc})")?,
                None => f.write_str(")")?,
            }
        }
        if let Some(id) = &inner.request_id {
            write!(f, " [request id {id}]")?;
        }
        if inner.may_have_been_applied {
            f.write_str("; the operation may have been executed")?;
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
            .field("request_id", &inner.request_id)
            .field("may_have_been_applied", &inner.may_have_been_applied)
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
