//! File columns, card lookup and audit events.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};
use skyflow_emulator::{Column, EmbeddedVault, Table};
use skyflow_http::{Body, ManualClock};
use support::{Client, Response, send};
use tower::ServiceExt;

fn form(parts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend(
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    if let Some((name, content)) = file {
        let head =
            format!("--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--xyz--\r\n");
    body
}

async fn upload(client: &Client, path: &str, body: Vec<u8>) -> Response {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", client.bearer))
        .header("content-type", "multipart/form-data; boundary=xyz")
        .body(Body::from(body))
        .unwrap();
    send(&client.vault, request).await
}

fn v2(client: &Client) -> String {
    format!("/v2/vaults/{}/files/upload", client.vault.vault_id())
}

async fn download(client: &Client, url: &str) -> (u16, String, Vec<u8>) {
    let response =
        client.vault.service().oneshot(Request::get(url).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (status, content_type, response.into_body().collect(1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn file_links_last_15_minutes_until_deleted() {
    let clock = ManualClock::new();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = Client::new(&vault);
    let parts =
        [("tableName", "table1"), ("columnName", "file"), ("skyflowID", ""), ("returnFileMetadata", "true")];
    let uploaded =
        upload(&client, &v2(&client), form(&parts, Some(("dir/a b.pdf", b"%PDF-1.7 \xff")))).await.ok();
    let id = uploaded["skyflowID"].as_str().unwrap().to_owned();
    let metadata = json!({"file": {"fileName": "a b.pdf", "fileSize": 10, "fileType": "application/pdf"}});
    assert_eq!(uploaded["fileMetadata"], metadata);

    let scan = client.get(&format!("/table1/{id}/files/file/scan-status")).await.ok();
    assert_eq!(scan, json!({"av_scan_status": "SCAN_CLEAN"}));
    assert_eq!(client.fields("table1", &id, "DEFAULT").await["file"], "a b.pdf");
    let record = client.get(&format!("/table1/{id}?downloadURL=true&returnFileMetadata=true")).await.ok();
    assert_eq!(record["fileMetadata"], metadata);
    let url = record["fields"]["file"].as_str().unwrap().to_owned();
    let (status, content_type, content) = download(&client, &url).await;
    assert_eq!(
        (status, content_type.as_str(), content.as_slice()),
        (200, "application/pdf", &b"%PDF-1.7 \xff"[..])
    );

    clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(download(&client, &url).await.0, 404);
    let path = format!("/table1/{id}/files/file");
    assert_eq!(
        client.call(Method::DELETE, &path, Value::Null).await.ok(),
        json!({"skyflow_id": id, "deleted": true})
    );
    assert_eq!(client.fields("table1", &id, "DEFAULT").await, json!({"skyflow_id": id}));
    let scan = client.get(&format!("/table1/{id}/files/file/scan-status")).await.ok();
    assert_eq!(scan, json!({"av_scan_status": "SCAN_FILE_NOT_FOUND"}));
    client.call(Method::DELETE, &path, Value::Null).await.error(404);
}

#[tokio::test]
async fn v1_upload_takes_the_record_from_the_path() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let path = format!("/v1/vaults/{}/table1/{id}/files", client.vault.vault_id());
    let uploaded = upload(&client, &path, form(&[("columnName", "file")], Some(("n.txt", b"hi")))).await.ok();
    assert_eq!(uploaded, json!({"skyflow_id": id, "tokens": null}));
    let fields = client.fields("table1", &id, "DEFAULT").await;
    assert_eq!(fields, json!({"skyflow_id": id, "name": "Ada", "file": "n.txt"}));
}

#[tokio::test]
async fn uploads_that_make_no_sense_are_refused() {
    let pictures = Table::new("pictures")
        .column(Column::file("image").file_type("image/png"))
        .column(Column::string("title").required());
    let client = Client::new(&EmbeddedVault::builder().table(pictures).build().unwrap());
    let (id, _) = client.insert_one("pictures", json!({"title": "t"})).await;
    let png: (&str, &[u8]) = ("a.png", b"\x89PNG\r\n\x1a\n");
    let to = |table: &'static str, column: &'static str, id: &str, file| {
        form(&[("tableName", table), ("columnName", column), ("skyflowID", id)], file)
    };
    upload(&client, &v2(&client), to("pictures", "image", &id, Some(png))).await.ok();
    for (reason, body, status) in [
        ("unknown table", to("nowhere", "image", &id, Some(png)), 404),
        ("unknown record", to("pictures", "image", "no", Some(png)), 404),
        ("no file column", to("pictures", "title", &id, Some(png)), 400),
        ("no file", to("pictures", "image", &id, None), 400),
        ("other content", to("pictures", "image", &id, Some(("a.png", b"%PDF-"))), 400),
        ("other extension", to("pictures", "image", &id, Some(("a.pdf", png.1))), 400),
        ("a required value is missing", to("pictures", "image", "", Some(png)), 400),
        ("no form", b"{}".to_vec(), 400),
    ] {
        let response = upload(&client, &v2(&client), body).await;
        assert_eq!(response.status.as_u16(), status, "{reason}: {}", response.body);
    }
}

#[tokio::test]
async fn a_file_is_scanned_before_it_can_be_read() {
    let clock = ManualClock::new();
    let builder = EmbeddedVault::builder().clock(Arc::new(clock.clone()));
    let client = Client::new(&builder.file_scan_time(Duration::from_secs(5)).build().unwrap());
    let parts = [("tableName", "table1"), ("columnName", "file")];
    let virus = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
    let bad = upload(&client, &v2(&client), form(&parts, Some(("v.txt", virus)))).await.ok();
    let good = upload(&client, &v2(&client), form(&parts, Some(("g.txt", b"good")))).await.ok();
    let status = |record: &Value| {
        let path = format!("/table1/{}/files/file/scan-status", record["skyflowID"].as_str().unwrap());
        let client = client.clone();
        async move { client.get(&path).await.ok()["av_scan_status"].clone() }
    };
    let link = |record: &Value| {
        let path = format!("/table1/{}?downloadURL=true", record["skyflowID"].as_str().unwrap());
        let client = client.clone();
        async move { client.get(&path).await.ok()["fields"].get("file").is_some() }
    };
    assert_eq!(status(&good).await, "SCAN_PENDING");
    assert!(!link(&good).await);
    clock.advance(Duration::from_secs(5));
    assert_eq!((status(&good).await, status(&bad).await), (json!("SCAN_CLEAN"), json!("SCAN_INFECTED")));
    assert_eq!((link(&good).await, link(&bad).await), (true, false));
}

async fn lookup(client: &Client, body: Value) -> Response {
    let request = Request::post("/v1/card_lookup")
        .header("authorization", format!("Bearer {}", client.bearer))
        .body(Body::from(body.to_string()))
        .unwrap();
    send(&client.vault, request).await
}

#[tokio::test]
async fn card_lookup_takes_a_number_or_a_record() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let card = lookup(&client, json!({"BIN": "411111"})).await.ok()["cards_data"][0].clone();
    assert_eq!((&card["card_scheme"], &card["BIN"]), (&json!("VISA"), &json!("411111")));
    let (id, _) = client
        .insert_one("credit_cards", json!({"card_number": "5555-5555-5555-4444", "expiry_year": "2031"}))
        .await;
    let config = json!({
        "id": client.vault.vault_id(), "table_name": "credit_cards",
        "mapping": {"card_number": "card_number", "card_expiry": "expiry_year"},
    });
    let fields = ["card_scheme", "card_last_four_digits", "card_expiry"];
    let body = json!({"skyflow_id": id, "vault_schema_config": config, "fields": fields});
    let card = lookup(&client, body).await.ok()["cards_data"][0].clone();
    let expected =
        json!({"card_scheme": "MASTERCARD", "card_last_four_digits": "4444", "card_expiry": "2031"});
    assert_eq!(card, expected);
    lookup(&client, json!({"BIN": "999999"})).await.error(404);
    lookup(&client, json!({"BIN": "41"})).await.error(400);
    lookup(&client, json!({})).await.error(400);
    lookup(&client, json!({"skyflow_id": id})).await.error(404);
}

async fn events(client: &Client, query: &str) -> Value {
    let uri = format!("/v1/audit/events?filterOps.accountID={}{query}", client.vault.account_id());
    let request = Request::get(uri).header("authorization", format!("Bearer {}", client.bearer));
    send(&client.vault, request.body(Body::empty()).unwrap()).await.ok()
}

#[tokio::test]
async fn audit_events_list_calls_page_by_page() {
    let clock = ManualClock::auto_advancing();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = Client::new(&vault);
    let mut request_ids = Vec::new();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        request_ids.push(client.get("/table1").await.headers["x-request-id"].to_str().unwrap().to_owned());
    }
    client.get("/nowhere").await.error(404);

    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!(
            "&filterOps.actionType=LIST&filterOps.resourceType=RECORD&filterOps.responseCode=200&limit=2{after}"
        );
        let page = events(&client, &query).await;
        let list = page["event"].as_array().unwrap();
        seen.extend(list.iter().map(|event| event["context"]["requestID"].as_str().unwrap().to_owned()));
        let next = &page["nextOps"];
        let Some(change) = next["changeID"].as_str() else { break };
        after = format!(
            "&afterOps.changeID={change}&afterOps.timestamp={}",
            next["timestamp"].as_str().unwrap().replace(' ', "+")
        );
    }
    request_ids.reverse();
    assert_eq!(seen, request_ids, "newest first");

    let failed = events(&client, "&filterOps.responseCode=404").await["event"][0].clone();
    assert_eq!(failed["request"]["httpInfo"]["URI"], format!("/v1/vaults/{}/nowhere", vault.vault_id()));
    assert_eq!(failed["context"]["actor"], vault.owner().client_id());
    assert_eq!(failed["request"]["apiName"], "records_list");
    let oldest = events(&client, "&sortOps.orderBy=ASCENDING&limit=1").await["event"][0].clone();
    assert_eq!(oldest["context"]["requestID"], request_ids[2].as_str());
    assert_eq!(events(&client, "&filterOps.vaultID=other").await["event"], json!([]));
    let request =
        Request::get("/v1/audit/events").header("authorization", format!("Bearer {}", client.bearer));
    send(&vault, request.body(Body::empty()).unwrap()).await.error(400);
}
