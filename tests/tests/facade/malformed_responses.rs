//! Malformed responses: a typed error with status and request id, no panic, no value in it.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use skyflow::{
    CallOptions, Credentials, DetokenizeRequest, Error, ErrorKind, GetRequest, InsertRequest, Redaction,
    Skyflow, Vault, VaultConfig,
};
use skyflow_emulator::{EmbeddedVault, Fault};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::clients::{REQUEST_ID, in_process, insert_card, responding, vault_over};

/// Values that a server may repeat and an error must not. They look like what they are, so that the redactor of
/// server messages has to find them anywhere.
const VALUES: [&str; 4] = ["4111111111111111", "4111-1111-1111-1111", "123-45-6789", "jane.doe@example.com"];

/// A value without a recognizable form: no part of a 2xx response may be shown, so neither may this one.
const NAME: &str = "Zebulon Quartermain";

const STATUSES: [u16; 34] = [
    200, 201, 202, 203, 204, 206, 207, 226, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 408,
    409, 413, 415, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599,
];

const CONTENT_TYPES: [Option<&str>; 7] = [
    None,
    Some("application/json"),
    Some("application/json; charset=utf-8"),
    Some("text/plain"),
    Some("text/html; charset=utf-8"),
    Some("application/octet-stream"),
    Some("no content type"),
];

/// Returns bodies that no operation can read, with values in them.
fn bodies() -> Vec<Bytes> {
    let [card, spaced, ssn, mail] = VALUES;
    let texts = [
        String::new(),
        " \r\n\t".into(),
        format!("<html><body><h1>502 Bad Gateway</h1>{card} {mail}</body></html>"),
        format!("upstream said: {card}, {ssn}"),
        format!("\"{card}\""),
        card.to_owned(),
        "null".into(),
        "true".into(),
        "1e999".into(),
        "NaN".into(),
        "[]".into(),
        format!("[[\"{mail}\"]]"),
        "{".into(),
        format!("{{\"records\":[{{\"fields\":{{\"card_number\":\"{card}"),
        format!("{{\"records\":\"{card}\"}}"),
        format!("{{\"records\":{{\"{mail}\":1}}}}"),
        format!("{{\"records\":[\"{card}\"]}}"),
        "{\"records\":[1,null,true]}".into(),
        format!("{{\"responses\":\"{ssn}\"}}"),
        format!("{{\"responses\":[\"{ssn}\"]}}"),
        "{\"error\":null}".into(),
        "{\"error\":{}}".into(),
        "{\"error\":[]}".into(),
        format!("{{\"error\":\"{card} is taken\"}}"),
        format!("{{\"error\":{{\"message\":\"value {spaced} of {mail} is wrong\"}}}}"),
        format!("{{\"error\":{{\"message\":{{\"{card}\":1}},\"details\":[\"{ssn}\"]}}}}"),
        format!("{{\"error\":{{\"message\":\"{ssn}\",\"grpc_code\":\"three\",\"http_code\":\"{card}\"}}}}"),
        format!("{{\"error\":{{\"message\":\"x\",\"http_status\":\"{card}\",\"grpc_code\":3}}}}"),
        format!("{{\"error\":{{\"http_code\":99999999999,\"message\":\"{mail}\"}}}}"),
        format!("{{\"message\":\"{card}\",\"code\":13}}"),
        format!("{{\"error\":{{\"message\":\"line\\r\\n2026 ERROR forged \\u001b[31m{card}\"}}}}"),
        "{\"error\":{\"message\":\"\\ud800\"}}".into(),
        "{\"a\":1,\"a\":2}".into(),
        format!("\u{feff}{{\"error\":{{\"message\":\"{card}\"}}}}"),
        format!("<?xml version=\"1.0\"?><card>{card}</card>"),
        "[".repeat(100_000),
        "{\"records\":".repeat(10_000),
        format!("{{\"error\":{{\"message\":\"{}\"}}}}", format!("{card} ").repeat(2_000)),
    ];
    let raw: [&[u8]; 4] = [b"\xff\xfe\xfd", b"\x1f\x8b\x08\x00garbage", b"\0\0\0\0", b"{\"error\":\"\xff\"}"];
    texts.into_iter().map(Bytes::from).chain(raw.map(Bytes::from_static)).collect()
}

