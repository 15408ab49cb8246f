//! The quickstart's job and everything that can go wrong with it, with every crate logging at TRACE.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::Debug;

use http::StatusCode;
use serde_json::{Value, json};
use skyflow::{
    BatchOperation, BatchRequest, CallOptions, Credentials, DeleteRequest, DetokenizeRequest, Error,
    GetRequest, InsertRequest, QueryRequest, Redaction, Skyflow, TokenizeRequest, UpdateRequest, Vault,
    VaultConfig,
};
use skyflow_emulator::{EmbeddedVault, Fault, Operation};
use skyflow_http::{HttpService, Transport};
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::TOKEN_URI;

use crate::capture::Capture;
use crate::front::Front;
use skyflow_testkit::Canaries;

const CARD_NUMBER: &str = "4111111111111111";
const NAME: &str = "John Doe";
const EMAIL: &str = "john.doe+canary@example.com";
const SSN: &str = "123-45-6789";
const CONTEXT: &str = "end-user-canary-7";

/// Everything that a user could print, next to what the crates log by themselves; the same line only once.
#[derive(Default)]
struct Printed(BTreeSet<String>);

impl Printed {
    fn text(&mut self, text: &str) {
        self.0.extend(text.lines().map(ToOwned::to_owned));
    }

    fn debug(&mut self, value: &impl Debug) {
        self.text(&format!("{value:?}\n{value:#?}"));
    }

    fn outcome<T: Debug>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.debug(&value);
                Some(value)
            }
            Err(error) => {
                self.debug(&error);
                self.text(&error.message());
                let mut cause: Option<&dyn StdError> = Some(&error);
                while let Some(error) = cause {
                    self.text(&format!("{error}\n{error:?}\n{error:#?}"));
                    cause = error.source();
                }
                None
            }
        }
    }
}

fn person() -> Value {
    json!({"card_number": CARD_NUMBER, "cardholder_name": NAME, "email": EMAIL, "ssn": SSN})
}

/// Calls every operation of a vault once, and prints responses and failures.
async fn every_operation(vault: &Vault, printed: &mut Printed) -> Option<String> {
    let insert = InsertRequest::new("table1").record(person()).return_tokens(true).upsert("email");
    printed.debug(&insert);
    let inserted = printed.outcome(in_time(vault.insert(insert)).await);
    let row = inserted.as_ref().and_then(|response| response.inserted_fields.first());
    let id = row.map_or("00000000-0000-4000-8000-000000000000", |row| row.skyflow_id.as_str());
    let token = row.and_then(|row| row.token("card_number")).unwrap_or_else(|| "unknown".to_owned());

    let batch = InsertRequest::new("table1")
        .record(json!({"name": NAME, "card_number": CARD_NUMBER}))
        .record(json!({"no_such_column": CARD_NUMBER}))
        .continue_on_error(true);
    printed.outcome(in_time(vault.insert(batch)).await);
    for redaction in [Redaction::PlainText, Redaction::Masked, Redaction::Default, Redaction::Redacted] {
        let detokenize = DetokenizeRequest::new().token_with(&token, redaction).continue_on_error(true);
        printed.debug(&detokenize);
        printed.outcome(in_time(vault.detokenize(detokenize)).await);
    }
    let by_id = GetRequest::new("table1").ids([id]).redaction(Redaction::PlainText);
    printed.outcome(in_time(vault.get(by_id)).await);
    // The values of the column travel in the query of the URI.
    let by_column = GetRequest::new("table1").column("email", [EMAIL]).redaction(Redaction::PlainText);
    printed.debug(&by_column);
    printed.outcome(in_time(vault.get(by_column)).await);
    let update = UpdateRequest::new("table1", id, json!({"cardholder_name": NAME})).return_tokens(true);
    printed.debug(&update);
    printed.outcome(in_time(vault.update(update)).await);
    let query = QueryRequest::new(format!("SELECT card_number FROM table1 WHERE email = '{EMAIL}'"));
    printed.debug(&query);
    printed.outcome(in_time(vault.query(query)).await);
    let tokenize = TokenizeRequest::new().value(CARD_NUMBER, "card_number_cg").value(NAME, "name_cg");
    printed.debug(&tokenize);
    printed.outcome(in_time(vault.tokenize(tokenize)).await);
    let operations = BatchRequest::new([
        BatchOperation::insert("table1", person()).upsert("email"),
        BatchOperation::update("table1", id, json!({"ssn": SSN})),
        BatchOperation::get("table1", id).redaction(Redaction::PlainText),
    ])
    .continue_on_error(true);
    printed.debug(&operations);
    printed.outcome(in_time(vault.batch(operations)).await);
    let wrong = InsertRequest::new("table1").record(json!({"age": CARD_NUMBER}));
    printed.outcome(in_time(vault.insert(wrong)).await);
    let delete = DeleteRequest::new("table1", [id]);
    printed.debug(&delete);
    printed.outcome(in_time(vault.delete(delete)).await);
    inserted.map(|_| token)
}

