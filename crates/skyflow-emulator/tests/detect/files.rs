use skyflow_emulator::{CannedRun, Column, Table, TokenPolicy};

use super::*;

#[tokio::test]
async fn canned_run_replaces_an_unsupported_format() {
    let vault = EmbeddedVault::builder()
        .canned_run(
            CannedRun::of_content(b"voice")
                .output("redacted_audio", "mp3", b"bleep")
                .output("redacted_transcription", "txt", "My name is [NAME_1].")
                .duration_seconds(3.5),
        )
        .canned_run(CannedRun::of_format("MP3").failed("unsupported file"))
        .canned_run(CannedRun::of_format("ppt").output("redacted_file", "ppt", b"x").slides(7).pages(2))
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let result = async |path, format, content| {
        let id = start(&client, path, file(format, content)).await;
        run(&client, &id).await
    };
    let wav = result("/deidentify/file/audio", "wav", "voice of another").await;
    assert_eq!(wav["status"], "FAILED");
    assert!(wav["message"].as_str().unwrap().contains("canned"), "{wav}");
    let mp3 = result("/deidentify/file/audio", "mp3", "voice").await;
    assert_eq!(
        (content(&mp3["output"][0]), content(&mp3["output"][1])),
        ("bleep".into(), "My name is [NAME_1].".into())
    );
    assert_eq!(mp3["duration"], 3.5);
    let other = result("/deidentify/file/audio", "mp3", "other").await;
    assert_eq!(
        (other["status"].clone(), other["message"].clone()),
        (json!("FAILED"), json!("unsupported file"))
    );
    let slides = result("/deidentify/file/presentation", "ppt", "any").await;
    assert_eq!((slides["slides"].clone(), slides["pages"].clone()), (json!(7), json!(2)));
}

#[tokio::test]
async fn files_reidentify_and_broken_files_are_refused() {
    let client = client();
    let options = json!({"token_type": {"default": "vault_token"}});
    let text = deidentified(&client, "Jane Doe, 123-45-6789, Zoë", options).await;
    let csv = format!("who\r\n\"{}\"\r\n", text["processed_text"].as_str().unwrap());
    let response = detect(&client, "/reidentify/file", file("csv", &csv)).await.ok();
    assert_eq!(response["status"], "success");
    let output = &response["output"];
    assert_eq!(
        (output["processed_file_type"].clone(), output["processed_file_extension"].clone()),
        (json!("reidentified_file"), json!("csv"))
    );
    let restored = STANDARD.decode(output["processed_file"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(restored).unwrap(), "who\r\n\"Jane Doe, 123-45-6789, Zoë\"\r\n");
    let response = detect(&client, "/reidentify/file", file("docx", "no zip")).await;
    response.error(400);
    let id = start(&client, "/deidentify/file/document", file("docx", "no zip")).await;
    assert_eq!(run(&client, &id).await["status"], "FAILED");
}

#[tokio::test]
async fn known_values_are_replaced_throughout_a_file() {
    let client = client();
    let json_file =
        r#"{"note": "My name is Quill Ossington.", "author": "Quill Ossington", "Quill Ossington": [1.50]}"#;
    let id = start(&client, "/deidentify/file/structured_text", file("json", json_file)).await;
    let ended = run(&client, &id).await;
    let processed = content(&ended["output"][0]);
    assert_eq!(processed, r#"{"note": "My name is [NAME_1].", "author": "[NAME_1]", "[NAME_1]": [1.50]}"#);
}

#[tokio::test]
async fn text_formats_get_vault_tokens_and_back() {
    let client = client();
    for (path, format, original) in [
        ("/deidentify/file/text", "txt", TEXT.to_owned()),
        ("/deidentify/file/spreadsheet", "csv", "name,ssn\r\nJane Doe,123-45-6789\r\n".to_owned()),
        ("/deidentify/file/structured_text", "json", r#"{"name":"Jane Doe"}"#.to_owned()),
        (
            "/deidentify/file/structured_text",
            "jsonl",
            "{\"name\":\"Jane Doe\"}\n{\"ssn\":\"123-45-6789\"}\n".to_owned(),
        ),
        ("/deidentify/file/structured_text", "xml", "<a><name>Jane Doe</name></a>".to_owned()),
        ("/deidentify/file", "jsonl", "{\"name\":\"Jane Doe\"}\n".to_owned()),
    ] {
        let mut body = file(format, &original);
        body["token_type"] = json!({"default": "vault_token"});
        let ended = run(&client, &start(&client, path, body).await).await;
        assert_eq!(ended["status"], "SUCCESS", "{format}: {ended}");
        let processed = content(&ended["output"][0]);
        assert!(!processed.contains("Jane") && processed.contains("[NAME_"), "{processed}");
        let response = detect(&client, "/reidentify/file", file(format, &processed)).await.ok();
        let restored = STANDARD.decode(response["output"]["processed_file"].as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(restored).unwrap(), original);
    }
    let text = deidentified(&client, "Jane Doe", json!({"token_type": {"default": "vault_token"}})).await;
    let mut body = file("txt", "My name is Jane Doe");
    body["token_type"] = json!({"vault_token": ["name"]});
    let ended = run(&client, &start(&client, "/deidentify/file/text", body).await).await;
    let expected = format!("My name is {}", text["processed_text"].as_str().unwrap());
    assert_eq!(content(&ended["output"][0]), expected);
}

#[tokio::test]
async fn file_without_a_token_column_stores_nothing() {
    let vault = EmbeddedVault::builder()
        .without_default_tables()
        .table(Table::new("own").column(Column::string("name_entity").tokens(TokenPolicy::DeterministicUuid)))
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let mut body = file("txt", TEXT);
    body["token_type"] = json!({"default": "vault_token"});
    let ended = run(&client, &start(&client, "/deidentify/file/text", body).await).await;
    assert_eq!(ended["status"], "FAILED");
    assert!(ended["message"].as_str().unwrap().contains("ssn_entity"), "{ended}");
    assert_eq!(client.get("/own").await.ok()["records"], json!([]));
}

#[tokio::test]
async fn endpoints_take_the_published_formats() {
    let client = client();
    let any = [
        "mp3", "wav", "pdf", "txt", "csv", "json", "jpg", "jpeg", "tif", "tiff", "png", "bmp", "xls", "xlsx",
        "doc", "docx", "ppt", "pptx", "xml", "dcm", "jsonl", "zip", "gif",
    ];
    for format in any {
        assert_eq!(start(&client, "/deidentify/file", file(format, "x")).await.len(), 36, "{format}");
    }
    for format in ["dcm", "gif", "png"] {
        let mut body = file(format, "x");
        body["masking_method"] = json!("blur");
        start(&client, "/deidentify/file/image", body).await;
    }
    for (path, format) in
        [("/deidentify/file/image", "zip"), ("/reidentify/file", "zip"), ("/reidentify/file", "gif")]
    {
        detect(&client, path, file(format, "x")).await.error(400);
    }
}

#[tokio::test]
async fn skyflow_id_of_a_file_is_not_emulated() {
    let client = client();
    for (path, format) in
        [("/deidentify/file", "txt"), ("/deidentify/file/audio", "mp3"), ("/reidentify/file", "txt")]
    {
        let mut body = file(format, TEXT);
        body["file"]["skyflow_id"] = json!("an-id");
        assert!(detect(&client, path, body.clone()).await.error(501).contains("file.skyflow_id"));
        body["file"]["skyflow_id"] = json!("");
        if format == "txt" {
            assert_eq!(detect(&client, path, body).await.status.as_u16(), 200, "{path}");
        }
    }
}
