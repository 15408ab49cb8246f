use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use skyflow::GetRequest;

use crate::scripted_vault::{Clients, Scripted, script};

fn page(ids: std::ops::Range<usize>) -> (u16, Value) {
    let rows: Vec<_> = ids.map(|id| json!({"fields": {"skyflow_id": id.to_string()}})).collect();
    (200, json!({"records": rows}))
}

async fn ids(server: &Scripted, request: GetRequest) -> Vec<usize> {
    let rows: Vec<_> = server.vault().get_pages(request).try_collect().await.unwrap();
    rows.iter().map(|row| row.skyflow_id().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn table_is_read_in_pages_until_an_empty_one() {
    let server = script(&[page(0..25), page(25..50), page(50..57), page(0..0)]);
    assert_eq!(ids(&server, GetRequest::new("t").all_rows()).await, (0..57).collect::<Vec<_>>());
    let targets: Vec<_> = server.requests().into_iter().map(|sent| sent.target().to_owned()).collect();
    assert_eq!(targets[0], "/v1/vaults/v1/t?offset=0&limit=25&order_by=ASCENDING");
    assert_eq!(targets[2], "/v1/vaults/v1/t?offset=50&limit=25&order_by=ASCENDING");
    assert_eq!(targets.len(), 4);
}

#[tokio::test]
async fn stopped_stream_sends_no_further_request() {
    let server = script(&[page(0..25), page(25..50)]);
    let vault = server.vault();
    let rows: Vec<_> = vault.get_pages(GetRequest::new("t").all_rows()).take(25).collect().await;
    assert_eq!((rows.len(), server.requests().len()), (25, 1));
    drop(vault.get_pages(GetRequest::new("t").all_rows()));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn offset_and_limit_bound_the_whole_stream() {
    let server = script(&[page(5..30), page(30..35), page(0..0)]);
    let request = GetRequest::new("t").all_rows().offset(5).limit(30);
    assert_eq!(ids(&server, request).await, (5..35).collect::<Vec<_>>());
    let targets: Vec<_> = server.requests().into_iter().map(|sent| sent.target().to_owned()).collect();
    assert_eq!(targets.len(), 2);
    assert!(targets[1].contains("offset=30&limit=5"), "{}", targets[1]);
}

#[tokio::test]
async fn many_ids_are_requested_25_at_a_time() {
    let server = script(&[page(0..25), page(25..50), page(50..60)]);
    let wanted: Vec<String> = (0..60).map(|id| id.to_string()).collect();
    assert_eq!(ids(&server, GetRequest::new("t").ids(&wanted)).await, (0..60).collect::<Vec<_>>());
    let sent = server.requests();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[2].target().matches("skyflow_ids=").count(), 10);
    assert!(!sent[0].target().contains("offset"));
}

#[tokio::test]
async fn failed_page_ends_the_stream_with_its_error() {
    let server = script(&[page(0..25), (404, json!({"error": {"http_code": 404, "message": "gone"}}))]);
    let rows: Vec<_> = server.vault().get_pages(GetRequest::new("t").all_rows()).collect().await;
    assert_eq!(rows.len(), 26);
    assert_eq!(rows[25].as_ref().unwrap_err().http_code(), Some(404));
}

#[tokio::test]
async fn invalid_last_id_is_found_before_first_page() {
    let server = Scripted::default();
    let mut wanted = vec!["a".to_owned(); 30];
    wanted.push(String::new());
    let rows: Vec<_> = server.vault().get_pages(GetRequest::new("t").ids(&wanted)).collect().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].as_ref().unwrap_err().field(), Some("ids[30]"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn audit_stream_ends_when_a_page_repeats() {
    let events = |n: usize, next: Value| {
        (200, json!({"event": vec![json!({"accountID": "acc"}); n], "nextOps": next}))
    };
    let server = script(&[
        events(2, json!({"timestamp": "t1", "changeID": "c1"})),
        events(1, json!({"timestamp": "t2", "changeID": "c2"})),
        events(1, json!({"timestamp": "t2", "changeID": "c2"})),
    ]);
    let request = skyflow::api::audit::ListEvents::new("acc").limit(2).offset(4);
    let all: Vec<_> = server.vault().audit_events(request).try_collect().await.unwrap();
    assert_eq!(all.len(), 4);
    let targets: Vec<_> = server.requests().into_iter().map(|sent| sent.target().to_owned()).collect();
    assert!(
        targets[0].contains("filterOps.accountID=acc") && targets[0].contains("offset=4"),
        "{}",
        targets[0]
    );
    assert!(targets[1].contains("afterOps.changeID=c1") && !targets[1].contains("offset"), "{}", targets[1]);
    assert_eq!(targets.len(), 3);
}

#[tokio::test]
async fn server_that_ignores_the_offset_ends() {
    for pages in [vec![page(0..25)], vec![page(0..25), page(25..50), page(0..25)]] {
        let server = script(&pages);
        let rows: Vec<_> = server.vault().get_pages(GetRequest::new("t").all_rows()).collect().await;
        let (last, rows) = rows.split_last().unwrap();
        assert!(rows.iter().all(Result::is_ok) && rows.len() < 51);
        assert!(last.as_ref().unwrap_err().message().contains("the offset is ignored"));
        assert!(server.requests().len() <= 3);
    }
    // Rows without ids may be equal, and still come to an end.
    let equal: Vec<_> = (0..25).map(|_| json!({"fields": {"state": "CA"}})).collect();
    let server = script(&[(200, json!({"records": equal}))]);
    let rows: Vec<_> = server.vault().get_pages(GetRequest::new("t").all_rows()).collect().await;
    assert!(rows.last().unwrap().is_err());
    assert!(server.requests().len() <= 101);
}

#[tokio::test]
async fn server_that_ignores_the_limit_is_cut() {
    let server = script(&[page(0..25)]);
    assert_eq!(ids(&server, GetRequest::new("t").all_rows().limit(7)).await, (0..7).collect::<Vec<_>>());
}

#[tokio::test]
async fn element_that_is_no_row_does_not_end_a_stream() {
    let server = script(&[
        (200, json!({"records": [{"fields": {"skyflow_id": "1"}}, 7]})),
        (200, json!({"records": [{"fields": {"skyflow_id": "2"}}]})),
        page(0..0),
    ]);
    let rows: Vec<_> = server.vault().get_pages(GetRequest::new("t").all_rows()).collect().await;
    assert_eq!(rows.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(server.requests()[1].target().contains("offset=2&"));
}
