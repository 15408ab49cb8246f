use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use skyflow_types::Secret;

use crate::{
    ApiKey, Cached, CredentialsError, CredentialsErrorKind, DataTokenSigner, ScopedTokens, ServiceAccountKey,
    ServiceAccountTokens, StaticToken, TokenExchange, TokenOptions, TokenProvider,
};

/// Proves to Skyflow who is calling: an API key, a bearer token, a service account, or any token provider.
///
/// It is one of these by construction, never several. A service account takes options: roles, an end user's
/// context, another token URI, a shorter lifetime. `Debug` shows the kind and the ids, no secret.
///
/// ```no_run
/// use skyflow_auth::Credentials;
///
/// let credentials = Credentials::from_path("credentials.json").roles(["b6d1b4f0"])?.context("user-7")?;
/// # let _ = credentials;
/// # Ok::<(), skyflow_auth::CredentialsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    kind: Kind,
    options: TokenOptions,
}

/// Says which kind of credentials it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialsKind {
    /// An API key.
    ApiKey,
    /// A bearer token that was minted elsewhere.
    BearerToken,
    /// The path of a `credentials.json`.
    File,
    /// A service account whose key is at hand.
    ServiceAccount,
    /// A token provider of the caller's own.
    Provider,
}

#[derive(Clone)]
enum Kind {
    ApiKey(Secret),
    BearerToken(Secret),
    File(PathBuf),
    ServiceAccount(ServiceAccountKey),
    Provider(Arc<dyn TokenProvider>),
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ApiKey(a), Self::ApiKey(b)) | (Self::BearerToken(a), Self::BearerToken(b)) => a == b,
            (Self::File(a), Self::File(b)) => a == b,
            (Self::ServiceAccount(a), Self::ServiceAccount(b)) => a == b,
            // Providers cannot be compared by what they do.
            (Self::Provider(a), Self::Provider(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey(_) => f.write_str("ApiKey([REDACTED])"),
            Self::BearerToken(_) => f.write_str("BearerToken([REDACTED])"),
            // The path may be the text of a key by mistake.
            Self::File(_) => f.write_str("File"),
            Self::ServiceAccount(key) => key.fmt(f),
            // Its own `Debug` is the caller's and may show anything.
            Self::Provider(_) => f.write_str("Provider"),
        }
    }
}

impl Credentials {
    fn of(kind: Kind) -> Self {
        Self { kind, options: TokenOptions::new() }
    }

    /// Takes an API key: `sky-`, five letters or digits, `-`, 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Fails when it is empty or of another form.
    pub fn api_key(key: impl Into<Secret>) -> Result<Self, CredentialsError> {
        let key: Secret = key.into();
        ApiKey::new(key.clone())?;
        Ok(Self::of(Kind::ApiKey(key)))
    }

    /// Takes a bearer token that was minted elsewhere. It is not refreshed.
    ///
    /// # Errors
    ///
    /// Fails when it is empty, malformed or expired; see [`StaticToken::new`].
    pub fn bearer_token(token: impl Into<Secret>) -> Result<Self, CredentialsError> {
        let token: Secret = token.into();
        StaticToken::new(token.clone())?;
        Ok(Self::of(Kind::BearerToken(token)))
    }

    /// Takes the path of a `credentials.json`.
    ///
    /// The file is read when a provider is made of the credentials, again whenever a token is exchanged, and every 30
    /// seconds while the token is in use. A pipe is read once, when a provider is made.
    pub fn from_path(path: impl AsRef<Path>) -> Self {
        Self::of(Kind::File(path.as_ref().to_owned()))
    }

    /// Takes the text of a `credentials.json`.
    ///
    /// # Errors
    ///
    /// Fails as [`ServiceAccountKey::from_json`] does.
    pub fn from_json(json: &str) -> Result<Self, CredentialsError> {
        ServiceAccountKey::from_json(json).map(Self::service_account)
    }

    /// Takes a service account.
    pub fn service_account(key: ServiceAccountKey) -> Self {
        Self::of(Kind::ServiceAccount(key))
    }

    /// Takes any source of tokens: STS, a command, tokens of an end user, or a closure
    /// ([`provider_fn`](crate::provider_fn)).
    ///
    /// The provider is asked for a token before each attempt. Wrap one that exchanges or runs something in
    /// [`Cached`], so that all callers share a token until it expires.
    ///
    /// ```
    /// use skyflow_auth::{AccessToken, Cached, Credentials, provider_fn};
    ///
    /// let tokens = provider_fn(|| async { Ok(AccessToken::new("minted-elsewhere")?) });
    /// let credentials = Credentials::provider(Cached::new(tokens));
    /// # let _ = credentials;
    /// ```
    pub fn provider(tokens: impl TokenProvider) -> Self {
        Self::of(Kind::Provider(Arc::new(tokens)))
    }

    /// Returns which kind of credentials it is.
    pub fn kind(&self) -> CredentialsKind {
        match self.kind {
            Kind::ApiKey(_) => CredentialsKind::ApiKey,
            Kind::BearerToken(_) => CredentialsKind::BearerToken,
            Kind::File(_) => CredentialsKind::File,
            Kind::ServiceAccount(_) => CredentialsKind::ServiceAccount,
            Kind::Provider(_) => CredentialsKind::Provider,
        }
    }

