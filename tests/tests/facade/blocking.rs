//! The synchronous API on every kind of thread, against servers that run elsewhere.

use std::sync::mpsc;
use std::thread;

use skyflow::{
    Credentials, DeidentifyFileRequest, ErrorKind, FileSource, GetRequest, InsertRequest, Redaction,
    RunStatus, VaultConfig, blocking,
};
use skyflow_emulator::{EmbeddedVault, Server};
use skyflow_http::{Body, BoxError, Request, Response};
use skyflow_testkit::API_KEY;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::clients::{CARD_NUMBER, INSERTED, insert_card};
use tokio::runtime::{Builder, Runtime};

/// A runtime for servers, apart from the threads that call.
fn elsewhere() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn embedded(servers: &Runtime) -> (Server, blocking::Vault) {
    let server = servers.block_on(async { EmbeddedVault::builder().build().unwrap().serve().await.unwrap() });
    let key = Credentials::api_key(server.vault().api_key().expose()).unwrap();
    let config = VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(key);
    let client = blocking::Skyflow::builder().vault(config).build_blocking().unwrap();
    (server, client.default_vault().unwrap())
}

/// Inserts a card and reads it again.
fn the_main_job(vault: &blocking::Vault) {
    let inserted = vault.insert(insert_card()).unwrap();
    let row = &inserted.inserted_fields[0];
    let by_id = GetRequest::new("table1").ids([&row.skyflow_id]).redaction(Redaction::PlainText);
    let stored = vault.get_one(by_id).unwrap();
    assert_eq!(stored.text("card_number").as_deref(), Some(CARD_NUMBER));
}

#[test]
fn blocking_calls_work_on_threads_of_all_kinds() {
    let servers = elsewhere();
    let (_server, vault) = embedded(&servers);
    the_main_job(&vault);
    for builder in [&mut Builder::new_current_thread(), &mut Builder::new_multi_thread()] {
        let callers = builder.enable_all().build().unwrap();
        let [inside, spawned, pooled] = [vault.clone(), vault.clone(), vault.clone()];
        callers.block_on(async {
            the_main_job(&inside);
            drop(inside);
        });
        callers.block_on(callers.spawn(async move { the_main_job(&spawned) })).unwrap();
        callers.block_on(callers.spawn_blocking(move || the_main_job(&pooled))).unwrap();
    }
    let callers = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let in_place = vault.clone();
    let task = callers.spawn(async move { tokio::task::block_in_place(|| the_main_job(&in_place)) });
    callers.block_on(task).unwrap();
    // The last handle, in a task.
    callers.block_on(async move { drop(vault) });
}

#[test]
fn threads_share_one_blocking_client() {
    let servers = elsewhere();
    let (server, vault) = embedded(&servers);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..10).for_each(|_| the_main_job(&vault)));
        }
    });
    let request = GetRequest::new("table1").all_rows();
    let rows: Result<Vec<_>, _> = vault.get_pages(request.clone()).collect();
    assert_eq!(rows.unwrap().len(), 160);
    let mut first_two = vault.get_pages(request.limit(2));
    assert_eq!(first_two.by_ref().map(Result::unwrap).count(), 2);
    assert!(first_two.next().is_none());

    let mut rows = vault.get_pages(GetRequest::new("no_such_table").all_rows());
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none(), "a failed page is the last element");
    assert!(server.vault().journal().len() >= 320);
}

/// A runtime that is driven during calls only would write the next request to the closed connection.
#[test]
fn blocking_insert_notices_closed_connections() {
    let servers = elsewhere();
    let (closed, is_closed) = mpsc::channel();
    let server = servers.block_on(RawServer::start(move |mut connection: Connection| {
        let closed = closed.clone();
        async move {
            connection.request().await;
            let length = INSERTED.len();
            connection.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{INSERTED}")).await;
            drop(connection);
            closed.send(()).unwrap();
        }
    }));
    let server = server.unwrap();
    let config = VaultConfig::with_base_url("vault1", server.url(""))
        .credentials(Credentials::api_key(API_KEY).unwrap());
    let client = blocking::Skyflow::builder().vault(config).build_blocking().unwrap();
    let vault = client.default_vault().unwrap();
    for call in 1..=40 {
        vault.insert(InsertRequest::new("table1").record(serde_json::json!({"name": "Ada"}))).unwrap();
        is_closed.recv().unwrap();
        assert_eq!(server.connections(), call);
    }
    assert_eq!(server.requests().len(), 40);
}

#[test]
fn blocking_poller_waits_for_runs() {
    let servers = elsewhere();
    let (_server, vault) = embedded(&servers);
    let directory = tempfile::tempdir().unwrap();
    let detect = vault.detect();
    let file = || DeidentifyFileRequest::new(FileSource::bytes("note.txt", "My name is Jane Doe."));
    let (seen, states) = mpsc::channel();
    let poller = detect.start_deidentify_file(file()).unwrap();
    let run_id = poller.run_id().to_owned();
    let run = poller
        .output_directory(directory.path(), "note.txt")
        .unwrap()
        .on_progress(move |run| seen.send(run.status.clone()).unwrap())
        .wait()
        .unwrap();
    assert_eq!((run.status, run.run_id), (RunStatus::Success, run_id.clone()));
    assert_eq!(states.iter().last(), Some(RunStatus::Success));
    assert!(run.saved.len() == run.outputs.len() && !run.saved.is_empty());
    assert_eq!(detect.run(run_id).unwrap().wait().unwrap().status, RunStatus::Success);
    assert_eq!(detect.deidentify_file(file()).unwrap().status, RunStatus::Success);
}

#[test]
fn blocking_call_inside_its_own_layer_fails() {
    let endpoint = EmbeddedVault::builder().build().unwrap().endpoint();
    let vault = blocking::Skyflow::connect(endpoint).unwrap().default_vault().unwrap();
    let inner = vault.clone();
    let layer = tower::layer::layer_fn(move |_| {
        let inner = inner.clone();
        tower::service_fn(move |_: Request| {
            let inner = inner.clone();
            async move {
                // As in a layer that gives work to a task of the client's runtime.
                let call = move || inner.get(GetRequest::new("table1").all_rows()).unwrap_err().kind();
                let kind = tokio::spawn(async move { call() }).await?;
                assert_eq!(kind, ErrorKind::Custom);
                Ok::<_, BoxError>(Response::new(Body::from("{}")))
            }
        })
    });
    // The response of the layer, which is none of a vault.
    let error = vault.with_layer(layer).get(GetRequest::new("table1").all_rows()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}
