//! Skyflow's subset of SQL.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use serde_json::{Value, json};
use skyflow_emulator::{Column, ColumnOperation, DataType, EmbeddedVault, NewServiceAccount, Role, Table};
use support::{Client, Response};

async fn people() -> Client {
    let orders = Table::new("orders")
        .column(Column::string("person"))
        .column(Column::new("amount", DataType::Int32).redacted());
    let client = Client::new(&EmbeddedVault::builder().table(orders).build().unwrap());
    let rows = [("Ada", "CA", 36), ("Grace", "NY", 85), ("ada%", "CA", 1), ("Joan", "TX", 60)];
    let rows: Vec<Value> = rows
        .iter()
        .map(|(name, state, age)| json!({"name": name, "state": state, "age": age, "card_number": "4111111111111111"}))
        .collect();
    client.insert("table1", &rows).await;
    client
        .insert("orders", &[json!({"person": "Ada", "amount": 5}), json!({"person": "Unknown", "amount": 7})])
        .await;
    client
}

async fn run(client: &Client, query: &str) -> Response {
    client.post("/query", json!({ "query": query })).await
}

/// The values of one column of the response.
async fn values(client: &Client, query: &str, column: &str) -> Vec<Value> {
    let response = run(client, query).await.ok();
    response["records"].as_array().unwrap().iter().map(|record| record["fields"][column].clone()).collect()
}

#[tokio::test]
async fn conditions_select_rows() {
    let client = people().await;
    for (condition, expected) in [
        ("name = 'Ada'", vec!["Ada"]),
        ("name = \"Ada\"", vec!["Ada"]),
        ("\"name\" = 'Ada'", vec!["Ada"]),
        ("name <> 'Ada' AND NOT state = 'CA'", vec!["Grace", "Joan"]),
        ("age > 36 AND (state = 'NY' OR state = 'TX')", vec!["Grace", "Joan"]),
        ("age >= 36 AND age < 60", vec!["Ada"]),
        ("age > -1 AND age <= 1", vec!["ada%"]),
        ("name LIKE 'A%'", vec!["Ada"]),
        ("name ILIKE 'A%'", vec!["Ada", "ada%"]),
        ("name NOT ILIKE 'a%'", vec!["Grace", "Joan"]),
        ("email IS NULL AND name IS NOT NULL AND state = 'TX'", vec!["Joan"]),
        ("table1.name = 'Joan'", vec!["Joan"]),
        ("name = 'it''s'", vec![]),
    ] {
        let query = format!("select name from \"table1\" where {condition};");
        assert_eq!(values(&client, &query, "name").await, expected, "{condition}");
    }
}

#[tokio::test]
async fn query_applies_column_policy_and_redaction() {
    let client = people().await;
    let query = "SELECT card_number, name AS who, redaction(card_number, 'PLAIN_TEXT') AS card FROM table1 WHERE name = 'Ada'";
    let fields = run(&client, query).await.ok()["records"][0]["fields"].clone();
    assert_eq!(fields, json!({"card_number": "XXXXXXXXXXXX1111", "who": "Ada", "card": "4111111111111111"}));
    assert_eq!(values(&client, "SELECT name AS \"a.b\" FROM table1 LIMIT 1", "a.b").await.len(), 1);
    let plain = "SELECT REDACTION(card_number, 'PLAIN_TEXT') FROM table1 WHERE name = 'Ada'";
    assert_eq!(values(&client, plain, "card_number").await, ["4111111111111111"]);

    let all = run(&client, "SELECT * FROM table1 WHERE name = 'Ada'").await.ok();
    assert_eq!(all["records"][0]["tokens"], Value::Null);
    let fields = &all["records"][0]["fields"];
    assert_eq!(fields["card_number"], "XXXXXXXXXXXX1111");
    assert_eq!(fields["skyflow_id"].as_str().unwrap().len(), 36);
    assert_eq!(fields["age"], 36);
    assert!(fields.get("cvv").is_none(), "a transient value is never part of a record");
}

#[tokio::test]
async fn joins_follow_their_condition() {
    let client = people().await;
    let join = |kind: &str| {
        format!("SELECT t.name, orders.person FROM table1 AS t {kind} JOIN orders ON t.name = orders.person")
    };
    assert_eq!(values(&client, &join(""), "name").await, ["Ada"]);
    assert_eq!(values(&client, &join("INNER"), "name").await, ["Ada"]);
    assert_eq!(values(&client, &join("LEFT OUTER"), "name").await.len(), 4);
    assert_eq!(values(&client, &join("RIGHT"), "person").await.len(), 2);
    assert_eq!(values(&client, &join("FULL OUTER"), "name").await.len(), 5);
    let both = "SELECT orders.*, t.name FROM table1 t JOIN orders ON t.name = orders.person AND t.age > 1";
    assert_eq!(values(&client, both, "amount").await, ["*REDACTED*"]);
    run(&client, "SELECT skyflow_id FROM table1 JOIN orders ON name = person").await.error(400);
}

