//! P08: `Debug` shows ids, counts and codes; a field is hidden until somebody decides that it holds nothing.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use skyflow::{
    BatchOperation, BatchRequest, Credentials, DetokenizeRequest, FileSource, GetRequest, InsertRequest,
    QueryRequest, Secret, Sensitive, TokenizeRequest, UpdateRequest, UploadFileRequest,
};
use skyflow_api::{
    Operation, audit, authentication, bin_lookup, detect_v2, files, flow_files, flow_query, flow_records,
    flow_tokens, flow_vaults, guardrails, query, record_files, records, strings, tokens, types,
};
use skyflow_auth::{
    ApiKey, AuthHeader, AuthLayer, Cached, CredentialsConfig, DataTokenSigner, HostGuard, ScopedTokens,
    ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenOptions, TokenProvider, TokenProviders,
};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{Body, HttpService};
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::TOKEN_URI;

use skyflow_testkit::Canaries;

/// The API description that the bindings are generated from.
const SPEC: &str = include_str!("../../../crates/skyflow-api/spec/skyflow.openapi.yaml");

/// Fields that generated responses may show: names and codes, never vault data or the caller's input.
const SHOWN: &[&str] = &[
    "RecordIDResponse",
    "accountID",
    "apiName",
    "changeID",
    "columns",
    "entityType",
    "entity_type",
    "file_status",
    "identifier",
    "jwtID",
    "keyID",
    "method",
    "parentAccountID",
    "processedFileExtension",
    "processedFileType",
    "processed_file_extension",
    "requestID",
    "resourceIDs",
    "runId",
    "run_id",
    "sessionID",
    "skyflowID",
    "skyflow_id",
    "tableName",
    "tags",
    "timestamp",
    "tokenGroupName",
    "tokenType",
    "traceID",
    "vaultID",
    "workspaceID",
];

/// Members that hold files, as Base64.
const FILES: [&str; 2] = ["processedFile", "processed_file"];

type Show = fn(&Bytes) -> String;

/// Decodes a body as the response of an operation and formats it.
fn show<O: Operation>(body: &Bytes) -> String
where
    O::Output: Debug,
{
    match O::decode(StatusCode::OK, &HeaderMap::new(), body) {
        Ok(response) => format!("{response:?} {response:#?}"),
        Err(error) => panic!("{}: {error} in {}", O::INFO.name, String::from_utf8_lossy(body)),
    }
}

#[expect(deprecated, reason = "deprecated operations hide values too")]
const OPERATIONS: [(&str, Show); 51] = [
    ("audit_list_events", show::<audit::ListEvents>),
    ("authentication_get_token", show::<authentication::GetToken>),
    ("bin_lookup_list_cards", show::<bin_lookup::ListCards>),
    ("detect_v2_check_guardrails", show::<detect_v2::CheckGuardrails>),
    ("detect_v2_deidentify_file", show::<detect_v2::DeidentifyFile>),
    ("detect_v2_deidentify_string", show::<detect_v2::DeidentifyString>),
    ("detect_v2_get_run", show::<detect_v2::GetRun>),
    ("detect_v2_reidentify_file", show::<detect_v2::ReidentifyFile>),
    ("detect_v2_reidentify_string", show::<detect_v2::ReidentifyString>),
    ("files_deidentify", show::<files::Deidentify>),
    ("files_deidentify_text", show::<files::DeidentifyText>),
    ("files_deidentify_audio", show::<files::DeidentifyAudio>),
    ("files_deidentify_document", show::<files::DeidentifyDocument>),
    ("files_deidentify_pdf", show::<files::DeidentifyPdf>),
    ("files_deidentify_image", show::<files::DeidentifyImage>),
    ("files_deidentify_presentation", show::<files::DeidentifyPresentation>),
    ("files_deidentify_spreadsheet", show::<files::DeidentifySpreadsheet>),
    ("files_deidentify_structured_text", show::<files::DeidentifyStructuredText>),
    ("files_reidentify", show::<files::Reidentify>),
    ("files_get_run", show::<files::GetRun>),
    ("flow_files_delete", show::<flow_files::Delete>),
    ("flow_files_upload", show::<flow_files::Upload>),
    ("flow_query_execute", show::<flow_query::Execute>),
    ("flow_records_insert", show::<flow_records::Insert>),
    ("flow_records_get", show::<flow_records::Get>),
    ("flow_records_update", show::<flow_records::Update>),
    ("flow_records_delete", show::<flow_records::Delete>),
    ("flow_records_get_tokens", show::<flow_tokens::Get>),
    ("flow_tokens_tokenize", show::<flow_tokens::Tokenize>),
    ("flow_tokens_detokenize", show::<flow_tokens::Detokenize>),
    ("flow_tokens_delete", show::<flow_tokens::Delete>),
    ("flow_vaults_metrics", show::<flow_vaults::Metrics>),
    ("flow_vaults_upload_secrets", show::<flow_vaults::UploadSecrets>),
    ("guardrails_check", show::<guardrails::Check>),
    ("query_execute", show::<query::Execute>),
    ("records_upload_file", show::<record_files::UploadToRecord>),
    ("records_delete_file", show::<record_files::Delete>),
    ("records_get_files_upload_status", show::<record_files::GetUploadStatus>),
    ("records_get_file_scan_status", show::<record_files::GetScanStatus>),
    ("records_upload_file_v2", show::<record_files::Upload>),
    ("records_batch", show::<records::Batch>),
    ("records_list", show::<records::List>),
    ("records_insert", show::<records::Insert>),
    ("records_bulk_delete", show::<records::BulkDelete>),
    ("records_get", show::<records::Get>),
    ("records_update", show::<records::Update>),
    ("records_delete", show::<records::Delete>),
    ("strings_deidentify", show::<strings::Deidentify>),
    ("strings_reidentify", show::<strings::Reidentify>),
    ("tokens_detokenize", show::<tokens::Detokenize>),
    ("tokens_tokenize", show::<tokens::Tokenize>),
];

