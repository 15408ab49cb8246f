//! Tests the generated code: encoding, decoding and `Debug`.
#![expect(deprecated, reason = "deprecated operations are tested too")]

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use skyflow_http::{Body, Idempotency, Request};
use skyflow_types::{Redaction, TokenMode};

use crate::types::*;
use crate::*;

fn target(request: &Request) -> &str {
    request.uri().path_and_query().unwrap().as_str()
}

fn sent(request: &Request) -> Value {
    serde_json::from_slice(request.body().as_bytes().unwrap()).unwrap()
}

fn decode<O: Operation>(body: &str) -> Result<O::Output, DecodeError> {
    O::decode(StatusCode::OK, &HeaderMap::new(), &Bytes::from(body.to_owned()))
}

fn json(value: Value) -> Json {
    Json::from_serialize(&value).unwrap()
}

#[test]
fn operation_names_are_distinct_and_listed() {
    assert_eq!(OPERATIONS.len(), 51);
    assert_eq!(OPERATIONS.iter().map(|info| info.name).collect::<BTreeSet<_>>().len(), 51);
    assert!(OPERATIONS.iter().all(|info| info.path_template.starts_with("/v")));
}

#[test]
fn idempotency_does_not_follow_the_method() {
    let of = |name: &str| OPERATIONS.iter().find(|info| info.name == name).unwrap().idempotency;
    for (name, idempotency) in [
        ("tokens.detokenize", Idempotency::Safe),
        ("tokens.tokenize", Idempotency::Safe),
        ("query.execute", Idempotency::Safe),
        ("records.get", Idempotency::Safe),
        ("records.list", Idempotency::Safe),
        ("record_files.get_scan_status", Idempotency::Safe),
        ("files.get_run", Idempotency::Safe),
        ("strings.reidentify", Idempotency::Safe),
        ("guardrails.check", Idempotency::Safe),
        ("authentication.get_token", Idempotency::Safe),
        ("records.update", Idempotency::Idempotent),
        ("records.delete", Idempotency::Idempotent),
        ("records.bulk_delete", Idempotency::Idempotent),
        ("record_files.delete", Idempotency::Idempotent),
        ("records.insert", Idempotency::NonIdempotent),
        ("records.batch", Idempotency::NonIdempotent),
        ("record_files.upload_to_record", Idempotency::NonIdempotent),
        ("record_files.upload", Idempotency::NonIdempotent),
        ("strings.deidentify", Idempotency::NonIdempotent),
        ("files.deidentify", Idempotency::NonIdempotent),
        ("flow_records.insert", Idempotency::NonIdempotent),
    ] {
        assert_eq!(of(name), idempotency, "{name}");
    }
}

#[test]
fn path_parameters_are_always_one_segment_each() {
    let request = record_files::Delete::new("v/1", "a?b", "#%2F", "ü").encode().unwrap();
    assert_eq!(request.method(), Method::DELETE);
    assert_eq!(target(&request), "/v1/vaults/v%2F1/a%3Fb/%23%252F/files/%C3%BC");
    assert!(request.body().as_bytes().unwrap().is_empty());
    assert_eq!(request.headers()[ACCEPT], "application/json");
    assert!(!request.headers().contains_key(CONTENT_TYPE));
    for value in ["", ".", ".."] {
        assert!(records::Get::new("v", value, "id").encode().is_err());
    }
}

#[test]
fn query_lists_repeat_their_key() {
    assert_eq!(target(&records::List::new("v", "t").encode().unwrap()), "/v1/vaults/v/t");
    let request = records::List::new("v", "t")
        .skyflow_ids(["a", "b&c"])
        .redaction(Redaction::PlainText)
        .tokenization(true)
        .fields(vec!["card number".to_owned()])
        .offset("0")
        .limit("25")
        .download_url(false)
        .column_name("mail")
        .column_values(["x@y.z"])
        .order_by("SIDEWAYS")
        .encode()
        .unwrap();
    assert_eq!(
        target(&request),
        "/v1/vaults/v/t?skyflow_ids=a&skyflow_ids=b%26c&redaction=PLAIN_TEXT&tokenization=true\
         &fields=card%20number&offset=0&limit=25&downloadURL=false&column_name=mail&column_values=x%40y.z\
         &order_by=SIDEWAYS"
    );
}

