//! The header that a token travels in, the hosts that it may go to, and the layer that attaches it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{self, HeaderMap, HeaderName};
use http::{StatusCode, Uri};
use pin_project_lite::pin_project;
use skyflow_types::LogLevel;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::{AccessToken, TokenError, TokenProvider};
use crate::body::same_type;
use crate::call::KeptRequest;
use crate::{BaseUri, BoxError, CallContext, LogControl, TARGET, try_clone_request};

/// Says what a `401` proves about its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The server rejected the token before it acted: the request is sent again with another token.
    BeforeActing,
    /// The token is not the reason. The response is passed on and the token stays in use.
    NotTheToken,
    /// It is unknown whether the server acted: the request is not sent again and the token is not used again.
    Unknown,
}

/// Reads from the headers of a `401` what it proves.
pub type RefusalRule = fn(&HeaderMap) -> Refusal;

/// The text before a token in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scheme(pub(super) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Kind {
    #[default]
    Bearer,
    None,
    Named(&'static str),
}

impl Scheme {
    /// Writes `Bearer <token>`.
    pub const BEARER: Self = Self(Kind::Bearer);

    /// Writes the token alone.
    pub const NONE: Self = Self(Kind::None);

    /// Writes `<name> <token>`; `None` when `name` is not made of letters, digits and dashes.
    pub fn named(name: &'static str) -> Option<Self> {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_name.then_some(Self(Kind::Named(name)))
    }
}

/// Describes the header that a token travels in.
///
/// ```
/// use http::HeaderName;
/// use skyflow_http::auth::{AuthHeader, Refusal, Scheme};
///
/// // A gateway that passes on the `401` of the server behind it.
/// let header = AuthHeader::new(HeaderName::from_static("x-gateway-token"), Scheme::NONE)
///     .keep_existing()
///     .refusal(|response| match response.contains_key("x-gateway-refused") {
///         true => Refusal::BeforeActing,
///         false => Refusal::NotTheToken,
///     });
/// # let _ = header;
/// ```
#[derive(Debug, Clone)]
pub struct AuthHeader {
    name: HeaderName,
    scheme: Scheme,
    keeps_existing: bool,
    refusal: RefusalRule,
}

impl AuthHeader {
    /// Uses `Authorization: Bearer <token>`.
    pub fn bearer() -> Self {
        Self::new(header::AUTHORIZATION, Scheme::BEARER)
    }

    /// Uses `name`. A value that a request already has is replaced, and a `401` means that the server did not act.
    pub fn new(name: HeaderName, scheme: Scheme) -> Self {
        Self { name, scheme, keeps_existing: false, refusal: |_| Refusal::BeforeActing }
    }

    /// Sends a request that already has the header as it is, without a token.
    pub fn keep_existing(mut self) -> Self {
        self.keeps_existing = true;
        self
    }

    /// Sets what a `401` proves, for servers that pass on the `401` of another one.
    pub fn refusal(mut self, rule: RefusalRule) -> Self {
        self.refusal = rule;
        self
    }
}

/// Holds the origins a token may be sent to; any other is refused before a token is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGuard(Arc<[BaseUri]>);

impl HostGuard {
    /// Allows one origin: scheme, host and port. The path of `base` is ignored.
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
///
/// ```
/// use std::sync::Arc;
///
/// use skyflow_http::auth::{AccessToken, CallTokens, provider_fn};
///
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// let of_the_user = provider_fn(|| async { Ok(AccessToken::new("token-of-user-7")?) });
/// request.extensions_mut().insert(CallTokens(Arc::new(of_the_user)));
/// # Ok::<(), http::Error>(())
/// ```
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
/// use skyflow_http::auth::{AccessToken, AuthHeader, AuthLayer, HostGuard, StaticToken};
/// use skyflow_http::{BaseUri, Body, HttpService, Request, Response};
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

type Later<R> = Pin<Box<dyn Future<Output = Result<http::Response<R>, BoxError>> + Send>>;

pin_project! {
    /// The future of [`Auth`]: the inner future and no box, as long as a good token is at hand.
    pub struct AuthFuture<S, B, R>
    where
        S: Service<http::Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, B, R>,
    }
}

