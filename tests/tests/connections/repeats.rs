use std::time::Duration;

use serde_json::json;
use skyflow::{CallOptions, ErrorKind, InvokeConnectionRequest, RetryStop};

use skyflow_testkit::{Reply, Scripted};

use crate::third_party::{Clients, URL, breaks, not_connected, ok, reply};

/// Sends a request and returns how often it was sent, and whether the outcome is a success, an ambiguous failure or
/// a certain one.
async fn outcome(steps: impl IntoIterator<Item = Reply>, options: CallOptions) -> (usize, Result<(), bool>) {
    let third_party = Scripted::new(steps);
    let connection = third_party.at(URL).with_options(options);
    let result = connection.invoke(InvokeConnectionRequest::post().body(&json!({"a": 1}))).await;
    let sent = third_party.requests();
    assert!(sent.iter().all(|sent| sent.text() == r#"{"a":1}"#), "an attempt is never sent without its body");
    (sent.len(), result.map(drop).map_err(|error| error.may_have_been_applied()))
}

#[tokio::test]
async fn rel_r02_only_what_was_not_sent_is_sent_again() {
    let plain = CallOptions::new();
    assert_eq!(outcome([not_connected(), ok()], plain.clone()).await, (2, Ok(())));
    assert_eq!(outcome([not_connected()], plain.clone()).await, (3, Err(false)));
    assert_eq!(outcome([breaks(), ok()], plain.clone()).await, (1, Err(true)));
    for status in [408, 429, 500, 502, 503, 504] {
        let step = reply(status, &[("retry-after", "0")], b"");
        assert_eq!(outcome([step, ok()], plain.clone()).await, (1, Err(true)), "{status}");
    }
}

#[tokio::test]
async fn call_marked_idempotent_is_retried_like_a_read() {
    let vouched = CallOptions::new().idempotent(true);
    assert_eq!(outcome([breaks(), ok()], vouched.clone()).await, (2, Ok(())));
    for status in [408, 429, 500, 502, 503, 504] {
        assert_eq!(outcome([reply(status, &[], b""), ok()], vouched.clone()).await, (2, Ok(())), "{status}");
    }
    assert_eq!(outcome([reply(409, &[], b""), ok()], vouched.clone()).await, (1, Err(true)));
    assert_eq!(outcome([breaks(), ok()], vouched.no_retry()).await, (1, Err(true)));
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let third_party = Scripted::new([not_connected(), ok()]);
    let chunks = futures_util::stream::iter([Ok::<_, skyflow::http::BoxError>("one".into())]);
    let body = skyflow::http::Body::from_stream(chunks);
    let error = third_party.at(URL).invoke(InvokeConnectionRequest::post().raw_body(body)).await.unwrap_err();
    assert_eq!(error.retry_stop(), Some(RetryStop::BodyIsStream));
    assert_eq!(third_party.requests().len(), 1);
}

#[tokio::test]
async fn silent_third_party_times_out() {
    for (options, longest) in [
        (CallOptions::new(), Duration::from_secs(30)),
        (CallOptions::new().attempt_timeout(Duration::from_secs(2)), Duration::from_secs(2)),
        (CallOptions::new().deadline(Duration::from_secs(1)), Duration::from_secs(1)),
    ] {
        let clock = skyflow::http::ManualClock::auto_advancing();
        let start = skyflow::http::Clock::monotonic(&clock);
        let transport = tower::service_fn(|_: skyflow::http::Request| {
            std::future::pending::<Result<skyflow::http::Response, skyflow::http::BoxError>>()
        });
        let client = Scripted::new([ok()])
            .builder()
            .transport(transport)
            .clock(std::sync::Arc::new(clock.clone()))
            .connection(skyflow::ConnectionConfig::new("c", URL))
            .build()
            .unwrap();
        let connection = client.default_connection().unwrap().with_options(options);
        let error = connection.invoke(InvokeConnectionRequest::post()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.is_timeout() && error.may_have_been_applied());
        assert_eq!(error.attempts(), 1);
        assert!(skyflow::http::Clock::monotonic(&clock) - start <= longest);
    }
}