#[test]
fn dotted_query_keys_are_sent_as_they_are() {
    let request = audit::ListEvents::new("acc")
        .change_id("c")
        .access_type(AccessType::Sql)
        .response_code(-1)
        .sort_by("timestamp")
        .order_by(SortOrder::Descending)
        .after_change_id("d")
        .limit(10)
        .encode()
        .unwrap();
    assert_eq!(
        target(&request),
        "/v1/audit/events?filterOps.context.changeID=c&filterOps.context.accessType=SQL&filterOps.accountID=acc\
         &filterOps.responseCode=-1&sortOps.sortBy=timestamp&sortOps.orderBy=DESCENDING&afterOps.changeID=d&limit=10"
    );
}

#[test]
fn unset_options_are_omitted_from_requests() {
    let record = Record::default().fields(json(json!({"name": "x"})));
    let request =
        records::Insert::new("v", "t", InsertRecordsRequest::new(vec![record.clone()])).encode().unwrap();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(sent(&request), json!({"records": [{"fields": {"name": "x"}}]}));

    let body = InsertRecordsRequest::new(vec![record.tokens(json(json!({"name": "t"})))])
        .tokenization(false)
        .upsert("name")
        .byot(TokenMode::EnableStrict);
    assert_eq!(
        sent(&records::Insert::new("v", "t", body).encode().unwrap()),
        json!({
            "records": [{"fields": {"name": "x"}, "tokens": {"name": "t"}}],
            "tokenization": false, "upsert": "name", "byot": "ENABLE_STRICT"
        })
    );
}

#[test]
fn a_delete_can_carry_a_body() {
    let request = records::BulkDelete::new("v", "t", BulkDeleteRequest::new(["a", "b"])).encode().unwrap();
    assert_eq!(request.method(), Method::DELETE);
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(sent(&request), json!({"skyflow_ids": ["a", "b"]}));
}

#[tokio::test]
async fn both_uploads_are_forms() {
    let file = || FilePart::new("content").file_name("x.png").content_type("image/png");
    let old = record_files::UploadToRecord::new("v", "t", "id", UploadRecordFileForm::new("photo", file()));
    let new = record_files::Upload::new(
        "v",
        UploadFileForm::new("t", "photo", file()).skyflow_id("id").return_file_metadata(true),
    );
    for (request, path, texts) in [
        (old.encode(), "/v1/vaults/v/t/id/files", &["columnName\"\r\n\r\nphoto\r\n"][..]),
        (
            new.encode(),
            "/v2/vaults/v/files/upload",
            &[
                "tableName\"\r\n\r\nt\r\n",
                "columnName\"\r\n\r\nphoto\r\n",
                "skyflowID\"\r\n\r\nid\r\n",
                "returnFileMetadata\"\r\n\r\ntrue\r\n",
            ],
        ),
    ] {
        let request = request.unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(target(&request), path);
        let content_type = request.headers()[CONTENT_TYPE].to_str().unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
        assert!(request.body().try_clone().is_some(), "a retry can send it again");
        let text = String::from_utf8(request.into_body().collect(10_000).await.unwrap().to_vec()).unwrap();
        assert_eq!(text.matches(&boundary).count(), texts.len() + 2);
        for part in texts {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            text.contains("name=\"file\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\ncontent\r\n")
        );
    }
}

#[test]
fn an_upload_of_a_stream_is_a_stream() {
    let stream = Body::new(Body::from("content"));
    let form = UploadRecordFileForm::new("photo", FilePart::new(stream).length(7));
    let request = record_files::UploadToRecord::new("v", "t", "id", form).encode().unwrap();
    assert!(request.body().try_clone().is_none());
}

