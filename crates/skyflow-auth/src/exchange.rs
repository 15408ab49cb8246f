use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skyflow_http::{
    BoxError, CallContext, Clock, Error, ErrorKind, HttpService, LogControl, OperationInfo, Request, Stack,
    SystemClock,
};
use skyflow_types::{LogLevel, RequestId, Secret};
use zeroize::{Zeroize, Zeroizing};

use crate::claims::{Unverified, unix_seconds};
use crate::token_hosts::TokenHosts;
use crate::{AccessToken, AuthError, AuthErrorKind, CredentialsError, TokenUri, skyflow_user_agent};

/// A token that does not say when it ends is used this long.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);

/// The product that spans and events name.
const PRODUCT: &str = "skyflow";

/// The maximum size of a token endpoint's response.
const RESPONSE_LIMIT: usize = 256 * 1024;

/// Reaches token endpoints: a transport under a separate stack, and a clock.
///
/// Its stack retries, limits each attempt to 10 s and the whole to 30 s, and has nothing that waits for a token or for
/// a permit of the calls it serves.
///
/// Tokens come from Skyflow's hosts at port 443 and from this machine. Others have to be allowed by name:
/// [`TokenExchange::allow_host`], or the environment variable `SKYFLOW_TOKEN_HOSTS`, which is read when this is made.
/// Link-local addresses are always refused.
///
/// ```
/// use skyflow_auth::TokenExchange;
/// use skyflow_http::{Body, BoxError, HttpService, Request, Response};
///
/// // Over any service; `TokenExchange::over_hyper()` is the built-in one.
/// let service = HttpService::new(tower::service_fn(|_: Request| async {
///     Ok::<_, BoxError>(Response::new(Body::from(r#"{"accessToken": "t", "tokenType": "Bearer"}"#)))
/// }));
/// let exchange = TokenExchange::new(service);
/// # let _ = exchange;
/// ```
#[derive(Clone)]
pub struct TokenExchange {
    stack: HttpService,
    clock: Arc<dyn Clock>,
    log: LogControl,
    hosts: TokenHosts,
    strict: bool,
}

impl TokenExchange {
    /// Puts the default stack over a transport.
    pub fn new(transport: HttpService) -> Self {
        Self::with_clock(transport, SystemClock::shared())
    }

    /// Puts the default stack, running on `clock`, over a transport.
    pub fn with_clock(transport: HttpService, clock: Arc<dyn Clock>) -> Self {
        Self::with_log_control(transport, clock, LogControl::default())
    }

    /// The same, with a log level that can be changed while it is in use; the caches over it obey it too.
    pub fn with_log_control(transport: HttpService, clock: Arc<dyn Clock>, log: LogControl) -> Self {
        // The official SDKs send no `sky-metadata` here.
        let log = log.product_name(PRODUCT);
        let mut stack = Stack::new(Arc::clone(&clock)).log_control(log.clone());
        if let Ok(user_agent) = skyflow_user_agent() {
            stack = stack.metadata(user_agent);
        }
        let stack = stack
            .attempt_timeout(Duration::from_secs(10))
            .deadline(Duration::from_secs(30))
            .response_limit(RESPONSE_LIMIT)
            .build(transport);
        Self { stack, clock, hosts: TokenHosts::from_env(&log), log, strict: false }
    }

    /// Takes a finished stack, to which nothing is added.
    pub fn from_stack(stack: HttpService, clock: Arc<dyn Clock>) -> Self {
        let log = LogControl::default();
        Self { stack, clock, hosts: TokenHosts::from_env(&log), log, strict: false }
    }

    /// Makes an exchange with a separate transport: hyper, rustls, the roots of the operating system.
    #[cfg(feature = "transport")]
    pub fn over_hyper() -> Self {
        Self::new(skyflow_http::Transport::new().into_service())
    }

    /// Allows tokens to come from a host that is not Skyflow's: `host`, which allows each port, or `host:port`.
    ///
    /// ```
    /// # #[cfg(feature = "transport")]
    /// # fn main() -> Result<(), skyflow_auth::CredentialsError> {
    /// let exchange = skyflow_auth::TokenExchange::over_hyper().allow_host("tokens.example:8443")?;
    /// # let _ = exchange;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "transport"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when it is not the name of a host, or a link-local address.
    pub fn allow_host(mut self, host: impl AsRef<str>) -> Result<Self, CredentialsError> {
        self.hosts.allow(host.as_ref())?;
        Ok(self)
    }

