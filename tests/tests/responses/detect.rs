//! Detect: the spellings of entities, run ids and outputs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use skyflow::http::{Body, ManualClock, Request, Response};
use skyflow::{
    Credentials, DeidentifyFileRequest, DeidentifyTextRequest, Detect, DetectEntity, FileSource, OutputKind,
    ReidentifyFileRequest, TextIndex, VaultConfig,
};
use skyflow_testkit::{API_KEY, Recorder};
use skyflow_tests::clients::{over, service};

use crate::vault_responding;

/// A Detect whose server gives these responses in order.
fn responding_in_order(bodies: impl IntoIterator<Item = Value>) -> (Recorder, Detect) {
    let bodies: Arc<Mutex<VecDeque<Value>>> = Arc::new(Mutex::new(bodies.into_iter().collect()));
    let recorder = Recorder::new();
    let server = service(move |_: Request| {
        let body = bodies.lock().unwrap().pop_front().unwrap_or(Value::Null).to_string();
        async move {
            let head = http::Response::builder().header("content-type", "application/json");
            let response: Response = head.body(Body::from(body))?;
            Ok(response)
        }
    });
    let config = VaultConfig::new("vault1", "cluster1").credentials(Credentials::api_key(API_KEY).unwrap());
    let clock = Arc::new(ManualClock::auto_advancing());
    let client = over(recorder.around(server)).vault(config).clock(clock).build().unwrap();
    (recorder, client.default_detect().unwrap())
}

#[tokio::test]
async fn entities_are_read_in_every_known_spelling() {
    let entities = [
        json!({"token": "NAME_1", "value": "Jane", "entity_type": "NAME", "entity_scores": {"NAME": 0.9},
            "location": {"start_index": 3, "end_index": 7, "start_index_processed": 3, "end_index_processed": 11}}),
        json!({"token": "NAME_1", "value": "Jane", "best_label": "NAME", "labels": {"NAME": 0.9},
            "location": {"start_idx": 3, "end_idx": 7, "start_idx_processed": 3, "end_idx_processed": 11}}),
        // The published sample.
        json!({"token": "NAME_1", "value": "Jane", "best_label": "NAME", "labels": {"NAME": 0.9},
            "location": {"start_idx": 3, "end_index": 7, "start_idx_processed": 3, "end_index_processed": 11}}),
        // A public server.
        json!({"token": "[NAME_1]", "value": "Jane", "entity_type": "name", "entity_scores": {"name": 0.9},
            "location": {"start": 3, "end": 7, "start_index_processed": 3, "end_index_processed": 11}}),
    ];
    let body = json!({"processed_text": "I, [NAME_1]", "entities": entities});
    let request = DeidentifyTextRequest::new("I, Jane");
    let response = vault_responding(200, &body).detect().deidentify_text(request).await.unwrap();
    assert_eq!(response.entities.len(), 4);
    for entity in &response.entities {
        assert_eq!((entity.token.as_str(), entity.value.as_str()), ("NAME_1", "Jane"));
        assert_eq!(entity.entity, Some(DetectEntity::NAME));
        assert_eq!(entity.text_index, Some(TextIndex { start: 3, end: 7 }));
        assert_eq!(entity.processed_index, Some(TextIndex { start: 3, end: 11 }));
        assert_eq!(entity.scores.get(&DetectEntity::NAME), Some(&0.9));
    }
}

#[tokio::test]
async fn run_ids_may_be_urls_or_paths() {
    for named in ["run-1", "/v1/detect/runs/run-1", "https://c.example/v1/detect/runs/run-1?vault_id=vault1"]
    {
        let run = json!({"status": "SUCCESS", "output": []});
        let (recorder, detect) = responding_in_order([json!({"run_id": named}), run]);
        let request = DeidentifyFileRequest::new(FileSource::bytes("a.txt", "a"));
        let run = detect.deidentify_file(request).await.unwrap();
        assert_eq!(run.run_id, "run-1");
        assert_eq!(recorder.exchanges()[1].uri.path(), "/v1/detect/runs/run-1");
    }
}

#[tokio::test]
async fn outputs_get_the_extension_of_their_input() {
    let directory = tempfile::tempdir().unwrap();
    let output = |kind: &str| json!({"processedFile": "YQ==", "processedFileType": kind});
    let outputs = [output("REDACTED_IMAGE"), output("Entities"), output("REDACTED_FILE")];
    let run = json!({"status": "success", "output": outputs});
    let (_, detect) = responding_in_order([json!({"run_id": "r"}), run.clone(), run]);
    let request = DeidentifyFileRequest::new(FileSource::bytes("scan.v2.PNG", "a"));
    let run = detect.deidentify_file(request.output_directory(directory.path())).await.unwrap();
    let names = |saved: &[std::path::PathBuf]| -> Vec<String> {
        saved.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(&run.saved),
        ["processed-scan.v2.png", "processed-scan.v2.json", "processed-scan.v2-2.png"]
    );
    let kinds: Vec<_> = run.outputs.iter().map(|output| output.kind.clone().unwrap()).collect();
    assert_eq!(kinds, [OutputKind::RedactedImage, OutputKind::Entities, OutputKind::RedactedFile]);
    assert_eq!(run.entity_lists().count(), 1);

    // A run that is waited for later has the name that is given then.
    let poller = detect.run("r").unwrap().output_directory(directory.path(), "later.tiff").await.unwrap();
    let run = poller.wait().await.unwrap();
    assert_eq!(names(&run.saved)[0], "processed-later.tiff");
}

#[tokio::test]
async fn restored_files_keep_their_own_extension() {
    let directory = tempfile::tempdir().unwrap();
    let output = json!({"processed_file": "YQ==", "processed_file_type": "REIDENTIFIED_FILE"});
    let (_, detect) = responding_in_order([json!({"status": "SUCCESS", "output": output})]);
    let request = ReidentifyFileRequest::new(FileSource::bytes("letter.docx", "a"));
    let response = detect.reidentify_file(request.output_directory(directory.path())).await.unwrap();
    assert_eq!(response.saved.unwrap().file_name().unwrap(), "processed-letter.docx");
    assert_eq!(response.output.unwrap().kind.unwrap().as_str(), "reidentified_file");
}
