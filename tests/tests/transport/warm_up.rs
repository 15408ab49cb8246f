use serde_json::json;
use skyflow::http::{Proxies, Transport};
use skyflow::{Credentials, ErrorKind, InsertRequest, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;

fn transport() -> Transport {
    Transport::builder().proxies(Proxies::none()).build()
}

#[tokio::test]
async fn warm_client_opens_and_mints_nothing_more() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let credentials = Credentials::from_json(server.credentials_json().expose()).unwrap();
    let config = VaultConfig::with_base_url(vault.vault_id(), server.base_url()).credentials(credentials);
    let connections = transport();
    let client = Skyflow::builder().vault(config).transport(connections.clone()).build().unwrap();
    client.warm_up().await.unwrap();
    let (opened, exchanges) = (connections.connections_opened(), vault.journal().len());
    assert_eq!(exchanges, 1, "the token exchange, and no operation");
    assert!(opened >= 1);

    client.warm_up().await.unwrap();
    let row = json!({"name": "Ada"});
    client.default_vault().unwrap().insert(InsertRequest::new("table1").record(row)).await.unwrap();
    assert_eq!(connections.connections_opened(), opened);
    assert_eq!(vault.journal().len(), exchanges + 1);
}

#[tokio::test]
async fn warm_up_reports_an_unreachable_server() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let key = Credentials::api_key(skyflow_testkit::API_KEY).unwrap();
    let config = VaultConfig::with_base_url("vault1", format!("http://{closed}")).credentials(key);
    let client = Skyflow::builder().vault(config).transport(transport()).build().unwrap();
    let error = client.warm_up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
}

#[tokio::test]
async fn relative_uri_cannot_be_warmed_up() {
    let error = transport().warm_up(&"/v1".parse().unwrap()).await.unwrap_err();
    assert!(!error.may_have_been_applied());
}