/// The operations, each as a call whose outcome says only whether it failed.
#[derive(Clone, Copy, Debug)]
enum Call {
    Insert,
    Batch,
    Detokenize,
    Get,
}

impl Call {
    const ALL: [Self; 4] = [Self::Insert, Self::Batch, Self::Detokenize, Self::Get];

    /// Runs the call; what an `Ok` may hold is said as text, by `Debug` and by its rows.
    async fn run(self, vault: &Vault) -> Result<String, Error> {
        let row = || InsertRequest::new("table1").record(json!({"name": "x"}));
        match self {
            Self::Insert | Self::Batch => {
                let request = row().continue_on_error(matches!(self, Self::Batch));
                let response = vault.insert(request).await?;
                assert_eq!(
                    response.inserted_fields.len() + response.errors.len(),
                    1,
                    "each row is in one list"
                );
                Ok(format!("{response:?}"))
            }
            Self::Detokenize => {
                let response = vault.detokenize(DetokenizeRequest::new().token("t")).await?;
                assert_eq!(
                    response.detokenized_fields.len() + response.errors.len(),
                    1,
                    "each token is in one list"
                );
                Ok(format!("{response:?}"))
            }
            Self::Get => Ok(format!("{:?}", vault.get(GetRequest::new("table1").ids(["i"])).await?)),
        }
    }
}

/// Everything that a log may get to see of an error.
fn shown(error: &Error) -> String {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let chain: Vec<_> = chain.map(|error| format!("{error} {error:?} {error:#?}")).collect();
    format!("{} {}", error.message(), chain.join(" "))
}

fn assert_shows_no_value(text: &str, what: &str) {
    for value in VALUES.into_iter().chain([NAME, "411111111", "\u{1b}", "\r"]) {
        assert!(!text.contains(value), "{what}: {value:?} in {text}");
    }
}

#[tokio::test]
async fn rel_r15_malformed_response_keeps_its_status() {
    let mut responses = 0;
    for body in bodies() {
        for content_type in CONTENT_TYPES {
            for status in STATUSES {
                let vault = vault_over(responding(status, content_type, body.clone()))
                    .with_options(CallOptions::new().no_retry());
                // Errors are read in one place, so the content type is varied for one operation only.
                let calls = if content_type == CONTENT_TYPES[1] { &Call::ALL[..] } else { &Call::ALL[..1] };
                for call in calls {
                    let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
                    let what = format!("{call:?} {status} {content_type:?} {start}");
                    responses += 1;
                    match in_time(call.run(&vault)).await {
                        Err(error) => {
                            assert_eq!(error.http_code(), Some(status), "{what}");
                            assert_eq!(error.request_id().map(|id| id.as_str()), Some(REQUEST_ID), "{what}");
                            let expected = if status < 300 { ErrorKind::Decode } else { ErrorKind::Api };
                            assert_eq!(error.kind(), expected, "{what}: {error:?}");
                            assert_shows_no_value(&shown(&error), &what);
                        }
                        Ok(response) => {
                            assert!(status < 300, "{what}: an error status is never a success: {response}");
                            assert_shows_no_value(&response, &what);
                        }
                    }
                }
            }
        }
    }
    assert!(responses > 10_000, "{responses}");
}

#[tokio::test]
async fn rel_p06_invented_status_text_is_redacted() {
    for value in VALUES {
        let body = format!("{{\"error\":{{\"message\":\"x\",\"http_status\":\"{value}\"}}}}");
        let vault = vault_over(responding(400, Some("application/json"), body));
        let error = in_time(vault.insert(insert_card())).await.unwrap_err();
        assert_shows_no_value(error.http_status().unwrap_or_default(), "http_status");
    }
}