#[tokio::test]
async fn aggregates_count_sum_and_compare() {
    let client = people().await;
    let query =
        "SELECT COUNT(*), count(email) AS mails, sum(age), avg(age) AS mean, min(age), max(name) FROM table1";
    let fields = run(&client, query).await.ok()["records"][0]["fields"].clone();
    let expected =
        json!({"COUNT(*)": 4, "mails": 0, "sum(age)": 182, "mean": 45.5, "min(age)": 1, "max(name)": "ada%"});
    assert_eq!(fields, expected);
    run(&client, "SELECT name, count(*) FROM table1").await.error(400);
    run(&client, "SELECT count(DISTINCT name) FROM table1").await.error(400);
}

#[tokio::test]
async fn query_returns_25_rows_and_offset_the_others() {
    let client = people().await;
    let rows: Vec<Value> = (0..30).map(|n| json!({"notes": format!("row {n}")})).collect();
    client.insert("table1", &rows).await;
    let from = "SELECT notes FROM table1 WHERE notes LIKE 'row%'";
    assert_eq!(values(&client, from, "notes").await.len(), 25);
    assert_eq!(values(&client, &format!("{from} LIMIT 100"), "notes").await.len(), 25);
    assert_eq!(values(&client, &format!("{from} LIMIT 3"), "notes").await.len(), 3);
    assert_eq!(values(&client, &format!("{from} LIMIT 25 OFFSET 25"), "notes").await.len(), 5);
    assert_eq!(values(&client, &format!("{from} LIMIT 0"), "notes").await.len(), 0);
}

#[tokio::test]
async fn sql_outside_the_subset_is_refused_by_tree() {
    let client = people().await;
    for query in [
        "",
        "DELETE FROM table1",
        "  update table1 set name = 'x'",
        "INSERT INTO table1 (name) VALUES ('x')",
        "DROP TABLE table1",
        "ATTACH DATABASE 'x' AS y",
        "PRAGMA writable_schema = 1",
        "SELECT name FROM table1; SELECT name FROM table1",
        "SELECT name FROM table1; DROP TABLE table1",
        "WITH t AS (SELECT 1) SELECT * FROM t",
        "SELECT name FROM table1 UNION SELECT value FROM settings",
        "SELECT (SELECT value FROM settings) FROM table1",
        "SELECT name FROM (SELECT name FROM table1) AS t",
        "SELECT name FROM table1 WHERE name IN (SELECT api_key FROM api_keys)",
        "SELECT name FROM table1 WHERE EXISTS (SELECT 1)",
        "SELECT name FROM table1 ORDER BY name",
        "SELECT name FROM table1 GROUP BY name",
        "SELECT DISTINCT name FROM table1",
        "SELECT name FROM table1 HAVING name = 'x'",
        "SELECT name INTO other FROM table1",
        "SELECT name FROM table1 FOR UPDATE",
        "SELECT name FROM table1 WHERE load_extension('x') = 'y'",
        "SELECT load_extension('x') FROM table1",
        "SELECT randomblob(1000000000) FROM table1",
        "SELECT name || name FROM table1",
        "SELECT name FROM table1 WHERE name || 'x' = 'y'",
        "SELECT name FROM table1 WHERE name",
        "SELECT name FROM table1 WHERE age + 1 = 2",
        "SELECT name FROM table1 WHERE name BETWEEN 'a' AND 'b'",
        "SELECT CAST(name AS TEXT) FROM table1",
        "SELECT name FROM table1, orders",
        "SELECT name FROM table1 CROSS JOIN orders",
        "SELECT name FROM table1 NATURAL JOIN orders",
        "SELECT name FROM table1 JOIN orders USING (skyflow_id)",
        "SELECT count(*) OVER () FROM table1",
        "SELECT * EXCEPT (name) FROM table1",
        "SELECT name FROM table1 LIMIT ALL OFFSET -1",
        "SELECT name FROM table1 LIMIT (SELECT 1)",
        "SELECT nmae FROM table1",
        "SELECT \"nmae\" FROM table1",
        "SELECT row FROM table1",
        "SELECT name FROM table1 WHERE cvv = '123'",
        "SELECT redaction(name, 'ALL') FROM table1",
        "SELECT redaction(name) FROM table1",
        "SELECT name FROM table1 WHERE name = 'unterminated",
        "EXPLAIN SELECT name FROM table1",
        "SELECT",
        "VALUES (1)",
    ] {
        let response = run(&client, query).await;
        response.error(400);
    }
    for table in ["cards", "settings", "values_table1", "sqlite_master"] {
        assert_eq!(
            run(&client, &format!("SELECT * FROM {table}")).await.error(404),
            format!("Invalid request. Table name {table} is invalid. Specify a valid table name.")
        );
    }
    run(&client, "SELECT name FROM main.table1").await.error(400);
    assert_eq!(values(&client, "SELECT count(*) FROM table1", "count(*)").await, [4]);
}

