use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyflow::http::{BoxError, ManualClock, Request, Response};
use skyflow::{
    Credentials, DeidentifyFileRequest, Detect, ErrorKind, FileSource, OutputKind, RunStatus, Skyflow,
    VaultConfig,
};

use crate::scripted_vault::{Clients, Scripted, script};

fn in_progress() -> (u16, Value) {
    (200, json!({"status": "IN_PROGRESS", "output": [], "message": "processing"}))
}

fn succeeded() -> (u16, Value) {
    (
        200,
        json!({"status": "SUCCESS", "outputType": "BASE64", "output": [
        {"processedFile": STANDARD.encode("Hi [NAME_1]"), "processedFileType": "redacted_file", "processedFileExtension": "txt"},
        {"processedFile": STANDARD.encode("[]"), "processedFileType": "entities", "processedFileExtension": "json"},
    ], "size": 0.05, "wordCharacterCount": {"wordCount": 2, "characterCount": 16}, "duration": 1.5, "pages": 3, "slides": 4}),
    )
}

fn busy() -> (u16, Value) {
    (503, json!({"error": {"message": "busy"}}))
}

fn request() -> DeidentifyFileRequest {
    DeidentifyFileRequest::new(FileSource::bytes("f.txt", "abc"))
}

/// Starts a run, then returns the responses in order and repeats the last one.
fn after_the_start(responses: &[(u16, Value)]) -> Scripted {
    let start = [(200, json!({"run_id": "r1"}))];
    script(&[&start, responses].concat())
}

#[tokio::test]
async fn a_successful_run_is_told_whole() {
    let server = script(&[succeeded()]);
    let run = server.detect().get_detect_run("r/1").await.unwrap();
    assert_eq!(server.requests()[0].target(), "/v1/detect/runs/r%2F1?vault_id=v1");
    assert_eq!((run.run_id.as_str(), &run.status), ("r/1", &RunStatus::Success));
    assert_eq!(run.file().unwrap().content.as_ref(), b"Hi [NAME_1]");
    assert_eq!(run.file().unwrap().kind, Some(OutputKind::RedactedFile));
    assert_eq!(run.entity_lists().map(|output| output.content.clone()).collect::<Vec<_>>(), ["[]"]);
    assert!(run.entities().unwrap().is_empty());
    assert_eq!((run.word_count, run.char_count), (Some(2), Some(16)));
    assert_eq!((run.size_in_kb, run.duration_in_seconds), (Some(0.05), Some(1.5)));
    assert_eq!((run.page_count, run.slide_count), (Some(3), Some(4)));
    assert!(run.saved.is_empty() && run.into_success().is_ok());
}

#[tokio::test]
async fn every_status_but_in_progress_ends_polling() {
    for (said, status) in [
        ("SUCCESS", RunStatus::Success),
        ("success", RunStatus::Success),
        ("Failed", RunStatus::Failed),
        ("UNKNOWN", RunStatus::Unknown),
        ("unknown", RunStatus::Unknown),
        ("CANCELLED", RunStatus::Other("CANCELLED".into())),
    ] {
        let server =
            after_the_start(&[(200, json!({"status": "in_progress"})), (200, json!({"status": said}))]);
        let run = server.detect().deidentify_file(request()).await.unwrap();
        assert_eq!(run.status, status);
        assert_eq!(server.requests().len(), 3, "{said}");
    }
}

#[tokio::test]
async fn failed_run_converts_into_an_error_on_request() {
    let server =
        after_the_start(&[(200, json!({"status": "FAILED", "message": "unsupported file of 123-45-6789"}))]);
    let run = server.detect().deidentify_file(request()).await.unwrap();
    assert_eq!(run.message.as_deref(), Some("unsupported file of 123-45-6789"));
    let error = run.into_success().unwrap_err();
    assert_eq!((error.kind(), error.run_id()), (ErrorKind::Run, Some("r1")));
    assert_eq!(error.expose_server_message(), Some("unsupported file of 123-45-6789"));
    assert!(!format!("{error} {error:?}").contains("6789"), "{error}");
    assert!(!error.is_retryable() && error.may_have_been_applied());
}

