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
use skyflow_emulator::{Column, EmbeddedVault, Table, TokenPolicy};
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
    let metadata = json!({"file": {"fileName": "a b.pdf", "fileSizeKB": 1, "fileType": "application/pdf"}});
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
    assert_eq!(uploaded, json!({"skyflow_id": id}));
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
    assert_eq!(seen, request_ids, "oldest first");

    let failed = events(&client, "&filterOps.responseCode=404").await["event"][0].clone();
    assert_eq!(failed["request"]["httpInfo"]["URI"], format!("/v1/vaults/{}/nowhere", vault.vault_id()));
    assert_eq!(failed["context"]["actor"], vault.owner().client_id());
    assert_eq!(failed["request"]["apiName"], "records_list");
    assert_eq!(events(&client, "&filterOps.vaultID=other").await["event"], json!([]));
    let request =
        Request::get("/v1/audit/events").header("authorization", format!("Bearer {}", client.bearer));
    send(&vault, request.body(Body::empty()).unwrap()).await.error(400);
}

#[tokio::test]
async fn audit_query_event_is_as_published() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = Client::new(&vault);
    let sql = "SELECT name FROM persons";
    client.post("/query", json!({ "query": sql })).await.ok();
    let event = events(&client, "&filterOps.resourceType=RECORD").await["event"][0].clone();
    let request = &event["request"];
    assert_eq!((&request["actionType"], &request["resourceType"]), (&json!("READ"), &json!("RECORD")));
    assert_eq!(request["apiName"], "/v1.QueryService/ExecuteQuery");
    assert_eq!((&request["tags"], &request["data"]["content"]), (&json!(["dml"]), &json!(sql)));
    assert_eq!(
        (&event["response"]["message"], &event["response"]["data"]),
        (&json!("success"), &Value::Null)
    );
    let resources = [
        format!("ACCOUNT/{}", vault.account_id()),
        "TABLE/persons".to_owned(),
        format!("VAULT/{}", vault.vault_id()),
    ];
    assert_eq!(event["resourceIDs"], json!(resources));
    let context = &event["context"];
    assert_eq!(context["authMode"], "API_KEY");
    let key_id = context["keyID"].as_str().unwrap();
    assert_eq!(key_id.len(), 32);
    assert!(!event.to_string().contains(vault.api_key().expose()));
    assert!(context.get("subject").is_none() && event["response"].get("nestedResponse").is_none());
}

#[tokio::test]
async fn audit_batch_event_lists_its_entries() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let entries = [
        json!({"method": "GET", "tableName": "table1", "ID": id}),
        json!({"method": "POST", "tableName": "table1", "fields": {"nmae": "x"}}),
    ];
    client.post("", json!({"records": entries, "continueOnError": true})).await.ok();
    let event = events(&client, "&filterOps.actionType=EXECUTE").await["event"][0].clone();
    let nested = json!([
        {"code": 200, "message": "", "identifier": format!("RECORD/{id}")},
        {"code": 400, "message": "Insert failed. Column nmae is invalid. Specify a valid column.", "identifier": ""},
    ]);
    assert_eq!((&event["response"]["code"], &event["response"]["nestedResponse"]), (&json!(200), &nested));
}

#[tokio::test]
async fn audit_filters_of_none_mean_no_filter() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    client.get("/table1").await.ok();
    client.get("/nowhere").await.error(404);
    let none = "&filterOps.actionType=NONE&filterOps.resourceType=NONE_API&filterOps.context.actorType=NONE\
                &filterOps.context.accessType=ACCESS_NONE&filterOps.context.authMode=AUTH_NONE";
    assert_eq!(events(&client, none).await["event"].as_array().unwrap().len(), 2);
    let failed = events(&client, "&filterOps.responseCode=404").await["event"][0].clone();
    assert!(failed["response"]["message"].as_str().unwrap().contains("Table name nowhere is invalid"));
}

#[tokio::test]
async fn audit_events_sort_by_any_member() {
    let clock = ManualClock::auto_advancing();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = Client::new(&vault);
    for path in ["/table1", "/nowhere", "/persons"] {
        clock.advance(Duration::from_secs(1));
        client.get(path).await;
    }
    let uris = |query: &'static str| {
        let client = client.clone();
        async move {
            let found =
                events(&client, &format!("&filterOps.actionType=LIST&filterOps.resourceType=RECORD{query}"))
                    .await;
            let uri = |event: &Value| {
                let uri = event["request"]["httpInfo"]["URI"].as_str().unwrap();
                uri.rsplit('/').next().unwrap().to_owned()
            };
            found["event"].as_array().unwrap().iter().map(uri).collect::<Vec<_>>()
        }
    };
    assert_eq!(uris("").await, ["table1", "nowhere", "persons"]);
    assert_eq!(uris("&sortOps.orderBy=DESCENDING").await, ["persons", "nowhere", "table1"]);
    assert_eq!(uris("&sortOps.sortBy=request.httpInfo.URI").await, ["nowhere", "persons", "table1"]);
    let descending = "&sortOps.sortBy=response.code&sortOps.orderBy=DESCENDING";
    assert_eq!(uris(descending).await[0], "nowhere");
    let refused = |query: &str| {
        let uri = format!("/v1/audit/events?filterOps.accountID={}{query}", client.vault.account_id());
        let request = Request::get(uri).header("authorization", format!("Bearer {}", client.bearer));
        let (vault, request) = (client.vault.clone(), request.body(Body::empty()).unwrap());
        async move { send(&vault, request).await.error(400).to_owned() }
    };
    refused("&sortOps.sortBy=request.colour").await;
    for with in ["&sortOps.sortBy=request.timestamp", "&sortOps.orderBy=ASCENDING", "&offset=1"] {
        refused(&format!("&afterOps.timestamp=2026-01-01{with}")).await;
    }
}

