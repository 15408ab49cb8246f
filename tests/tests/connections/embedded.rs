//! A client, the embedded vault, and a third party behind it, each on its own port.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skyflow::{
    ConnectionConfig, Credentials, ErrorKind, InsertRequest, InvokeConnectionRequest, Skyflow, VaultConfig,
};
use skyflow_emulator::{ConnectionSpec, EmbeddedVault, Server as Vault};
use skyflow_http::ManualClock;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection as Socket, RawServer};

fn spec(content_type: &str) -> ConnectionSpec {
    let json = json!({"name": "pay", "mode": "EGRESS", "routes": [{
        "path": "/pay", "method": "POST", "contentType": content_type,
        "requestBody": [{"action": "DETOKENIZATION", "fieldName": "card.number"}],
    }]});
    ConnectionSpec::from_json(&json).unwrap().with_id("pay")
}

async fn client(spec: ConnectionSpec, clock: Option<&ManualClock>) -> (Vault, Skyflow, String) {
    let path = spec.path();
    let mut builder = EmbeddedVault::builder().connection(spec);
    if let Some(clock) = clock {
        builder = builder.clock(Arc::new(clock.clone()));
    }
    let vault = builder.build().unwrap().serve().await.unwrap();
    // A service account: the token for the connection is minted and cached as for a vault.
    let credentials = Credentials::api_key(vault.vault().api_key().clone()).unwrap();
    let client = Skyflow::builder()
        .vault(VaultConfig::with_base_url(vault.vault().vault_id(), vault.base_url()))
        .connection(ConnectionConfig::new("pay", format!("{}{path}/pay", vault.base_url())))
        .credentials(credentials)
        .build()
        .unwrap();
    let row =
        InsertRequest::new("table1").record(json!({"card_number": "4111111111111111"})).return_tokens(true);
    let inserted = client.default_vault().unwrap().insert(row).await.unwrap();
    let token = inserted.inserted_fields[0].token("card_number").unwrap().to_string();
    (vault, client, token)
}

fn pay(token: &str) -> InvokeConnectionRequest {
    InvokeConnectionRequest::post().body(&json!({"card": {"number": token}}))
}

#[tokio::test]
async fn third_party_gets_no_token_and_no_metadata() {
    for (content_type, header) in
        [("JSON", "application/json"), ("X_WWW_FORM_URLENCODED", "application/x-www-form-urlencoded")]
    {
        let target = RawServer::repeating(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\npaid",
        )
        .await
        .unwrap();
        let spec = spec(content_type).with_target(&target.url("")).unwrap();
        let (_vault, client, token) = client(spec, None).await;
        let request = pay(&token).content_type(header).header("authorization", "Basic abc");
        let response = in_time(client.default_connection().unwrap().invoke(request)).await.unwrap();
        assert_eq!(response.data.as_text(), Some("paid"));
        assert!(response.metadata.request_id.is_some());
        let received = &target.requests()[0];
        let body = String::from_utf8(received.body.to_vec()).unwrap();
        assert!(body.contains("4111111111111111") && !body.contains(&token), "{body}");
        assert_eq!(received.headers["authorization"], "Basic abc");
        assert!(!received.headers.contains_key("x-skyflow-authorization"));
        assert!(!received.headers.contains_key("sky-metadata"));
    }
}

#[tokio::test]
async fn a_service_account_invokes_with_a_minted_token() {
    let (vault, _, _) = client(spec("JSON"), None).await;
    let credentials = Credentials::from_json(vault.credentials_json().expose()).unwrap();
    let url = format!("{}/v1/gateway/outboundRoutes/pay/pay", vault.base_url());
    let client = Skyflow::builder()
        .connection(ConnectionConfig::new("pay", url))
        .credentials(credentials)
        .build()
        .unwrap();
    let connection = client.default_connection().unwrap();
    let told: Value = connection.invoke(InvokeConnectionRequest::post()).await.unwrap().decode().unwrap();
    assert_eq!(told["method"], "POST");
    // The vault refuses the token and says that it was itself: one new token, one replay.
    vault.vault().revoke_bearer_tokens().unwrap();
    connection.invoke(InvokeConnectionRequest::post()).await.unwrap();
}

#[tokio::test]
async fn refusing_or_unreachable_target_is_at_fault() {
    let declined = "HTTP/1.1 402 Payment Required\r\ncontent-type: application/json\r\nerror-from-client: false\r\n\
        content-length: 18\r\n\r\n{\"code\":\"declined\"";
    let target =
        RawServer::repeating(format!("{declined}}}").replace("length: 18", "length: 19")).await.unwrap();
    let (_vault, client, token) = client(spec("JSON").with_target(&target.url("")).unwrap(), None).await;
    let error = in_time(client.default_connection().unwrap().invoke(pay(&token))).await.unwrap_err();
    assert_eq!(
        (error.http_code(), error.error_from_client()),
        (Some(402), Some(true)),
        "a target cannot clear itself"
    );
    assert_eq!(error.expose_server_body(), br#"{"code":"declined"}"#);

    let nobody = ClosedPort::new().unwrap();
    let nowhere = format!("http://{}", nobody.address());
    let (_vault, client, token) = self::client(spec("JSON").with_target(&nowhere).unwrap(), None).await;
    let error = in_time(client.default_connection().unwrap().invoke(pay(&token))).await.unwrap_err();
    assert_eq!((error.http_code(), error.error_from_client()), (Some(502), Some(true)));
    assert_eq!(error.attempts(), 1);
    let error = in_time(client.default_connection().unwrap().invoke(pay("no token"))).await.unwrap_err();
    assert_eq!((error.http_code(), error.error_from_client()), (Some(400), Some(false)));
}

#[tokio::test]
async fn vault_follows_no_redirect_and_waits_30_s() {
    let moved = "HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/x\r\ncontent-length: 0\r\n\r\n";
    let target = RawServer::repeating(moved).await.unwrap();
    let (_vault, client, token) = client(spec("JSON").with_target(&target.url("")).unwrap(), None).await;
    let error = in_time(client.default_connection().unwrap().invoke(pay(&token))).await.unwrap_err();
    assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(307)));
    assert_eq!(target.requests().len(), 1);

    let clock = ManualClock::new();
    let silent = RawServer::start(|mut socket: Socket| async move {
        socket.request().await;
        socket.closed_by_client().await;
    })
    .await
    .unwrap();
    let spec = spec("JSON").with_target(&silent.url("")).unwrap();
    let (_vault, client, token) = self::client(spec, Some(&clock)).await;
    let call = tokio::spawn(async move { client.default_connection().unwrap().invoke(pay(&token)).await });
    in_time(silent.received(1)).await;
    until(|| clock.sleepers() > 0).await;
    clock.advance(Duration::from_secs(30));
    let error = in_time(call).await.unwrap().unwrap_err();
    assert_eq!((error.http_code(), error.error_from_client()), (Some(504), Some(true)));
}
