//! Mixed calls of several tasks, while the clock jumps over the ends of tokens and the server restarts.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use skyflow::http::clock::Sleep;
use skyflow::http::{Clock, SystemClock};
use skyflow::{
    Credentials, DeidentifyTextRequest, DeleteRequest, DetokenizeRequest, GetRequest, InsertRequest,
    QueryRequest, Skyflow, UpdateRequest, Vault, VaultConfig,
};
use tokio::sync::RwLock;

use crate::samples::{Sample, Totals, verdict};
use crate::server::Server;

/// As many connections are open at most.
pub(crate) const TASKS: usize = 8;
/// More than the life of a token.
const JUMP: Duration = Duration::from_secs(3_700);
/// Samples of a run; no two are less than a second apart.
const SAMPLES: u32 = 100;

/// The clock of the operating system, some hours ahead.
#[derive(Debug, Default)]
struct Ahead(AtomicU64);

impl Ahead {
    fn by(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

impl Clock for Ahead {
    fn monotonic(&self) -> Instant {
        SystemClock.monotonic() + self.by()
    }

    fn now(&self) -> SystemTime {
        // The server's clock stays: only the age of a token changes.
        SystemClock.now()
    }

    fn sleep(&self, pause: Duration) -> Sleep {
        SystemClock.sleep(pause)
    }
}

/// What the tasks have done.
#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    failed: AtomicUsize,
}

pub(crate) async fn run(duration: Duration) -> Result<ExitCode, Box<dyn Error>> {
    let (mut server, [base_url, vault_id, credentials]) = Server::start().await?;
    let clock = Arc::new(Ahead::default());
    let config =
        VaultConfig::with_base_url(vault_id, base_url).credentials(Credentials::from_json(&credentials)?);
    let client = Skyflow::builder().vault(config).clock(Arc::clone(&clock) as Arc<dyn Clock>).build()?;
    let unconnected = Sample::take(Duration::ZERO)?;
    let (counts, gate) = (Arc::new(Counts::default()), Arc::new(RwLock::new(())));
    let vault = client.default_vault()?;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(call_repeatedly(vault.clone(), Arc::clone(&counts), Arc::clone(&gate))))
        .collect();

    println!(
        "{:>7} {:>9} {:>7} {:>7} {:>9} {:>9} {:>12} {:>6}",
        "seconds", "calls", "failed", "tokens", "restarts", "rss KiB", "descriptors", "tasks"
    );
    let (began, mut samples) = (SystemClock.monotonic(), Vec::new());
    let (mut tokens, mut restarts) = (1, 0);
    let step = (duration / SAMPLES).max(Duration::from_secs(1));
    loop {
        SystemClock.sleep(step).await;
        let passed = SystemClock.monotonic() - began;
        // No call is under way: none runs into its deadline or into the restart, and what is open is idle.
        let quiet = gate.write().await;
        let sample = Sample::take(passed)?;
        samples.push(sample);
        if samples.len().is_multiple_of(10) {
            let done = |count: &AtomicUsize| count.load(Ordering::Relaxed);
            println!(
                "{:>7} {:>9} {:>7} {tokens:>7} {restarts:>9} {:>9} {:>12} {:>6}",
                passed.as_secs(),
                done(&counts.calls),
                done(&counts.failed),
                sample.rss / 1024,
                sample.descriptors,
                sample.tasks
            );
        }
        if passed >= duration {
            break;
        }
        match samples.len() % 3 {
            0 => {
                clock.0.fetch_add(JUMP.as_secs(), Ordering::SeqCst);
                tokens += 1;
            }
            1 => server.inject().await?,
            _ => {
                server.restart().await?;
                restarts += 1;
            }
        }
        drop(quiet);
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let totals = Totals {
        calls: counts.calls.load(Ordering::Relaxed),
        failed: counts.failed.load(Ordering::Relaxed),
        tokens,
        restarts,
        faults: server.faults(),
    };
    server.end().await?;
    Ok(verdict(unconnected, &samples, &totals))
}

async fn call_repeatedly(vault: Vault, counts: Arc<Counts>, gate: Arc<RwLock<()>>) {
    loop {
        let under_way = gate.read().await;
        if let Err(error) = turn(&vault, &counts).await {
            eprintln!("{error:?}");
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        drop(under_way);
        SystemClock.sleep(Duration::from_millis(20)).await;
    }
}

/// Makes the calls of one turn. It deletes the rows that it inserts.
async fn turn(vault: &Vault, counts: &Counts) -> Result<(), skyflow::Error> {
    let made = || counts.calls.fetch_add(1, Ordering::Relaxed);
    let row = |name: &str| json!({"card_number": "4111111111111111", "cardholder_name": name});
    let inserted = vault
        .insert(InsertRequest::new("table1").record(row("John Doe")).return_tokens(true))
        .await?
        .single()?;
    made();
    let each = InsertRequest::new("table1").records([row("Jane Doe"), json!({"unknown": 1})]);
    let partly = vault.insert(each.continue_on_error(true)).await?;
    made();
    if let Some(token) = inserted.token("card_number") {
        vault.detokenize(DetokenizeRequest::new().token(token)).await?;
        made();
    }
    let id = inserted.skyflow_id;
    vault.update(UpdateRequest::new("table1", &*id, json!({"cardholder_name": "Ann Doe"}))).await?;
    made();
    vault.query(QueryRequest::new("SELECT cardholder_name FROM table1 LIMIT 5")).await?;
    made();
    vault.detect().deidentify_text(DeidentifyTextRequest::new("Mail jane.doe@example.com")).await?;
    made();
    let read = vault.get(GetRequest::new("table1").ids([id.as_str()])).await.map(drop);
    made();
    let ids = partly.inserted_fields.into_iter().map(|row| row.skyflow_id).chain([id]);
    vault.delete(DeleteRequest::new("table1", ids)).await?;
    made();
    read
}