/// Runs the job with these credentials over `transport`, first without and then with each fault, and forbids what was
/// seen on the wire.
async fn run(
    vault: &EmbeddedVault,
    base_url: Option<&str>,
    transport: HttpService,
    credentials: Credentials,
    canaries: &mut Canaries,
    printed: &mut Printed,
) {
    let recorder = Recorder::new();
    let config = match base_url {
        Some(url) => VaultConfig::with_base_url(vault.vault_id(), url),
        None => VaultConfig::new(vault.vault_id(), vault.cluster_id()),
    };
    printed.debug(&credentials);
    let config = config.credentials(credentials);
    printed.debug(&config);
    let builder = Skyflow::builder().transport(recorder.around(transport)).vault(config);
    printed.debug(&builder);
    let client = builder.build().unwrap();
    printed.debug(&client);
    let handle = client.default_vault().unwrap();
    printed.debug(&handle);

    assert!(every_operation(&handle, printed).await.is_some(), "the job works when nothing is wrong");
    vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).times(2));
    assert!(every_operation(&handle, printed).await.is_some(), "the job works with retries");
    // The rest are failures, which real pauses between attempts would only draw out.
    let handle = handle.with_options(CallOptions::new().no_retry());
    let echo = json!({"error": {
        "message": format!("{CARD_NUMBER} of {EMAIL} ({SSN}) is not unique"), "grpc_code": 3, "http_code": 400,
        "http_status": "Bad Request", "details": [{"value": NAME, "card": CARD_NUMBER}],
    }});
    for fault in [
        Fault::html_502(),
        Fault::empty_body(),
        Fault::bad_json(),
        Fault::truncate_body(),
        Fault::wrong_shape(),
        Fault::close_before_response(),
        Fault::commit_then_close(),
        Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after("1"),
        Fault::status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::status(StatusCode::UNAUTHORIZED).times(3),
        Fault::status(StatusCode::BAD_REQUEST).body("application/json", echo.to_string()),
        Fault::status(StatusCode::BAD_GATEWAY).body("text/html", format!("<p>{CARD_NUMBER} {NAME}</p>")),
    ] {
        vault.inject(fault);
        every_operation(&handle, printed).await;
        vault.clear_faults();
    }
    printed.debug(vault);
    printed.debug(&vault.journal());

    for exchange in recorder.exchanges() {
        if let Some(header) = exchange.headers.get("authorization") {
            let bearer = header.to_str().unwrap().strip_prefix("Bearer ").unwrap();
            canaries.forbid_jwt("bearer token or API key", bearer);
        }
        if let Ok(Value::Object(body)) = serde_json::from_slice(&exchange.body)
            && let Some(assertion) = body.get("assertion").and_then(Value::as_str)
        {
            canaries.forbid_jwt("assertion", assertion);
        }
    }
}

