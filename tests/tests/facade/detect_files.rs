use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyflow::{
    Bleep, DateShift, DeidentifyFileRequest, DetectEntity, ErrorKind, FileSource, MaskingMethod,
    ReidentifyFileRequest, RunStatus, TokenFormat, TokenKind, Transcription,
};

use crate::scripted_vault::{Clients, script};

fn started() -> (u16, Value) {
    (200, json!({"run_id": "r1"}))
}

fn succeeded() -> (u16, Value) {
    (200, json!({"status": "SUCCESS", "output": []}))
}

fn file(name: &str) -> DeidentifyFileRequest {
    DeidentifyFileRequest::new(FileSource::bytes(name, "abc"))
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.txt");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let server = script(&[]);
    let request = DeidentifyFileRequest::new(FileSource::path(&pipe));
    assert_eq!(server.detect().deidentify_file(request).await.unwrap_err().field(), Some("file"));
}

#[tokio::test]
async fn extension_selects_endpoint_and_options() {
    for (extension, endpoint, own) in [
        ("txt", "/text", json!({})),
        (
            "MP3",
            "/audio",
            json!({"output_processed_audio": true, "output_transcription": "medical_transcription",
            "bleep_gain": -6, "bleep_frequency": 1000, "bleep_start_padding": 0.25, "bleep_stop_padding": 1}),
        ),
        (
            "wav",
            "/audio",
            json!({"output_processed_audio": true, "output_transcription": "medical_transcription",
            "bleep_gain": -6, "bleep_frequency": 1000, "bleep_start_padding": 0.25, "bleep_stop_padding": 1}),
        ),
        ("Pdf", "/document/pdf", json!({"density": 300, "max_resolution": 2000})),
        (
            "png",
            "/image",
            json!({"masking_method": "blur", "output_processed_image": false, "output_ocr_text": true}),
        ),
        ("pptx", "/presentation", json!({})),
        ("csv", "/spreadsheet", json!({})),
        ("DOCX", "/document", json!({})),
        ("json", "/structured_text", json!({})),
        (
            "dcm",
            "/image",
            json!({"masking_method": "blur", "output_processed_image": false, "output_ocr_text": true}),
        ),
        (
            "GIF",
            "/image",
            json!({"masking_method": "blur", "output_processed_image": false, "output_ocr_text": true}),
        ),
        ("jsonl", "/structured_text", json!({})),
        ("zip", "", json!({})),
        ("xyz", "", json!({})),
    ] {
        let server = script(&[started(), succeeded()]);
        let request = file(&format!("a.b.{extension}"))
            .entities([DetectEntity::SSN])
            .token_format(TokenFormat::of(TokenKind::EntityOnly))
            .allow_regex(["a"])
            .restrict_regex(["b"])
            .shift_dates(DateShift::days(1, 5))
            .masking_method(MaskingMethod::Blur)
            .output_processed_image(false)
            .output_ocr_text(true)
            .pixel_density(300)
            .max_resolution(2000)
            .output_processed_audio(true)
            .output_transcription(Transcription::Medical)
            .bleep(
                Bleep::new()
                    .gain(-6.0)
                    .frequency(1000)
                    .start_padding(Duration::from_millis(250))
                    .stop_padding(Duration::from_secs(1)),
            );
        let run = server.detect().deidentify_file(request).await.unwrap();
        assert_eq!((run.run_id.as_str(), run.status), ("r1", RunStatus::Success));
        let sent = server.requests();
        assert_eq!(sent[0].target(), format!("/v1/detect/deidentify/file{endpoint}"), "{extension}");
        assert_eq!(sent[1].target(), "/v1/detect/runs/r1?vault_id=v1");
        let mut expected = json!({
            "vault_id": "v1", "file": {"base64": "YWJj", "data_format": extension.to_lowercase()},
            "entity_types": ["ssn"], "token_type": {"default": "entity_only"}, "allow_regex": ["a"],
            "restrict_regex": ["b"], "transformations": {"shift_dates": {"min_days": 1, "max_days": 5}},
        });
        expected.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        assert_eq!(sent[0].json(), expected, "{extension}");
    }
}

