//! Calls of connections, with every crate logging at TRACE: path, query, headers, bodies and responses contain
//! values, and none of them is said.

use serde_json::json;
use skyflow::{CallOptions, ConnectionConfig, Credentials, InvokeConnectionRequest, Skyflow};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::RawServer;

use crate::capture::Capture;
use skyflow_testkit::Canaries;

const VALUES: [(&str, &str); 6] = [
    ("path parameter", "4012888888881881"),
    ("query parameter", "5555555555554444"),
    ("header", "378282246310005"),
    ("body", "6011111111111117"),
    ("response", "3530111333300000"),
    ("own token", "canary-of-the-caller"),
];

fn request() -> InvokeConnectionRequest {
    let [path, query, header, body, _, _] = VALUES.map(|(_, value)| value);
    InvokeConnectionRequest::post()
        .path_param("card", path)
        .query_param("card", query)
        .header("x-card", header)
        .header("authorization", header)
        .body(&json!({"card": body}))
}

#[tokio::test]
async fn no_value_of_a_connection_is_logged_or_shown() {
    let capture = Capture::of_the_process();
    let mut canaries = Canaries::default();
    VALUES.iter().for_each(|(name, value)| canaries.forbid(name, value));
    canaries.forbid("API key", API_KEY);
    let response = VALUES[4].1;
    let mut shown = String::new();
    for head in [
        "200 OK\r\ncontent-type: application/json",
        "402 Payment Required\r\nerror-from-client: true",
        "503 Service Unavailable\r\nerror-from-client: true",
        "302 Found\r\nlocation: /3530111333300000",
    ] {
        let body = format!("{{\"error\":{{\"message\":\"card {response}\"}}}}");
        let length = body.len();
        let server =
            RawServer::repeating(format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}"))
                .await
                .unwrap();
        let config = ConnectionConfig::new("c", server.url("/cards/{card}/pay"));
        let client = Skyflow::builder()
            .connection(config)
            .credentials(Credentials::api_key(API_KEY).unwrap())
            .build()
            .unwrap();
        let connection =
            client.default_connection().unwrap().with_options(CallOptions::new().idempotent(true).no_retry());
        for request in [request(), request().header("x-skyflow-authorization", VALUES[5].1)] {
            shown.push_str(&format!("{request:?}\n{connection:?}\n{client:?}\n"));
            match in_time(connection.invoke(request)).await {
                Ok(response) => shown.push_str(&format!("{response:#?}\n")),
                Err(error) => {
                    shown.push_str(&format!("{error}\n{error:#?}\n{:?}\n", std::error::Error::source(&error)))
                }
            }
        }
        assert_eq!(server.requests().len(), 2);
    }
    canaries.assert_absent("what a user could print", &shown);
    let log = capture.text();
    assert!(log.contains("connections.invoke"), "the calls were logged");
    canaries.assert_absent("the log", &log);
}
