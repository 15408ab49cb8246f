use skyflow_emulator::{Column, NewServiceAccount, Role, Table, TokenPolicy};

use super::*;

fn with_files() -> Client {
    let vault = EmbeddedVault::builder()
        .table(
            Table::new("letters")
                .column(Column::string("title"))
                .column(Column::string("who").tokens(TokenPolicy::DeterministicUuid))
                .column(Column::file("original"))
                .column(Column::file("processed")),
        )
        .build()
        .unwrap();
    Client::new(&vault)
}

async fn call(client: &Client, path: &str, body: Value) -> Response {
    request(client, Method::POST, &format!("/v2/detect{path}"), body.to_string()).await
}

fn configuration(client: &Client, detect: Value) -> Value {
    json!({"vaultId": client.vault.vault_id(), "detect": detect})
}

async fn processed(client: &Client, text: &str, detect: Value) -> Value {
    let body = json!({"text": text, "configuration": configuration(client, detect)});
    call(client, "/deidentify/string", body).await.ok()
}

async fn ended(client: &Client, body: Value) -> Value {
    let run_id = call(client, "/deidentify/file", body).await.ok()["runId"].as_str().unwrap().to_owned();
    let uri = format!("/v2/detect/runs/{run_id}?vaultId={}", client.vault.vault_id());
    request(client, Method::GET, &uri, String::new()).await.ok()
}

#[tokio::test]
async fn text_response_has_the_names_of_version_2() {
    let client = client();
    let response = processed(&client, TEXT, json!({"returnEntities": "ALL"})).await;
    assert_eq!(response["processedText"], "My name is [NAME_1] and my SSN is [SSN_1].");
    let name = &response["entities"][0];
    assert_eq!((&name["token"], &name["value"]), (&json!("NAME_1"), &json!("Jane Doe")));
    assert_eq!(name["entityType"], "NAME");
    assert_eq!(
        name["location"],
        json!({"startIndex": 11, "endIndex": 19, "startIndexProcessed": 11, "endIndexProcessed": 19})
    );
    assert!(name["entityScores"]["NAME"].as_f64().unwrap() > 0.5);
    let metrics = &response["metrics"];
    assert_eq!((&metrics["wordCount"], &metrics["characterCount"]), (&json!(10), &json!(46)));
    assert!((metrics["size"].as_f64().unwrap() - 46.0 / 1024.0).abs() < 1e-9, "{metrics}");
}

#[tokio::test]
async fn returned_entities_are_without_values_unless_asked() {
    let client = client();
    for detect in [json!({}), json!({"returnEntities": "EXCLUDE_SENSITIVE_DATA"})] {
        let response = processed(&client, TEXT, detect).await;
        assert_eq!(response["entities"].as_array().unwrap().len(), 2);
        assert!(!response["entities"].to_string().contains("Jane"), "{response}");
    }
    assert_eq!(processed(&client, TEXT, json!({"returnEntities": "NONE"})).await["entities"], json!([]));
}

#[tokio::test]
async fn rules_apply_to_each_entity() {
    let client = with_files();
    let detect = json!({
        "entities": [
            {"entityType": "NAME", "deidentificationType": "VAULT_TOKEN", "destination": "letters.who"},
            {"entityType": "SSN", "deidentificationType": "ENTITY_ONLY"},
            {"entityType": "DOB", "transformation": {"shiftDates": {"minDays": 1, "maxDays": 1}}},
        ],
        "skip": ["Roe"],
        "customTypes": [{"label": "STAFF", "match": ["Max Moe"]}],
    });
    let text =
        "My name is Jane Doe, SSN 123-45-6789, born 1990-06-05. Dear Ann Roe, dear Max Moe, mail a@b.de";
    let response = processed(&client, text, detect).await;
    let text = response["processedText"].as_str().unwrap();
    assert!(text.contains("SSN [SSN], born 1990-06-06. Dear Ann Roe, dear [STAFF], mail a@b.de"), "{text}");
    let records = client.get("/letters?redaction=PLAIN_TEXT").await.ok();
    assert_eq!(records["records"][0]["fields"]["who"], "Jane Doe", "{records}");
    let token = text.split(['[', ']']).nth(1).unwrap();
    let body = json!({"vaultId": client.vault.vault_id(), "text": format!("for [{token}] and [NAME_1]")});
    let restored = call(&client, "/reidentify/string", body).await.ok();
    assert_eq!(restored["processedText"], "for Jane Doe and [NAME_1]");
    assert_eq!(restored["metrics"]["wordCount"], 4);
}

