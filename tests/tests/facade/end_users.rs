//! Calls for many end users over one client: one token each, and no token where there can be none.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::json;
use skyflow::{
    CallOptions, Credentials, Error, ErrorKind, GetRequest, InvokeConnectionRequest, Skyflow, Vault,
    VaultConfig,
};
use skyflow_emulator::{EmbeddedVault, Operation, Role};
use skyflow_http::{HttpService, ManualClock};
use skyflow_tests::clients::{TOKEN_URI, over, responding, vault_over};

/// A client of the vault with a service account, that keeps the tokens of so many users.
fn client(vault: &EmbeddedVault, users: Option<usize>) -> Vault {
    let credentials = Credentials::from_json(vault.credentials_json(TOKEN_URI).expose()).unwrap();
    let config = VaultConfig::new(vault.vault_id(), vault.cluster_id()).credentials(credentials);
    let mut builder =
        over(HttpService::new(vault.service())).clock(Arc::new(ManualClock::new())).vault(config);
    if let Some(users) = users {
        builder = builder.end_user_tokens(NonZeroUsize::new(users).unwrap());
    }
    builder.build().unwrap().default_vault().unwrap()
}

fn minted(vault: &EmbeddedVault) -> usize {
    let exchange = Some(Operation::AuthenticationGetToken.name());
    vault.journal().iter().filter(|entry| entry.operation == exchange).count()
}

fn all_rows() -> GetRequest {
    GetRequest::new("table1").all_rows()
}