#[tokio::test]
async fn content_is_equal_from_every_kind_of_source() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f.txt");
    let content: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    std::fs::write(&path, &content).unwrap();
    let encoded = STANDARD.encode(&content);
    for source in [
        FileSource::path(&path),
        FileSource::bytes("f.txt", content.clone()),
        FileSource::base64("f.txt", encoded.clone()),
        FileSource::reader("f.txt", std::io::Cursor::new(content.clone())),
    ] {
        let server = script(&[started(), succeeded()]);
        server.detect().deidentify_file(DeidentifyFileRequest::new(source)).await.unwrap();
        assert_eq!(server.requests()[0].json()["file"], json!({"base64": encoded, "data_format": "txt"}));
    }
}

#[tokio::test]
async fn invalid_input_is_refused_before_sending() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let server = script(&[started(), succeeded()]);
    let detect = server.detect();
    let refused = [
        (DeidentifyFileRequest::new(FileSource::bytes(" ", "abc")), "file_name"),
        (file("noext"), "file_name"),
        (file("dir.pdf/noext"), "file_name"),
        (file("a.").data_format(""), "data_format"),
        (file("a.txt").data_format("../x"), "data_format"),
        (DeidentifyFileRequest::new(FileSource::bytes("a.txt", "")), "file"),
        (DeidentifyFileRequest::new(FileSource::path(missing.join("a.txt"))), "file"),
        (DeidentifyFileRequest::new(FileSource::path(directory.path())), "file"),
        (DeidentifyFileRequest::new(FileSource::base64("a.txt", "YWJj\n")), "file"),
        (file("a.pdf").token_format(TokenFormat::of(TokenKind::VaultToken)), "token_format"),
        (file("a.xlsx").token_format(TokenFormat::new().vault_token(["ssn"])), "token_format"),
        (file("a.txt").skyflow_id(" "), "skyflow_id"),
        (file("a.pdf").pixel_density(1001), "pixel_density"),
        (file("a.pdf").max_resolution(71), "max_resolution"),
        (file("a.pdf").max_resolution(3001), "max_resolution"),
        (file("a.wav").bleep(Bleep::new().frequency(19)), "bleep.frequency"),
        (file("a.wav").bleep(Bleep::new().gain(-60.5)), "bleep.gain"),
        (file("a.wav").bleep(Bleep::new().start_padding(Duration::from_secs(21))), "bleep.start_padding"),
        (file("a.wav").bleep(Bleep::new().stop_padding(Duration::from_secs(21))), "bleep.stop_padding"),
        (file("a.txt").wait_time(Duration::from_millis(64_001)), "wait_time"),
        (file("a.pdf").pixel_density(0), "pixel_density"),
        (file("a.pdf").max_resolution(0), "max_resolution"),
        (file("a.wav").bleep(Bleep::new().frequency(0)), "bleep.frequency"),
        (file("a.wav").bleep(Bleep::new().gain(f64::NAN)), "bleep.gain"),
        (file("a.txt").output_directory(&missing), "output_directory"),
        (file("a.txt").allow_regex([""]), "allow_regex[0]"),
        (file("a.txt").configuration_id("c").entities(["ssn"]), "entities"),
    ];
    for (request, field) in refused {
        let error = detect.deidentify_file(request).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{error}");
        assert_eq!(error.operation(), Some("files.deidentify"));
    }
    for (source, field) in [
        (FileSource::bytes("a.pdf", "abc"), "file_name"),
        (FileSource::bytes("noext", "abc"), "file_name"),
        (FileSource::bytes("a.txt", ""), "file"),
    ] {
        let error = detect.reidentify_file(ReidentifyFileRequest::new(source)).await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the probes are gone");
}

#[tokio::test]
async fn run_start_is_retried_only_when_rejected() {
    for (status, requests, ambiguous) in [(429, 4, false), (503, 1, true), (400, 1, false)] {
        let server = script(&[
            (status, json!({"error": {"message": "no"}})),
            (status, json!({"error": {"message": "no"}})),
            started(),
            succeeded(),
        ]);
        let outcome = server.detect().deidentify_file(file("a.txt")).await;
        assert_eq!(server.requests().len(), requests, "{status}");
        match outcome {
            Ok(_) => assert_eq!(status, 429),
            Err(error) => assert_eq!(error.may_have_been_applied(), ambiguous, "{status}"),
        }
    }
}

