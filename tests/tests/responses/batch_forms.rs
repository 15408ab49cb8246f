//! Both forms of a batch entry, of all methods, whatever was asked for.

use serde_json::{Value, json};
use skyflow::{BatchOperation, BatchRequest, InsertRequest, Vault};
use skyflow_emulator::EmbeddedVault;
use skyflow_tests::clients::in_process;

use crate::vault_responding;

/// The single operations' own responses to [`every_method`].
fn plain() -> [Value; 4] {
    [
        json!({"records": [{"skyflow_id": "new", "tokens": {"name": "t-name", "address": {"city": "t-city"}}}]}),
        json!({"skyflow_id": "b", "tokens": {"name": "t-b"}}),
        json!({"fields": {"skyflow_id": "c", "name": "Jane"}, "tokens": {"name": "t-c"}, "fileMetadata": {"scan": {"fileName": "a.pdf"}}}),
        json!({"skyflow_id": "d", "deleted": true}),
    ]
}

fn every_method(go_on: bool) -> BatchRequest {
    BatchRequest::new([
        BatchOperation::insert("t", json!({"name": "x"})).return_tokens(true),
        BatchOperation::update("t", "b", json!({"name": "y"})).return_tokens(true),
        BatchOperation::get("t", "c"),
        BatchOperation::delete("t", "d"),
    ])
    .continue_on_error(go_on)
}

/// Puts a response into the form that belongs to `continueOnError`.
fn wrapped(status: u16, body: &Value) -> Value {
    json!({"Status": status, "Body": body})
}

async fn assert_every_member_arrives(vault: Vault, go_on: bool, code: u16) {
    let outcomes = vault.batch(every_method(go_on)).await.unwrap().outcomes;
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.iter().all(|outcome| outcome.http_code == Some(code)));
    let rows: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().unwrap()).collect();
    let ids: Vec<_> = rows.iter().map(|row| row.skyflow_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["new", "b", "c", "d"]);
    let tokens: Vec<_> =
        rows.iter().take(3).map(|row| row.tokens.as_ref().unwrap().text("name").unwrap()).collect();
    assert_eq!(tokens, ["t-name", "t-b", "t-c"]);
    let nested: Value = rows[0].tokens.as_ref().unwrap().get("address").unwrap().unwrap();
    assert_eq!(nested, json!({"city": "t-city"}));
    assert_eq!(rows[2].fields.as_ref().unwrap().text("name").unwrap(), "Jane");
    let files: Value = rows[2].file_metadata.as_ref().unwrap().get("scan").unwrap().unwrap();
    assert_eq!(files["fileName"], "a.pdf");
    let raw: Value = serde_json::from_str(outcomes[3].raw().unwrap()).unwrap();
    assert!(raw.to_string().contains("\"deleted\":true"));
}

#[tokio::test]
async fn plain_entries_of_all_methods_are_read() {
    for http in [200, 207] {
        for go_on in [false, true] {
            let vault = vault_responding(http, &json!({"vaultID": "v", "responses": plain()}));
            assert_every_member_arrives(vault, go_on, http).await;
        }
    }
}

#[tokio::test]
async fn wrapped_entries_of_all_methods_are_read() {
    for http in [200, 207] {
        for go_on in [false, true] {
            let entries = plain().map(|body| wrapped(201, &body));
            let vault = vault_responding(http, &json!({"vaultID": "v", "responses": entries}));
            assert_every_member_arrives(vault, go_on, 201).await;
        }
    }
}

#[tokio::test]
async fn entries_of_both_forms_may_be_mixed() {
    let [post, put, get, delete] = plain();
    let mut split = post.clone();
    split["Status"] = 200.into();
    for entries in [
        json!([post, wrapped(200, &put), get, wrapped(200, &delete)]),
        json!([wrapped(200, &post), put, wrapped(200, &get), delete]),
        // A status beside plain members, and a body without one.
        json!([split, {"Body": put}, {"Body": get, "Status": "200"}, delete]),
    ] {
        let vault = vault_responding(200, &json!({"responses": entries}));
        assert_every_member_arrives(vault, true, 200).await;
    }
}

#[tokio::test]
async fn insert_reads_plain_entries_of_the_batch() {
    let entries = json!([
        {"records": [{"skyflow_id": "a", "tokens": {"n": "t"}}]},
        {"error": "no such column"},
        {"records": [{"fields": {"skyflow_id": "c"}}]},
        {"error": {"message": "taken", "http_code": 409}},
    ]);
    let request = InsertRequest::new("t").records((0..4).map(|n| json!({"n": n}))).continue_on_error(true);
    let response = vault_responding(207, &json!({"responses": entries})).insert(request).await.unwrap();
    let ids: Vec<_> =
        response.inserted_fields.iter().map(|row| (row.request_index, row.skyflow_id.as_str())).collect();
    assert_eq!(ids, [(0, "a"), (2, "c")]);
    let errors: Vec<_> =
        response.errors.iter().map(|row| (row.request_index, row.error.as_str(), row.http_code)).collect();
    assert_eq!(errors, [(1, "no such column", Some(207)), (3, "taken", Some(409))]);
}

