use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;

use super::failure::{Verdict, verdict};
use super::http1::Http1Lease;
use super::http2::Http2Lease;
use super::pool::{Lease, Pool};
use super::sent_body::SentBody;
use crate::{Body, BoxError, Error, ErrorKind, Request, Response};

/// How often one request moves to another connection because the server retires the one that it was sent on.
const MAX_MOVES: usize = 8;

/// Why a request has no response from one connection.
enum Failure {
    /// The request was certainly not processed, and another connection may take it.
    NotProcessed {
        request: Request,
        error: hyper::Error,
    },
    Failed(Error),
}

/// Sends a request and reads the head of its response.
pub(super) async fn exchange(
    pool: &Arc<Pool>,
    runtime: &Handle,
    request: Request,
) -> Result<Response, Error> {
    send(pool, runtime, request).await.map_err(|error| match error.kind() {
        ErrorKind::Connect | ErrorKind::Tls => error.with_server(pool.origin().host_and_port()),
        _ => error,
    })
}

async fn send(pool: &Arc<Pool>, runtime: &Handle, mut request: Request) -> Result<Response, Error> {
    // Extensions are for layers of this process.
    request.extensions_mut().clear();
    let mut moves = 0;
    loop {
        let outcome = match pool.lease(runtime).await? {
            Lease::Http1(lease) => over_http1(pool, lease, request).await,
            Lease::Http2(lease) => over_http2(lease, request).await,
        };
        request = match outcome {
            Ok(response) => return Ok(response),
            Err(Failure::Failed(error)) => return Err(error),
            Err(Failure::NotProcessed { request, .. }) if moves < MAX_MOVES => request,
            Err(Failure::NotProcessed { error, .. }) => {
                return Err(Error::new(ErrorKind::Refused, Some(error.into())));
            }
        };
        moves += 1;
    }
}

async fn over_http1(pool: &Pool, mut lease: Http1Lease, request: Request) -> Result<Response, Failure> {
    let is_new = lease.connection().is_some_and(|connection| connection.is_new());
    let (mut parts, body) = request.into_parts();
    // The URI is needed again only if the request moves.
    let uri = parts.uri.clone();
    pool.origin().address_http1(&mut parts.uri, &mut parts.headers);
    let Some(sender) = lease.sender() else {
        return Err(Failure::Failed(Error::new(ErrorKind::Refused, None)));
    };
    match sender.try_send_request(http::Request::from_parts(parts, SentBody::new(body))).await {
        Ok(response) => {
            lease.note_response();
            Ok(response.map(|body| leased(body, Lease::Http1(lease))))
        }
        Err(mut unsent) => {
            let request = unsent.take_message();
            let error = unsent.into_error();
            drop(lease.into_connection());
            Err(match request {
                Some(request) => {
                    let mut request = request.map(SentBody::into_inner);
                    *request.uri_mut() = uri;
                    Failure::NotProcessed { request, error }
                }
                None => Failure::Failed(failed(error, is_new)),
            })
        }
    }
}

async fn over_http2(lease: Http2Lease, request: Request) -> Result<Response, Failure> {
    let Some(mut sender) = lease.sender() else {
        return Err(Failure::Failed(Error::new(ErrorKind::Refused, None)));
    };
    let is_new = lease.connection().is_some_and(|connection| connection.is_new());
    let spare = Spare::of(&request);
    let (parts, body) = request.into_parts();
    let (body, begun) = SentBody::tracked(body);
    match sender.try_send_request(http::Request::from_parts(parts, body)).await {
        Ok(response) => {
            lease.note_response();
            Ok(response.map(|body| leased(body, Lease::Http2(lease))))
        }
        Err(mut unsent) => {
            let unsent_request = unsent.take_message().map(|request| request.map(SentBody::into_inner));
            let error = unsent.into_error();
            let verdict = match verdict(&error, is_new) {
                // The connection has ended before the request was opened on it, or before its body was asked for.
                Verdict::Ambiguous if !begun.has_begun() => Verdict::Moves,
                verdict => verdict,
            };
            if verdict != Verdict::Moves {
                return Err(Failure::Failed(error_of(verdict, error)));
            }
            lease.retire();
            Err(match unsent_request.or_else(|| spare.map(Spare::into_request)) {
                Some(request) => Failure::NotProcessed { request, error },
                None => Failure::Failed(error_of(Verdict::Refused, error)),
            })
        }
    }
}

fn failed(error: hyper::Error, is_new: bool) -> Error {
    let verdict = verdict(&error, is_new);
    error_of(verdict, error)
}

fn error_of(verdict: Verdict, error: hyper::Error) -> Error {
    let kind = match verdict {
        Verdict::Moves | Verdict::Refused => ErrorKind::Refused,
        Verdict::Tls => ErrorKind::Tls,
        Verdict::Ambiguous => ErrorKind::Io,
    };
    Error::new(kind, Some(error.into()))
}

/// A copy of a request that is kept while the request is on its way; `None` when the body is a stream.
struct Spare {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
}

impl Spare {
    fn of(request: &Request) -> Option<Self> {
        let body = request.body().try_clone()?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Some(Self { method, uri, headers: request.headers().clone(), body })
    }

    fn into_request(self) -> Request {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Keeps the lease until the body has been read.
fn leased(body: Incoming, lease: Lease) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(Leased { body, lease: Some(lease) }) }
}

/// The body of a response, which holds the lease of its connection until its end.
struct Leased {
    body: Incoming,
    lease: Option<Lease>,
}

impl http_body::Body for Leased {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.lease = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