/// Lets each of 100 users call, and then each of them again.
async fn twice_in_turn(vault: &Vault) {
    for _ in 0..2 {
        for user in 0..100 {
            vault.with_context(format!("user-{user}")).get(all_rows()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn cache_of_enough_users_mints_once_each() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    twice_in_turn(&client(&embedded, Some(100))).await;
    assert_eq!(minted(&embedded), 100);
}

#[tokio::test]
async fn default_cache_keeps_64_end_users() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = client(&embedded, None);
    twice_in_turn(&vault).await;
    assert_eq!(minted(&embedded), 200, "in turn, each of 100 users pushes another one out");
    for user in 36..100 {
        vault.with_context(format!("user-{user}")).get(all_rows()).await.unwrap();
    }
    assert_eq!(minted(&embedded), 200, "the last 64 are kept");
}

#[tokio::test]
async fn handles_of_a_client_share_one_cache() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = client(&embedded, None);
    vault.with_context("user-7").get(all_rows()).await.unwrap();
    vault.clone().with_options(CallOptions::new().context("user-7")).get(all_rows()).await.unwrap();
    assert_eq!(minted(&embedded), 1);
}

#[tokio::test]
async fn context_needs_a_service_account() {
    let key = vault_over(responding(200, None, "{}"));
    for (options, field) in
        [(CallOptions::new().context("user-7"), "context"), (CallOptions::new().roles(["r1"]), "roles")]
    {
        let error = key.with_options(options).get(all_rows()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
        assert_eq!((error.operation(), error.attempts()), (Some("records.list"), 0));
    }
    let token = Credentials::bearer_token("opaque").unwrap();
    let config = VaultConfig::new("vault1", "cluster1").credentials(token);
    let vault = over(responding(200, None, "{}")).vault(config).build().unwrap().default_vault().unwrap();
    assert_eq!(vault.with_context("user-7").get(all_rows()).await.unwrap_err().field(), Some("context"));
}

#[tokio::test]
async fn finished_service_takes_no_context() {
    let config = VaultConfig::new("vault1", "cluster1");
    let client = Skyflow::builder().service(responding(200, None, "{}")).vault(config).build().unwrap();
    let error = client.default_vault().unwrap().with_context("user-7").get(all_rows()).await.unwrap_err();
    assert_eq!(error.field(), Some("context"));
}

#[tokio::test]
async fn unusable_contexts_and_roles_are_refused() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = client(&embedded, None);
    let none: [&str; 0] = [];
    for (options, field) in [
        (CallOptions::new().context(" "), "context"),
        (CallOptions::new().context(json!({"not-a-key": 1})), "context"),
        (CallOptions::new().context(json!(null)), "context"),
        (CallOptions::new().roles(none), "roles"),
        (CallOptions::new().roles(["a b"]), "roles"),
    ] {
        let error = vault.with_options(options).get(all_rows()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{error}");
    }
    assert_eq!(embedded.journal().len(), 0, "nothing was sent");
}

#[tokio::test]
async fn managed_headers_are_refused_by_name() {
    let vault = vault_over(responding(200, None, "{}"));
    for name in [
        "Accept",
        "Authorization",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Host",
        "Keep-Alive",
        "Proxy-Connection",
        "Sky-Metadata",
        "TE",
        "Transfer-Encoding",
        "X-Skyflow-Authorization",
    ] {
        let error: Error = vault.with_header(name, "x").get(all_rows()).await.unwrap_err();
        assert_eq!(error.field(), Some(format!("headers.{}", name.to_ascii_lowercase()).as_str()));
        assert!(error.to_string().contains("managed by the client"), "{error}");
    }
    for value in ["", "a\r\nb: c", "caf\u{e9}"] {
        let error = vault.with_header("x-team", value).get(all_rows()).await.unwrap_err();
        assert_eq!(error.field(), Some("headers.x-team"));
        assert!(!format!("{error} {error:?}").contains("b: c"));
    }
}

#[tokio::test]
async fn headers_of_a_call_are_sent_with_it() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let transport = skyflow_tests::clients::service(move |request| {
        let team = request.headers().get("x-team").map(|team| team.to_str().unwrap().to_owned());
        noted.lock().unwrap().push(team);
        async { Ok(skyflow_http::Response::new(skyflow_http::Body::from("{\"records\":[]}"))) }
    });
    let vault = vault_over(transport);
    vault.with_header("X-Team", "a").with_header("x-team", "b").get(all_rows()).await.unwrap();
    vault.get(all_rows()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [Some("b".to_owned()), None]);
}

#[tokio::test]
async fn header_of_a_connection_request_wins() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let transport = skyflow_tests::clients::service(move |request| {
        noted.lock().unwrap().push(request.headers()["x-team"].to_str().unwrap().to_owned());
        async { Ok(skyflow_http::Response::default()) }
    });
    let config = skyflow::ConnectionConfig::new("c", "https://third.example/v1")
        .credentials(Credentials::api_key(skyflow_testkit::API_KEY).unwrap());
    let connection = over(transport).connection(config).build().unwrap().default_connection().unwrap();
    let connection = connection.with_header("x-team", "handle");
    connection.invoke(InvokeConnectionRequest::new(http::Method::GET)).await.unwrap();
    connection.invoke(InvokeConnectionRequest::get().header("x-team", "request")).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["handle", "request"]);
}

#[test]
fn options_hide_context_and_header_values() {
    let options = CallOptions::new().context("CANARY").header("x-team", "CANARY");
    assert!(!format!("{options:?}").contains("CANARY"));
}

#[tokio::test]
async fn journal_has_what_policies_would_see() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = client(&embedded, None);
    vault.get(all_rows()).await.unwrap();
    vault.with_context("user-7").get(all_rows()).await.unwrap();
    let nurse = json!({"role": "nurse", "ward": 7});
    let owner = embedded.role_id(Role::VaultOwner);
    let options = CallOptions::new().context(nurse.clone()).roles([owner]);
    vault.with_options(options).get(all_rows()).await.unwrap();

    let journal = embedded.journal();
    let reads = journal.iter().filter(|entry| entry.operation == Some(Operation::RecordsList.name()));
    let seen: Vec<_> = reads.map(|entry| entry.caller.context.clone()).collect();
    assert_eq!(seen, [None, Some(json!("user-7")), Some(nurse)]);
    assert_eq!(journal.last().unwrap().caller.roles, [Role::VaultOwner]);
    assert!(!format!("{journal:?}").contains("user-7"));
}