/// Well-formed responses of another operation, each with the calls that must reject it.
#[tokio::test]
async fn json_of_another_shape_is_not_an_empty_success() {
    for body in [
        "null".to_owned(),
        "[]".to_owned(),
        format!("\"{NAME}\""),
        format!("{{\"name\":\"{NAME}\"}}"),
        format!("{{\"records\":\"{NAME}\"}}"),
        format!("{{\"records\":[[\"{NAME}\"]]}}"),
        format!("{{\"records\":{{\"name\":\"{NAME}\"}}}}"),
        format!("{{\"responses\":{{\"name\":\"{NAME}\"}}}}"),
        format!("{{\"records\":[{{\"fields\":{{\"name\":\"{NAME}"),
        format!("<html>{NAME}</html>"),
        String::new(),
    ] {
        for call in Call::ALL {
            let vault = vault_over(responding(200, Some("application/json"), body.clone()));
            let what = format!("{call:?} {body}");
            let error = match in_time(call.run(&vault)).await {
                Err(error) => error,
                // The only acceptable success reports the row as failed.
                Ok(response) => {
                    assert!(response.contains("Error {"), "{what}: {response}");
                    assert_shows_no_value(&response, &what);
                    continue;
                }
            };
            assert_eq!(error.kind(), ErrorKind::Decode, "{what}: {error:?}");
            assert_eq!((error.http_code(), error.request_id().unwrap().as_str()), (Some(200), REQUEST_ID));
            assert_shows_no_value(&shown(&error), &what);
            let writes = matches!(call, Call::Insert | Call::Batch);
            assert_eq!(error.may_have_been_applied(), writes, "{what}: the server said 2xx");
            assert!(!error.is_retryable(), "{what}");
        }
    }
}

#[tokio::test]
async fn row_decode_errors_contain_no_values() {
    #[derive(serde::Deserialize, Debug)]
    #[allow(dead_code)]
    struct Wrong {
        name: u8,
    }
    let body = format!("{{\"records\":[{{\"fields\":{{\"name\":\"{NAME}\"}}}}]}}");
    let vault = vault_over(responding(200, Some("application/json"), body));
    let response = in_time(vault.get(GetRequest::new("t").ids(["i"]))).await.unwrap();
    let error = response.records::<Wrong>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_shows_no_value(&shown(&error), "records::<T>");
    let error = response.data[0].get::<u8>("name").unwrap_err();
    assert_shows_no_value(&shown(&error), "get::<T>");
}

#[tokio::test]
async fn hostile_request_id_is_absent_or_harmless() {
    for (id, expected) in [
        (None, None),
        (Some(&b""[..]), None),
        (Some(b"   "), None),
        (Some(b"req-1"), Some("req-1")),
        (Some(b"\xff\xfe"), Some("??")),
        (Some(b"a\tb"), Some("a?b")),
    ] {
        let transport = skyflow_tests::clients::service(move |_| async move {
            let mut response = http::Response::builder().status(500);
            if let Some(id) = id {
                response = response.header("x-request-id", id);
            }
            Ok(response.body("{}".into())?)
        });
        let vault = vault_over(transport).with_options(CallOptions::new().no_retry());
        let error = in_time(vault.insert(insert_card())).await.unwrap_err();
        assert_eq!(error.request_id().map(|id| id.as_str()), expected);
    }
}

#[tokio::test]
async fn embedded_vault_faults_are_typed_errors() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let over_a_socket = {
        let key = Credentials::api_key(vault.api_key().expose()).unwrap();
        let config = VaultConfig::with_base_url(vault.vault_id(), server.base_url()).credentials(key);
        Skyflow::builder().vault(config).build().unwrap().default_vault().unwrap()
    };
    for client in [in_process(&vault), over_a_socket] {
        let client = client.with_options(CallOptions::new().no_retry());
        for (fault, kind, status, applied) in [
            (Fault::html_502(), ErrorKind::Api, Some(502), true),
            (Fault::empty_body(), ErrorKind::Decode, Some(200), true),
            (Fault::bad_json(), ErrorKind::Decode, Some(200), true),
            (Fault::wrong_shape(), ErrorKind::Decode, Some(200), true),
            (Fault::truncate_body(), ErrorKind::Transport, None, true),
            (Fault::close_before_response(), ErrorKind::Transport, None, true),
            (Fault::commit_then_close(), ErrorKind::Transport, None, true),
            (Fault::status(StatusCode::BAD_REQUEST), ErrorKind::Api, Some(400), false),
            (Fault::status(StatusCode::UNAUTHORIZED), ErrorKind::Api, Some(401), false),
            (Fault::status(StatusCode::TOO_MANY_REQUESTS), ErrorKind::Api, Some(429), false),
            (Fault::status(StatusCode::SERVICE_UNAVAILABLE), ErrorKind::Api, Some(503), true),
        ] {
            vault.clear_journal();
            vault.inject(fault.clone());
            let error = in_time(client.insert(insert_card())).await.expect_err(&format!("{fault:?}"));
            vault.clear_faults();
            assert_eq!((error.kind(), error.http_code()), (kind, status), "{fault:?}: {error:?}");
            assert_eq!(error.may_have_been_applied(), applied, "{fault:?}: {error:?}");
            let journal = vault.journal();
            assert_eq!(journal.len(), 1, "{fault:?}: a write is sent once");
            if status.is_some() {
                assert_eq!(error.request_id().unwrap().as_str(), journal[0].request_id, "{fault:?}");
            }
            assert_shows_no_value(&shown(&error), &format!("{fault:?}"));
        }
    }
}

