use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use skyflow::InsertRequest;
use skyflow::metrics::BATCH_ROWS;
use skyflow_testkit::{Reply, Scripted};
use skyflow_tests::clients::{INSERTED, vault_over};

#[tokio::test]
async fn insert_records_duration_and_rows() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let reply = Reply::status(200).header("content-type", "application/json").body(INSERTED);
    let vault = vault_over(Scripted::new([reply]).service());
    let card = json!({"card_number": "4111111111111111"});
    vault.insert(InsertRequest::new("cards").record(card)).await.unwrap();

    let values = snapshotter.snapshot().into_vec();
    let of = |name: &str| {
        let found = values.iter().find(|(key, ..)| key.key().name() == name);
        let (key, _, _, value) = found.unwrap_or_else(|| panic!("{name} in {values:#?}"));
        let mut labels: Vec<_> =
            key.key().labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
        labels.sort();
        (labels, value)
    };
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (labels, rows) = of(BATCH_ROWS.name);
    let common = [
        label("db.collection.name", "cards"),
        label("db.operation.name", "records.insert"),
        label("db.system.name", "skyflow"),
    ];
    assert_eq!(labels, common);
    assert!(matches!(rows, DebugValue::Histogram(rows) if rows.len() == 1 && rows[0].0 == 1.0));
    let (labels, _) = of("db.client.operation.duration");
    let [collection, operation, system] = common;
    let status = label("db.response.status_code", "200");
    assert_eq!(labels, [collection, label("db.namespace", "vault1"), operation, status, system]);
    assert!(!format!("{values:?}").contains("4111"));
}
