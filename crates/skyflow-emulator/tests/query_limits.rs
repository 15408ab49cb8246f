//! Queries that SQLite refuses, that are not SQL, and that take too long.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use skyflow_emulator::{Column, EmbeddedVault, EmbeddedVaultBuilder};
use skyflow_emulator::{DataType, Table};
use skyflow_http::{Clock, ManualClock};
use support::{Client, Response};

async fn run(client: &Client, query: &str) -> Response {
    client.post("/query", json!({ "query": query })).await
}

#[tokio::test]
async fn text_that_is_not_sql_is_told_where() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    for (query, place) in [
        ("SELECT FROM table1", "line 1, column 7"),
        ("SELECT * FROM WHERE", "line 1, column 15"),
        ("SELECT *\nFROM table1 JOIN where ON a = b", "line 2, column 18"),
        ("SELECT name FROM table1 WHERE = 'x'", "line 1, column 31"),
        ("SELECT name\nFROM table1\nWHERE name = 'x", "line 3"),
        ("SELECT name FROM", "at its end"),
        ("hello", "line 1, column 1"),
    ] {
        let response = run(&client, query).await;
        let message = response.error(400);
        assert!(message.starts_with("Query failed. The query is not valid SQL ("), "{query}: {message}");
        assert!(message.contains(place), "{query}: {message}");
    }
    let secret = run(&client, "SELECT name FROM table1 WHERE name == '4111111111111111' 1").await;
    assert!(!secret.error(400).contains("4111"), "{}", secret.body);
}

#[tokio::test]
async fn what_sqlite_cannot_compute_is_a_bad_request() {
    let sums = Table::new("sums").column(Column::new("n", DataType::Int64)).column(Column::string("text"));
    let client = Client::new(&EmbeddedVault::builder().table(sums).build().unwrap());
    client
        .insert("sums", &[json!({"n": i64::MAX}), json!({"n": i64::MAX, "text": "%".repeat(60_000)})])
        .await;
    let joins: String = (0..70).map(|n| format!(" JOIN sums a{n} ON a{n}.n = 1")).collect();
    for query in [
        "SELECT sum(n) FROM sums".to_owned(),
        format!("SELECT count(*) FROM sums{joins}"),
        format!("SELECT {} FROM table1", vec!["*"; 150].join(",")),
        "SELECT n FROM sums WHERE text LIKE text".to_owned(),
    ] {
        let response = run(&client, &query).await;
        assert_eq!(response.error(400), "Query failed. The query cannot be computed.", "{query}");
    }
}

/// A clock that moves whenever it is looked at, and tells of the look with this number.
#[derive(Clone)]
struct Watched {
    clock: ManualClock,
    looks: Arc<AtomicUsize>,
    told_at: usize,
    looked: SyncSender<()>,
    go_on: Arc<Mutex<Receiver<()>>>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Clock for Watched {
    fn monotonic(&self) -> Instant {
        if self.looks.fetch_add(1, Ordering::SeqCst) == self.told_at {
            self.looked.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        self.clock.advance(Duration::from_millis(1));
        self.clock.monotonic()
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn sleep(&self, pause: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        self.clock.sleep(pause)
    }
}

/// Reads that are made while the slow query, over 8,000 rows, is at work.
const SHORT_READS: usize = 50;

const SELF_JOIN: &str =
    "SELECT count(*) FROM table1 a JOIN table1 b ON a.name = b.name JOIN table1 c ON b.name = c.name";

async fn other_calls_go_on(builder: EmbeddedVaultBuilder) {
    let (looked, was_looked) = sync_channel(1);
    let (go_on, wait) = sync_channel(1);
    let clock = Watched {
        clock: ManualClock::new(),
        looks: Arc::default(),
        told_at: 5,
        looked,
        go_on: Arc::new(Mutex::new(wait)),
    };
    let vault = builder.clock(Arc::new(clock)).query_time_limit(Duration::from_millis(50)).build().unwrap();
    let client = Client::new(&vault);
    let rows: Vec<Value> = (0..400).map(|_| json!({"name": "x"})).collect();
    for _ in 0..20 {
        client.insert("table1", &rows).await;
    }

    let slow = tokio::spawn({
        let client = client.clone();
        async move { run(&client, SELF_JOIN).await }
    });
    tokio::task::spawn_blocking(move || was_looked.recv().unwrap()).await.unwrap();
    // The query is at work: it waits for this test.
    let (id, _) = client.insert_one("table1", json!({"name": "y"})).await;
    client.get(&format!("/table1/{id}")).await.ok();
    assert_eq!(
        run(&client, "SELECT name FROM table1 WHERE name = 'y'").await.ok()["records"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let reads: Vec<_> = (0..SHORT_READS)
        .map(|n| {
            let (client, id) = (client.clone(), id.clone());
            tokio::spawn(async move {
                match n % 2 {
                    0 => client.get(&format!("/table1/{id}")).await.ok(),
                    _ => run(&client, "SELECT name FROM table1 WHERE name = 'y'").await.ok(),
                }
            })
        })
        .collect();
    for read in reads {
        assert!(read.await.unwrap()["error"].is_null());
    }
    assert!(!slow.is_finished());
    go_on.send(()).unwrap();
    let response = slow.await.unwrap();
    assert_eq!(response.error(400), "Query failed. The query takes longer than 0.05 seconds.");
    client.get(&format!("/table1/{id}")).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_query_blocks_no_call_in_memory() {
    other_calls_go_on(EmbeddedVault::builder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_query_blocks_no_call_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    other_calls_go_on(EmbeddedVault::builder().data_file(folder.path().join("v.db"))).await;
}

#[tokio::test]
async fn a_query_that_takes_a_while_has_its_result() {
    let client =
        Client::new(&EmbeddedVault::builder().query_time_limit(Duration::from_secs(600)).build().unwrap());
    let rows: Vec<Value> = (0..150).map(|_| json!({"name": "x"})).collect();
    client.insert("table1", &rows).await;
    let records = run(&client, SELF_JOIN).await.ok()["records"].clone();
    assert_eq!(records[0]["fields"]["count(*)"], 150 * 150 * 150);
}

#[tokio::test]
async fn null_columns_are_left_out_of_query_rows() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    client.insert_one("table1", json!({"name": "Ada"})).await;
    let rows = run(&client, "SELECT name, state, email AS mail FROM table1").await.ok();
    assert_eq!(rows["records"], json!([{"fields": {"name": "Ada"}, "tokens": null}]));
    let rows = run(&client, "SELECT max(age), count(*), Count(email) FROM table1").await.ok();
    assert_eq!(rows["records"][0]["fields"], json!({"count(*)": 1, "Count(email)": 0}));
}