#[tokio::test]
async fn start_without_a_run_id_is_an_error() {
    for response in [json!({}), json!({"run_id": null}), json!({"run_id": " "}), json!({"run_id": ".."})] {
        let server = script(&[(200, response)]);
        let error = server.detect().deidentify_file(file("a.txt")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.may_have_been_applied());
        assert_eq!((server.requests().len(), error.request_id().unwrap().as_str()), (1, "req-1"));
    }
}

#[tokio::test]
async fn reidentified_file_is_returned_and_written() {
    let directory = tempfile::tempdir().unwrap();
    let output = json!({"processed_file": STANDARD.encode("Jane Doe"), "processed_file_type": "reidentified_file",
        "processed_file_extension": "txt"});
    let server = script(&[(200, json!({"status": "success", "output_type": "BASE64", "output": output}))]);
    let request = ReidentifyFileRequest::new(FileSource::bytes("a.TXT", "[NAME_x]"))
        .masked_entities(["ssn"])
        .output_directory(directory.path());
    let response = server.detect().reidentify_file(request).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].target(), "/v1/detect/reidentify/file");
    assert_eq!(
        sent[0].json(),
        json!({"vault_id": "v1", "file": {"base64": STANDARD.encode("[NAME_x]"), "data_format": "txt"},
            "format": {"masked": ["ssn"]}})
    );
    assert_eq!(
        (response.status, response.output.unwrap().content.as_ref()),
        (RunStatus::Success, &b"Jane Doe"[..])
    );
    assert_eq!(std::fs::read(response.saved.unwrap()).unwrap(), b"Jane Doe");
}

#[tokio::test]
async fn path_of_an_output_is_kept_as_a_path() {
    let directory = tempfile::tempdir().unwrap();
    for path in ["/efs/v1/a.txt", "SmFuZQ==", "efs/path"] {
        let output = json!([{"processedFile": path, "processedFileType": "redacted_file"}]);
        let ended = json!({"status": "SUCCESS", "outputType": "EFS_PATH", "output": output});
        let server = script(&[started(), (200, ended)]);
        let request = file("a.txt").output_directory(directory.path());
        let run = server.detect().deidentify_file(request).await.unwrap();
        let output = run.file().unwrap();
        assert_eq!((output.path.as_deref(), output.content.len()), (Some(path), 0));
        assert_eq!(run.saved.len(), 0);
        let restored =
            json!({"status": "success", "output_type": "efs_path", "output": {"processed_file": path}});
        let server = script(&[(200, restored)]);
        let request = ReidentifyFileRequest::new(FileSource::bytes("a.txt", "abc"));
        let response = server.detect().reidentify_file(request).await.unwrap();
        assert_eq!(response.output.unwrap().path.as_deref(), Some(path));
    }
    let broken = json!([{"processedFile": "/efs/a.txt"}]);
    for output_type in [json!("BASE64"), json!(null)] {
        let ended = json!({"status": "SUCCESS", "outputType": output_type, "output": broken});
        let server = script(&[started(), (200, ended)]);
        let run = server.detect().deidentify_file(file("a.txt")).await.unwrap();
        assert_eq!(run.file().unwrap().path.as_deref(), Some("/efs/a.txt"), "what is no Base64 is a path");
    }
}

#[tokio::test]
async fn skyflow_id_and_vault_tokens_are_sent() {
    for name in ["a.txt", "a.csv", "a.json", "a.jsonl", "a.xml"] {
        let server = script(&[started(), succeeded()]);
        let request = file(name).skyflow_id("id1").token_format(TokenFormat::of(TokenKind::VaultToken));
        server.detect().deidentify_file(request).await.unwrap();
        let sent = server.requests()[0].json();
        assert_eq!(
            (&sent["file"]["skyflow_id"], &sent["token_type"]["default"]),
            (&json!("id1"), &json!("vault_token"))
        );
    }
}
