//! R16: redirects are returned, not followed, so that tokens and data reach no other host.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue, LOCATION};
use skyflow_http::{ManualClock, Stack, Transport};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::RawServer;
use skyflow_tests::calls::{get, insert};

#[tokio::test]
async fn rel_r16_redirect_is_returned_unfollowed() {
    let other = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    let transport = Transport::new().into_service();
    let stack = Stack::new(Arc::new(ManualClock::new())).build(transport.clone());
    let mut sent = 0;
    for client in [transport, stack] {
        for status in [300, 301, 302, 303, 305, 307, 308] {
            for location in [other.url("/stolen"), "/elsewhere".into(), "//evil.example/".into(), "%".into()]
            {
                let head =
                    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
                let server = RawServer::repeating(head).await.unwrap();
                for mut request in [get(&server.url("/")), insert(&server.url("/"), "4111111111111111")] {
                    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
                    let response = in_time(client.send(request)).await.unwrap();
                    assert_eq!(response.status(), status);
                    assert_eq!(response.headers()[LOCATION], location);
                    sent += 1;
                }
                assert_eq!(server.requests().len(), 2, "{status} {location}: once per call");
            }
        }
    }
    assert_eq!(sent, 2 * 7 * 4 * 2);
    assert_eq!(other.connections(), 0);
}
