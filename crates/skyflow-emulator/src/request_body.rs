//! Reading the body of a request.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use skyflow_http::{Body, BoxError, Clock};

use crate::errors::{ApiError, ApiResult};

/// How long a body may stand still before it is given up.
const STALL: Duration = Duration::from_secs(10);

/// Reads a body to its end, within a size; one that stops halfway is given up.
pub(crate) async fn read(mut body: Body, limit: usize, clock: &dyn Clock) -> ApiResult<Bytes> {
    let too_large = || {
        let text = format!("The request body is larger than {limit} bytes.");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    if let Some(bytes) = body.as_bytes() {
        return if bytes.len() > limit { Err(too_large()) } else { Ok(bytes.clone()) };
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut read = BytesMut::new();
    loop {
        let frame = match next_frame(&mut body, clock).await {
            Some(Some(Ok(frame))) => frame,
            Some(Some(Err(_))) => {
                return Err(ApiError::bad_request("The request body could not be read."));
            }
            Some(None) => return Ok(read.freeze()),
            None => {
                let text = format!("No byte of the request body arrived for {} seconds.", STALL.as_secs());
                return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, text));
            }
        };
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > limit {
                return Err(too_large());
            }
            read.extend_from_slice(&data);
        }
    }
}

type Frame = Option<Result<http_body::Frame<Bytes>, BoxError>>;

/// Waits for the next part of a body; `None` when it takes too long.
async fn next_frame(body: &mut Body, clock: &dyn Clock) -> Option<Frame> {
    // The timer is set where there is something to wait for: a body in memory needs no runtime.
    let mut timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    poll_fn(|context| {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) {
            return Poll::Ready(Some(frame));
        }
        if timer.is_none() && tokio::runtime::Handle::try_current().is_err() {
            return Poll::Pending;
        }
        let timer = timer.get_or_insert_with(|| clock.sleep(STALL));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}
