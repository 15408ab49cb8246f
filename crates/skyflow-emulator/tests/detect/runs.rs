use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skyflow_emulator::{EmbeddedVaultBuilder, Finding, Passage, Recognizer};
use skyflow_http::ManualClock;

use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A recognizer that says when it is asked, and goes on when it is told to; dropping the other end makes it panic.
#[derive(Debug)]
struct Gate(Mutex<(Sender<()>, Receiver<()>)>);

impl Recognizer for Gate {
    fn recognize(&self, _: &Passage<'_>) -> Vec<Finding> {
        let (asked, go_on) = &*self.0.lock().unwrap();
        asked.send(()).unwrap();
        go_on.recv().unwrap();
        Vec::new()
    }
}

fn gate() -> (Gate, Receiver<()>, Sender<()>) {
    let ((asked, is_asked), (go_on, may_go_on)) = (channel(), channel());
    (Gate(Mutex::new((asked, may_go_on))), is_asked, go_on)
}

fn hourly(clock: &ManualClock) -> EmbeddedVaultBuilder {
    EmbeddedVault::builder().clock(Arc::new(clock.clone())).detect_run_time(HOUR)
}

async fn started(client: &Client) -> String {
    start(client, "/deidentify/file/text", file("txt", TEXT)).await
}

/// A run whose work waits at the gate, and its client.
async fn at_work(vault: EmbeddedVaultBuilder) -> (Client, String, Receiver<()>, Sender<()>) {
    let (gate, asked, go_on) = gate();
    let client = Client::new(&vault.recognizer(gate).build().unwrap());
    let id = started(&client).await;
    asked.recv().unwrap();
    (client, id, asked, go_on)
}

#[tokio::test]
async fn run_id_is_returned_before_the_work_is_done() {
    let clock = ManualClock::new();
    let (client, id, _asked, go_on) = at_work(hourly(&clock)).await;
    assert_eq!(run(&client, &id).await["status"], "IN_PROGRESS");
    // A file is gone through twice.
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    clock.advance(HOUR);
    let ended = run(&client, &id).await;
    assert_eq!(ended["status"], "SUCCESS");
    assert_eq!(content(&ended["output"][0]), "My name is [NAME_1] and my SSN is [SSN_1].");
}

/// Lets all work go on, and waits until the vault of the gate is gone with it.
fn until_gone(asked: &Receiver<()>, go_on: &Sender<()>) {
    // It is polled once again at most: a file is processed twice.
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    while asked.recv().is_ok() {}
}

#[tokio::test]
async fn run_failed_by_a_test_stays_failed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let open = || hourly(&clock).data_file(folder.path().join("vault.db"));
    let (client, id, asked, go_on) = at_work(open()).await;
    assert!(client.vault.fail_detect_run(&id, "no more power"));
    drop(client);
    until_gone(&asked, &go_on);
    let failed = run(&Client::new(&open().build().unwrap()), &id).await;
    assert_eq!(
        (failed["status"].clone(), failed["message"].clone()),
        (json!("FAILED"), json!("no more power"))
    );
}

#[tokio::test]
async fn a_run_whose_work_breaks_off_fails_plainly() {
    let clock = ManualClock::new();
    let (client, id, _asked, go_on) = at_work(hourly(&clock)).await;
    drop(go_on);
    clock.advance(HOUR);
    let failed = run(&client, &id).await;
    assert_eq!(failed["status"], "FAILED");
    assert!(failed["message"].as_str().unwrap().contains("stopped before its work"), "{failed}");
}

#[tokio::test]
async fn run_left_by_a_closed_vault_fails_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let open = || hourly(&clock).data_file(folder.path().join("vault.db"));
    let (first, id, asked, go_on) = at_work(open()).await;
    clock.advance(HOUR);
    let next = Client::new(&open().build().unwrap());
    assert_eq!(run(&next, &id).await["status"], "FAILED");
    drop(first);
    until_gone(&asked, &go_on);
    assert_eq!(run(&next, &id).await["status"], "FAILED");
}

