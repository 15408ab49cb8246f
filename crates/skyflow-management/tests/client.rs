//! The client: account, host, tokens, retries, layers and errors, against a service that records its requests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

#[path = "round_trips/document.rs"]
#[expect(dead_code, reason = "the round trips use the rest")]
mod document;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use document::{Document, Fill};
use serde_json::json;
use skyflow_auth::{AccessToken, Cached, Credentials, provider_fn};
use skyflow_http::{CallOptions, DynLayer, ErrorKind as TransportKind, HttpService, ManualClock, Request};
use skyflow_management::{ACCOUNT_ID, Client, ClientBuilder, Error, ErrorKind, roles, types, vaults};
use skyflow_testkit::{API_KEY, Reply, Scripted};
use tower::ServiceExt;

const ACCOUNT: &str = "a451b783713e4424a7d761bb7bbc84eb";

fn builder(service: &Scripted) -> ClientBuilder {
    Client::builder()
        .account_id(ACCOUNT)
        .credentials(Credentials::api_key(API_KEY).unwrap())
        .clock(Arc::new(ManualClock::auto_advancing()))
        .transport(service.service())
}

fn client(service: &Scripted) -> Client {
    builder(service).build().unwrap()
}

fn roles_of_a_vault() -> roles::List {
    roles::List::new("f4b3", types::ResourceType::Vault)
}

async fn failure(service: &Scripted) -> Error {
    client(service).send(roles::Get::new("r1")).await.unwrap_err()
}

#[tokio::test]
async fn calls_carry_account_token_and_metadata() {
    let service = Scripted::new([Reply::json(200, &json!({"roles": []}))]);
    client(&service).send(roles_of_a_vault()).await.unwrap();

    let sent = &service.requests()[0];
    assert_eq!(sent.uri, "https://manage.skyflowapis.com/v1/roles?resource.ID=f4b3&resource.type=VAULT");
    assert_eq!(sent.header(ACCOUNT_ID.as_str()), ACCOUNT);
    assert_eq!(sent.header("authorization"), format!("Bearer {API_KEY}"));
    assert!(sent.header("user-agent").starts_with("skyflow-rust/"));
    assert!(sent.header("sky-metadata").contains("skyflow-rust@"));
    assert_eq!(sent.operation.unwrap().name, "management.roles.list");
}

#[tokio::test]
async fn lists_made_from_the_document_are_read() {
    let document = Document::parse(include_str!("../spec/management.openapi.yaml"), &[]);
    let made: HashMap<_, _> = document
        .operations()
        .into_iter()
        .filter_map(|(name, schema)| Some((name.to_owned(), document.body(schema?, Fill::All(0)).json)))
        .collect();
    let service = Scripted::from_fn(move |request| match request.uri.path() {
        "/v1/vaults" => Reply::json(200, &made["vaults_list"]),
        "/v1/roles" => Reply::json(200, &made["roles_list"]),
        other => panic!("{other}"),
    });
    let client = client(&service);

    let vaults = client.send(vaults::List::new("w1")).await.unwrap().into_body().vaults;
    assert!(!vaults.is_empty());
    assert!(vaults.iter().all(|vault| vault.id.is_some() && vault.status.is_some()));
    let roles = client.send(roles_of_a_vault()).await.unwrap().into_body().roles;
    assert!(roles.iter().any(|role| role.definition.as_ref().is_some_and(|found| found.name.is_some())));
}

#[tokio::test]
async fn refused_token_is_replaced_and_replayed() {
    let service = Scripted::from_fn(|request| match request.header("authorization") {
        "Bearer token-1" => Reply::status(401),
        _ => Reply::json(200, &json!({"ID": "r1"})),
    });
    let minted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&minted);
    let tokens = provider_fn(move || {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(AccessToken::new(format!("token-{number}"))?) }
    });
    let client = builder(&service).credentials(Credentials::provider(Cached::new(tokens))).build().unwrap();

    // A create is not repeated after a failure, but a 401 says that nothing was executed.
    let body = types::CreateRoleRequest::default();
    client.send(roles::Create::new(body)).await.unwrap();

    let sent = service.requests();
    let tokens: Vec<_> = sent.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
    assert!(sent.iter().all(|request| request.header(ACCOUNT_ID.as_str()) == ACCOUNT));
    assert_eq!(minted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn reads_are_retried_and_creates_are_not() {
    let service = Scripted::new([Reply::status(503), Reply::json(200, &json!({"roles": []}))]);
    client(&service).send(roles_of_a_vault()).await.unwrap();
    assert_eq!(service.requests().len(), 2);

    let service = Scripted::new([Reply::status(503)]);
    let create = roles::Create::new(types::CreateRoleRequest::default());
    let error = client(&service).send(create).await.unwrap_err();
    assert_eq!(service.requests().len(), 1);
    assert!(error.may_have_been_applied() && error.is_retryable());
    assert!(error.to_string().ends_with("; the operation may have been executed"), "{error}");

    let service = Scripted::new([Reply::status(503)]);
    let error = builder(&service).no_retry().build().unwrap().send(roles_of_a_vault()).await.unwrap_err();
    assert_eq!((service.requests().len(), error.may_have_been_applied()), (1, false));
}

#[tokio::test]
async fn layers_see_operations_and_attempts() {
    let service = Scripted::new([Reply::status(503), Reply::json(200, &json!({"roles": []}))]);
    let seen = Arc::new(AtomicUsize::new(0));
    let counting = |step: usize| {
        let seen = Arc::clone(&seen);
        DynLayer::from_fn(move |inner: HttpService| {
            let seen = Arc::clone(&seen);
            inner.map_request(move |request: Request| {
                assert!(!request.headers().contains_key("authorization"));
                seen.fetch_add(step, Ordering::Relaxed);
                request
            })
        })
    };
    let client = builder(&service).layer(counting(1)).attempt_layer(counting(100)).build().unwrap();
    client.with_layer(counting(10)).send(roles_of_a_vault()).await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 211);
}

