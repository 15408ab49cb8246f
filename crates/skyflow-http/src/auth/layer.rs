mod future;

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use tower_layer::Layer;
use tower_service::Service;

use self::future::Attach;
pub use self::future::AuthFuture;
use super::{AuthHeader, TokenError, TokenProvider};
use crate::{BaseUri, BoxError};

/// Holds the origins a token may be sent to; any other is refused before a token is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGuard(Arc<[BaseUri]>);

impl HostGuard {
    /// Allows one origin: scheme, host and port. The path of `base` means nothing here.
    pub fn new(base: BaseUri) -> Self {
        Self([base].into())
    }

    /// Allows several origins.
    pub fn any_of(bases: impl IntoIterator<Item = BaseUri>) -> Self {
        Self(bases.into_iter().collect())
    }

    /// Tells whether a token may go there.
    pub fn allows(&self, uri: &Uri) -> bool {
        self.0.iter().any(|base| base.is_origin_of(uri))
    }
}

/// Makes one call use another provider than its layer has: an end user's identity, for example.
///
/// It travels in the extensions of the request, and the host guard applies to it just the same.
#[derive(Debug, Clone)]
pub struct CallTokens(pub Arc<dyn TokenProvider>);

/// Attaches a token to each request, and retries once with another token after a `401`.
///
/// By default a `401` means that the request was refused before it was executed, so every operation may be sent again,
/// inserts too: the token is invalidated (that one only), another one is requested, and the request is replayed once.
/// When there is no other token, or the body cannot be copied, or the replay meets a `401` too, the response is the
/// `401`. It fits over services of any body; the bodies that can be copied are [`Body`](crate::Body) without a stream,
/// `Full<Bytes>` and `Empty<Bytes>` of `http-body-util`, `Bytes` and `String`.
/// [`AuthHeader::refusal`] sets another rule, for servers whose `401` may be that of a third party.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use std::sync::Arc;
///
/// use skyflow_auth::{ApiKey, AuthHeader, AuthLayer, HostGuard};
/// use crate::{BaseUri, Body, HttpService, Request, Response};
/// use tower::ServiceBuilder;
///
/// let tokens = Arc::new(StaticToken::new(AccessToken::new("a-token")?));
/// let hosts = HostGuard::new(BaseUri::parse("https://api.example")?);
/// let stack = HttpService::new(
///     ServiceBuilder::new()
///         .layer(AuthLayer::new(tokens, AuthHeader::bearer(), hosts))
///         .service(tower::service_fn(|request: Request| async move {
///             assert!(request.headers()["authorization"].is_sensitive());
///             Ok::<_, std::convert::Infallible>(Response::default())
///         })),
/// );
/// let request = http::Request::get("https://api.example/v1/things").body(Body::empty())?;
/// assert_eq!(stack.send(request).await?.status(), 200);
///
/// let elsewhere = http::Request::get("https://api.example.evil.example/").body(Body::empty())?;
/// assert!(stack.send(elsewhere).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AuthLayer {
    tokens: Arc<dyn TokenProvider>,
    header: AuthHeader,
    hosts: HostGuard,
}

impl AuthLayer {
    /// Attaches tokens of `tokens`, in `header`, to requests that go to `hosts`.
    pub fn new(tokens: Arc<dyn TokenProvider>, header: AuthHeader, hosts: HostGuard) -> Self {
        Self { tokens, header, hosts }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, layer: self.clone() }
    }
}

/// The service of [`AuthLayer`].
#[derive(Debug, Clone)]
pub struct Auth<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S, B, R> Service<http::Request<B>> for Auth<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = http::Response<R>;
    type Error = BoxError;
    type Future = AuthFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> AuthFuture<S, B, R> {
        let fresh = self.inner.clone();
        // The service that was polled ready has to be the one that is called; a clone of it is not ready.
        let ready = std::mem::replace(&mut self.inner, fresh);
        if !self.layer.hosts.allows(request.uri()) {
            return AuthFuture::refused(TokenError::foreign_host());
        }
        let header = &self.layer.header;
        if header.keeps_existing && request.headers().contains_key(&header.name) {
            return AuthFuture::as_it_is(ready, request);
        }
        let tokens = match request.extensions().get::<CallTokens>() {
            Some(of_this_call) => Arc::clone(&of_this_call.0),
            None => Arc::clone(&self.layer.tokens),
        };
        let at_hand = tokens.peek();
        let attach = Attach { tokens, header: header.clone() };
        match at_hand {
            Some(token) => AuthFuture::with_token(attach, token, ready, request),
            None => AuthFuture::without_token(attach, ready, request),
        }
    }
}