#[tokio::test]
async fn audit_pages_continue_after_an_event_or_a_time() {
    let clock = ManualClock::auto_advancing();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = Client::new(&vault);
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        client.get("/table1").await.ok();
    }
    let filter = "&filterOps.resourceType=RECORD";
    let all = events(&client, filter).await["event"].as_array().unwrap().clone();
    let first = events(&client, &format!("{filter}&limit=1")).await;
    let next = &first["nextOps"];
    assert_eq!(next["changeID"], all[0]["context"]["changeID"], "a page of one event has a cursor too");
    let time = next["timestamp"].as_str().unwrap().replace(' ', "+");
    for after in [
        format!("&afterOps.timestamp={time}"),
        format!("&afterOps.timestamp={}", time.replace('+', "T")),
        format!("&afterOps.changeID={}", next["changeID"].as_str().unwrap()),
        format!("&afterOps.changeID=gone&afterOps.timestamp={time}"),
    ] {
        let rest = events(&client, &format!("{filter}{after}")).await["event"].as_array().unwrap().clone();
        assert_eq!(rest.len(), 2, "{after}");
        assert_eq!(rest[0]["context"]["changeID"], all[1]["context"]["changeID"]);
    }
    assert!(events(&client, &format!("{filter}&afterOps.changeID=gone")).await.get("nextOps").is_none());
}

#[tokio::test]
async fn upload_status_reports_several_records() {
    let clock = ManualClock::new();
    let builder = EmbeddedVault::builder().clock(Arc::new(clock.clone()));
    let client = Client::new(&builder.file_scan_time(Duration::from_secs(5)).build().unwrap());
    let parts = [("tableName", "table1"), ("columnName", "file")];
    let id =
        upload(&client, &v2(&client), form(&parts, Some(("g.txt", b"good")))).await.ok()["skyflowID"].clone();
    let path = format!("/v2/vaults/{}/files/uploadStatus", client.vault.vault_id());
    let ask = |body: Value| {
        let request = Request::post(&path)
            .header("authorization", format!("Bearer {}", client.bearer))
            .body(Body::from(body.to_string()))
            .unwrap();
        let vault = client.vault.clone();
        async move { send(&vault, request).await }
    };
    let row = || json!({"tableName": "table1", "skyflowID": id, "fileFields": ["file"]});
    let expected = |scan: &str| {
        let status = json!({"file_status": "UPLOADED", "av_scan_status": scan, "mimetype_status": ""});
        json!({"records": [{"fields": {"skyflow_id": id, "file": status}, "tableName": "table1"}]})
    };
    assert_eq!(ask(json!({"records": [row()]})).await.ok(), expected(""));
    clock.advance(Duration::from_secs(5));
    assert_eq!(ask(json!({"records": [row()]})).await.ok(), expected("SCAN_CLEAN"));
    let with = |name: &str, value: Value| {
        let mut row = row();
        row[name] = value;
        json!({"records": [row]})
    };
    for (body, status) in [
        (json!({"records": []}), 400),
        (with("unknown", json!(1)), 400),
        (with("fileFields", json!(null)), 400),
        (with("fileFields", json!([])), 400),
        (with("fileFields", json!(["name"])), 400),
        (with("tableName", json!("nowhere")), 404),
        (with("skyflowID", json!("no")), 404),
    ] {
        let response = ask(body.clone()).await;
        assert_eq!(response.status.as_u16(), status, "{body}: {}", response.body);
    }
}

fn part(name: &str, file_name: &str) -> String {
    format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\r\nhi\r\n"
    )
}

#[tokio::test]
async fn v1_upload_takes_a_part_called_as_its_column() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let path = format!("/v1/vaults/{}/table1/{id}/files", client.vault.vault_id());
    let one = format!("{}--xyz--\r\n", part("file", "n.txt"));
    assert_eq!(upload(&client, &path, one.into_bytes()).await.ok(), json!({"skyflow_id": id}));
    assert_eq!(client.fields("table1", &id, "DEFAULT").await["file"], "n.txt");
    let other = format!("{}--xyz--\r\n", part("name", "n.txt"));
    upload(&client, &path, other.into_bytes()).await.error(400);
}