#[tokio::test]
async fn redaction_levels_and_unknown_tokens() {
    let client = client();
    let options = json!({"token_type": {"default": "vault_token"}});
    let text = deidentified(&client, TEXT, options).await["processed_text"].as_str().unwrap().to_owned();
    let body = |text: &str, levels: Value| json!({"vaultId": client.vault.vault_id(), "text": text, "redactionLevel": levels});
    let levels = json!([{"replacePattern": "MASKED", "source": "SSN"}, {"replacePattern": "REDACTED", "source": "NAME"}]);
    let shown = call(&client, "/reidentify/string", body(&text, levels)).await.ok();
    assert_eq!(shown["processedText"], "My name is *REDACTED* and my SSN is XXXXX6789.");
    let unknown = call(&client, "/reidentify/string", body("for [NAME_abcdefg]", json!(null))).await;
    assert_eq!(unknown.error(404), "Detokenization failed. Token abcdefg is invalid. Specify a valid token.");
    for levels in [
        json!([{"replacePattern": "MASKED"}]),
        json!([{"source": "SSN"}]),
        json!([{"source": "SSN", "replacePattern": "X"}]),
    ] {
        call(&client, "/reidentify/string", body(&text, levels)).await.error(400);
    }
}

#[tokio::test]
async fn file_run_counts_the_input_and_lists_entities() {
    let client = client();
    let body = json!({
        "dataSource": "BASE64", "value": STANDARD.encode(TEXT), "dataFormat": "txt",
        "configuration": configuration(&client, json!({})),
    });
    let run = ended(&client, body).await;
    assert_eq!((&run["status"], &run["outputType"]), (&json!("SUCCESS"), &json!("BASE64")));
    let [file, list] = run["output"].as_array().unwrap().as_slice() else { panic!("{run}") };
    assert_eq!(content(file), "My name is [NAME_1] and my SSN is [SSN_1].");
    assert_eq!(
        (&file["processedFileType"], &file["processedFileExtension"], &list["processedFileType"]),
        (&json!("REDACTED_FILE"), &json!("txt"), &json!("ENTITIES"))
    );
    let list: Value = serde_json::from_str(&content(list)).unwrap();
    assert_eq!((&list[1]["entityType"], list[1].get("value")), (&json!("SSN"), None));
    assert_eq!((&run["metrics"]["wordCount"], &run["metrics"]["characterCount"]), (&json!(10), &json!(46)));
    let uri = format!("/v1/detect/runs/x?vault_id={}", client.vault.vault_id());
    assert!(request(&client, Method::GET, &uri, String::new()).await.ok().get("metrics").is_none());
}

/// Puts a letter into the vault; returns the id of its record.
async fn letter(client: &Client) -> String {
    let (id, _) = client.insert_one("letters", json!({"title": "x"})).await;
    let form = [
        ("tableName", "letters", ""),
        ("columnName", "original", ""),
        ("skyflowID", id.as_str(), ""),
        ("file", TEXT, "; filename=\"letter.txt\""),
    ];
    let parts = form.map(|(name, value, file)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    });
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/v2/vaults/{}/files/upload", client.vault.vault_id()))
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from(format!("{}--b--\r\n", parts.concat())))
        .unwrap();
    send(&client.vault, request).await.ok();
    id
}

#[tokio::test]
async fn files_of_the_vault_are_read_and_written() {
    let client = with_files();
    let id = letter(&client).await;
    let mut mapped = configuration(&client, json!({"returnEntities": "NONE"}));
    mapped["fileMapping"] = json!([{"source": "letters.original", "destination": "letters.processed"}]);
    let body = json!({"dataSource": "SKYFLOW_ID", "value": id, "dataFormat": "txt", "configuration": mapped});
    let run = ended(&client, body).await;
    assert_eq!(run["outputType"], "SKYFLOW_ID", "{run}");
    assert_eq!(run["output"].as_array().unwrap().len(), 1);
    assert_eq!(run["output"][0]["processedFile"], json!(id));
    let record = client.get(&format!("/letters/{id}?downloadURL=true")).await.ok();
    let link = record["fields"]["processed"].as_str().unwrap().to_owned();
    let body = json!({
        "dataSource": "PRESIGNED_URL", "value": link, "dataFormat": "txt",
        "configuration": configuration(&client, json!({})),
    });
    let run = ended(&client, body).await;
    assert_eq!(content(&run["output"][0]), "My name is [NAME_1] and my SSN is [SSN_1].", "{run}");
    for value in ["https://example.com/file", &link.replace("_emulator", "other")] {
        let body = json!({"dataSource": "PRESIGNED_URL", "value": value, "dataFormat": "txt",
            "configuration": configuration(&client, json!({}))});
        call(&client, "/deidentify/file", body).await.error(400);
    }
}