    /// Narrows the tokens to these role ids.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenOptions::roles`] does, and for all other kinds: a restriction that would silently
    /// not hold is an error.
    pub fn roles<I>(self, roles: I) -> Result<Self, CredentialsError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.map(|options| options.roles(roles))
    }

    /// Makes the tokens speak for an end user.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenOptions::context`] does, and for all kinds but service accounts.
    pub fn context(self, context: impl Into<Value>) -> Result<Self, CredentialsError> {
        self.map(|options| options.context(context))
    }

    /// Takes another token URI than the one in the credentials.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenOptions::token_uri`] does, and for all kinds but service accounts.
    pub fn token_uri(self, uri: &str) -> Result<Self, CredentialsError> {
        self.map(|options| options.token_uri(uri))
    }

    /// Asks for tokens that live shorter than 60 minutes.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenOptions::lifetime`] does, and for all kinds but service accounts.
    pub fn lifetime(self, lifetime: Duration) -> Result<Self, CredentialsError> {
        self.map(|options| options.lifetime(lifetime))
    }

    /// Replaces all options.
    ///
    /// # Errors
    ///
    /// Fails when one is set and the credentials are no service account.
    pub fn with_options(self, options: TokenOptions) -> Result<Self, CredentialsError> {
        self.map(|_| Ok(options))
    }

    fn map(
        self,
        change: impl FnOnce(TokenOptions) -> Result<TokenOptions, CredentialsError>,
    ) -> Result<Self, CredentialsError> {
        let options = change(self.options)?;
        match (&self.kind, options.first_set()) {
            (Kind::ApiKey(_) | Kind::BearerToken(_) | Kind::Provider(_), Some(field)) => {
                Err(CredentialsError::new(field, CredentialsErrorKind::NotApplicable))
            }
            _ => Ok(Self { kind: self.kind, options }),
        }
    }

    /// Makes the provider of these credentials: cached where tokens are exchanged.
    ///
    /// Each call makes another one with a separate token; [`TokenProviders`](crate::TokenProviders) shares them.
    ///
    /// # Errors
    ///
    /// Fails when the file of [`Credentials::from_path`] cannot be used, when the exchange does not allow the host of the
    /// token URI, and when a bearer token has expired meanwhile.
    pub fn to_provider(&self, exchange: &TokenExchange) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        let clock = Arc::clone(exchange.clock());
        Ok(match &self.kind {
            Kind::ApiKey(key) => Arc::new(ApiKey::new(key.clone())?),
            Kind::BearerToken(token) => Arc::new(StaticToken::with_clock(token.clone(), clock)?),
            Kind::Provider(tokens) => Arc::clone(tokens),
            Kind::File(_) | Kind::ServiceAccount(_) => Arc::new(
                Cached::with_clock(self.account(exchange)?, clock).log_control(exchange.log().clone()),
            ),
        })
    }

    /// Makes the provider of many end users' tokens; see [`ScopedTokens`].
    ///
    /// # Errors
    ///
    /// Fails for all kinds but service accounts, and when the file of
    /// [`Credentials::from_path`] cannot be used.
    pub fn scoped(&self, exchange: &TokenExchange) -> Result<ScopedTokens, CredentialsError> {
        self.account(exchange).map(ScopedTokens::new)
    }

    pub(crate) fn scoped_with_capacity(
        &self,
        exchange: &TokenExchange,
        capacity: NonZeroUsize,
    ) -> Result<ScopedTokens, CredentialsError> {
        self.account(exchange).map(|account| ScopedTokens::with_capacity(account, capacity))
    }

    /// Makes a signer of data tokens with the key and the context of these credentials.
    ///
    /// # Errors
    ///
    /// Fails for all kinds but service accounts, and when the file of [`Credentials::from_path`]
    /// cannot be used.
    pub fn data_token_signer(&self) -> Result<DataTokenSigner, CredentialsError> {
        let signer = DataTokenSigner::new(match &self.kind {
            Kind::File(path) => ServiceAccountKey::from_path(path)?,
            Kind::ServiceAccount(key) => key.clone(),
            Kind::ApiKey(_) | Kind::BearerToken(_) | Kind::Provider(_) => return Err(not_an_account()),
        });
        Ok(match self.options.context_ref() {
            Some(context) => signer.with_context(context.clone()),
            None => signer,
        })
    }

    /// Takes the first credentials that are given, else those of the environment.
    ///
    /// This is the order of the official SDKs: a vault's own, then the client's, then those of
    /// [`Credentials::from_env`].
    ///
    /// ```
    /// use skyflow_auth::Credentials;
    ///
    /// let of_the_client = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef")?;
    /// let taken = Credentials::first_of([None, Some(of_the_client.clone())])?;
    /// assert_eq!(taken, of_the_client);
    /// # Ok::<(), skyflow_auth::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::from_env`] does when none is given.
    pub fn first_of(given: impl IntoIterator<Item = Option<Self>>) -> Result<Self, CredentialsError> {
        given.into_iter().flatten().next().map_or_else(Self::from_env, Ok)
    }

    fn account(&self, exchange: &TokenExchange) -> Result<ServiceAccountTokens, CredentialsError> {
        let account = match &self.kind {
            Kind::File(path) => ServiceAccountTokens::from_path(path, exchange.clone())?,
            Kind::ServiceAccount(key) => ServiceAccountTokens::new(key.clone(), exchange.clone()),
            Kind::ApiKey(_) | Kind::BearerToken(_) | Kind::Provider(_) => return Err(not_an_account()),
        };
        let account = account.with_options(self.options.clone());
        account.check_host()?;
        Ok(account)
    }
}

fn not_an_account() -> CredentialsError {
    CredentialsError::new("credentials", CredentialsErrorKind::NotApplicable)
}

impl From<ServiceAccountKey> for Credentials {
    fn from(key: ServiceAccountKey) -> Self {
        Self::service_account(key)
    }
}
