use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use pin_project_lite::pin_project;
use skyflow_types::LogLevel;
use tower::ServiceExt;
use tower_service::Service;

use crate::auth::{AccessToken, AuthHeader, Refusal, TokenError, TokenProvider};
use crate::{BoxError, LogControl, Progress, TARGET, try_clone_request};

type Later<R> = Pin<Box<dyn Future<Output = Result<http::Response<R>, BoxError>> + Send>>;

pin_project! {
    /// The future of [`Auth`](super::Auth): the inner future and no box, as long as a good token is at hand.
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
pub(super) struct Attach {
    pub(super) tokens: Arc<dyn TokenProvider>,
    pub(super) header: AuthHeader,
}

/// A token under way, and what a replay needs when there can be one.
struct Watched<S, B> {
    attach: Attach,
    token: AccessToken,
    spare: Option<(http::Request<B>, S)>,
}

impl<S, B, R> AuthFuture<S, B, R>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    pub(super) fn refused(error: TokenError) -> Self {
        Self { state: State::Refused { error: Some(error) } }
    }

    /// Sends the request as it is.
    pub(super) fn as_it_is(mut service: S, request: http::Request<B>) -> Self {
        Self { state: State::Sent { inner: service.call(request), watched: None } }
    }

    /// Calls the service with the token attached, and keeps what a replay needs when one can help.
    pub(super) fn with_token(
        attach: Attach,
        token: AccessToken,
        mut service: S,
        mut request: http::Request<B>,
    ) -> Self {
        if !attach.tokens.can_renew() {
            attach.to(&mut request, &token);
            return Self::as_it_is(service, request);
        }
        let copy = try_clone_request(&request);
        attach.to(&mut request, &token);
        let inner = service.call(request);
        let spare = copy.map(|request| (request, service));
        Self { state: State::Sent { inner, watched: Some(Watched { attach, token, spare }) } }
    }

    pub(super) fn without_token(attach: Attach, service: S, request: http::Request<B>) -> Self {
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
    if let Some(progress) = request.extensions().get::<Progress>() {
        progress.resend();
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
                    match (attach.judge(&response, &token), spare) {
                        (true, Some((request, service))) => {
                            Box::pin(replay(attach, token, request, service, response))
                        }
                        _ => return Poll::Ready(Ok(response)),
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