#[tokio::test]
async fn file_is_reidentified_at_once() {
    let client = client();
    let options = json!({"token_type": {"default": "vault_token"}});
    let text = deidentified(&client, TEXT, options).await["processed_text"].as_str().unwrap().to_owned();
    let body = json!({"dataSource": "BASE64", "value": STANDARD.encode(&text), "dataFormat": "txt",
        "vaultId": client.vault.vault_id()});
    let response = call(&client, "/reidentify/file", body).await.ok();
    assert_eq!((&response["status"], &response["outputType"]), (&json!("SUCCESS"), &json!("BASE64")));
    assert_eq!(content(&response["output"][0]), TEXT);
    assert_eq!(response["output"][0]["processedFileType"], "REIDENTIFIED_FILE");
    assert_eq!(response["metrics"]["characterCount"], text.len());
}

#[tokio::test]
async fn guardrails_have_the_names_of_version_2() {
    let client = client();
    let body = json!({"vaultId": client.vault.vault_id(), "text": "You idiot, about weapons", "denyTopics": ["weapons"]});
    let response = call(&client, "/guardrails", body).await.ok();
    assert_eq!(
        response,
        json!({"text": "You idiot, about weapons", "toxic": true, "deniedTopic": true, "validation": "FAILED"})
    );
}

#[tokio::test]
async fn invalid_requests_of_version_2_are_refused() {
    let client = with_files();
    let good = configuration(&client, json!({}));
    let file = |source: &str, format: &str| json!({"dataSource": source, "value": STANDARD.encode(TEXT), "dataFormat": format, "configuration": good});
    let media = |media: Value| {
        let mut body = file("BASE64", "txt");
        body["configuration"]["media"] = media;
        body
    };
    for (path, body, status) in [
        ("/deidentify/string", json!({"text": TEXT}), 400),
        ("/deidentify/string", json!({"text": TEXT, "configurationId": "x", "configuration": good}), 400),
        ("/deidentify/string", json!({"text": TEXT, "configuration_id": "x"}), 400),
        ("/deidentify/string", json!({"text": TEXT, "configurationId": "x"}), 400),
        ("/deidentify/string", json!({"text": TEXT, "configuration": {"vaultId": "other"}}), 404),
        ("/deidentify/string", json!({"text": TEXT, "configuration": {}}), 400),
        ("/deidentify/string", json!({"text": "", "configuration": good}), 400),
        ("/deidentify/file", file("NO_SUCH", "txt"), 400),
        ("/deidentify/file", file("BASE64", "exe"), 400),
        ("/deidentify/file", file("SKYFLOW_ID", "txt"), 400),
        ("/deidentify/file", media(json!({"image": {"maskingMethod": "NONE"}})), 400),
        ("/deidentify/file", media(json!({"audio": {"bleep": {"frequency": 1}}})), 400),
        ("/deidentify/file", media(json!({"document": {"pdf": {"processingMode": "OCR"}}})), 501),
        ("/guardrails", json!({"text": TEXT}), 400),
        ("/reidentify/string", json!({"text": TEXT, "vaultId": client.vault.vault_id(), "format": {}}), 400),
    ] {
        let response = call(&client, path, body.clone()).await;
        assert_eq!(response.status.as_u16(), status, "{path} {body}: {:?}", response.body);
    }
    let mut faces = file("BASE64", "png");
    faces["configuration"]["detect"] =
        json!({"objectEntities": [{"entityType": "FACE", "deidentificationType": "REDACT"}]});
    assert!(call(&client, "/deidentify/file", faces).await.error(501).contains("objectEntities"));
    let account = client.vault.create_service_account(NewServiceAccount::new("a").role(Role::VaultEditor));
    let editor = client.with_bearer(account.unwrap().create_api_key().unwrap().expose());
    call(&editor, "/deidentify/string", json!({"text": TEXT, "configuration": good})).await.error(403);
}
