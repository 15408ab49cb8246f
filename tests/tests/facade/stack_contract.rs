//! The slots of the stack, through the builder: who sees a call when, and what it can see there.

use std::sync::{Arc, Mutex};

use http::header::AUTHORIZATION;
use skyflow::{Credentials, ErrorKind, InsertRequest, Skyflow, VaultConfig};
use skyflow_auth::AuthLayer;
use skyflow_emulator::{EmbeddedVault, Fault};
use skyflow_http::layers::MetadataLayer;
use skyflow_http::{
    CallContext, DynLayer, HttpService, Idempotency, ManualClock, OperationInfo, Progress, Request, Response,
    Stack, Transport,
};
use skyflow_testkit::API_KEY;
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{INSERTED, in_process, insert_card, over, responding, service};
use tower::ServiceExt;

/// What a layer saw of a request.
#[derive(Debug, Clone, PartialEq)]
struct Sight {
    layer: &'static str,
    operation: &'static str,
    token: bool,
    deadline: bool,
    metadata: bool,
}

#[derive(Clone, Default)]
struct Sights(Arc<Mutex<Vec<Sight>>>);

impl Sights {
    fn layer(&self, layer: &'static str) -> DynLayer {
        let sights = self.clone();
        DynLayer::from_fn(move |inner: HttpService| {
            let sights = sights.clone();
            inner.map_request(move |request: Request| {
                sights.note(layer, &request);
                request
            })
        })
    }

    fn note(&self, layer: &'static str, request: &Request) {
        let operation = OperationInfo::of(request.extensions()).expect("every layer knows the operation");
        assert_eq!(operation.path_template, "/v1/vaults/{vault_id}/{table_name}");
        assert_eq!(operation.idempotency, Idempotency::NonIdempotent);
        self.0.lock().unwrap().push(Sight {
            layer,
            operation: operation.name,
            token: request.headers().contains_key(AUTHORIZATION),
            deadline: CallContext::of(request.extensions()).is_some_and(|call| call.deadline.is_some()),
            metadata: request.headers().contains_key("sky-metadata"),
        });
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().map(|sight| sight.layer).collect()
    }
}

fn config() -> VaultConfig {
    VaultConfig::new("vault1", "cluster1").credentials(Credentials::api_key(API_KEY).unwrap())
}

/// Makes a transport that rejects the first `refusals` requests with 429, so that even a write is retried.
fn refusing(refusals: usize, sights: &Sights) -> HttpService {
    let left = Arc::new(Mutex::new(refusals));
    let sights = sights.clone();
    service(move |request: Request| {
        sights.note("transport", &request);
        let mut left = left.lock().unwrap();
        let status = if *left > 0 { 429 } else { 200 };
        *left = left.saturating_sub(1);
        async move { Ok(http::Response::builder().status(status).body(INSERTED.into())?) }
    })
}

#[tokio::test]
async fn layers_see_calls_and_attempts_without_a_token() {
    let sights = Sights::default();
    let client = over(refusing(2, &sights))
        .clock(Arc::new(ManualClock::auto_advancing()))
        .vault(config().layer(sights.layer("vault 1")).layer(sights.layer("vault 2")))
        .layer(sights.layer("client 1"))
        .layer(sights.layer("client 2"))
        .attempt_layer(sights.layer("attempt 1"))
        .attempt_layer(sights.layer("attempt 2"))
        .build()
        .unwrap();
    let vault = client.default_vault().unwrap().with_layer(sights.layer("call"));
    in_time(vault.insert(insert_card())).await.unwrap();

    let operation = ["call", "client 1", "client 2", "vault 1", "vault 2"];
    let attempt = ["attempt 1", "attempt 2", "transport"];
    assert_eq!(sights.names(), [&operation[..], &attempt, &attempt, &attempt].concat());
    for sight in sights.0.lock().unwrap().iter() {
        let (is_scalar, is_attempt) = (sight.layer == "transport", attempt.contains(&sight.layer));
        assert_eq!(sight.operation, "records.insert");
        assert_eq!(sight.token, is_scalar, "{sight:?}: no layer of the user's sees the token");
        assert_eq!(sight.deadline, is_attempt, "{sight:?}: the deadline is set below the operation layers");
        assert_eq!(sight.metadata, is_attempt, "{sight:?}: metadata is added below the operation layers");
    }
}

#[tokio::test]
async fn layer_of_a_call_or_vault_sees_no_other_calls() {
    let sights = Sights::default();
    let quiet = Sights::default();
    let other = VaultConfig::new("vault2", "cluster1").credentials(Credentials::api_key(API_KEY).unwrap());
    let client = over(refusing(0, &quiet))
        .vault(config().layer(sights.layer("vault 1")))
        .vault(other)
        .build()
        .unwrap();
    let (first, second) = (client.vault("vault1").unwrap(), client.vault("vault2").unwrap());
    in_time(second.insert(insert_card())).await.unwrap();
    assert!(sights.names().is_empty());
    in_time(first.with_layer(sights.layer("call")).insert(insert_card())).await.unwrap();
    in_time(first.insert(insert_card())).await.unwrap();
    assert_eq!(sights.names(), ["call", "vault 1", "vault 1"]);
}

#[tokio::test]
async fn layer_headers_are_kept_without_duplicates() {
    let recorder = Recorder::new();
    let client = over(recorder.around(responding(200, None, INSERTED)))
        .vault(config())
        .layer(tower::layer::layer_fn(|inner: HttpService| {
            inner.map_request(|mut request: Request| {
                let headers = request.headers_mut();
                headers.insert("user-agent", http::HeaderValue::from_static("mine/1"));
                headers.insert("authorization", http::HeaderValue::from_static("Bearer of-my-own"));
                request
            })
        }))
        .build()
        .unwrap();
    in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap();
    let headers = recorder.exchanges().remove(0).headers;
    assert_eq!(headers.get_all("user-agent").iter().collect::<Vec<_>>(), ["mine/1"]);
    let bearer = format!("Bearer {API_KEY}");
    assert_eq!(headers.get_all("authorization").iter().collect::<Vec<_>>(), [bearer.as_str()]);
    assert!(headers["authorization"].is_sensitive(), "hyper and h2 must not log or index it");
}

