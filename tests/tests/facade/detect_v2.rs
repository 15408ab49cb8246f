//! Version 2 of Detect, over the embedded vault and over responses of a script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use skyflow::api::types::{
    AudioSettings, BleepSettings, CheckGuardrailsRequestV2, DataSource, DeidentificationType,
    DeidentifyFileRequestV2, DeidentifyStringRequestV2, DetectConfiguration, DetectSettings,
    DocumentSettings, EntityRule, FileFormat, GuardrailsValidationV2, MediaSettings, PdfSettings,
    ReidentifyFileRequestV2, ReidentifyStringRequestV2, ReturnEntities, RunStatus,
};
use skyflow::{Credentials, Detect, ErrorKind, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;

use crate::scripted_vault::{Clients, script};

const TEXT: &str = "My name is Jane Doe and my SSN is 123-45-6789.";

fn embedded() -> Detect {
    let vault = EmbeddedVault::builder().build().unwrap();
    let config = VaultConfig::new(vault.vault_id(), vault.cluster_id())
        .credentials(Credentials::api_key(vault.api_key().clone()).unwrap());
    Skyflow::builder().vault(config).transport(vault.service()).build().unwrap().default_detect().unwrap()
}

fn configuration(detect: &Detect, settings: DetectSettings) -> DetectConfiguration {
    DetectConfiguration::new(detect.vault_id().as_str()).detect(settings)
}

#[tokio::test]
async fn text_round_trips_with_rules_for_each_entity() {
    let detect = embedded();
    let rule = |entity: &str, kind| EntityRule::default().entity_type(entity).deidentification_type(kind);
    let settings = DetectSettings::default()
        .entities(vec![
            rule("NAME", DeidentificationType::VaultToken),
            rule("SSN", DeidentificationType::EntityOnly),
        ])
        .return_entities(ReturnEntities::All);
    let request = DeidentifyStringRequestV2::new(TEXT).configuration(configuration(&detect, settings));
    let response = detect.version_2().deidentify_string(request).await.unwrap();
    let text = response.processed_text.unwrap();
    assert!(text.contains("[NAME_") && text.ends_with("my SSN is [SSN]."), "{text}");
    assert_eq!(response.entities[0].value.as_deref(), Some("Jane Doe"));
    assert_eq!(response.metrics.unwrap().word_count, Some(10));
    let request = ReidentifyStringRequestV2::new(detect.vault_id().as_str(), text);
    let restored = detect.version_2().reidentify_string(request).await.unwrap();
    assert_eq!(restored.processed_text.unwrap(), "My name is Jane Doe and my SSN is [SSN].");
    let request = ReidentifyStringRequestV2::new(detect.vault_id().as_str(), "[NAME_abcdefg]");
    assert_eq!(detect.version_2().reidentify_string(request).await.unwrap_err().http_code(), Some(404));
}

#[tokio::test]
async fn file_runs_and_is_reidentified() {
    let detect = embedded();
    let request = DeidentifyFileRequestV2::new(DataSource::Base64, STANDARD.encode(TEXT), FileFormat::Txt)
        .configuration(configuration(&detect, DetectSettings::default()));
    let run_id = detect.version_2().start_deidentify_file(request).await.unwrap();
    let run = detect.version_2().get_run(run_id).await.unwrap();
    assert_eq!(run.status, Some(RunStatus::Success));
    assert_eq!(run.output_type, Some(DataSource::Base64));
    let processed = run.output[0].processed_file.clone().unwrap();
    assert_eq!(STANDARD.decode(&processed).unwrap(), b"My name is [NAME_1] and my SSN is [SSN_1].");
    let vault_id = detect.vault_id().as_str();
    let request = ReidentifyFileRequestV2::new(DataSource::Base64, processed, FileFormat::Txt, vault_id);
    let restored = detect.version_2().reidentify_file(request).await.unwrap();
    assert_eq!(restored.output[0].processed_file_type.as_deref(), Some("REIDENTIFIED_FILE"));
}

#[tokio::test]
async fn verdicts_are_read_in_both_spellings() {
    let detect = embedded();
    let request = CheckGuardrailsRequestV2::new("You idiot", detect.vault_id().as_str());
    let verdict = detect.version_2().check_guardrails(request).await.unwrap();
    assert_eq!((verdict.toxic, verdict.validation), (Some(true), Some(GuardrailsValidationV2::Failed)));
    let server = script(&[(200, json!({"denied_topic": true, "validation": "failed"})), (200, json!({}))]);
    let check = async || {
        let request = CheckGuardrailsRequestV2::new("x", "v1");
        server.detect().version_2().check_guardrails(request).await
    };
    assert_eq!(check().await.unwrap().denied_topic, Some(true));
    assert_eq!(check().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn version_2_refuses_invalid_input_first() {
    let pdf = |pdf| MediaSettings::default().document(DocumentSettings::default().pdf(pdf));
    let bleep = |bleep| MediaSettings::default().audio(AudioSettings::default().bleep(bleep));
    let server = script(&[]);
    let detect = server.detect().version_2();
    let both = || {
        let configuration = DetectConfiguration::new("v1");
        DeidentifyStringRequestV2::new(TEXT).configuration_id("c").configuration(configuration)
    };
    for (request, field) in [
        (DeidentifyStringRequestV2::new(TEXT), "configuration"),
        (both(), "configuration"),
        (DeidentifyStringRequestV2::new(" ").configuration_id("c"), "text"),
        (DeidentifyStringRequestV2::new(TEXT).configuration_id(" "), "configuration_id"),
    ] {
        assert_eq!(detect.deidentify_string(request).await.unwrap_err().field(), Some(field));
    }
    let topics = CheckGuardrailsRequestV2::new("x", "v1").deny_topics(["y".repeat(61)]);
    assert_eq!(detect.check_guardrails(topics).await.unwrap_err().field(), Some("deny_topics[0]"));
    assert_eq!(detect.get_run(" ").await.unwrap_err().field(), Some("run_id"));
    for (media, field) in [
        (pdf(PdfSettings::default().density(1001)), "document.pdf.density"),
        (pdf(PdfSettings::default().max_resolution(71)), "document.pdf.max_resolution"),
        (bleep(BleepSettings::default().frequency(19)), "audio.bleep.frequency"),
        (bleep(BleepSettings::default().gain(-61)), "audio.bleep.gain"),
        (bleep(BleepSettings::default().start_padding(20.5)), "audio.bleep.start_padding"),
        (bleep(BleepSettings::default().stop_padding(-1.0)), "audio.bleep.stop_padding"),
    ] {
        let configuration = DetectConfiguration::new("v1").media(media);
        let request = DeidentifyFileRequestV2::new(DataSource::Base64, "eA==", FileFormat::Pdf)
            .configuration(configuration);
        let error = detect.start_deidentify_file(request).await.unwrap_err();
        assert_eq!(error.field(), Some(format!("configuration.media.{field}").as_str()));
    }
    assert!(server.requests().is_empty());
}