#[tokio::test]
async fn error_of_the_server_is_typed() {
    let body = json!({"error": {"grpc_code": 10, "http_code": 409, "http_status": "Conflict", "details": [],
        "message": "The role of ada@example.test exists."}});
    let service = Scripted::new([Reply::json(409, &body).header("x-request-id", "req-1")]);
    let error = failure(&service).await;
    assert_eq!((error.kind(), error.is_conflict(), error.is_not_found()), (ErrorKind::Api, true, false));
    assert_eq!(error.api_error().unwrap().error.grpc_code, Some(10));
    assert_eq!(error.request_id().unwrap().as_str(), "req-1");
    let shown = format!("{error} {error:?}");
    assert!(shown.starts_with("management.roles.get: The role of "), "{shown}");
    assert!(shown.contains(" (http 409, grpc 10) [request id req-1]"), "{shown}");
    assert!(!shown.contains("ada@"), "{shown}");

    // The bare gRPC form of older groups.
    let bare = json!({"code": 5, "message": "role not found", "details": []});
    let error = failure(&Scripted::new([Reply::json(404, &bare)])).await;
    assert_eq!((error.is_not_found(), &*error.message()), (true, "role not found"));

    for (reply, kind) in [
        (Reply::fails(TransportKind::Connect), ErrorKind::Transport),
        (Reply::json(200, &json!([])), ErrorKind::Decode),
    ] {
        assert_eq!(failure(&Scripted::new([reply])).await.kind(), kind);
    }
    let options = CallOptions::new().deadline(Duration::from_secs(1));
    let patience = client(&Scripted::new([Reply::hangs()])).with_options(options);
    assert_eq!(patience.send(roles::Get::new("r1")).await.unwrap_err().kind(), ErrorKind::Timeout);
    let error = client(&service).send(roles::Get::new("")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn account_id_of_a_message_is_shown() {
    let body = json!({"error": {"message": format!("account {ACCOUNT} refused {API_KEY}")}});
    let error = failure(&Scripted::new([Reply::json(400, &body)])).await;
    assert!(error.message().contains(ACCOUNT), "{error}");
    assert!(!error.message().contains(API_KEY), "{error}");
}

#[test]
fn settings_are_checked_before_a_byte_is_sent() {
    let service = Scripted::new([]);
    let refused = |builder: ClientBuilder| {
        let error = builder.build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("\u{7}"), "{error}");
        (error.field().unwrap_or_default().to_owned(), error.to_string())
    };
    let bare =
        || Client::builder().credentials(Credentials::api_key(API_KEY).unwrap()).transport(service.service());
    assert_eq!(refused(bare()), ("account_id".to_owned(), "account_id is missing".to_owned()));
    for (builder, field) in [
        (bare().account_id(" "), "account_id"),
        (bare().account_id("a\u{7}b"), "account_id"),
        (builder(&service).base_url("not a url"), "base_url"),
        (builder(&service).base_url("http://manage.example.test"), "base_url"),
        (builder(&service).deadline(Duration::ZERO), "deadline"),
        (builder(&service).attempt_timeout(Duration::ZERO), "attempt_timeout"),
        (builder(&service).allow_token_host("a b"), "token_host"),
    ] {
        assert_eq!(refused(builder).0, field);
    }
}

#[test]
fn environment_names_what_it_lacks() {
    let variables = |names: &[(&'static str, &'static str)]| {
        let variables: HashMap<_, _> = names.iter().copied().collect();
        Client::from_env_with(move |name| variables.get(name).copied())
    };
    let (account, key) = (("SKYFLOW_ACCOUNT_ID", ACCOUNT), ("SKYFLOW_API_KEY", API_KEY));
    let field = |names: &[_]| variables(names).unwrap_err().field().unwrap_or_default().to_owned();
    assert_eq!(field(&[key]), "SKYFLOW_ACCOUNT_ID");
    assert_eq!(field(&[key, ("SKYFLOW_ACCOUNT_ID", " ")]), "SKYFLOW_ACCOUNT_ID");
    assert_eq!(field(&[account, key, ("SKYFLOW_ENV", "moon")]), "SKYFLOW_ENV");
    let error = variables(&[account]).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Auth, Some("SKYFLOW_CREDENTIALS")));
    let error = variables(&[account, ("SKYFLOW_API_KEY", "{}")]).unwrap_err();
    assert_eq!(error.field(), Some("SKYFLOW_API_KEY"));
}

#[cfg(feature = "transport")]
#[test]
fn environments_have_their_management_hosts() {
    let client = |env| {
        Client::from_env_with(move |name| match name {
            "SKYFLOW_ACCOUNT_ID" => Some(ACCOUNT),
            "SKYFLOW_API_KEY" => Some(API_KEY),
            "SKYFLOW_ENV" => Some(env),
            _ => None,
        })
    };
    for (env, host) in [
        ("PROD", "https://manage.skyflowapis.com"),
        ("sandbox", "https://manage.skyflowapis-preview.com"),
        ("STAGE", "https://manage.skyflowapis.tech"),
    ] {
        assert_eq!(client(env).unwrap().base().to_string(), host);
    }
}
