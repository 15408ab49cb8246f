//! Rows in the caller's own type, read in one pass.

use serde::Deserialize;
use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction, blocking};
use skyflow_emulator::EmbeddedVault;
use skyflow_tests::clients::{in_process, responding, vault_over};

#[derive(Debug, PartialEq, Deserialize)]
struct Person {
    skyflow_id: String,
    name: Option<String>,
}

fn insert(rows: usize) -> InsertRequest {
    InsertRequest::new("persons").records((0..rows).map(|row| json!({"name": format!("Jane {row}")})))
}

#[tokio::test]
async fn typed_rows_are_those_of_the_embedded_vault() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let vault = in_process(&embedded);
    for go_on in [false, true] {
        let request = insert(3).return_tokens(true).continue_on_error(go_on);
        let inserted = vault.insert_as::<Person>(request).await.unwrap();
        assert_eq!((inserted.rows.len(), inserted.errors.len()), (3, 0));
        assert!(inserted.request_id.is_some());
        let ids = inserted.rows.iter().map(|row| row.skyflow_id.as_str());
        let found = GetRequest::new("persons").ids(ids).redaction(Redaction::PlainText);
        let mut found = vault.get_as::<Person>(found).await.unwrap();
        found.rows.sort_by(|one, other| one.name.cmp(&other.name));
        let expected = inserted.rows.iter().enumerate().map(|(row, inserted)| Person {
            skyflow_id: inserted.skyflow_id.clone(),
            name: Some(format!("Jane {row}")),
        });
        assert_eq!(found.rows, expected.collect::<Vec<_>>());
        assert!(
            inserted.rows.iter().all(|row| row.name.as_ref().is_some_and(|token| !token.contains("Jane")))
        );
    }
    // Without tokens a row has its id alone.
    let inserted = vault.insert_as::<Person>(insert(1)).await.unwrap();
    assert_eq!(inserted.rows[0].name, None);
}

#[tokio::test]
async fn misfit_in_an_insert_loses_no_other_row() {
    let body = r#"{"records":[{"skyflow_id":"a","tokens":{"name":"t"}},{"skyflow_id":"b","tokens":{"name":[1]}},{}]}"#;
    let vault = vault_over(responding(200, Some("application/json"), body.to_owned()));
    let inserted = vault.insert_as::<Person>(insert(3).return_tokens(true)).await.unwrap();
    assert_eq!(inserted.rows, [Person { skyflow_id: "a".into(), name: Some("t".into()) }]);
    let errors: Vec<_> =
        inserted.errors.iter().map(|error| (error.request_index, error.skyflow_id.as_deref())).collect();
    assert_eq!(errors, [(1, Some("b")), (2, None)]);
    assert_eq!(inserted.errors[0].error, "the row does not fit the requested type");
    assert!(!format!("{inserted:?}").contains("\"t\""));
}

#[tokio::test]
async fn response_with_fewer_rows_names_the_missing() {
    let body = r#"{"records":[{"skyflow_id":"a","tokens":null}]}"#;
    let vault = vault_over(responding(200, Some("application/json"), body.to_owned()));
    let inserted = vault.insert_as::<Person>(insert(2)).await.unwrap();
    assert_eq!((inserted.rows.len(), inserted.errors.len(), inserted.errors[0].request_index), (1, 1, 1));
    let body = r#"{"records":[{"skyflow_id":"a","tokens":null},{"skyflow_id":"b","tokens":null}]}"#;
    let vault = vault_over(responding(200, Some("application/json"), body.to_owned()));
    let error = vault.insert_as::<Person>(insert(1)).await.unwrap_err();
    assert!(error.may_have_been_applied() && error.request_id().is_some());
}

#[tokio::test]
async fn misfit_in_a_get_is_beside_the_others() {
    let body = r#"{"records":[{"fields":{"skyflow_id":"a","name":"x"}},{"fields":{"name":"y"}},7]}"#;
    let vault = vault_over(responding(200, Some("application/json"), body.to_owned()));
    let found = vault.get_as::<Person>(GetRequest::new("persons").all_rows()).await.unwrap();
    assert_eq!(found.rows, [Person { skyflow_id: "a".into(), name: Some("x".into()) }]);
    let messages: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
    assert!(messages[0].contains("records[1]: the row lacks the field `skyflow_id`"), "{messages:?}");
    assert!(messages[1].contains("element 2 of the response"), "{messages:?}");
}

#[test]
fn typed_rows_of_the_blocking_client() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let client = blocking::Skyflow::connect(embedded.endpoint()).unwrap();
    let vault = client.default_vault().unwrap();
    let inserted = vault.insert_as::<Person>(insert(2)).unwrap();
    let ids = inserted.rows.into_iter().map(|row| row.skyflow_id);
    assert_eq!(vault.get_as::<Person>(GetRequest::new("persons").ids(ids)).unwrap().rows.len(), 2);
}