#[tokio::test]
async fn absent_ids_are_those_of_the_request() {
    for entries in [
        json!([{"tokens": {"name": "t"}}, {"deleted": true}, {"fields": {"name": "x"}}]),
        json!([{"skyflow_id": null, "tokens": null}, {"skyflow_id": null, "deleted": true}, {"fields": null}]),
        json!([{"Status": 200}, {"Status": 200, "Body": {}}, {"Status": 200, "Body": {"fields": {}}}]),
    ] {
        let request = BatchRequest::new([
            BatchOperation::update("t", "a", json!({"name": "x"})),
            BatchOperation::delete("t", "b"),
            BatchOperation::get("t", "c"),
        ]);
        let outcomes =
            vault_responding(200, &json!({"responses": entries})).batch(request).await.unwrap().outcomes;
        let ids: Vec<_> =
            outcomes.iter().map(|outcome| outcome.result.as_ref().unwrap().skyflow_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), Some("b"), Some("c")], "{entries}");
    }
}

#[tokio::test]
async fn failed_entries_say_why_and_name_their_row() {
    let entries = json!([
        {"Status": 404, "Body": {"error": "no such row"}},
        {"Status": 500, "Body": "text instead"},
        {"Status": 200, "Body": {"error": "stored, but", "records": [{"skyflow_id": "a"}]}},
        {"skyflow_id": "d", "deleted": false},
        {"error": null, "records": null},
    ]);
    let delete = |id: &str| BatchOperation::delete("t", id);
    let insert = || BatchOperation::insert("t", json!({"n": 1}));
    let request = BatchRequest::new([delete("x"), insert(), insert(), delete("d"), insert()]);
    let outcomes =
        vault_responding(200, &json!({"responses": entries})).batch(request).await.unwrap().outcomes;
    let failures: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let error = outcome.result.as_ref().unwrap_err();
            (outcome.http_code, error.message(), error.skyflow_id())
        })
        .collect();
    assert_eq!(failures[0], (Some(404), "no such row", None));
    assert_eq!(failures[1], (Some(500), "text instead", None));
    assert_eq!(failures[2], (Some(200), "stored, but", Some("a")));
    assert_eq!((failures[3].0, failures[3].2), (Some(200), Some("d")));
    assert_eq!(failures[4], (None, "the response does not say what became of this row", None));
}

#[tokio::test]
async fn further_rows_of_an_entry_are_kept() {
    let records = json!([{"skyflow_id": "a"}, {"fields": {"skyflow_id": "inner"}, "skyflow_id": "b"}]);
    let request = BatchRequest::new([BatchOperation::insert("t", json!({"n": 1}))]);
    let vault = vault_responding(200, &json!({"responses": [{"records": records}]}));
    let row = vault.batch(request).await.unwrap().outcomes.remove(0).result.unwrap();
    assert_eq!(row.skyflow_id.as_deref(), Some("a"));
    assert_eq!(row.further_rows[0].skyflow_id.as_deref(), Some("b"));
    assert_eq!(row.further_rows[0].fields.as_ref().unwrap().skyflow_id().as_deref(), Some("inner"));
}

#[tokio::test]
async fn embedded_vault_is_read_in_both_forms() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = in_process(&embedded);
    let card = json!({"name": "Ada"});
    let stored = vault.insert(InsertRequest::new("table1").record(&card).record(&card)).await.unwrap();
    let [first, second] = stored.inserted_fields.as_slice() else { panic!("two rows") };
    for (go_on, gone) in [(false, &first.skyflow_id), (true, &second.skyflow_id)] {
        let request = BatchRequest::new([
            BatchOperation::insert("table1", json!({"name": "Grace"})).return_tokens(true),
            BatchOperation::update("table1", gone, json!({"name": "Alan"})),
            BatchOperation::get("table1", gone),
            BatchOperation::delete("table1", gone),
        ]);
        let outcomes = vault.batch(request.continue_on_error(go_on)).await.unwrap().outcomes;
        let rows: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().unwrap()).collect();
        assert!(rows[0].tokens.as_ref().unwrap().text("name").is_some());
        assert!(rows.iter().skip(1).all(|row| row.skyflow_id.as_ref() == Some(gone)));
        assert!(outcomes.iter().all(|outcome| outcome.http_code == Some(200)));
    }
}