#[tokio::test]
async fn facade_returns_typed_errors_for_wire_faults() {
    for (response, kind, status) in [
        ("", ErrorKind::Transport, None),
        ("hello\r\n\r\n", ErrorKind::Transport, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}", ErrorKind::Transport, None),
        ("HTTP/1.1 204 No Content\r\nx-request-id: req-7f3a\r\n\r\n", ErrorKind::Decode, Some(204)),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx-request-id: req-7f3a\r\n\r\n",
            ErrorKind::Api,
            Some(302),
        ),
        (
            "HTTP/1.1 200 OK\r\nx-request-id: req-7f3a\r\ncontent-length: 13\r\n\r\n<html></html>",
            ErrorKind::Decode,
            Some(200),
        ),
    ] {
        let server = RawServer::start(move |mut connection: Connection| async move {
            connection.request().await;
            connection.send(response).await;
            connection.finish().await;
            connection.closed_by_client().await;
        })
        .await
        .unwrap();
        let key = Credentials::api_key(skyflow_testkit::API_KEY).unwrap();
        let config = VaultConfig::with_base_url("vault1", server.url("")).credentials(key);
        let vault = Skyflow::builder().vault(config).build().unwrap().default_vault().unwrap();
        let error = in_time(vault.insert(insert_card())).await.expect_err(response);
        assert_eq!((error.kind(), error.http_code()), (kind, status), "{response:?}: {error:?}");
        assert_eq!(error.request_id().map(|id| id.as_str()), status.map(|_| REQUEST_ID), "{response:?}");
        assert_eq!(error.attempts(), 1, "{response:?}: {error:?}");
        assert_eq!(server.requests().len(), 1, "{response:?}");
    }
}

#[tokio::test]
async fn malformed_token_response_is_an_auth_error() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let json = vault.credentials_json(skyflow_tests::clients::TOKEN_URI);
    for (status, body) in [
        (200, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, "{\"accessToken\":null}"),
        (200, "{\"accessToken\":42}"),
        (200, "{\"accessToken\":\"\"}"),
        (200, "{\"accessToken\":\"a\\r\\nb\"}"),
        (204, ""),
        (302, ""),
        (
            400,
            "{\"error\":{\"message\":\"assertion eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln is not valid\"}}",
        ),
        (401, "nope"),
        (403, "{\"error\":\"denied\"}"),
        (404, "<html>"),
        (418, "{\"error\":{}}"),
    ] {
        let recorder = skyflow_testkit::Recorder::new();
        let credentials = Credentials::from_json(json.expose()).unwrap();
        let config = VaultConfig::new("vault1", "cluster1").credentials(credentials);
        let transport = recorder.around(responding(status, Some("application/json"), body));
        let client = skyflow_tests::clients::over(transport).vault(config).build().unwrap();
        let call = DetokenizeRequest::new().token_with("token", Redaction::PlainText);
        let error = in_time(client.default_vault().unwrap().detokenize(call)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{status} {body}: {error:?}");
        assert_eq!(error.http_code(), Some(status), "{body}");
        assert_eq!(error.request_id().unwrap().as_str(), REQUEST_ID, "{status} {body}");
        assert!(!error.may_have_been_applied());
        assert!(!shown(&error).contains("eyJ"), "{error:?}");
        let exchanges = recorder.exchanges();
        assert!(exchanges.iter().all(|e| e.uri.path() == "/v1/auth/sa/oauth/token"), "{status} {body}");
        assert_eq!(exchanges.len(), 1, "rel_t04: {status} {body}: what is refused is not asked again");
    }
}