#[tokio::test]
async fn layer_can_respond_or_fail_by_itself() {
    let recorder = Recorder::new();
    let responded = DynLayer::from_fn(|_| service(|_| async { Ok(Response::new(INSERTED.into())) }));
    let failed = DynLayer::from_fn(|_| service(|_| async { Err("my own trouble 4111111111111111".into()) }));
    for (layer, works) in [(responded, true), (failed, false)] {
        for in_attempts in [false, true] {
            let builder = over(recorder.around(responding(200, None, INSERTED))).vault(config());
            let builder = match in_attempts {
                true => builder.attempt_layer(layer.clone()),
                false => builder.layer(layer.clone()),
            };
            let vault = builder.build().unwrap().default_vault().unwrap();
            match in_time(vault.insert(insert_card())).await {
                Ok(response) => assert!(works && response.inserted_fields.len() == 1),
                Err(error) => {
                    assert!(!works);
                    assert_eq!(error.kind(), ErrorKind::Custom, "{error:?}");
                    assert!(!error.to_string().contains("4111"), "{error}");
                    assert!(!error.may_have_been_applied(), "no attempt reached the transport: {error:?}");
                    assert!(std::error::Error::source(&error).is_some());
                }
            }
        }
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn finished_stack_is_used_unchanged() {
    let sights = Sights::default();
    let recorder = Recorder::new();
    let finished = recorder.around(responding(503, None, "{}"));
    let client = Skyflow::builder()
        .service(finished)
        .layer(sights.layer("client"))
        .attempt_layer(sights.layer("attempt"))
        .vault(VaultConfig::new("vault1", "cluster1").layer(sights.layer("vault")))
        .build()
        .unwrap();
    let error = in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap_err();
    assert_eq!(error.http_code(), Some(503));
    assert!(sights.names().is_empty());
    let exchanges = recorder.exchanges();
    assert_eq!(exchanges.len(), 1, "no retry");
    for absent in ["authorization", "user-agent", "sky-metadata"] {
        assert!(!exchanges[0].headers.contains_key(absent), "{absent}");
    }
    assert_eq!(exchanges[0].operation.unwrap().name, "records.insert");
}

#[tokio::test]
async fn custom_stack_of_public_layers_works() {
    use skyflow_auth::{ApiKey, AuthHeader, HostGuard};
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let key = Arc::new(ApiKey::new(vault.api_key().clone()).unwrap());
    let base = server.base_url().parse().unwrap();
    let stack = Stack::new(Arc::new(ManualClock::new()))
        .metadata(MetadataLayer::new("my-application/7").unwrap())
        .auth(AuthLayer::new(key, AuthHeader::bearer(), HostGuard::new(base)))
        .build(Transport::new().into_service());
    let config = VaultConfig::with_base_url(vault.vault_id(), server.base_url());
    let client = Skyflow::builder().service(stack).vault(config).build().unwrap();
    let response = in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap();
    assert_eq!(response.inserted_fields.len(), 1);
    assert_eq!(vault.journal()[0].caller.user_agent.as_deref(), Some("my-application/7"));
}

#[tokio::test]
async fn attempts_are_reported_in_response_and_error() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watching = {
        let seen = Arc::clone(&seen);
        tower::layer::layer_fn(move |inner: HttpService| {
            let seen = Arc::clone(&seen);
            tower::service_fn(move |mut request: Request| {
                let (inner, seen) = (inner.clone(), Arc::clone(&seen));
                async move {
                    let progress = Progress::of(request.extensions_mut());
                    let response = inner.send(request).await;
                    seen.lock().unwrap().push(progress.attempts());
                    response
                }
            })
        })
    };
    let client = over(refusing(2, &Sights::default()))
        .clock(Arc::new(ManualClock::auto_advancing()))
        .vault(config())
        .layer(watching)
        .build()
        .unwrap();
    in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [3]);

    let client = over(refusing(9, &Sights::default()))
        .clock(Arc::new(ManualClock::auto_advancing()))
        .vault(config())
        .build()
        .unwrap();
    let error = in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap_err();
    assert_eq!((error.attempts(), error.retry_stop()), (3, Some(skyflow::RetryStop::Attempts)));
}

#[tokio::test]
async fn rel_r03_cut_insert_is_not_retried_upsert_is() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = in_process(&vault);
    vault.inject(Fault::commit_then_close().times(1));
    let error = in_time(client.insert(insert_card())).await.unwrap_err();
    assert!(error.may_have_been_applied(), "{error:?}");
    assert_eq!(vault.journal().len(), 1, "0 duplicates");

    vault.clear_journal();
    vault.inject(Fault::commit_then_close().times(1));
    let row = serde_json::json!({"email": "jane@example.com", "name": "Jane"});
    let upsert = || InsertRequest::new("table1").record(&row).upsert("email").return_tokens(true);
    let first = in_time(client.insert(upsert())).await.unwrap();
    assert_eq!(vault.journal().len(), 2, "the upsert was sent again");
    let again = in_time(client.insert(upsert())).await.unwrap();
    assert_eq!(again.inserted_fields[0].skyflow_id, first.inserted_fields[0].skyflow_id, "and made one row");
}

#[test]
fn client_is_built_without_a_runtime() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = in_process(&vault);
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { in_time(client.insert(insert_card())).await.unwrap() });
    }
}
