//! Detect through the client and the embedded vault: what goes in comes back, and what must not be seen is not.

use std::path::PathBuf;

use futures_util::future::join_all;
use proptest::prelude::*;
use skyflow::{
    Credentials, DeidentifyFileRequest, DeidentifyTextRequest, Detect, FileSource, ReidentifyFileRequest,
    ReidentifyTextRequest, RunStatus, Skyflow, TokenFormat, TokenKind, VaultConfig,
};
use skyflow_emulator::EmbeddedVault;
use skyflow_types::DetectEntity;

fn detect(embedded: &EmbeddedVault) -> Detect {
    let config = VaultConfig::new(embedded.vault_id(), embedded.cluster_id())
        .credentials(Credentials::api_key(embedded.api_key().clone()).unwrap());
    Skyflow::builder().vault(config).transport(embedded.service()).build().unwrap().default_detect().unwrap()
}

/// Values that are planted; each is found by a rule.
const VALUES: [&str; 8] = [
    "my name is Jane Doe",
    "SSN 123-45-6789",
    "4111 1111 1111 1111",
    "zoë.müller@example.com",
    "jane@example.com",
    "(415) 555-2671",
    "192.168.10.20",
    "Falcon",
];

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => ".{0,12}",
        1 => "[\\PC\\s\u{301}\u{202e}😀é\r\n]{0,6}",
        3 => proptest::sample::select(&VALUES[..]).prop_map(ToOwned::to_owned),
        1 => Just(" ".to_owned()),
    ];
    proptest::collection::vec(piece, 1..12)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a text that is not blank", |text| !text.trim().is_empty())
}

#[test]
fn any_text_is_restored_and_positions_match() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    embedded.dictionary().teach("Falcon", DetectEntity::PROJECT);
    let detect = detect(&embedded);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let found = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config {
        cases: 200,
        failure_persistence: None,
        ..Default::default()
    });
    let outcome = runner.run(&any_text(), |text| {
        runtime.block_on(async {
            let request = DeidentifyTextRequest::new(text.as_str())
                .token_format(TokenFormat::of(TokenKind::VaultToken));
            let response = detect.deidentify_text(request).await.unwrap();
            prop_assert_eq!(response.char_count, Some(text.chars().count() as u64));
            for entity in &response.entities {
                let value = entity.text_index.and_then(|index| index.slice(&text));
                prop_assert_eq!(value, Some(entity.value.as_str()));
                let token = entity.processed_index.and_then(|index| index.slice(&response.processed_text));
                let in_brackets = format!("[{}]", entity.token);
                prop_assert_eq!(token, Some(in_brackets.as_str()));
            }
            found.set(found.get() + response.entities.len());
            let back =
                detect.reidentify_text(ReidentifyTextRequest::new(response.processed_text)).await.unwrap();
            prop_assert_eq!(back.processed_text, text);
            Ok(())
        })
    });
    outcome.unwrap();
    assert!(found.get() > 200, "only {} values were found", found.get());
}

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/files").join(name)
}

#[tokio::test]
async fn files_of_restorable_formats_are_restored() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let detect = detect(&embedded);
    let options = || TokenFormat::of(TokenKind::VaultToken);
    let text = "Jane Doe, 123-45-6789";
    let request = DeidentifyTextRequest::new("My name is Jane Doe, SSN 123-45-6789").token_format(options());
    let response = detect.deidentify_text(request).await.unwrap();
    let tokens: Vec<String> = response.entities.iter().map(|entity| format!("[{}]", entity.token)).collect();
    let tokens = tokens.join(", ");
    for (name, content, expected) in [
        ("a.txt", tokens.clone(), text.to_owned()),
        ("a.csv", format!("a;b\n\"{tokens}\";1\n"), format!("a;b\n\"{text}\";1\n")),
        ("a.json", format!("{{\"a\": [\"{tokens}\", 1.0]}}"), format!("{{\"a\": [\"{text}\", 1.0]}}")),
        ("a.xml", format!("<a b=\"{tokens}\"/>"), format!("<a b=\"{text}\"/>")),
    ] {
        let response = detect
            .reidentify_file(ReidentifyFileRequest::new(FileSource::bytes(name, content)))
            .await
            .unwrap();
        assert_eq!(response.status, RunStatus::Success);
        assert_eq!(String::from_utf8_lossy(&response.output.unwrap().content), expected, "{name}");
    }
}

#[tokio::test]
async fn a_hundred_runs_at_once_are_each_told_apart() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let detect = detect(&embedded);
    let runs = (0..100).map(|number| {
        let file = FileSource::bytes("a.txt", format!("number {number}: my name is Jane Doe"));
        let detect = detect.clone();
        async move { (number, detect.deidentify_file(DeidentifyFileRequest::new(file)).await.unwrap()) }
    });
    for (number, run) in join_all(runs).await {
        let content = String::from_utf8(run.file().unwrap().content.to_vec()).unwrap();
        assert_eq!(content, format!("number {number}: my name is [NAME_1]"));
    }
}

#[tokio::test]
async fn sample_files_keep_no_personal_values() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    let detect = detect(&embedded);
    for name in [
        "sample.txt",
        "sample.csv",
        "sample.json",
        "sample.xml",
        "sample.docx",
        "sample.xlsx",
        "sample.pptx",
        "sample.pdf",
    ] {
        let run =
            detect.deidentify_file(DeidentifyFileRequest::new(FileSource::path(sample(name)))).await.unwrap();
        let run = run.into_success().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let found = run.entity_lists().next().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found.content).unwrap();
        assert!(found.as_array().unwrap().len() >= 3, "{name}: {found}");
        // The tests of the embedded vault unpack archives and PDFs; here the formats that are text are looked at.
        if let Ok(content) = std::str::from_utf8(&run.file().unwrap().content) {
            for entity in found.as_array().unwrap() {
                let value = entity["value"].as_str().unwrap();
                assert!(
                    !content.contains(value) || value.chars().count() < 4,
                    "{name} keeps {value}:\n{content}"
                );
            }
        }
    }
}
