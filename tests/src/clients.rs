//! Clients over the embedded vault, or over a service of the test's own.

use bytes::Bytes;
use skyflow::{Credentials, InsertRequest, Skyflow, SkyflowBuilder, Vault, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{BoxError, HttpService, Request, Response};
use skyflow_testkit::{API_KEY, Reply, Scripted};

/// The card number of the examples.
pub const CARD_NUMBER: &str = "4111111111111111";
/// The cardholder of the examples.
pub const CARDHOLDER: &str = "John Doe";
/// The token URI of a service account whose requests stay in this process.
pub const TOKEN_URI: &str = "https://manage.skyflowapis.com/v1/auth/sa/oauth/token";
/// The request id of the responses of [`responding`].
pub const REQUEST_ID: &str = "req-7f3a";

/// Starts a client whose requests go to `transport` instead of the network.
pub fn over(transport: HttpService) -> SkyflowBuilder {
    Skyflow::builder().transport(transport)
}

/// Makes a vault over `transport`, with the default stack and an API key.
pub fn vault_over(transport: HttpService) -> Vault {
    let config = VaultConfig::new("vault1", "cluster1").credentials(Credentials::api_key(API_KEY).unwrap());
    over(transport).vault(config).build().unwrap().default_vault().unwrap()
}

/// A vault whose calls go to the embedded vault without a socket, with the owner's API key.
pub fn in_process(vault: &EmbeddedVault) -> Vault {
    Skyflow::connect(vault.endpoint()).unwrap().default_vault().unwrap()
}

/// Asks to insert the card of the examples.
pub fn insert_card() -> InsertRequest {
    let card = serde_json::json!({"card_number": CARD_NUMBER, "cardholder_name": CARDHOLDER});
    InsertRequest::new("table1").record(card).return_tokens(true)
}

/// Makes a service that computes each response from its request.
pub fn service<F, Fut>(response: F) -> HttpService
where
    F: Fn(Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, BoxError>> + Send + 'static,
{
    HttpService::new(tower::service_fn(response))
}

/// Makes a transport that yields before and after each request.
pub fn yielding(vault: &EmbeddedVault) -> HttpService {
    let vault = HttpService::new(vault.service());
    service(move |request: Request| {
        let vault = vault.clone();
        async move {
            tokio::task::yield_now().await;
            let response = vault.send(request).await?;
            tokio::task::yield_now().await;
            Ok::<Response, BoxError>(response)
        }
    })
}

/// A service that gives every request the same response, with [`REQUEST_ID`].
pub fn responding(status: u16, content_type: Option<&str>, body: impl Into<Bytes>) -> HttpService {
    let mut reply = Reply::status(status).header("x-request-id", REQUEST_ID).body(body);
    if let Some(content_type) = content_type {
        reply = reply.header("content-type", content_type);
    }
    Scripted::new([reply]).service()
}

/// The response of a vault to an insert of one row.
pub const INSERTED: &str = r#"{"records":[{"skyflow_id":"id-1","tokens":null}]}"#;