pin_project! {
    #[project = StateNow]
    enum State<S, F, B, R> {
        Refused { error: Option<TokenError> },
        Sent { #[pin] inner: F, watched: Option<Watched<S, B>> },
        // Waiting for a token and replaying are rare, and slow anyway.
        Later { later: Later<R> },
    }
}

/// Where the tokens of a request come from and go to.
struct Attach {
    tokens: Arc<dyn TokenProvider>,
    header: AuthHeader,
}

/// A token in use, and the copy for a replay if there can be one.
struct Watched<S, B> {
    attach: Attach,
    token: AccessToken,
    spare: Option<(Spare<B>, S)>,
}

/// The request without a token.
enum Spare<B> {
    /// The copy of the retry layer.
    Lent(KeptRequest),
    Own(Box<http::Request<B>>),
}

impl<B: 'static> Spare<B> {
    fn of(request: &mut http::Request<B>) -> Option<Self> {
        match request.extensions_mut().get_mut::<CallContext>().and_then(|call| call.kept.take()) {
            Some(lent) => lent.is_copyable().then_some(Self::Lent(lent)),
            None => try_clone_request(request).map(|copy| Self::Own(Box::new(copy))),
        }
    }

    fn request(self) -> Option<http::Request<B>> {
        match self {
            Self::Lent(kept) => kept.request().and_then(same_type),
            Self::Own(request) => Some(*request),
        }
    }
}

impl<S, B, R> AuthFuture<S, B, R>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    fn refused(error: TokenError) -> Self {
        Self { state: State::Refused { error: Some(error) } }
    }

    /// Sends the request as it is.
    fn as_it_is(mut service: S, mut request: http::Request<B>) -> Self {
        // A copy that was lent to this layer is not one of the request as the layers below see it.
        if let Some(call) = request.extensions_mut().get_mut::<CallContext>() {
            call.kept = None;
        }
        Self { state: State::Sent { inner: service.call(request), watched: None } }
    }

    /// Calls the service with the token attached, and keeps a copy for a replay if one can help.
    fn with_token(attach: Attach, token: AccessToken, mut service: S, mut request: http::Request<B>) -> Self {
        if !attach.tokens.can_refresh() {
            attach.to(&mut request, &token);
            return Self::as_it_is(service, request);
        }
        let copy = Spare::of(&mut request);
        attach.to(&mut request, &token);
        let inner = service.call(request);
        let spare = copy.map(|request| (request, service));
        Self { state: State::Sent { inner, watched: Some(Watched { attach, token, spare }) } }
    }

    fn without_token(attach: Attach, service: S, request: http::Request<B>) -> Self {
        let later = async move {
            let token = attach.tokens.token().await?;
            Self::with_token(attach, token, service, request).await
        };
        Self { state: State::Later { later: Box::pin(later) } }
    }
}

async fn replay<S, B, R>(
    attach: Attach,
    rejected: AccessToken,
    mut request: http::Request<B>,
    service: S,
    response: http::Response<R>,
) -> Result<http::Response<R>, BoxError>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Error: Into<BoxError>,
{
    let token = attach.tokens.token().await?;
    if token.is_same(&rejected) {
        return Ok(response);
    }
    drop(response);
    if LogControl::allows(request.extensions(), LogLevel::Debug) {
        tracing::debug!(target: TARGET, "replaying with a new token after a 401");
    }
    if let Some(call) = CallContext::of(request.extensions()) {
        call.progress.resend();
    }
    attach.to(&mut request, &token);
    service.oneshot(request).await.map_err(Into::into)
}

impl Attach {
    /// Invalidates a token that a response shows to be rejected; tells whether the request may be sent again.
    fn judge<R>(&self, response: &http::Response<R>, token: &AccessToken) -> bool {
        if response.status() != StatusCode::UNAUTHORIZED {
            return false;
        }
        let refusal = (self.header.refusal)(response.headers());
        if refusal != Refusal::NotTheToken {
            self.tokens.invalidate(token);
        }
        refusal == Refusal::BeforeActing
    }

    fn to<B>(&self, request: &mut http::Request<B>, token: &AccessToken) {
        request.headers_mut().insert(&self.header.name, token.header(self.header.scheme));
    }
}

impl<S, B, R> Future for AuthFuture<S, B, R>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    type Output = Result<http::Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let later: Later<R> = match state.as_mut().project() {
                // A future that is polled after its end may do anything but be unsound.
                StateNow::Refused { error } => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                StateNow::Later { later } => return later.as_mut().poll(cx),
                StateNow::Sent { inner, watched } => {
                    let response = ready!(inner.poll(cx)).map_err(Into::into)?;
                    let Some(Watched { attach, token, spare }) = watched.take() else {
                        return Poll::Ready(Ok(response));
                    };
                    if !attach.judge(&response, &token) {
                        return Poll::Ready(Ok(response));
                    }
                    match spare.and_then(|(spare, service)| spare.request().zip(Some(service))) {
                        Some((request, service)) => {
                            Box::pin(replay(attach, token, request, service, response))
                        }
                        None => return Poll::Ready(Ok(response)),
                    }
                }
            };
            state.set(State::Later { later });
        }
    }
}

impl<S: Service<http::Request<B>>, B, R> fmt::Debug for AuthFuture<S, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthFuture")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_names_cannot_split_the_header() {
        assert!(Scheme::named("Acme-Token").is_some());
        for name in ["", "a b", "a\r\nx:", "ü"] {
            assert!(Scheme::named(name).is_none(), "{name:?}");
        }
    }
}