    /// Refuses files with credentials that the group or others can read, instead of a warning.
    pub fn strict_permissions(mut self, yes: bool) -> Self {
        self.strict = yes;
        self
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Refuses a host that tokens may not come from.
    pub(crate) fn check_host(&self, uri: &TokenUri) -> Result<(), CredentialsError> {
        self.hosts.check(uri)
    }

    /// Returns the log level it obeys.
    pub fn log(&self) -> &LogControl {
        &self.log
    }

    /// Returns the clock that its tokens are judged by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Sends one request for a token.
    pub(crate) async fn send(
        &self,
        operation: OperationInfo,
        token_uri: &TokenUri,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<TokenResponse, AuthError> {
        self.check_host(token_uri)?;
        let uri = token_uri.endpoint(operation.path_template)?;
        // The owner is dropped, and wiped, with the last copy of the body.
        let mut request = Request::new(Bytes::from_owner(body).into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request.extensions_mut().insert(CallContext::new(operation));
        let response = self.stack.send(request).await.map_err(not_received)?;
        let (parts, body) = response.into_parts();
        let received = self.clock.monotonic();
        let request_id = skyflow_http::request_id(&parts.headers);
        let date = parts.headers.get(header::DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| httpdate::parse_http_date(text).ok());
        let body = body.collect(RESPONSE_LIMIT).await.map_err(|error| not_received(error.into()))?;
        Ok(TokenResponse { status: parts.status, request_id, date, received, body })
    }
}

impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenExchange")
    }
}

/// Writes a request body that holds a token of `length` bytes. It does not grow, so no copy is left behind.
pub(crate) fn secret_json<T: Serialize>(body: &T, length: usize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // Beside the token there are names, and roles: at most 64 bytes of text each, hundreds of them.
    let mut json = Zeroizing::new(Vec::with_capacity(length + 64 * 1024));
    serde_json::to_writer(&mut *json, body)?;
    Ok(json)
}

/// Describes an exchange whose response did not arrive whole.
fn not_received(error: BoxError) -> AuthError {
    let text = match error.downcast_ref::<Error>().map(Error::kind) {
        Some(ErrorKind::BodyTooLarge) => {
            let text = "the token endpoint's response is larger than 256 KiB";
            return AuthError::new(AuthErrorKind::Decode, text);
        }
        Some(ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded) => {
            "the token endpoint did not respond in time"
        }
        _ => return AuthError::unavailable(error),
    };
    AuthError::unavailable_because(text, error)
}

/// The response of a token endpoint.
pub(crate) struct TokenResponse {
    status: StatusCode,
    request_id: Option<RequestId>,
    /// The server's own clock, to which its tokens' claims refer.
    pub(crate) date: Option<SystemTime>,
    received: Instant,
    body: Bytes,
}

#[derive(Deserialize)]
struct Grant {
    #[serde(rename = "accessToken", alias = "access_token")]
    access_token: Secret,
    #[serde(default, rename = "expiresIn", alias = "expires_in")]
    expires_in: Option<Value>,
    #[serde(default, rename = "tokenType", alias = "token_type")]
    token_type: Option<String>,
}

impl TokenResponse {
    /// Reads the token; `now` is the time of day here, for servers that do not tell theirs.
    pub(crate) fn token(
        self,
        now: SystemTime,
        at_most: Option<Duration>,
        log: &LogControl,
    ) -> Result<AccessToken, AuthError> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        let undecodable = |text| {
            AuthError::new(AuthErrorKind::Decode, text).with_response(self.status, self.request_id.clone())
        };
        let no_token = || undecodable("the token endpoint's response has no token");
        let grant = serde_json::from_slice::<Grant>(&self.body).map_err(|_| no_token())?;
        if !grant.is_bearer() {
            return Err(undecodable("the token endpoint issued a token of another type than Bearer"));
        }
        let lifetime = lifetime(&grant, self.date, now);
        if lifetime.is_none() && log.permits(LogLevel::Warn) {
            let used_s = UNKNOWN_LIFETIME.as_secs();
            tracing::warn!(
                used_s,
                "the token endpoint issued a token that has already expired, using it for a minute"
            );
        }
        let lifetime = lifetime.unwrap_or(UNKNOWN_LIFETIME).min(at_most.unwrap_or(Duration::MAX));
        let token = grant.into_token(self.received, lifetime).ok_or_else(no_token)?;
        if let Ok(mut body) = self.body.try_into_mut() {
            body.zeroize();
        }
        Ok(token)
    }