#[test]
fn null_is_absent_and_unknown_members_ignored() {
    for body in [
        r#"{"records":[{"skyflow_id":"a","tokens":null,"new":{"x":[1]}}],"also":1}"#,
        r#"{"records":[{"skyflow_id":"a"}]}"#,
    ] {
        let response = decode::<records::Insert>(body).unwrap();
        assert_eq!(response.records[0].skyflow_id.as_deref(), Some("a"));
        assert!(response.records[0].tokens.is_none());
    }
    for body in [r#"{"records":null}"#, r#"{"records":[]}"#] {
        assert!(decode::<records::Insert>(body).unwrap().records.is_empty(), "{body}");
    }
    let entity = decode::<strings::Deidentify>(r#"{"entities":[{"entity_scores":null}]}"#).unwrap();
    assert!(entity.entities[0].entity_scores.is_empty());
}

#[test]
fn response_without_its_main_list_is_an_error() {
    for body in ["{}", r#"{"rows":[]}"#, "[]", "null", r#""text""#] {
        assert!(decode::<records::Insert>(body).is_err(), "{body}");
        assert!(decode::<records::List>(body).is_err(), "{body}");
        assert!(decode::<records::Batch>(body).is_err(), "{body}");
        assert!(decode::<query::Execute>(body).is_err(), "{body}");
        assert!(decode::<tokens::Detokenize>(body).is_err(), "{body}");
    }
}

#[test]
fn detokenized_values_may_be_of_any_type() {
    let body = r#"{"records":[
        {"token":"a","valueType":"STRING","value":"x"},
        {"token":"b","valueType":"FLOAT","value":1.50},
        {"token":"c","valueType":"NONE","value":null,"error":"Token Not Found"}]}"#;
    let records = decode::<tokens::Detokenize>(body).unwrap().records;
    let values: Vec<_> = records.iter().map(|record| record.value.as_ref().map(Json::get)).collect();
    assert_eq!(values, [Some(r#""x""#), Some("1.50"), None]);
    assert_eq!(records[2].error.as_deref(), Some("Token Not Found"));
}

#[test]
fn rows_decode_into_a_type_of_the_caller() {
    #[derive(serde::Deserialize)]
    struct Card<'a> {
        number: &'a str,
    }
    let response = decode::<records::List>(r#"{"records":[{"fields":{"number":"4111"}}]}"#).unwrap();
    let fields = response.records[0].fields.as_ref().unwrap();
    assert_eq!(fields.decode::<Card<'_>>().unwrap().number, "4111");
}

#[test]
fn batch_response_keeps_each_entry_as_it_came() {
    let body = r#"{"vaultID":"v","responses":[{"Body":{"records":[{"skyflow_id":"a"}]},"Status":200},
        {"Body":{"error":"no"},"Status":400,"extra":true}]}"#;
    let response = decode::<records::Batch>(body).unwrap();
    // An entry has one of two forms, so each is kept as it came.
    let entries: Vec<serde_json::Value> =
        response.responses.iter().map(|entry| entry.decode().unwrap()).collect();
    assert_eq!(entries[0]["Body"]["records"][0]["skyflow_id"], "a");
    assert_eq!((&entries[0]["Status"], &entries[1]["Status"]), (&200.into(), &400.into()));
    assert_eq!(entries[1]["extra"], true);
}

#[test]
fn values_without_a_name_are_kept_and_sent_back() {
    let status = decode::<record_files::GetScanStatus>(r#"{"av_scan_status":"SCAN_NEW"}"#).unwrap();
    assert_eq!(status.av_scan_status, Some(FileScanStatus::Other("SCAN_NEW".to_owned())));
    assert_eq!(RedactionType::from("MASKED"), RedactionType::Masked);
    assert_eq!(RedactionType::from("masked"), RedactionType::Masked);
    assert_eq!(RedactionType::from("blurred").as_str(), "blurred");
    assert_eq!(serde_json::to_string(&EntityType::from("new_entity")).unwrap(), r#""new_entity""#);
    assert_eq!(serde_json::to_string(&EntityType::NameGiven).unwrap(), r#""name_given""#);
    assert!(decode::<record_files::GetScanStatus>(r#"{"av_scan_status":7}"#).is_err());
}

#[test]
fn the_status_of_a_run_is_read_in_any_case() {
    for text in ["IN_PROGRESS", "in_progress", "In_Progress"] {
        let run = decode::<files::GetRun>(&format!(r#"{{"status":"{text}","output":null}}"#)).unwrap();
        assert_eq!(run.status, Some(RunStatus::InProgress));
        assert!(run.output.is_empty());
    }
}

#[test]
fn decode_error_has_the_path_and_no_value() {
    let error = decode::<records::Insert>(r#"{"records":[{"skyflow_id":{"canary":"canary"}}]}"#).unwrap_err();
    assert_eq!((error.kind(), error.path()), (DecodeErrorKind::Data, "records[0].skyflow_id"));
    assert!(!format!("{error}{error:?}").contains("canary"));
    assert_eq!(decode::<records::Insert>("").unwrap_err().kind(), DecodeErrorKind::Empty);
    assert_eq!(decode::<records::Insert>("{\"records\":").unwrap_err().kind(), DecodeErrorKind::Eof);
    assert_eq!(decode::<records::Insert>("<p>").unwrap_err().kind(), DecodeErrorKind::Syntax);
}

#[test]
fn debug_shows_names_and_counts_and_no_value() {
    let record = Record::default().fields(json(json!({"canary": "canary"}))).tokens(json(json!("canary")));
    let shown = [
        format!(
            "{:?}",
            records::Insert::new("v-1", "t-1", InsertRecordsRequest::new(vec![record]).upsert("u-1"))
        ),
        format!("{:?}", records::List::new("v-1", "t-1").column_name("u-1").column_values(["canary"])),
        format!("{:?}", TokenizeParameter::new("canary").column_group("group-1")),
        format!("{:?}", DetokenizeParameter::new("canary").redaction("v-1")),
        format!("{:?}", DeidentifyStringRequest::new("canary", "v-1").allow_regex(["canary"])),
        format!("{:?}", FileData::new(b"canary".to_vec(), "pdf")),
        format!("{:?}", GetAuthTokenRequest::new("grant", "canary").subject_token("canary")),
        format!("{:?}", BinLookupRequest::default().bin("canary").skyflow_id("v-1")),
        format!("{:?}", UploadFileForm::new("t-1", "u-1", FilePart::new("canary").file_name("canary"))),
        format!("{:?}", decode::<tokens::Detokenize>(r#"{"records":[{"token":"canary","value":"canary"}]}"#)),
        format!(
            "{:?}",
            decode::<authentication::GetToken>(r#"{"accessToken":"canary","tokenType":"Bearer"}"#)
        ),
        format!("{:?}", decode::<strings::Reidentify>(r#"{"text":"canary"}"#)),
    ];
    for text in &shown {
        assert!(!text.contains("canary"), "{text}");
        assert!(
            ["[REDACTED]", "FilePart", "Base64(6 bytes)"].iter().any(|word| text.contains(word)),
            "{text}"
        );
    }
    for name in ["v-1", "t-1", "u-1", "group-1", "grant", "Bearer"] {
        assert!(shown.iter().any(|text| text.contains(name)), "{name}");
    }
}

#[test]
fn a_whole_number_is_written_without_a_fraction() {
    let file = types::AudioFileData::new(b"x".to_vec(), "wav");
    let json = |gain: f64| {
        let request = types::DeidentifyAudioRequest::new("v", file.clone()).bleep_gain(gain);
        serde_json::to_value(&request).unwrap()["bleep_gain"].to_string()
    };
    for (gain, written) in [(5.0, "5"), (-12.0, "-12"), (5.5, "5.5"), (0.0, "0"), (1e300, "1e+300")] {
        assert_eq!(json(gain), written);
    }
}