#[tokio::test]
async fn a_run_is_kept_for_a_day_after_its_end() {
    let clock = ManualClock::new();
    let client = Client::new(&hourly(&clock).build().unwrap());
    let id = started(&client).await;
    clock.advance(HOUR);
    assert_eq!(run(&client, &id).await["status"], "SUCCESS");
    clock.advance(HOUR * 24);
    assert_eq!(run(&client, &id).await["status"], "SUCCESS");
    clock.advance(Duration::from_secs(1));
    assert_eq!(run(&client, &id).await["status"], "UNKNOWN");
    started(&client).await;
    assert!(!client.vault.forget_detect_run(&id), "the run is still stored");
}

#[tokio::test]
async fn a_run_that_is_long_at_work_is_never_unknown() {
    let clock = ManualClock::new();
    let (client, id, _asked, go_on) = at_work(hourly(&clock)).await;
    clock.advance(HOUR * 48);
    started(&client).await;
    for _ in 0..4 {
        go_on.send(()).unwrap();
    }
    assert_eq!(run(&client, &id).await["status"], "SUCCESS");
}

#[tokio::test]
async fn run_progresses_then_holds_file_and_entities() {
    let clock = ManualClock::new();
    let vault = EmbeddedVault::builder()
        .clock(Arc::new(clock.clone()))
        .detect_run_time(Duration::from_secs(90))
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let id = started(&client).await;
    clock.advance(Duration::from_secs(89));
    let waiting = run(&client, &id).await;
    assert_eq!((waiting["status"].clone(), waiting["output"].clone()), (json!("IN_PROGRESS"), json!([])));
    clock.advance(Duration::from_secs(1));
    let ended = run(&client, &id).await;
    assert_eq!((ended["status"].clone(), ended["outputType"].clone()), (json!("SUCCESS"), json!("BASE64")));
    let [file, list] = ended["output"].as_array().unwrap().as_slice() else { panic!("{ended}") };
    assert_eq!(content(file), "My name is [NAME_1] and my SSN is [SSN_1].");
    assert_eq!(
        (file["processedFileType"].clone(), file["processedFileExtension"].clone()),
        (json!("redacted_file"), json!("txt"))
    );
    assert_eq!(
        (list["processedFileType"].clone(), list["processedFileExtension"].clone()),
        (json!("entities"), json!("json"))
    );
    let list: Value = serde_json::from_str(&content(list)).unwrap();
    assert_eq!(
        (list[1]["value"].clone(), list[1]["entity_type"].clone()),
        (json!("123-45-6789"), json!("SSN"))
    );
    assert_eq!(ended["wordCharacterCount"], json!({"wordCount": 9, "characterCount": 42}));
    assert_eq!(run(&client, "no-such-run").await["status"], "UNKNOWN");
}

#[tokio::test]
async fn a_test_ends_fails_and_forgets_runs() {
    let vault = EmbeddedVault::builder().detect_run_time(Duration::from_secs(3600)).build().unwrap();
    let client = Client::new(&vault);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(started(&client).await);
    }
    assert!(vault.finish_detect_run(&ids[0]));
    assert!(vault.fail_detect_run(&ids[1], "no more power"));
    assert!(vault.forget_detect_run(&ids[2]));
    let statuses = [run(&client, &ids[0]).await, run(&client, &ids[1]).await, run(&client, &ids[2]).await];
    assert_eq!(
        statuses.each_ref().map(|run| run["status"].as_str().unwrap()),
        ["SUCCESS", "FAILED", "UNKNOWN"]
    );
    assert_eq!(statuses[1]["message"], "no more power");
    for change in
        [vault.finish_detect_run("x"), vault.fail_detect_run("x", ""), vault.forget_detect_run(&ids[2])]
    {
        assert!(!change);
    }
}