    fn refusal(&self) -> AuthError {
        let (kind, text) = match self.status.as_u16() {
            ..400 => (AuthErrorKind::Decode, "the token endpoint redirects, which is not followed"),
            408 | 429 | 500.. => (AuthErrorKind::Unavailable, "the token endpoint failed"),
            _ => (AuthErrorKind::Rejected, "the token endpoint refused the credentials"),
        };
        let error = AuthError::new(kind, text).with_response(self.status, self.request_id.clone());
        let Some((message, grpc_code)) = server_error(&self.body) else { return error };
        let error = error.with_server_message(&message);
        match grpc_code {
            Some(code) => error.with_server_code(&code.to_string()),
            None => error,
        }
    }
}

impl Grant {
    /// Tells whether the token is sent as `Bearer`: other types need more than the token.
    fn is_bearer(&self) -> bool {
        self.token_type.as_deref().is_none_or(|name| name.is_empty() || name.eq_ignore_ascii_case("Bearer"))
    }

    fn into_token(self, received: Instant, lifetime: Duration) -> Option<AccessToken> {
        let token = AccessToken::new(self.access_token).ok()?.with_lifetime(received, lifetime);
        Some(match self.token_type.filter(|name| !name.is_empty()) {
            Some(token_type) => token.with_token_type(token_type),
            None => token,
        })
    }
}

/// Reads what a command printed: a token alone, or the object of a token endpoint's response.
#[cfg(feature = "command")]
pub(crate) fn grant(text: &str, received: Instant, now: SystemTime) -> Option<AccessToken> {
    let grant = if text.starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        Grant { access_token: text.into(), expires_in: None, token_type: None }
    };
    let lifetime = lifetime(&grant, None, now).unwrap_or(UNKNOWN_LIFETIME);
    grant.is_bearer().then(|| grant.into_token(received, lifetime)).flatten()
}

/// Returns how long a token lives from the moment it was received; `None` when it has expired by the endpoint's own
/// response.
///
/// Its own `exp` counts on the server's clock, so it is compared with the server's `Date` and the token's own `iat`, of
/// which the later one counts. The time of day here comes last: it may be wrong, and then a new token cannot have
/// expired.
fn lifetime(grant: &Grant, date: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    let claims = Unverified::read(grant.access_token.expose());
    let lifetime = match claims.as_ref().and_then(|claims| claims.exp) {
        None => grant.expires_in.as_ref().and_then(seconds).unwrap_or(UNKNOWN_LIFETIME),
        Some(exp) => match date.map(unix_seconds).max(claims.and_then(|claims| claims.iat)) {
            Some(reference) => Duration::from_secs(exp.saturating_sub(reference)),
            None => match exp.saturating_sub(unix_seconds(now)) {
                0 => UNKNOWN_LIFETIME,
                left => Duration::from_secs(left),
            },
        },
    };
    Some(lifetime).filter(|lifetime| !lifetime.is_zero())
}

fn seconds(value: &Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(number).ok()
}

/// Reads message and gRPC code from the error bodies of the API and its gateways; `None` for HTML and an empty body.
fn server_error(body: &[u8]) -> Option<(String, Option<i64>)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        let plain = std::str::from_utf8(body).ok().map(str::trim)?;
        let is_text = !plain.is_empty() && !plain.starts_with(['<', '{', '[']);
        return is_text.then(|| (plain.to_owned(), None));
    };
    let error = json.get("error");
    let (message, grpc_code) = match error {
        Some(Value::Object(error)) => {
            (text(error.get("message")), error.get("grpc_code").and_then(Value::as_i64))
        }
        Some(Value::String(code)) => {
            let message = match text(json.get("error_description")) {
                Some(description) => format!("{code}: {description}"),
                None => code.clone(),
            };
            (Some(message), None)
        }
        _ => (text(json.get("message")), json.get("code").and_then(Value::as_i64)),
    };
    Some((message.unwrap_or_default(), grpc_code))
}
