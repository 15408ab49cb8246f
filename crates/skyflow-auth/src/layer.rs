mod future;

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::header::HeaderName;
use skyflow_http::{BaseUri, BoxError, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use self::future::Attach;
pub use self::future::AuthFuture;
use crate::{AuthError, TokenProvider};

/// The header that connections take their token in, without `Bearer`.
pub const CONNECTION_HEADER: HeaderName = HeaderName::from_static("x-skyflow-authorization");

/// Names the header that a token travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AuthHeader {
    /// `Authorization: Bearer <token>`, for vaults. A value that is there already is replaced.
    #[default]
    Bearer,
    /// `x-skyflow-authorization: <token>`, for connections. A value that is there already wins.
    Connection,
}

/// The origins a token may be sent to; everything else is refused before a token is asked for.
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

/// Attaches a token to each request, and does so once more when the server answers `401`.
///
/// A `401` means that the request was refused before it was executed, so every operation may be sent again, inserts
/// too: the token is invalidated (that one only), another one is asked for, and the request is replayed once. When
/// there is no other token, or the body is a stream, or the replay meets a `401` too, the answer is the `401`.
/// Behind a connection ([`AuthHeader::Connection`]) a `401` may be the third party's, after it has acted: it is replayed
/// only when the answer says `error-from-client: false`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use std::sync::Arc;
///
/// use skyflow_auth::{ApiKey, AuthHeader, AuthLayer, HostGuard};
/// use skyflow_http::{BaseUri, Body, HttpService, Request, Response};
/// use tower::ServiceBuilder;
///
/// let tokens = Arc::new(ApiKey::new("sky-abcde-0123456789abcdef0123456789abcdef")?);
/// let hosts = HostGuard::new(BaseUri::parse("https://abc.vault.skyflowapis.com")?);
/// let stack = HttpService::new(
///     ServiceBuilder::new()
///         .layer(AuthLayer::new(tokens, AuthHeader::Bearer, hosts))
///         .service(tower::service_fn(|request: Request| async move {
///             assert!(request.headers()["authorization"].is_sensitive());
///             Ok::<_, std::convert::Infallible>(Response::default())
///         })),
/// );
/// let request = http::Request::get("https://abc.vault.skyflowapis.com/v1/vaults").body(Body::empty())?;
/// assert_eq!(stack.send(request).await?.status(), 200);
///
/// let elsewhere = http::Request::get("https://abc.vault.skyflowapis.com.evil.example/").body(Body::empty())?;
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

impl<S> Service<Request> for Auth<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response;
    type Error = BoxError;
    type Future = AuthFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> AuthFuture<S> {
        let fresh = self.inner.clone();
        // The service that was polled ready has to be the one that is called; a clone of it is not ready.
        let ready = std::mem::replace(&mut self.inner, fresh);
        if !self.layer.hosts.allows(request.uri()) {
            return AuthFuture::refused(AuthError::foreign_host());
        }
        let header = self.layer.header;
        if header == AuthHeader::Connection && request.headers().contains_key(&CONNECTION_HEADER) {
            return AuthFuture::as_it_is(ready, request);
        }
        let tokens = match request.extensions().get::<CallTokens>() {
            Some(of_this_call) => Arc::clone(&of_this_call.0),
            None => Arc::clone(&self.layer.tokens),
        };
        let at_hand = tokens.peek();
        let attach = Attach { tokens, header };
        match at_hand {
            Some(token) => AuthFuture::with_token(attach, token, ready, request),
            None => AuthFuture::without_token(attach, ready, request),
        }
    }
}