#[tokio::test]
async fn polling_ends_with_wait_time_and_run_continues() {
    for (wait, pauses) in [
        (Duration::ZERO, &[][..]),
        (Duration::from_millis(300), &[300]),
        (Duration::from_secs(5), &[500, 1000, 2000, 1500]),
    ] {
        let clock = ManualClock::auto_advancing();
        let server = after_the_start(&[in_progress()]);
        let run = server.detect_at(&clock).deidentify_file(request().wait_time(wait)).await.unwrap();
        assert!(run.is_in_progress());
        assert_eq!(run.message.as_deref(), Some("processing"));
        let slept: Vec<_> = clock.slept().iter().map(|pause| pause.as_millis()).collect();
        assert_eq!(slept, pauses);
        assert_eq!(server.requests().len(), 2 + pauses.len());
        let error = run.into_success().unwrap_err();
        assert!(
            !error.is_retryable() && error.may_have_been_applied(),
            "a second start would be a second run"
        );
    }
}

#[tokio::test]
async fn poller_pauses_four_seconds_for_hours() {
    let clock = ManualClock::auto_advancing();
    let responses: Vec<_> = std::iter::repeat_n(in_progress(), 3000).chain([succeeded()]).collect();
    let server = script(&responses);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let run = server
        .detect_at(&clock)
        .run("r1")
        .unwrap()
        .on_progress({
            let seen = Arc::clone(&seen);
            move |run| seen.lock().unwrap().push(run.status.clone())
        })
        .wait()
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Success);
    assert_eq!(seen.lock().unwrap().len(), 3001);
    let slept = clock.slept();
    assert_eq!(slept[..4], [500, 1000, 2000, 4000].map(Duration::from_millis));
    assert!(slept[4..].iter().all(|pause| *pause == Duration::from_secs(4)));
    assert!(slept.iter().sum::<Duration>() > Duration::from_secs(3 * 3600));
}

#[tokio::test]
async fn poller_retries_transient_failures_only() {
    // Three attempts of the client make one failure of the poller.
    let some: Vec<_> = std::iter::repeat_n(busy(), 15).chain([succeeded()]).collect();
    let server = script(&some);
    assert!(server.detect().run("r1").unwrap().wait().await.is_ok());
    for (response, requests) in [(busy(), 18), ((404, json!({"error": {"message": "no such run"}})), 1)] {
        let server = script(&[response]);
        let error = server.detect().run("r1").unwrap().wait().await.unwrap_err();
        assert_eq!((error.run_id(), error.kind()), (Some("r1"), ErrorKind::Api));
        assert_eq!(server.requests().len(), requests);
    }
}

#[tokio::test]
async fn started_run_keeps_its_id_when_polling_fails() {
    let server = after_the_start(&[(500, json!({"error": {"message": "poll failed"}}))]);
    let error = server.detect().deidentify_file(request()).await.unwrap_err();
    assert_eq!((error.run_id(), error.http_code()), (Some("r1"), Some(500)));
    assert!(error.may_have_been_applied(), "the run was started");
    let server = after_the_start(&[(200, json!({"output": []}))]);
    let error = server.detect().deidentify_file(request()).await.unwrap_err();
    assert_eq!((error.run_id(), error.kind()), (Some("r1"), ErrorKind::Decode));
}

#[tokio::test]
async fn stopping_returns_the_run_as_it_was_last_seen() {
    let clock = ManualClock::new();
    let server = script(&[in_progress()]);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let poller = server.detect_at(&clock).run("r1").unwrap();
    let waiting = tokio::spawn(poller.wait_until(async move { drop(stopped.await) }));
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    let run = waiting.await.unwrap().unwrap();
    assert!(run.is_in_progress());
    assert_eq!(clock.sleepers(), 0, "nothing is left behind");
    // Stopped from the beginning: it is asked once, since there is nothing to return before.
    let run = server.detect_at(&clock).run("r1").unwrap().wait_until(async {}).await.unwrap();
    assert!(run.is_in_progress());
    assert_eq!(server.requests().len(), 2);
}

/// Makes a vault that never responds.
fn silent(clock: &ManualClock) -> Detect {
    let transport = tower::service_fn(|_: Request| std::future::pending::<Result<Response, BoxError>>());
    let key = Credentials::api_key("sky-ab123-0123456789abcdef0123456789abcdef").unwrap();
    let config = VaultConfig::new("v1", "cluster").credentials(key);
    let client =
        Skyflow::builder().vault(config).clock(Arc::new(clock.clone())).transport(transport).build().unwrap();
    client.default_detect().unwrap()
}

