//! Measures what Detect costs above raw hyper, in one run: the same requests and responses over loopback, for text and for files.
//! `cargo bench -p skyflow --bench detect` prints both, with the allocations of each.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use serde_json::json;
use skyflow::{
    DeidentifyFileRequest, DeidentifyTextRequest, DeidentifyTextResponse, Detect, DetectRun, FileSource,
    Skyflow, VaultConfig,
};
use support::{RawHyper, key, runtime, server};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SENTENCES: [usize; 2] = [1, 1000];
const BYTES: [usize; 2] = [1_000, 10_000_000];
const SENTENCE: &str = "My name is John Doe and my SSN is 123-45-6789. ";

fn main() {
    divan::main();
}

fn detect(url: String) -> Detect {
    let config = VaultConfig::with_base_url("v1", url).credentials(key());
    Skyflow::builder().vault(config).build().unwrap().default_detect().unwrap()
}

fn text_response(sentences: usize) -> String {
    let entities: Vec<_> = (0..sentences)
        .map(|number| {
            let start = number * SENTENCE.len() + 34;
            json!({
                "token": "SSN_1", "value": "123-45-6789", "entity_type": "SSN", "entity_scores": {"SSN": 0.93},
                "location": {"start_index": start, "end_index": start + 11,
                    "start_index_processed": start, "end_index_processed": start + 7},
            })
        })
        .collect();
    json!({"processed_text": SENTENCE.repeat(sentences), "entities": entities, "word_count": 10 * sentences,
        "character_count": SENTENCE.len() * sentences})
    .to_string()
}

/// The floor: the same bytes out and in, no serialising, no decoding, no stack.
#[divan::bench(args = SENTENCES)]
fn text_raw_hyper(bencher: Bencher<'_, '_>, sentences: usize) {
    let (runtime, hyper) = (runtime(), RawHyper::new());
    let uri = format!("{}/v1/detect/deidentify/string", server(|_| text_response(sentences)));
    let body = Bytes::from(json!({"vault_id": "v1", "text": SENTENCE.repeat(sentences)}).to_string());
    let call = || hyper.call("POST", &uri, body.clone());
    runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}

/// The whole client.
#[divan::bench(args = SENTENCES)]
fn text_deidentify(bencher: Bencher<'_, '_>, sentences: usize) {
    let runtime = runtime();
    let detect = detect(server(|_| text_response(sentences)));
    let text = SENTENCE.repeat(sentences);
    let call = || async { detect.deidentify_text(DeidentifyTextRequest::new(text.clone())).await.unwrap() };
    let _connected: DeidentifyTextResponse = runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}

fn run_response(method: &str, bytes: usize) -> String {
    match method {
        "POST" => r#"{"run_id":"a8f0c2e1-7b3d-4f9a-8c21-1d2e3f4a5b6c"}"#.to_owned(),
        _ => json!({"status": "SUCCESS", "outputType": "BASE64", "message": "", "output": [{
            "processedFile": STANDARD.encode(vec![7_u8; bytes]), "processedFileType": "redacted_file",
            "processedFileExtension": "txt"}]})
        .to_string(),
    }
}

/// The floor: the start of a run and one poll, no Base64.
#[divan::bench(args = BYTES, sample_count = 20)]
fn file_raw_hyper(bencher: Bencher<'_, '_>, bytes: usize) {
    let (runtime, hyper) = (runtime(), RawHyper::new());
    let base = format!("{}/v1/detect", server(|method| run_response(method, bytes)));
    let (start, run) = (format!("{base}/deidentify/file/text"), format!("{base}/runs/a8f0c2e1?vault_id=v1"));
    let file = json!({"base64": STANDARD.encode(vec![b'x'; bytes]), "data_format": "txt"});
    let body = Bytes::from(json!({"vault_id": "v1", "file": file}).to_string());
    let call = || async {
        hyper.call("POST", &start, body.clone()).await;
        hyper.call("GET", &run, Bytes::new()).await
    };
    runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}

/// The whole client, with Base64 both ways.
#[divan::bench(args = BYTES, sample_count = 20)]
fn file_deidentify(bencher: Bencher<'_, '_>, bytes: usize) {
    let runtime = runtime();
    let detect = detect(server(|method| run_response(method, bytes)));
    let content = Bytes::from(vec![b'x'; bytes]);
    let call = || async {
        let file = FileSource::bytes("large.txt", content.clone());
        detect.deidentify_file(DeidentifyFileRequest::new(file)).await.unwrap()
    };
    let _connected: DetectRun = runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}
