//! One program with a client of each product, and one pool of connections.

use scaivault::Client;
use skyflow::http::Transport;
use skyflow::{Credentials, GetRequest, Skyflow, VaultConfig};
use skyflow_testkit::raw_server::RawServer;

/// A server of both products, which keeps its connections open.
async fn server() -> RawServer {
    RawServer::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let body = match request.target.starts_with("/v1/secrets/") {
                true => r#"{"path":"app/db","version":3,"secret_type":"kv","data":{"a":"b"}}"#,
                false => r#"{"records":[{"fields":{"skyflow_id":"1","name":"n"}}]}"#,
            };
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            connection.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
        }
    })
    .await
    .unwrap()
}

fn clients(server: &RawServer, of_each: impl Fn() -> Transport) -> (Client, Skyflow) {
    let scaivault = Client::builder()
        .base_url(server.url(""))
        .environment(|_| None)
        .token("skt_of-scaivault")
        .transport(of_each())
        .build()
        .unwrap();
    let credentials = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef").unwrap();
    let vault = VaultConfig::with_base_url("vault1", server.url("")).credentials(credentials);
    let skyflow = Skyflow::builder().vault(vault).transport(of_each()).build().unwrap();
    (scaivault, skyflow)
}

async fn call_both(scaivault: &Client, skyflow: &Skyflow) {
    let vault = skyflow.default_vault().unwrap();
    for _ in 0..5 {
        assert_eq!(scaivault.secrets().read("app/db").await.unwrap().version, 3);
        let rows = vault.get(GetRequest::new("table1").ids(["1"])).await.unwrap();
        assert_eq!(rows.records::<serde_json::Value>().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn clients_of_both_products_share_connections() {
    let server = server().await;
    let transport = Transport::new();
    let (scaivault, skyflow) = clients(&server, || transport.clone());
    call_both(&scaivault, &skyflow).await;
    assert_eq!((server.connections(), server.requests().len()), (1, 10));
    // Each sends its own credentials over the shared connection.
    for request in server.requests() {
        let is_scaivault = request.target.starts_with("/v1/secrets/");
        let authorization = request.headers["authorization"].to_str().unwrap();
        assert_eq!(authorization == "Bearer skt_of-scaivault", is_scaivault, "{}", request.target);
    }
}

#[tokio::test]
async fn separate_transports_share_no_connection() {
    let server = server().await;
    let (scaivault, skyflow) = clients(&server, Transport::new);
    call_both(&scaivault, &skyflow).await;
    assert_eq!(server.connections(), 2, "the test above can fail");
}
