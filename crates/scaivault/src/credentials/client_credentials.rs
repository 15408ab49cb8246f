use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;
use skyflow_http::auth::{AccessToken, TokenError, TokenErrorKind, TokenFuture, TokenProvider};
use skyflow_http::{
    BaseUri, Body, CallContext, Clock, HttpService, Idempotency, OperationInfo, Request, Response,
    form_urlencoded, request_id,
};
use skyflow_types::Secret;
use zeroize::Zeroizing;

use super::Exchange;
use crate::Error;

/// An exchange has no effect that a repetition would double.
const INFO: OperationInfo = OperationInfo::new("scaikey.create_token", "/oauth/token", Idempotency::Safe);

/// The lifetime of a token whose response names none.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);

/// The longest lifetime that is believed.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// The largest response that is read.
const RESPONSE_LIMIT: usize = 1024 * 1024;

/// Exchanges client credentials for a token, by the OAuth 2.0 grant `client_credentials`.
pub(super) struct ClientCredentials {
    id: String,
    secret: Secret,
    scope: Option<String>,
    url: Uri,
    service: HttpService,
    clock: Arc<dyn Clock>,
}

impl ClientCredentials {
    pub(super) fn new(id: String, secret: Secret, exchange: Exchange) -> Result<Self, Error> {
        if id.trim().is_empty() {
            return Err(Error::config("client_id", "must not be empty"));
        }
        if secret.expose().trim().is_empty() {
            return Err(Error::config("client_secret", "must not be empty"));
        }
        // The rules for URLs that a secret is sent to.
        let rules = BaseUri::parse(&exchange.url);
        let url = rules
            .map_err(|error| error.problem())
            .and_then(|_| exchange.url.parse::<Uri>().map_err(|_| "is not a valid URL"))
            .map_err(|problem| Error::config("token_url", problem))?;
        let scope = (!exchange.scopes.is_empty()).then(|| exchange.scopes.join(" "));
        Ok(Self { id, secret, scope, url, service: exchange.service, clock: exchange.clock })
    }

    async fn exchange(&self) -> Result<AccessToken, TokenError> {
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.expose()),
        ];
        pairs.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        let form = Zeroizing::new(form_urlencoded(pairs).into_bytes());
        let mut request = Request::new(Body::from(bytes::Bytes::from_owner(form)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.clone();
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.extensions_mut().insert(CallContext::new(INFO));
        let response = self.service.send(request).await.map_err(TokenError::unavailable)?;
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<AccessToken, TokenError> {
        let (parts, body) = response.into_parts();
        let request_id = request_id(&parts.headers);
        let body = body.collect(RESPONSE_LIMIT).await.map_err(TokenError::unavailable)?;
        if !parts.status.is_success() {
            return Err(refusal(parts.status, &body).with_response(parts.status, request_id));
        }
        let undecoded = || {
            TokenError::new(TokenErrorKind::Decode, "the response of the token endpoint holds no token")
                .with_response(parts.status, request_id.clone())
        };
        let read: TokenResponse = serde_json::from_slice(&body).map_err(|_| undecoded())?;
        let token = AccessToken::new(read.access_token).map_err(|_| undecoded())?;
        crate::secret_data::wipe(body);
        Ok(token.with_lifetime(self.clock.monotonic(), lifetime(read.expires_in.as_ref())))
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Secret,
    expires_in: Option<Value>,
}

/// Reads the lifetime: an absent one is an hour, one that is over is no time, and a huge one is cut.
fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        None | Some(Value::Null) => return DEFAULT_LIFETIME,
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(value) => value.as_f64(),
    };
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            Duration::try_from_secs_f64(seconds).map_or(MAX_LIFETIME, |lifetime| lifetime.min(MAX_LIFETIME))
        }
        Some(_) => Duration::ZERO,
        None => DEFAULT_LIFETIME,
    }
}

/// Describes an error of the token endpoint.
fn refusal(status: StatusCode, body: &[u8]) -> TokenError {
    let error = match status {
        status if status.is_redirection() => TokenError::new(
            TokenErrorKind::Rejected,
            "the token endpoint redirects, which is not followed with credentials",
        ),
        status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
            TokenError::new(TokenErrorKind::Unavailable, "the token endpoint is not available")
        }
        _ => TokenError::new(TokenErrorKind::Rejected, "the token endpoint refused the client credentials"),
    };
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
    let (code, message) = match json.get("error") {
        Some(Value::Object(own)) => (text(own.get("code")), text(own.get("message"))),
        code => (text(code), text(json.get("error_description"))),
    };
    let error = code.iter().fold(error, |error, code| error.with_server_code(code));
    message.iter().fold(error, |error, message| error.with_server_message(message))
}

impl TokenProvider for ClientCredentials {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new(self.exchange())
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_lifetimes_are_no_trap() {
        let seconds = |json: &str| lifetime(serde_json::from_str::<Value>(json).ok().as_ref()).as_secs();
        assert_eq!(lifetime(None), DEFAULT_LIFETIME);
        assert_eq!([seconds("null"), seconds("{}"), seconds("\"x\"")], [3600; 3]);
        assert_eq!([seconds("3600"), seconds("\"60\""), seconds("90.5")], [3600, 60, 90]);
        assert_eq!([seconds("0"), seconds("-5")], [0, 0]);
        assert_eq!([seconds("1000000000000"), seconds("1e300")], [MAX_LIFETIME.as_secs(); 2]);
    }
}