/// Returns a response that fits a schema, with a distinct mark in every string.
fn example(spec: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let schema = reference.trim_start_matches("#/").split('/').fold(spec, |at, key| &at[key]);
        return if depth > 8 { Value::Null } else { example(spec, schema, name, depth + 1) };
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return example(spec, &parts[0], name, depth);
    }
    // An open enum shows what it does not know; a known value says nothing.
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        return known[0].clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => json!([example(spec, &schema["items"], name, depth)]),
        Some("integer") => json!(7),
        Some("number") => json!(7.5),
        Some("boolean") => json!(true),
        Some("string") if FILES.contains(&name) => json!(STANDARD.encode(format!("VALUE-OF-{name}."))),
        Some("string") | None if schema.get("properties").is_none() => json!(format!("VALUE-OF-{name}.")),
        _ => {
            let mut object = Map::new();
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                for (key, schema) in properties {
                    object.insert(key.clone(), example(spec, schema, key, depth));
                }
            } else {
                // Any columns: neither their names nor their values are known.
                let any = json!({});
                let values =
                    schema.get("additionalProperties").filter(|values| values.is_object()).unwrap_or(&any);
                object.insert("column".into(), example(spec, values, name, depth));
            }
            Value::Object(object)
        }
    }
}

/// Returns the schema of an operation's response.
fn response_schema<'a>(spec: &'a Value, id: &str) -> &'a Value {
    let paths = spec["paths"].as_object().unwrap().values();
    let mut operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let operation = operations.find(|operation| operation["operationId"] == id).expect(id);
    &operation["responses"]["200"]["content"]["application/json"]["schema"]
}

#[test]
fn rel_p08_responses_show_allowed_fields_only() {
    let spec: Value = serde_yaml_ng::from_str(SPEC).unwrap();
    let mut shown = BTreeSet::new();
    let mut texts = 0;
    for (id, show) in OPERATIONS {
        let body = example(&spec, response_schema(&spec, id), id, 0).to_string();
        texts += body.matches("VALUE-OF-").count();
        let text = show(&body.into());
        for name in FILES {
            let encoded = STANDARD.encode(format!("VALUE-OF-{name}."));
            assert!(!text.contains(&encoded), "{id} shows a file");
        }
        shown
            .extend(text.split("VALUE-OF-").skip(1).map(|after| after.split('.').next().unwrap().to_owned()));
    }
    assert!(texts > 100, "the responses have something to hide: {texts}");
    let allowed: BTreeSet<String> = SHOWN.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(shown, allowed, "shown is not what is allowed");
}