#[tokio::test]
async fn wait_time_does_not_depend_on_a_response() {
    let clock = ManualClock::new();
    let poller = silent(&clock).run("r1").unwrap().within(Duration::from_secs(3));
    let waiting = tokio::spawn(poller.wait());
    // Two sleepers: the pause of the poller, and the time limit of the request.
    while clock.sleepers() < 2 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(3));
    let run = waiting.await.unwrap().unwrap();
    assert_eq!((run.run_id.as_str(), run.is_in_progress()), ("r1", true));
    let run = silent(&clock).run("r2").unwrap().wait_until(async {}).await.unwrap();
    assert_eq!((run.run_id.as_str(), run.is_in_progress()), ("r2", true));
}

#[tokio::test]
async fn run_is_read_in_both_documented_spellings() {
    let response = json!({"status": "success", "output_type": "base64", "output": [{"processed_file": STANDARD.encode("Hi"),
        "processed_file_type": "redacted_file", "processed_file_extension": "txt"}],
        "word_character_count": {"word_count": 2, "character_count": 16}});
    let server = script(&[(200, response)]);
    let run = server.detect().get_detect_run("r1").await.unwrap();
    let file = run.file().unwrap();
    assert_eq!((file.content.as_ref(), file.extension.as_str()), (b"Hi".as_slice(), "txt"));
    assert_eq!((&file.kind, run.word_count), (&Some(OutputKind::RedactedFile), Some(2)));
}

#[tokio::test]
async fn a_blank_run_id_is_refused() {
    let server = script(&[succeeded()]);
    let error = server.detect().get_detect_run(" ").await.unwrap_err();
    assert_eq!((error.field(), error.operation()), (Some("run_id"), Some("files.get_run")));
    assert_eq!(server.detect().run("").unwrap_err().field(), Some("run_id"));
    assert_eq!(server.detect().get_detect_run("..").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn invalid_base64_content_keeps_the_run_id() {
    let output = json!([{"processedFile": "SECRET!", "processedFileType": "redacted_file"}]);
    let server = after_the_start(&[(200, json!({"status": "SUCCESS", "output": output}))]);
    let run = server.detect().deidentify_file(request()).await.unwrap();
    assert_eq!((run.run_id.as_str(), run.outputs.len(), run.errors.len()), ("r1", 0, 1));
    assert_eq!(run.errors[0].clone().into_error().kind(), ErrorKind::Decode);
    assert!(!format!("{run:?}").contains("SECRET"));
}

#[tokio::test]
async fn wait_limit_applies_to_failing_polls() {
    let clock = ManualClock::auto_advancing();
    let server = script(&[in_progress(), busy()]);
    let poller = server.detect_at(&clock).run("r1").unwrap().within(Duration::from_secs(3));
    let run = poller.tolerate_failures(1000).wait().await.unwrap();
    assert!(run.is_in_progress(), "as it was seen last");
    let server = script(&[busy()]);
    let poller = server.detect_at(&clock).run("r1").unwrap().within(Duration::from_secs(3));
    let error = poller.tolerate_failures(1000).wait().await.unwrap_err();
    assert_eq!((error.run_id(), error.http_code()), (Some("r1"), Some(503)));
}

#[tokio::test]
async fn pauses_of_any_length_are_taken() {
    let clock = ManualClock::auto_advancing();
    let server = script(&[in_progress()]);
    let poller = server.detect_at(&clock).run("r1").unwrap().within(Duration::from_secs(10));
    let run = poller.pauses(Duration::MAX, Duration::ZERO).wait().await.unwrap();
    assert!(run.is_in_progress());
    assert_eq!(clock.slept(), [Duration::from_secs(10)]);
    let poller = server.detect_at(&clock).run("r1").unwrap().within(Duration::from_millis(25));
    poller.pauses(Duration::ZERO, Duration::ZERO).wait().await.unwrap();
    assert_eq!(clock.slept()[1..], [10, 10, 5].map(Duration::from_millis));
}
