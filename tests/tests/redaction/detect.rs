//! Detect over text and files, with every crate logging at TRACE: no value, no pattern of a request and no message of a
//! run is logged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{
    CallOptions, Credentials, DeidentifyFileRequest, DeidentifyTextRequest, FileSource, GuardrailsRequest,
    ReidentifyFileRequest, ReidentifyTextRequest, Skyflow, TokenFormat, TokenKind, VaultConfig,
};
use skyflow_emulator::{CannedRun, EmbeddedVault};
use skyflow_testkit::polling::in_time;

use crate::capture::Capture;
use skyflow_testkit::Canaries;

const TEXT: &str = "My name is Quill Ossington and my SSN is 123-45-6789, card 4012888888881881.";

#[tokio::test]
async fn detect_logs_and_debug_contain_no_values() {
    let capture = Capture::of_the_process();
    let mut canaries = Canaries::default();
    for (name, value) in [
        ("name", "Quill Ossington"),
        ("SSN", "123-45-6789"),
        ("card", "4012888888881881"),
        ("pattern", "canary-pattern"),
        ("topic", "canary-topic"),
        ("file name", "canary-file"),
    ] {
        canaries.forbid(name, value);
    }
    canaries.forbid("file", &STANDARD.encode(TEXT)[..40]);
    let canned = CannedRun::of_format("wav").failed("cannot read 123-45-6789 of 4012888888881881");
    let embedded = EmbeddedVault::builder().canned_run(canned).build().unwrap();
    let server = embedded.serve().await.unwrap();
    let config = VaultConfig::with_base_url(embedded.vault_id(), server.base_url())
        .credentials(Credentials::api_key(embedded.api_key().clone()).unwrap());
    let client = Skyflow::builder().vault(config).build().unwrap();
    let detect = client.default_detect().unwrap().with_options(CallOptions::new().no_retry());

    let mut shown = String::new();
    let mut show = |text: String| shown.push_str(&(text + "\n"));
    let request = DeidentifyTextRequest::new(TEXT)
        .token_format(TokenFormat::of(TokenKind::VaultToken))
        .restrict_regex(["canary-pattern"]);
    show(format!("{request:?}"));
    let response = in_time(detect.deidentify_text(request)).await.unwrap();
    show(format!("{response:#?}"));
    let request = ReidentifyTextRequest::new(&response.processed_text);
    show(format!("{request:?}"));
    let back = in_time(detect.reidentify_text(request)).await.unwrap();
    assert_eq!(back.processed_text, TEXT);
    show(format!("{back:#?}"));
    let request = GuardrailsRequest::new(TEXT).deny_topics(["canary-topic"]);
    show(format!("{request:?} {:?}", in_time(detect.check_guardrails(request.clone())).await));

    let broken = DeidentifyTextRequest::new(TEXT).allow_regex(["canary-pattern("]);
    let error = in_time(detect.deidentify_text(broken)).await.unwrap_err();
    show(format!("{error}\n{error:#?}"));
    let folder = tempfile::tempdir().unwrap();
    for name in ["canary-file.txt", "canary-file.wav", "canary-file.docx"] {
        let request =
            DeidentifyFileRequest::new(FileSource::bytes(name, TEXT)).output_directory(folder.path());
        show(format!("{request:?}"));
        let run = in_time(detect.deidentify_file(request)).await.unwrap();
        show(format!("{run:#?} {:?}", detect.run(run.run_id.as_str())));
        if let Err(error) = run.into_success() {
            show(format!("{error}\n{error:#?}"));
        }
    }
    let request = ReidentifyFileRequest::new(FileSource::bytes("canary-file.txt", response.processed_text))
        .output_directory(folder.path());
    show(format!("{request:?}"));
    show(format!("{:#?}", in_time(detect.reidentify_file(request)).await.unwrap()));
    show(format!("{detect:?} {:?} {embedded:?}", embedded.journal()));

    canaries.assert_absent("what a user could print", &shown);
    let log = capture.text();
    assert!(log.contains("strings.deidentify") && log.contains("files.get_run"), "the calls were logged");
    canaries.assert_absent("the log", &log);
}
