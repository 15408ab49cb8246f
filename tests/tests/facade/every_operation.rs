//! Every method of the client reaches its operation on the embedded vault, over each protocol.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use serde_json::json;
use skyflow::api::audit::ListEvents;
use skyflow::api::types::{
    BinLookupRequest, CheckGuardrailsRequestV2, DataSource, DeidentifyFileRequestV2,
    DeidentifyStringRequestV2, DetectConfiguration, FileFormat, ReidentifyFileRequestV2,
    ReidentifyStringRequestV2,
};
use skyflow::{
    BatchOperation, BatchRequest, Credentials, DeidentifyFileRequest, DeidentifyTextRequest, DeleteRequest,
    Detect, DetokenizeRequest, FileSource, GetByIdRequest, GetRequest, GuardrailsRequest, InsertRequest,
    QueryRequest, ReidentifyFileRequest, ReidentifyTextRequest, TokenFormat, TokenKind, TokenizeRequest,
    UpdateRequest, UploadFileRequest, UploadStatusRequest, Vault,
};

use crate::places::Place;

const TEXT: &str = "My name is Jane Doe.";

/// The operations of `docs/api-coverage.md` that have a method.
fn operations_with_a_method() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api-coverage.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.contains("every_method_reaches_its_operation"));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

async fn call_vault(vault: &Vault) {
    let row = json!({"name": "Ada", "card_number": "4111111111111111"});
    let inserted = vault.insert(InsertRequest::new("table1").record(row).return_tokens(true)).await.unwrap();
    let row = inserted.single().unwrap();
    let (id, token) = (row.skyflow_id, row.tokens.unwrap().text("card_number").unwrap());
    vault.get(GetRequest::new("table1").ids([&id])).await.unwrap();
    vault.get_by_id(GetByIdRequest::new("table1", &id)).await.unwrap();
    vault.update(UpdateRequest::new("table1", &id, json!({"name": "Grace"}))).await.unwrap();
    vault.query(QueryRequest::new("SELECT name FROM table1")).await.unwrap();
    vault.detokenize(DetokenizeRequest::new().token(token)).await.unwrap();
    let values = TokenizeRequest::new().column_value("4111111111111111", "table1", "card_number");
    vault.tokenize(values).await.unwrap();
    vault.batch(BatchRequest::new([BatchOperation::get("table1", id.as_str())])).await.unwrap();
    let file = FileSource::bytes("a.txt", "hello");
    vault.upload_file(UploadFileRequest::new("table1", "file", file).skyflow_id(&id)).await.unwrap();
    vault.file_scan_status("table1", &id, "file").await.unwrap();
    vault.upload_status(UploadStatusRequest::new().files("table1", &id, ["file"])).await.unwrap();
    vault.delete_file("table1", &id, "file").await.unwrap();
    vault.delete(DeleteRequest::new("table1", [&id])).await.unwrap();
    vault.bin_lookup(BinLookupRequest::default().bin("411111")).await.unwrap();
}

async fn call_detect(detect: &Detect) {
    let request = DeidentifyTextRequest::new(TEXT).token_format(TokenFormat::of(TokenKind::VaultToken));
    let text = detect.deidentify_text(request).await.unwrap().processed_text;
    detect.reidentify_text(ReidentifyTextRequest::new(text)).await.unwrap();
    detect.check_guardrails(GuardrailsRequest::new(TEXT)).await.unwrap();
    // One file of each endpoint; whether its content can be read is the subject of other tests.
    for name in ["a.zip", "a.mp3", "a.docx", "a.pdf", "a.png", "a.pptx", "a.xlsx", "a.json", "a.txt"] {
        let file = FileSource::bytes(name, "{}");
        let run = detect.start_deidentify_file(DeidentifyFileRequest::new(file)).await;
        detect.get_detect_run(run.unwrap_or_else(|error| panic!("{name}: {error}")).run_id()).await.unwrap();
    }
    let file = FileSource::bytes("a.txt", TEXT);
    detect.reidentify_file(ReidentifyFileRequest::new(file)).await.unwrap();
}

async fn call_detect_version_2(detect: &Detect) {
    let (vault, detect) = (detect.vault_id().as_str(), detect.version_2());
    let configuration = DetectConfiguration::new(vault);
    let request = DeidentifyStringRequestV2::new(TEXT).configuration(configuration.clone());
    detect.deidentify_string(request).await.unwrap();
    detect.reidentify_string(ReidentifyStringRequestV2::new(vault, TEXT)).await.unwrap();
    detect.check_guardrails(CheckGuardrailsRequestV2::new(TEXT, vault)).await.unwrap();
    let file = STANDARD.encode(TEXT);
    let request = DeidentifyFileRequestV2::new(DataSource::Base64, file.as_str(), FileFormat::Txt);
    let run = detect.start_deidentify_file(request.configuration(configuration)).await.unwrap();
    detect.get_run(run).await.unwrap();
    let request = ReidentifyFileRequestV2::new(DataSource::Base64, file, FileFormat::Txt, vault);
    detect.reidentify_file(request).await.unwrap();
}

#[tokio::test]
async fn every_method_reaches_its_operation() {
    for place in Place::all().await {
        // With a service account, so that the exchange of its assertion is one of the calls.
        let credentials = Credentials::from_json(&place.credentials_json()).unwrap();
        let client = place.client_over(place.transport(), credentials);
        let vault = client.default_vault().unwrap();
        call_vault(&vault).await;
        let mut events = pin!(vault.audit_events(ListEvents::new(place.vault().account_id())));
        assert!(events.try_next().await.unwrap().is_some());
        let detect = client.default_detect().unwrap();
        call_detect(&detect).await;
        call_detect_version_2(&detect).await;

        let journal = place.vault().journal();
        for entry in &journal {
            assert!(entry.status.is_some_and(|status| status.is_success()), "{entry:?}");
        }
        let called: BTreeSet<String> =
            journal.iter().filter_map(|entry| entry.operation).map(ToOwned::to_owned).collect();
        assert_eq!(called, operations_with_a_method());
    }
}