#[tokio::test]
async fn deep_and_long_conditions_are_refused() {
    let client = people().await;
    let deep = [
        format!("SELECT name FROM table1 WHERE {}name = 'x'{}", "(".repeat(3000), ")".repeat(3000)),
        format!("SELECT name FROM table1 WHERE {} name = 'x'", "NOT ".repeat(2030)),
        format!("SELECT name FROM table1 WHERE age = {}1", "+".repeat(8150)),
        format!("SELECT name FROM table1 WHERE age = {}1", "~".repeat(8150)),
        format!("SELECT name FROM table1 WHERE age = {}1", "- ".repeat(4070)),
        format!("SELECT name FROM table1 WHERE age = {}1", "CASE ".repeat(1600)),
        format!("SELECT name FROM table1 WHERE age = {}1", "[".repeat(8150)),
        format!("SELECT name FROM table1 WHERE age = 1{}", "[1]".repeat(2700)),
        format!("SELECT name FROM {}table1", "(".repeat(8000)),
        format!("SELECT name FROM table1 {}", "JOIN a ".repeat(1100)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(1000)),
        format!("{}SELECT 1", "(".repeat(8000)),
        format!("SELECT name FROM table1 WHERE age = 1{}", " OR age=1".repeat(800)),
        format!("SELECT name FROM table1 WHERE age = 1{}", "+1".repeat(3900)),
        format!("SELECT name FROM table1 WHERE name = '{}'", "x".repeat(9000)),
    ];
    for query in deep {
        run(&client, &query).await.error(400);
    }
    run(&client, &format!("SELECT name FROM table1 WHERE age = 1{}", " OR age=1".repeat(150))).await.ok();
}

#[tokio::test]
async fn a_column_allows_what_its_schema_lists() {
    let client = people().await;
    client.insert("persons", &[json!({"name": "Ada", "ssn": "123-45-6789"})]).await;
    let plain = "SELECT redaction(name, 'PLAIN_TEXT') FROM persons WHERE ssn = '123-45-6789'";
    assert_eq!(values(&client, plain, "name").await, ["Ada"]);
    run(&client, "SELECT name FROM persons WHERE ssn > '1'").await.error(400);
    run(&client, "SELECT max(ssn) FROM persons").await.error(400);
}

#[tokio::test]
async fn quickstart_text_columns_allow_like_and_ilike() {
    let client = people().await;
    let person = json!({"name": "Ada", "email_address": "ada@b.com", "ssn": "123-45-6789", "state": "CA"});
    client.insert("persons", &[person]).await;
    for condition in
        ["name LIKE 'A%'", "name ILIKE 'ad_'", "email_address LIKE '%@b.com'", "state ILIKE 'c%'"]
    {
        let query = format!("SELECT redaction(ssn, 'PLAIN_TEXT') FROM persons WHERE {condition}");
        assert_eq!(values(&client, &query, "ssn").await, ["123-45-6789"], "{condition}");
    }
    let ranks = Table::new("ranks").column(Column::string("rank").operation(ColumnOperation::Order));
    let client = Client::new(&EmbeddedVault::builder().table(ranks).build().unwrap());
    run(&client, "SELECT rank FROM ranks WHERE rank LIKE 'a%'").await.error(400);
}

#[tokio::test]
async fn redaction_cannot_exceed_the_rights_of_a_role() {
    let client = people().await;
    let support =
        client.vault.create_service_account(NewServiceAccount::new("s").role(Role::VaultViewer)).unwrap();
    let key = support.create_api_key().unwrap();
    let viewer = client.with_bearer(key.expose());
    let query = "SELECT redaction(card_number, 'PLAIN_TEXT') FROM table1 WHERE name = 'Ada'";
    assert_eq!(values(&viewer, query, "card_number").await, ["XXXXXXXXXXXX1111"]);
    assert_eq!(values(&viewer, "SELECT sum(amount) FROM orders", "sum(amount)").await, ["*REDACTED*"]);
    assert_eq!(values(&client, "SELECT sum(amount) FROM orders", "sum(amount)").await, [12]);
}
