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

/// The longest pause between two parts of a body.
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::pin;
    use std::sync::{Arc, Mutex};

    use skyflow_http::ManualClock;

    use super::*;

    async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_body_may_be_slow_but_not_stop() {
        let clock = ManualClock::new();
        for stops in [false, true] {
            // What the client sends; `None` is the end.
            let sent = Arc::new(Mutex::new(VecDeque::<Option<&'static [u8]>>::new()));
            let stream = futures_util::stream::poll_fn({
                let sent = Arc::clone(&sent);
                move |_| match sent.lock().unwrap().pop_front() {
                    Some(part) => Poll::Ready(part.map(|part| Ok::<_, Infallible>(Bytes::from_static(part)))),
                    None => Poll::Pending,
                }
            });
            let mut reading = pin!(read(Body::from_stream(stream), 100, &clock));
            for _ in 0..5 {
                assert!(is_pending(reading.as_mut()).await);
                clock.advance(STALL - Duration::from_secs(1));
                sent.lock().unwrap().push_back(Some(b"x"));
            }
            assert!(is_pending(reading.as_mut()).await);
            if stops {
                clock.advance(STALL);
                assert_eq!(reading.await.unwrap_err().status, StatusCode::REQUEST_TIMEOUT);
            } else {
                sent.lock().unwrap().push_back(None);
                assert_eq!(reading.await.unwrap(), "xxxxx");
            }
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_while_read() {
        let clock = ManualClock::new();
        let pieces = futures_util::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"12345")));
        let refused = read(Body::from_stream(pieces), 100, &clock).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            read(Body::from("12345"), 4, &clock).await.unwrap_err().status,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        assert_eq!(read(Body::from("12345"), 5, &clock).await.unwrap(), "12345");
    }
}