/// Puts a value into every place of a request, and a mark into every place that may be shown.
#[test]
fn rel_p08_requests_show_no_values_or_tokens() {
    const VALUE: &str = "4111111111111111";
    let columns = || json!({"card_number": VALUE});
    let mut canaries = Canaries::default();
    canaries.forbid("value", VALUE);
    let fields = skyflow::Json::from_serialize(&columns()).unwrap();
    let record = types::Record::default().fields(fields.clone()).tokens(fields.clone());
    let parameter = types::DetokenizeParameter::new(VALUE);
    let shown = [
        format!("{fields:?} {fields:#?}"),
        format!("{:?}", types::InsertRecordsRequest::new(vec![record.clone()])),
        format!(
            "{:#?}",
            records::Insert::new("vault", "table", types::InsertRecordsRequest::new(vec![record]))
        ),
        format!("{:#?}", tokens::Detokenize::new("vault", types::DetokenizeRequest::new(vec![parameter]))),
        format!("{:#?}", records::List::new("vault", "table").column_name("c").column_values([VALUE])),
        format!("{:#?}", InsertRequest::new("t").record(columns())),
        format!("{:#?}", InsertRequest::new("t").record_with_tokens(columns(), columns())),
        format!("{:#?}", UpdateRequest::new("t", "id", columns()).tokens(columns())),
        format!("{:#?}", GetRequest::new("t").column("c", [VALUE])),
        format!("{:#?}", DetokenizeRequest::new().token(VALUE)),
        format!("{:#?}", TokenizeRequest::new().value(VALUE, "group")),
        format!("{:#?}", QueryRequest::new(format!("SELECT * FROM t WHERE c = '{VALUE}'"))),
        format!("{:#?}", BatchOperation::insert("t", columns()).tokens(columns())),
        format!("{:#?}", BatchRequest::new([BatchOperation::update("t", "id", columns())])),
        format!("{:#?}", UploadFileRequest::new("t", "c", FileSource::bytes("a.txt", VALUE))),
        format!("{:#?}", FileSource::base64("a.txt", VALUE)),
        format!("{:#?}", Sensitive::new(VALUE)),
        format!("{:#?} {:?}", Secret::new(VALUE), Body::from(VALUE)),
    ];
    for (n, shown) in shown.iter().enumerate() {
        assert!(!shown.is_empty());
        canaries.assert_absent(&format!("request {n}"), shown);
    }
}

#[tokio::test]
async fn rel_p01_credential_types_show_no_credentials() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let json = vault.credentials_json(TOKEN_URI);
    let document: Value = serde_json::from_str(json.expose()).unwrap();
    let mut canaries = Canaries::default();
    canaries.forbid_pem("private key", document["privateKey"].as_str().unwrap());
    canaries.forbid("API key", vault.api_key().expose());
    canaries.forbid("context", "end-user-7");

    let key = ServiceAccountKey::from_json(json.expose()).unwrap();
    let exchange = TokenExchange::new(HttpService::new(vault.service()));
    let options = TokenOptions::new().context("end-user-7").unwrap();
    let account = ServiceAccountTokens::new(key.clone(), exchange.clone()).with_options(options.clone());
    let cached = Arc::new(Cached::new(account.clone()));
    let token = in_time(cached.token()).await.unwrap();
    canaries.forbid_jwt("bearer token", token.expose());
    let bearer = Credentials::bearer_token(token.expose()).unwrap();
    let api_key = ApiKey::new(vault.api_key().clone()).unwrap();
    let providers = TokenProviders::new(exchange.clone());
    let of_the_account = Credentials::from_json(json.expose()).unwrap().context("end-user-7").unwrap();
    let tokens = providers.get(&of_the_account).unwrap();
    in_time(tokens.token()).await.unwrap();
    let signed = DataTokenSigner::new(key.clone()).sign("3989-2354-6523-4632").unwrap();
    canaries.forbid_jwt("signed data token", signed.signed_token());
    canaries.forbid("data token", "3989-2354-6523-4632");
    let scoped = ScopedTokens::new(account.clone());
    in_time(scoped.get(&options).token()).await.unwrap();
    let hosts = HostGuard::new("https://vault.example".parse().unwrap());
    let layer = AuthLayer::new(cached.clone(), AuthHeader::bearer(), hosts);
    let config: CredentialsConfig = serde_json::from_value(json!({
        "credentials_string": json.expose(), "token": token.expose(), "api_key": vault.api_key().expose(),
        "context": {"user": "end-user-7"},
    }))
    .unwrap();

    let shown: [(&str, &dyn Debug); 20] = [
        ("key", &key),
        ("exchange", &exchange),
        ("options", &options),
        ("account", &account),
        ("cached", &cached),
        ("token", &token),
        ("header", token.bearer_header()),
        ("raw header", token.raw_header()),
        ("bearer", &bearer),
        ("api key", &api_key),
        ("of the account", &of_the_account),
        ("of an API key", &Credentials::api_key(vault.api_key().expose()).unwrap()),
        ("providers", &providers),
        ("tokens", &tokens),
        ("signer", &DataTokenSigner::new(key.clone())),
        ("signed", &signed),
        ("scoped", &scoped),
        ("layer", &layer),
        ("config", &config),
        ("vault", &vault),
    ];
    for (what, value) in shown {
        canaries.assert_absent(what, &format!("{value:?} {value:#?}"));
    }
}
