//! What an error tells about a call that failed.

use http::StatusCode;
use serde_json::json;
use skyflow::auth::{AuthError, CredentialsError};
use skyflow::http::{Body, BoxError, HttpService, ManualClock, Request};
use skyflow::{Credentials, DetokenizeRequest, Error, ErrorKind, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Fault, Operation};
use skyflow_testkit::API_KEY;
use skyflow_tests::clients::{TOKEN_URI, over, vault_over};

async fn failing(status: u16, body: serde_json::Value) -> Error {
    let service = HttpService::new(tower::service_fn(move |_: Request| {
        let body = Body::from(body.to_string());
        async move {
            let response = http::Response::builder().status(status).header("x-request-id", "req-7");
            Ok::<_, BoxError>(response.body(body)?)
        }
    }));
    let options = skyflow::CallOptions::new().no_retry();
    let vault = vault_over(service).with_options(options);
    vault.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err()
}

#[tokio::test]
async fn transport_status_is_never_hidden_by_the_body() {
    let body = |code: u16| json!({"error": {"http_code": code, "message": "m"}});
    let error = failing(500, body(200)).await;
    assert_eq!((error.status(), error.http_code()), (Some(StatusCode::INTERNAL_SERVER_ERROR), Some(500)));
    assert!(error.is_server_error() && error.to_string().contains("(http 500)"), "{error}");
    let error = failing(400, body(404)).await;
    assert_eq!((error.status(), error.http_code()), (Some(StatusCode::BAD_REQUEST), Some(404)));
    assert!(error.is_bad_request() && !error.is_not_found());
    assert!(error.to_string().contains("(http 400, code 404)"), "{error}");
}

#[tokio::test]
async fn predicates_follow_the_status_of_the_response() {
    type Predicate = fn(&Error) -> bool;
    let predicates: [(u16, Predicate); 6] = [
        (400, Error::is_bad_request),
        (401, Error::is_unauthorized),
        (403, Error::is_forbidden),
        (404, Error::is_not_found),
        (429, Error::is_rate_limited),
        (502, Error::is_server_error),
    ];
    for (status, _) in predicates {
        let error = failing(status, json!({})).await;
        for (other, predicate) in predicates {
            assert_eq!(predicate(&error), status == other, "{status} {other}");
        }
    }
}

#[tokio::test]
async fn failed_token_exchange_has_reason_and_advice() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let refusal = json!({"error": "invalid_grant", "error_description": "no key of jane@example.com"});
    let fault = Fault::status(StatusCode::BAD_REQUEST).operation(Operation::AuthenticationGetToken);
    vault.inject(fault.body("application/json", refusal.to_string()));
    let credentials = Credentials::from_json(vault.credentials_json(TOKEN_URI).expose()).unwrap();
    let config = VaultConfig::new(vault.vault_id(), vault.cluster_id()).credentials(credentials);
    let client = Skyflow::builder().vault(config).transport(vault.service()).build().unwrap();
    let request = DetokenizeRequest::new().token("t");
    let error = client.default_vault().unwrap().detokenize(request).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Auth, Some(StatusCode::BAD_REQUEST)));
    let shown = error.to_string();
    assert!(
        shown.contains("could not obtain an access token: invalid_grant: no key of [REDACTED]"),
        "{shown}"
    );
    assert!(shown.contains("check that the service account"), "{shown}");
}

#[tokio::test]
async fn failed_connection_names_host_and_port() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = VaultConfig::with_base_url("v", format!("http://{closed}"));
    let config = config.credentials(Credentials::api_key(API_KEY).unwrap());
    let client = Skyflow::builder().vault(config).no_retry().build().unwrap();
    let request = DetokenizeRequest::new().token("t");
    let error = client.default_vault().unwrap().detokenize(request).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, None));
    assert!(error.to_string().contains(&format!("could not connect to {closed}")), "{error}");
}

#[test]
fn errors_of_credentials_and_tokens_convert() {
    fn key() -> Result<Credentials, CredentialsError> {
        Credentials::api_key("canary")
    }
    fn through() -> Result<Credentials, Error> {
        Ok(key()?)
    }
    let error = through().unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Auth, Some("credentials.apiKey")));
    let error = Error::from(AuthError::provider("out of tokens"));
    assert_eq!(error.to_string(), "could not obtain an access token: the token provider failed");
    let context = Credentials::from_path("x").context(json!({"bad-key": 1}));
    let error = Error::from(context.unwrap_err());
    assert_eq!(error.field(), Some("credentials.context"));
    assert!(error.to_string().contains("not made of letters, digits and underscores: bad-key"), "{error}");
}

#[tokio::test]
async fn row_that_does_not_fit_names_its_response() {
    #[derive(Debug, serde::Deserialize)]
    struct Person {
        #[allow(dead_code)]
        age: u8,
    }

    let responses = std::sync::Arc::new(std::sync::Mutex::new(vec![200, 503]));
    let service = HttpService::new(tower::service_fn(move |_: Request| {
        let status = responses.lock().unwrap().pop().unwrap_or(200);
        let rows = json!({"records": [{"fields": {"age": 7}}, {"fields": {"age": "canary"}}]});
        async move {
            let response = http::Response::builder().status(status).header("x-request-id", "req-7");
            Ok::<_, BoxError>(response.body(Body::from(rows.to_string()))?)
        }
    }));
    let config = VaultConfig::new("v", "abc").credentials(Credentials::api_key(API_KEY).unwrap());
    let clock = std::sync::Arc::new(ManualClock::auto_advancing());
    let client = over(service).vault(config).clock(clock).build().unwrap();
    let request = skyflow::GetRequest::new("persons").all_rows();
    let response = client.default_vault().unwrap().get(request).await.unwrap();
    for error in [response.records::<Person>().unwrap_err(), response.data[1].get::<u8>("age").unwrap_err()] {
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("records.list")));
        assert_eq!((error.status(), error.attempts()), (Some(StatusCode::OK), 2));
        assert_eq!(error.request_id().unwrap().as_str(), "req-7");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let error = response.records::<Person>().unwrap_err();
    assert!(error.to_string().starts_with("records.list: records[1]: "), "{error}");
}
