use skyflow::http::{DynLayer, HttpService, OperationInfo, Request};
use skyflow::{ConnectionConfig, Credentials, ErrorKind, InvokeConnectionRequest, Skyflow, VaultConfig};
use tower::ServiceExt;

use skyflow_testkit::Scripted;

use crate::third_party::{Clients, URL, ok};

fn url(host: &str) -> String {
    format!("https://{host}.example/route")
}

fn key(n: u8) -> Credentials {
    Credentials::api_key(format!("sky-ab123-{n:032}")).unwrap()
}

async fn call(client: &Skyflow, id: &str) {
    client.connection(id).unwrap().invoke(InvokeConnectionRequest::get()).await.unwrap();
}

#[tokio::test]
async fn client_may_have_connections_only() {
    let third_party = Scripted::new([ok()]);
    let client = third_party
        .builder()
        .connection(ConnectionConfig::new("b", url("b")))
        .connection(ConnectionConfig::new("a", url("a")))
        .build()
        .unwrap();
    assert_eq!(client.default_connection().unwrap().id().as_str(), "b");
    assert_eq!(client.default_vault().unwrap_err().field(), Some("vault_id"));
    client.remove_connection_config("b").unwrap();
    assert_eq!(client.default_connection().unwrap().id().as_str(), "a");
    client.remove_connection_config("a").unwrap();
    assert_eq!(client.default_connection().unwrap_err().field(), Some("connection_id"));
    assert!(Skyflow::builder().build().is_err(), "neither vault nor connection");
}

#[tokio::test]
async fn unknown_connection_is_an_error_in_every_call() {
    let client = Scripted::new([ok()]).builder().connection(ConnectionConfig::new("a", URL)).build().unwrap();
    assert_eq!(client.connection("x").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(client.connection_config("x").is_none() && client.connection_config("a").is_some());
    assert!(client.remove_connection_config("x").is_err());
    assert!(client.update_connection_config(ConnectionConfig::new("x", URL)).is_err());
    assert!(client.add_connection_config(ConnectionConfig::new("a", URL)).is_err());
    assert_eq!(client.connection_ids().len(), 1);
}

#[tokio::test]
async fn own_credentials_override_shared_credentials() {
    let third_party = Scripted::new([ok()]);
    let client = third_party
        .builder()
        .vault(VaultConfig::new("v", "c"))
        .credentials(key(9))
        .connection(ConnectionConfig::new("own", URL).credentials(key(1)))
        .connection(ConnectionConfig::new("common", URL))
        .build()
        .unwrap();
    call(&client, "own").await;
    call(&client, "common").await;
    client.set_credentials(key(2)).unwrap();
    call(&client, "own").await;
    call(&client, "common").await;
    client.update_connection_config(ConnectionConfig::new("own", url("other")).credentials(key(3))).unwrap();
    call(&client, "own").await;
    let sent = third_party.requests();
    let tokens: Vec<_> =
        sent.iter().map(|sent| sent.header("x-skyflow-authorization").chars().last().unwrap()).collect();
    assert_eq!(tokens, ['1', '9', '1', '2', '3']);
    assert_eq!(sent[4].host(), "other.example");
}

#[tokio::test]
async fn handle_keeps_its_initial_configuration() {
    let third_party = Scripted::new([ok()]);
    let client = third_party.builder().connection(ConnectionConfig::new("c", url("before"))).build().unwrap();
    let before = client.connection("c").unwrap();
    client.update_connection_config(ConnectionConfig::new("c", url("after"))).unwrap();
    before.invoke(InvokeConnectionRequest::get()).await.unwrap();
    call(&client, "c").await;
    client.remove_connection_config("c").unwrap();
    before.invoke(InvokeConnectionRequest::get()).await.unwrap();
    let hosts: Vec<_> = third_party.requests().into_iter().map(|sent| sent.host().to_owned()).collect();
    assert_eq!(hosts, ["before.example", "after.example", "before.example"]);
}

#[tokio::test]
async fn failed_change_leaves_the_client_unchanged() {
    let client = Scripted::new([ok()]).builder().connection(ConnectionConfig::new("c", URL)).build().unwrap();
    for (id, url, field) in [
        ("d", "", "connection_url"),
        ("d", "http://h.example/x", "connection_url"),
        ("d", "https://h.example/x?y=1", "connection_url"),
        ("", URL, "connection_id"),
        (" ", URL, "connection_id"),
    ] {
        let error = client.add_connection_config(ConnectionConfig::new(id, url)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{id:?} {url:?}");
    }
    assert!(client.set_credentials(Credentials::from_path("does/not/exist.json")).is_err());
    call(&client, "c").await;
    assert_eq!(client.connection_ids().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn configuration_changes_during_a_thousand_calls() {
    let third_party = Scripted::new([ok()]);
    let client = third_party.builder().connection(ConnectionConfig::new("c", url("h0"))).build().unwrap();
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                if n % 10 == 0 {
                    client
                        .update_connection_config(ConnectionConfig::new("c", url(&format!("h{n}"))))
                        .unwrap();
                }
                call(&client, "c").await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(third_party.requests().len(), 1_000);
}

#[tokio::test]
async fn layers_see_the_named_call_in_their_order() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let named = |name: &'static str| {
        let seen = seen.clone();
        DynLayer::from_fn(move |inner: HttpService| {
            let seen = seen.clone();
            inner.map_request(move |request: Request| {
                assert_eq!(OperationInfo::of(request.extensions()).unwrap().name, "connections.invoke");
                seen.lock().unwrap().push(name);
                request
            })
        })
    };
    let third_party = Scripted::new([ok()]);
    let config = ConnectionConfig::new("c", URL).layer(named("connection"));
    let client = third_party
        .builder()
        .layer(named("client"))
        .attempt_layer(named("attempt"))
        .connection(config)
        .build();
    let connection = client.unwrap().default_connection().unwrap().with_layer(named("handle"));
    connection.invoke(InvokeConnectionRequest::get()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["handle", "client", "connection", "attempt"]);
}
