//! P03: no error shows the URL of its request: neither an id in the path nor a value in the query.

use std::error::Error as StdError;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use skyflow::{CallOptions, Credentials, Error, GetRequest, Skyflow, UpdateRequest, Vault, VaultConfig};
use skyflow_http::{BoxError, ErrorKind, HttpService, Request, Response};
use skyflow_testkit::raw_server::RawServer;
use skyflow_testkit::{API_KEY, Reply, Scripted};
use skyflow_tests::clients::vault_over;

const ID: &str = "canary-id-4111";
const COLUMN: &str = "canary_column";

/// Calls that have the id in the path or the query, and the column in the query.
async fn errors_of(vault: &Vault) -> Vec<Error> {
    let get = GetRequest::new("t").ids([ID]).fields([COLUMN]);
    let update = UpdateRequest::new("t", ID, serde_json::json!({"n": 1}));
    vec![vault.get(get).await.unwrap_err(), vault.update(update).await.unwrap_err()]
}

fn assert_shows_no_url(case: &str, error: &Error) {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        shown.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    for part in [ID, COLUMN, "fields=", "skyflow_ids="] {
        assert!(!shown.contains(part), "{case} shows {part}: {shown}");
    }
}

fn at(url: String) -> Vault {
    let config =
        VaultConfig::with_base_url("vault1", url).credentials(Credentials::api_key(API_KEY).unwrap());
    let client = Skyflow::builder().vault(config).no_retry().attempt_timeout(Duration::from_millis(300));
    client.build().unwrap().default_vault().unwrap()
}

#[tokio::test]
async fn rel_p03_errors_of_the_transport_show_no_url() {
    for kind in [
        ErrorKind::Connect,
        ErrorKind::Proxy,
        ErrorKind::Tls,
        ErrorKind::Refused,
        ErrorKind::Io,
        ErrorKind::AttemptTimeout,
        ErrorKind::DeadlineExceeded,
        ErrorKind::BodyTooLarge,
        ErrorKind::RequestBody,
        ErrorKind::Stalled,
    ] {
        let transport = HttpService::new(tower::service_fn(move |_: Request| async move {
            Err::<Response, BoxError>(skyflow_http::Error::new(kind, Some("cause".into())).into())
        }));
        let vault = vault_over(transport).with_options(CallOptions::new().no_retry());
        for error in errors_of(&vault).await {
            assert_shows_no_url(&format!("{kind:?}"), &error);
        }
    }
}

#[tokio::test]
async fn rel_p03_errors_of_sockets_show_no_url() {
    let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let mut cases = vec![
        ("nothing listens", at(format!("http://127.0.0.1:{unused}"))),
        ("no response", at(format!("http://127.0.0.1:{silent_port}"))),
        ("no TLS", at(format!("https://127.0.0.1:{silent_port}"))),
    ];
    let mut servers = Vec::new();
    for (case, response) in [
        ("closed", &b""[..]),
        ("no HTTP", &b"SSH-2.0-OpenSSH\r\n"[..]),
        ("cut head", &b"HTTP/1.1 200 OK\r\ncontent-len"[..]),
        ("cut body", &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"[..]),
        ("no JSON", &b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{"[..]),
    ] {
        let server = RawServer::repeating(response).await.unwrap();
        cases.push((case, at(format!("http://{}", server.address()))));
        servers.push(server);
    }
    for (case, vault) in &cases {
        for error in errors_of(vault).await {
            assert_shows_no_url(case, &error);
        }
    }
}

#[tokio::test]
async fn rel_p03_errors_of_the_server_show_no_url() {
    for status in [300, 301, 302, 307, 400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504] {
        for (kind, body) in [
            ("application/json", r#"{"error":{"message":"refused"}}"#),
            ("application/json", "{"),
            ("text/html", "<html><title>refused</title></html>"),
            ("text/plain", ""),
        ] {
            let reply = Reply::status(status)
                .header("content-type", kind)
                .header("location", format!("https://other.example/v1/{ID}?fields={COLUMN}"))
                .body(body);
            let vault =
                vault_over(Scripted::new([reply]).service()).with_options(CallOptions::new().no_retry());
            for error in errors_of(&vault).await {
                assert_shows_no_url(&format!("{status} {kind} {body}"), &error);
            }
        }
    }
}