#[tokio::test]
async fn an_upload_has_one_file() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let v1 = format!("/v1/vaults/{}/table1/{id}/files", client.vault.vault_id());
    let two = format!("{}{}--xyz--\r\n", part("file", "a.txt"), part("file", "b.txt"));
    assert!(upload(&client, &v1, two.into_bytes()).await.error(400).contains("one file"));
    let texts = form(&[("tableName", "table1"), ("columnName", "file"), ("skyflowID", &id)], None);
    let texts = String::from_utf8(texts).unwrap().replace("--xyz--\r\n", "");
    let two = format!("{texts}{}{}--xyz--\r\n", part("file", "a.txt"), part("extra", "b.txt"));
    assert!(upload(&client, &v2(&client), two.into_bytes()).await.error(400).contains("one file"));
    assert!(client.fields("table1", &id, "DEFAULT").await.get("file").is_none());
}

#[tokio::test]
async fn the_token_of_a_file_leads_to_its_link() {
    let papers = Table::new("papers").column(Column::file("scan").tokens(TokenPolicy::DeterministicUuid));
    let client = Client::new(&EmbeddedVault::builder().table(papers).build().unwrap());
    let parts = [("tableName", "papers"), ("columnName", "scan")];
    let mut tokens = Vec::new();
    let mut ids = Vec::new();
    for content in [&b"one"[..], b"one", b"two"] {
        let uploaded = upload(&client, &v2(&client), form(&parts, Some(("a.txt", content)))).await.ok();
        let id = uploaded["skyflowID"].as_str().unwrap().to_owned();
        let record = client.get(&format!("/papers?skyflow_ids={id}&tokenization=true")).await.ok();
        tokens.push(record["records"][0]["fields"]["scan"].clone());
        ids.push(id);
    }
    assert!(tokens[0] == tokens[1] && tokens[0] != tokens[2]);
    let detokenize = |token: &Value, links: bool| {
        let body = json!({"detokenizationParameters": [{"token": token}], "downloadURL": links});
        let client = client.clone();
        async move { client.post("/detokenize", body).await }
    };
    let url = detokenize(&tokens[2], true).await.ok()["records"][0]["value"].as_str().unwrap().to_owned();
    assert_eq!(download(&client, &url).await.2, b"two");
    assert_eq!(detokenize(&tokens[2], false).await.ok()["records"][0]["value"], "a.txt");
    client.call(Method::DELETE, &format!("/papers/{}/files/scan", ids[2]), Value::Null).await.ok();
    detokenize(&tokens[2], true).await.error(404);
    let transient = Table::new("t").column(Column::file("f").tokens(TokenPolicy::Transient));
    assert!(EmbeddedVault::builder().table(transient).build().is_err());
}

#[tokio::test]
async fn links_can_show_a_file_in_place() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let parts = [("tableName", "table1"), ("columnName", "file")];
    let id =
        upload(&client, &v2(&client), form(&parts, Some(("ü.txt", b"x")))).await.ok()["skyflowID"].clone();
    let id = id.as_str().unwrap();
    for (parameter, expected) in [
        ("", "attachment; filename*=UTF-8''%C3%BC%2Etxt"),
        ("&contentDisposition=INLINE", "inline; filename*=UTF-8''%C3%BC%2Etxt"),
        ("&contentDisposition=attachment", "attachment; filename*=UTF-8''%C3%BC%2Etxt"),
    ] {
        for path in
            [format!("/table1/{id}?downloadURL=true"), format!("/table1?skyflow_ids={id}&downloadURL=true")]
        {
            let body = client.get(&format!("{path}{parameter}")).await.ok();
            let record = body.get("records").map_or(&body, |records| &records[0]);
            let request =
                Request::get(record["fields"]["file"].as_str().unwrap()).body(Body::empty()).unwrap();
            let response = client.vault.service().oneshot(request).await.unwrap();
            assert_eq!(response.headers()["content-disposition"], expected);
        }
    }
    client.get(&format!("/table1/{id}?contentDisposition=SIDEWAYS")).await.error(400);
}

#[tokio::test]
async fn metadata_is_shown_by_get_list_and_batch() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let parts = [("tableName", "table1"), ("columnName", "file")];
    let content = vec![b'x'; 1025];
    let id = upload(&client, &v2(&client), form(&parts, Some(("a.txt", &content)))).await.ok()["skyflowID"]
        .clone();
    let id = id.as_str().unwrap();
    let metadata = json!({"file": {"fileName": "a.txt", "fileSizeKB": 2, "fileType": "text/plain"}});
    let one = client.get(&format!("/table1/{id}?returnFileMetadata=true")).await.ok();
    assert_eq!(
        (&one["fileMetadata"], &one["tokens"], &one["fields"]["file"]),
        (&metadata, &Value::Null, &json!("a.txt"))
    );
    let list = client.get(&format!("/table1?skyflow_ids={id}&returnFileMetadata=true")).await.ok();
    assert_eq!(list["records"][0]["fileMetadata"], metadata);
    let entry = json!({"method": "GET", "tableName": "table1", "ID": id, "returnFileMetadata": true});
    let batch = client.post("", json!({"records": [entry]})).await.ok();
    assert_eq!(batch["responses"][0]["fileMetadata"], metadata);
    assert!(batch["responses"][0].get("tokens").is_none());
    assert!(client.get(&format!("/table1/{id}")).await.ok().get("fileMetadata").is_none());
}
