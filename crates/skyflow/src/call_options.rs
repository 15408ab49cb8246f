use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use skyflow_auth::TokenOptions;

use crate::{Error, headers};

/// Settings of the calls of one handle: time limits, retries, headers, and the end user they are made for.
///
/// Values are checked when a call is made, before anything is sent.
///
/// ```
/// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
/// use std::time::Duration;
/// use skyflow::{CallOptions, GetRequest};
///
/// let options = CallOptions::new()
///     .deadline(Duration::from_millis(800))
///     .no_retry()
///     .context("user-7")
///     .header("x-correlation-id", "order-17");
/// let request = GetRequest::new("persons").ids(["b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c"]);
/// let response = vault.with_options(options).get(request).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(crate) stack: skyflow_http::CallOptions,
    headers: Vec<(String, String)>,
    context: Option<Value>,
    roles: Option<Vec<String>>,
}

impl CallOptions {
    /// Takes every setting from the client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the total time for the call: waiting, minting a token, every attempt, every pause. The size of the request
    /// does not extend it.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.stack = self.stack.deadline(total);
        self
    }

    /// Switches the deadline off.
    pub fn no_deadline(mut self) -> Self {
        self.stack = self.stack.no_deadline();
        self
    }

    /// Sets the time for one attempt, from the first byte out to the last byte in. The size of the request does not
    /// extend it.
    pub fn attempt_timeout(mut self, one_attempt: Duration) -> Self {
        self.stack = self.stack.attempt_timeout(one_attempt);
        self
    }

    /// Switches the attempt timeout off.
    pub fn no_attempt_timeout(mut self) -> Self {
        self.stack = self.stack.no_attempt_timeout();
        self
    }

    /// Sets how many times the request may be sent, the first time included.
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.stack = self.stack.max_attempts(attempts);
        self
    }

    /// Sends the request once.
    pub fn no_retry(mut self) -> Self {
        self.stack = self.stack.no_retry();
        self
    }

    /// Sets how many bytes the response may have.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.stack = self.stack.response_limit(bytes);
        self
    }

    /// Sets the time that each 64 KiB of the request body add to the time limits of client and vault; zero adds none.
    pub fn body_time(mut self, per_64_kib: Duration) -> Self {
        self.stack = self.stack.body_time(per_64_kib);
        self
    }

    /// Asks for a response compressed with gzip, or does not, instead of the client's setting. The response limit counts
    /// the decoded bytes.
    pub fn gzip(mut self, yes: bool) -> Self {
        self.stack = self.stack.gzip(yes);
        self
    }

    /// Says whether the operation may be repeated after an attempt that may have been applied.
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.stack = self.stack.idempotent(yes);
        self
    }

    /// Sends a header with each request. Names are compared without regard to case, and the last value wins.
    ///
    /// Headers that the client manages are refused: hop-by-hop headers, `accept`, `authorization`, `content-length`,
    /// `content-type`, `host`, `sky-metadata` and `x-skyflow-authorization`. A header that an
    /// [`InvokeConnectionRequest`](crate::InvokeConnectionRequest) sets itself wins.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Makes the calls for an end user: the `ctx` claim of the token, which the vault's policies see as
    /// `request.context`. A string, a number, a bool, or an object whose keys are made of `A-Z a-z 0-9 _`.
    ///
    /// It needs the credentials of a service account that is allowed to inject a context. The tokens of the end users
    /// that called last are kept; see [`SkyflowBuilder::end_user_tokens`](crate::SkyflowBuilder::end_user_tokens).
    pub fn context(mut self, context: impl Into<Value>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Narrows the token to these roles of the service account.
    pub fn roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles = Some(roles.into_iter().map(Into::into).collect());
        self
    }

    pub(crate) fn header_map(&self) -> Result<HeaderMap, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            headers::set_for_call(&mut map, name, value)?;
        }
        Ok(map)
    }

    /// Returns the options of the token; `None` when the credentials decide alone.
    pub(crate) fn token_options(&self) -> Result<Option<TokenOptions>, Error> {
        if self.context.is_none() && self.roles.is_none() {
            return Ok(None);
        }
        let mut options = TokenOptions::new();
        if let Some(context) = &self.context {
            options = options.context(context.clone()).map_err(Error::call_credentials)?;
        }
        if let Some(roles) = &self.roles {
            options = options.roles(roles).map_err(Error::call_credentials)?;
        }
        Ok(Some(options))
    }
}

impl From<skyflow_http::CallOptions> for CallOptions {
    fn from(stack: skyflow_http::CallOptions) -> Self {
        Self { stack, ..Self::default() }
    }
}

/// A context and header values may be those of a person.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("stack", &self.stack)
            .field("headers", &self.headers.len())
            .field("context", &self.context.is_some())
            .field("roles", &self.roles)
            .finish()
    }
}
