//! The Detect description, version 2026.06, and its samples for both versions.

use serde_json::json;
use skyflow_api::{detect_v2, files, guardrails, strings, types};

use crate::{keeps, reads_as, sends};

#[test]
fn entities_are_read_in_both_spellings() {
    let ordinary = json!({
        "processed_text": "My name is [NAME_1].",
        "entities": [{
            "token": "NAME_1", "value": "Ada King", "entity_type": "NAME",
            "location": {"start_index": 11, "end_index": 19, "start_index_processed": 11, "end_index_processed": 19},
            "entity_scores": {"NAME": 0.92, "NAME_FAMILY": 0.46},
        }],
        "word_count": 5, "character_count": 20,
    });
    keeps::<strings::Deidentify>("string de-identify, newer sample", &ordinary);
    let older = json!({
        "processed_text": "My name is [NAME_1].",
        "entities": [{
            "token": "NAME_1", "value": "Ada King", "best_label": "NAME",
            "location": {"start_idx": 11, "end_index": 19, "start_idx_processed": 11, "end_index_processed": 19},
            "labels": {"NAME": 0.92, "NAME_FAMILY": 0.46},
        }],
        "word_count": 5, "character_count": 20,
    });
    reads_as::<strings::Deidentify>("string de-identify, older sample", &older, &ordinary);
    let outside = json!({"processed_text": "[GENDER_SEXUALITY_1]", "entities": [
        {"token": "GENDER_SEXUALITY_1", "value": "x", "entity_type": "GENDER_SEXUALITY", "entity_scores": {"GENDER_SEXUALITY": 0.7}},
    ]});
    keeps::<strings::Deidentify>("labels outside the 70", &outside);
}

#[test]
fn verdicts_are_read_with_and_without_text() {
    let verdict = json!({"text": "x", "toxic": false, "denied_topic": true, "validation": "failed"});
    keeps::<guardrails::Check>("guardrails", &verdict);
    keeps::<guardrails::Check>(
        "guardrails of SDK samples",
        &json!({"toxicity": true, "validation": "failed"}),
    );
    // Samples of version 2 show the names of version 1.
    reads_as::<detect_v2::CheckGuardrails>(
        "version 2 guardrails",
        &verdict,
        &json!({"text": "x", "toxic": false, "deniedTopic": true, "validation": "FAILED"}),
    );
}

#[test]
fn version_1_runs_are_read_with_their_types() {
    let output = |kind: &str, extension: &str| json!({"processedFile": "eA==", "processedFileType": kind, "processedFileExtension": extension});
    for output_type in ["BASE64", "EFS_PATH", "UNKNOWN"] {
        let body = json!({
            "status": "SUCCESS", "outputType": output_type, "message": "",
            "output": [output("redacted_file", "pdf"), output("entities", "json")],
            "wordCharacterCount": {"wordCount": 10, "characterCount": 53}, "size": 0.05, "pages": 1,
        });
        keeps::<files::GetRun>("run", &body);
    }
    keeps::<files::Deidentify>("start of a run", &json!({"run_id": "d3b0"}));
}

#[test]
fn version_2_texts_are_sent_and_read() {
    let body = types::ReidentifyStringRequestV2::new("v1", "[NAME_x]")
        .redaction_level(vec![types::RedactionLevel::default().replace_pattern("MASKED").source("SSN")]);
    sends(
        "version 2 string re-identify",
        detect_v2::ReidentifyString::new(body),
        "POST /v2/detect/reidentify/string",
        &json!({"vaultId": "v1", "text": "[NAME_x]", "redactionLevel": [{"replacePattern": "MASKED", "source": "SSN"}]}),
    );
    let body = types::DeidentifyStringRequestV2::new("Ada").configuration_id("c1");
    sends(
        "version 2 string de-identify",
        detect_v2::DeidentifyString::new(body),
        "POST /v2/detect/deidentify/string",
        &json!({"text": "Ada", "configurationId": "c1"}),
    );
    let location = json!({"startIndex": 0, "endIndex": 3, "startIndexProcessed": 0, "endIndexProcessed": 8});
    let body = json!({
        "processedText": "[NAME_1]",
        "entities": [{"token": "NAME_1", "value": "Ada", "location": location, "entityType": "NAME",
            "entityScores": {"NAME": 0.91, "NAME_FAMILY": 0.82}}],
        "metrics": {"size": 0.05, "wordCount": 10, "characterCount": 53},
    });
    keeps::<detect_v2::DeidentifyString>("version 2 string de-identify", &body);
    let body = json!({"processedText": "Ada", "metrics": {"wordCount": 1, "characterCount": 3}});
    keeps::<detect_v2::ReidentifyString>("version 2 string re-identify", &body);
}

#[test]
fn version_2_files_are_sent_and_read() {
    let body = types::DeidentifyFileRequestV2::new(types::DataSource::Base64, "eA==", types::FileFormat::Txt)
        .configuration_id("c1");
    sends(
        "version 2 file de-identify",
        detect_v2::DeidentifyFile::new(body),
        "POST /v2/detect/deidentify/file",
        &json!({"dataSource": "BASE64", "value": "eA==", "dataFormat": "txt", "configurationId": "c1"}),
    );
    sends(
        "version 2 run",
        detect_v2::GetRun::new("d3b0", "v1"),
        "GET /v2/detect/runs/d3b0?vaultId=v1",
        &json!(null),
    );
    keeps::<detect_v2::DeidentifyFile>("version 2 start of a run", &json!({"runId": "d3b0"}));
    for (kind, extension) in [("REDACTED_TEXT", "txt"), ("ENTITIES", "json"), ("REDACTED_FILE", "pdf")] {
        let output = json!([{"processedFile": "eA==", "processedFileType": kind, "processedFileExtension": extension}]);
        let metrics = json!({"size": 0.5, "wordCount": 3, "characterCount": 9, "slides": 1, "pages": 1, "duration": 1.5});
        let body = json!({"status": "SUCCESS", "outputType": "BASE64", "output": output, "message": "m", "metrics": metrics});
        keeps::<detect_v2::GetRun>("version 2 run", &body);
    }
    // A list in version 2, where version 1 has an object.
    let output = json!({"processedFile": "eA==", "processedFileType": "REIDENTIFIED_FILE", "processedFileExtension": "txt"});
    let body = json!({"status": "SUCCESS", "outputType": "BASE64", "output": [output]});
    keeps::<detect_v2::ReidentifyFile>("version 2 file re-identify", &body);
}
