use skyflow_emulator::CannedRun;

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
