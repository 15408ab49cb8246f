use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use skyflow_http::{Idempotency, OperationInfo};

use crate::exchange::secret_json;
use crate::{
    AccessToken, AuthError, AuthErrorKind, CredentialsError, TokenExchange, TokenFuture, TokenOptions,
    TokenProvider, TokenUri,
};

const PATH: &str = "/v1/auth/sts/token";
const OPERATION: OperationInfo = OperationInfo::new("authentication.get_sts_token", PATH, Idempotency::Safe);
const DEFAULT_URI: &str = "https://manage.skyflowapis.com/v1/auth/sts/token";

/// Exchanges an identity token of the caller's own (of an identity provider) for a bearer token: RFC 8693.
///
/// The identity token comes from a provider itself, a closure for example. Wrap the whole in
/// [`Cached`](crate::Cached).
///
/// ```no_run
/// # #[cfg(feature = "transport")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use skyflow_auth::{AccessToken, Cached, StsTokens, TokenExchange, provider_fn};
///
/// let identity = provider_fn(|| async { Ok(AccessToken::new("the identity provider's token")?) });
/// let tokens = StsTokens::new(identity, TokenExchange::over_hyper())?.service_account_id("c0ffee00");
/// let tokens = Cached::new(tokens);
/// # let _ = tokens;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "transport"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct StsTokens {
    subject: Arc<dyn TokenProvider>,
    subject_token_type: Box<str>,
    service_account_id: Option<Box<str>>,
    options: TokenOptions,
    uri: TokenUri,
    exchange: TokenExchange,
}

#[derive(Serialize)]
struct GetStsToken<'a> {
    grant_type: &'static str,
    subject_token: &'a str,
    subject_token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl StsTokens {
    /// Exchanges tokens of `subject`, which are JWTs, at Skyflow's production endpoint.
    ///
    /// # Errors
    ///
    /// Never fails today; the default address is checked like any other.
    pub fn new(subject: impl TokenProvider, exchange: TokenExchange) -> Result<Self, CredentialsError> {
        Ok(Self {
            subject: Arc::new(subject),
            subject_token_type: "urn:ietf:params:oauth:token-type:jwt".into(),
            service_account_id: None,
            options: TokenOptions::new(),
            uri: TokenUri::parse(DEFAULT_URI)?,
            exchange,
        })
    }

    /// Names the service account that the caller's identity acts through.
    pub fn service_account_id(mut self, id: impl Into<String>) -> Self {
        self.service_account_id = Some(id.into().into());
        self
    }

    /// Sets the type of the identity token; `urn:ietf:params:oauth:token-type:jwt` by default.
    pub fn subject_token_type(mut self, urn: impl Into<String>) -> Self {
        self.subject_token_type = urn.into().into();
        self
    }

    /// Sets another server; its path is fixed.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenUri::parse`] does, and when the exchange does not allow the host.
    pub fn token_uri(mut self, uri: &str) -> Result<Self, CredentialsError> {
        let uri = TokenUri::parse(uri)?;
        self.exchange.check_host(&uri)?;
        self.uri = uri;
        Ok(self)
    }

    /// Narrows the tokens to these role ids.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenOptions::roles`] does.
    pub fn roles<I>(mut self, roles: I) -> Result<Self, CredentialsError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.options = self.options.roles(roles)?;
        Ok(self)
    }

    async fn mint(&self) -> Result<AccessToken, AuthError> {
        let subject = self.subject.token().await?;
        let body = GetStsToken {
            grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token: subject.expose(),
            subject_token_type: &self.subject_token_type,
            service_account_id: self.service_account_id.as_deref(),
            scope: self.options.scope(),
        };
        let body = secret_json(&body, subject.expose().len()).map_err(AuthError::provider)?;
        let response = self.exchange.send(OPERATION, &self.uri, body).await?;
        let token = response.token(self.exchange.clock().now(), None, self.exchange.log());
        if token.as_ref().is_err_and(|error| error.kind() == AuthErrorKind::Rejected) {
            self.subject.invalidate(&subject);
        }
        token
    }
}

impl TokenProvider for StsTokens {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new(self.mint())
    }
}

impl fmt::Debug for StsTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsTokens")
            .field("subject", &self.subject)
            .field("service_account_id", &self.service_account_id)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