/// Calls that fail before or instead of an exchange, with the same secrets in hand.
async fn failures_of_the_token_endpoint(
    vault: &EmbeddedVault,
    json: &str,
    canaries: &mut Canaries,
    printed: &mut Printed,
) {
    let recorder = Recorder::new();
    let transport = recorder.around(HttpService::new(vault.service()));
    let exchange = Fault::status(StatusCode::BAD_REQUEST).operation(Operation::AuthenticationGetToken);
    for fault in [
        exchange.clone(),
        exchange.body("text/plain", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"),
        Fault::status(StatusCode::SERVICE_UNAVAILABLE).operation(Operation::AuthenticationGetToken),
        Fault::close_before_response().operation(Operation::AuthenticationGetToken),
        Fault::bad_json().operation(Operation::AuthenticationGetToken),
        Fault::truncate_body().operation(Operation::AuthenticationGetToken),
    ] {
        vault.inject(fault);
        let config = VaultConfig::new(vault.vault_id(), vault.cluster_id());
        let config = config.credentials(Credentials::from_json(json).unwrap());
        let client = Skyflow::builder().transport(transport.clone()).vault(config).build().unwrap();
        let detokenize = DetokenizeRequest::new().token("t");
        let outcome = in_time(client.default_vault().unwrap().detokenize(detokenize)).await;
        assert!(outcome.is_err());
        printed.outcome(outcome);
        vault.clear_faults();
    }
    canaries.forbid_jwt("echoed token", "x.eyJpc3MiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ");
    for exchange in recorder.exchanges() {
        let body: Value = serde_json::from_slice(&exchange.body).unwrap();
        canaries.forbid_jwt("assertion", body["assertion"].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_p01_logs_and_debug_contain_no_secrets() {
    let capture = Capture::of_the_process();
    let (mut canaries, mut printed) = (Canaries::default(), Printed::default());
    for (name, text) in
        [("card number", CARD_NUMBER), ("name", NAME), ("e-mail", EMAIL), ("ssn", SSN), ("context", CONTEXT)]
    {
        canaries.forbid(name, text);
    }

    let vault = EmbeddedVault::builder().build().unwrap();
    canaries.forbid("API key", vault.api_key().expose());
    let api_key = || Credentials::api_key(vault.api_key().expose()).unwrap();
    let plain = vault.serve().await.unwrap();
    let (http1, http2) = (Front::start(&vault, &["http/1.1"]).await, Front::start(&vault, &["h2"]).await);
    let account = |token_uri: &str| {
        let json = vault.credentials_json(token_uri);
        let key: Value = serde_json::from_str(json.expose()).unwrap();
        (json, key["privateKey"].as_str().unwrap().to_owned())
    };
    for (url, transport) in [
        (plain.base_url(), Transport::new().into_service()),
        (http1.server.url(""), http1.transport.clone()),
        (http2.server.url(""), http2.transport.clone()),
    ] {
        let (json, key) = account(&format!("{url}/v1/auth/sa/oauth/token"));
        canaries.forbid_pem("private key", &key);
        let of_the_account = Credentials::from_json(json.expose()).unwrap().context(CONTEXT).unwrap();
        for credentials in [api_key(), of_the_account] {
            run(&vault, Some(&url), transport.clone(), credentials, &mut canaries, &mut printed).await;
        }
    }
    let (json, _) = account(TOKEN_URI);
    let in_process = HttpService::new(vault.service());
    let of_the_account = Credentials::from_json(json.expose()).unwrap();
    run(&vault, None, in_process, of_the_account, &mut canaries, &mut printed).await;
    failures_of_the_token_endpoint(&vault, json.expose(), &mut canaries, &mut printed).await;
    plain.shutdown().await;

    let logged = capture.text();
    for target in ["h2::", "hyper_util::", "rustls::", "rest_client"] {
        assert!(logged.contains(target), "{target} says nothing, so the capture does not prove anything");
    }
    assert!(logged.contains("client.operation") && logged.contains("records.insert"));
    assert!(!logged.contains("panic: "), "no task panicked, not even one whose panic nobody waits for");
    canaries.assert_absent("the log", &logged);
    let printed: String = printed.0.iter().map(|line| format!("{line}\n")).collect();
    assert!(printed.contains("[REDACTED]") && printed.contains("the response does not have the form"));
    canaries.assert_absent("Debug, Display or an error", &printed);
}

#[test]
fn capture_sees_logs_and_finds_canaries() {
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.subscriber(), || {
        let span = tracing::trace_span!("outer", name = NAME);
        span.in_scope(|| tracing::trace!(number = CARD_NUMBER, "inside"));
    });
    let mut canaries = Canaries::default();
    canaries.forbid("name", NAME);
    assert!(canaries.find(&capture.text()).is_some());
    let mut canaries = Canaries::default();
    canaries.forbid("card number", CARD_NUMBER);
    assert!(canaries.find(&capture.text()).is_some());
}
