//! The order of the records of a get.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use support::Client;

/// A vault with five records, and the query parts that name them in the order of insertion.
async fn five() -> (Client, Vec<String>, Vec<(String, String)>) {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let rows: Vec<Value> = (0..5).map(|n| json!({"email": format!("{n}@b.com")})).collect();
    let inserted = client.insert("table1", &rows).await;
    let ids: Vec<String> =
        inserted.iter().map(|row| row["skyflow_id"].as_str().unwrap().to_owned()).collect();
    let by_id = ids.iter().map(|id| format!("&skyflow_ids={id}")).collect::<String>();
    let values: String = (0..5).map(|n| format!("&column_values={n}%40b.com")).collect();
    let by_value = format!("&column_name=email{values}");
    (client, ids, vec![("ids".to_owned(), by_id), ("column values".to_owned(), by_value)])
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    let body = client.get(&format!("/table1?redaction=PLAIN_TEXT{query}")).await.ok();
    let records = body["records"].as_array().unwrap();
    records.iter().map(|record| record["fields"]["skyflow_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn order_by_sorts_named_rows_before_the_page() {
    let (client, ids, selections) = five().await;
    let mut ascending = ids.clone();
    ascending.sort();
    let descending: Vec<String> = ascending.iter().rev().cloned().collect();
    for (name, selection) in selections {
        for (order, expected) in [
            ("", &ids),
            ("&order_by=NONE", &ids),
            ("&order_by=null", &ids),
            ("&order_by=ASCENDING", &ascending),
            ("&order_by=ascending", &ascending),
            ("&order_by=DESCENDING", &descending),
        ] {
            assert_eq!(listed(&client, &format!("{selection}{order}")).await, *expected, "{name} {order}");
            let page = listed(&client, &format!("{selection}{order}&offset=1&limit=2")).await;
            assert_eq!(page, expected[1..3], "{name} {order}");
        }
    }
    client.get("/table1?order_by=UPWARDS").await.error(400);
}

#[tokio::test]
async fn pages_of_a_table_follow_order_by() {
    let (client, ids, _) = five().await;
    let mut ascending = ids.clone();
    ascending.sort();
    assert_eq!(listed(&client, "").await, ascending);
    assert_eq!(listed(&client, "&order_by=NONE").await, ids);
    assert_eq!(listed(&client, "&order_by=DESCENDING&limit=1.0").await, ascending[4..]);
    assert_eq!(listed(&client, "&limit=100").await.len(), 5);
}
