use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, StatusCode, header};
use pin_project_lite::pin_project;
use skyflow_http::{BoxError, LogControl, Request, Response, try_clone_request};
use skyflow_types::LogLevel;
use tower::ServiceExt;
use tower_service::Service;

use super::{AuthHeader, CONNECTION_HEADER};
use crate::{AccessToken, AuthError, TokenProvider};

/// Says whether a failure is the third party's behind a connection, or Skyflow's.
const FROM_CLIENT: &str = "error-from-client";

type Later = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

pin_project! {
    /// The future of [`Auth`](super::Auth): the inner future and no box, as long as a good token is at hand.
    pub struct AuthFuture<S>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateNow]
    enum State<S, F> {
        Refused { error: Option<AuthError> },
        Sent { #[pin] inner: F, spare: Option<Spare<S>> },
        // Waiting for a token and replaying are rare, and slow anyway.
        Later { later: Later },
    }
}

/// Where the tokens of a request come from and go to.
pub(super) struct Attach {
    pub(super) tokens: Arc<dyn TokenProvider>,
    pub(super) header: AuthHeader,
}

/// What a replay needs.
struct Spare<S> {
    attach: Attach,
    token: AccessToken,
    request: Request,
    service: S,
}

impl<S> AuthFuture<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    pub(super) fn refused(error: AuthError) -> Self {
        Self { state: State::Refused { error: Some(error) } }
    }

    /// Sends the request as it is.
    pub(super) fn as_it_is(mut service: S, request: Request) -> Self {
        Self { state: State::Sent { inner: service.call(request), spare: None } }
    }

    /// Calls the service with the token attached, and keeps what a replay needs when one can help.
    pub(super) fn with_token(
        attach: Attach,
        token: AccessToken,
        mut service: S,
        mut request: Request,
    ) -> Self {
        let copy = if attach.tokens.can_renew() { try_clone_request(&request) } else { None };
        attach.to(&mut request, &token);
        let inner = service.call(request);
        let spare = copy.map(|request| Spare { attach, token, request, service });
        Self { state: State::Sent { inner, spare } }
    }

    pub(super) fn without_token(attach: Attach, service: S, request: Request) -> Self {
        let later = async move {
            let token = attach.tokens.token().await?;
            Self::with_token(attach, token, service, request).await
        };
        Self { state: State::Later { later: Box::pin(later) } }
    }
}

async fn replay<S>(spare: Spare<S>, answer: Response) -> Result<Response, BoxError>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    let Spare { attach, token: rejected, mut request, service } = spare;
    attach.tokens.invalidate(&rejected);
    let token = attach.tokens.token().await?;
    if token.is_same(&rejected) {
        return Ok(answer);
    }
    drop(answer);
    if LogControl::allows(request.extensions(), LogLevel::Debug) {
        tracing::debug!("replaying with a new token after a 401");
    }
    attach.to(&mut request, &token);
    service.oneshot(request).await.map_err(Into::into)
}

impl Attach {
    /// Tells whether the server turned the token away before it acted, so that the request may be sent again.
    ///
    /// Behind a connection a third party answers `401` too, perhaps after it has acted. Only Skyflow's own word that
    /// it was not the third party allows a replay; without a word the token is only not used again.
    fn is_rejected(&self, answer: &Response, token: &AccessToken) -> bool {
        if answer.status() != StatusCode::UNAUTHORIZED {
            return false;
        }
        if self.header != AuthHeader::Connection {
            return true;
        }
        match answer.headers().get(FROM_CLIENT).map(HeaderValue::as_bytes) {
            Some(b"false") => true,
            Some(b"true") => false,
            _ => {
                self.tokens.invalidate(token);
                false
            }
        }
    }

    fn to(&self, request: &mut Request, token: &AccessToken) {
        let (name, value) = match self.header {
            AuthHeader::Bearer => (header::AUTHORIZATION, token.bearer_header()),
            AuthHeader::Connection => (CONNECTION_HEADER, token.raw_header()),
        };
        request.headers_mut().insert(name, value.clone());
    }
}

impl<S> Future for AuthFuture<S>
where
    S: Service<Request, Response = Response> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let later: Later = match state.as_mut().project() {
                // A future that is polled after its end may do anything but be unsound.
                StateNow::Refused { error } => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                StateNow::Later { later } => return later.as_mut().poll(cx),
                StateNow::Sent { inner, spare } => {
                    let answer = ready!(inner.poll(cx)).map_err(Into::into)?;
                    match spare.take() {
                        Some(spare) if spare.attach.is_rejected(&answer, &spare.token) => {
                            Box::pin(replay(spare, answer))
                        }
                        _ => return Poll::Ready(Ok(answer)),
                    }
                }
            };
            state.set(State::Later { later });
        }
    }
}

impl<S: Service<Request>> fmt::Debug for AuthFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthFuture")
    }
}
