//! R24: calls for minutes or hours, and what they leave behind.
//!
//! `soak load <minutes>` starts `soak serve` in another process, so that the memory of the embedded vault is not that of
//! the client, and prints a line each minute. It fails when a call fails, fewer than 24 tokens were minted, descriptors
//! grow, or memory grows by more than 1 MiB in an hour after the first third. In a short run a MiB is allowed in all:
//! one page of an allocator would be megabytes in an hour.

use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use skyflow::http::clock::Sleep;
use skyflow::http::{Clock, SystemClock};
use skyflow::{
    Credentials, DeleteRequest, DetokenizeRequest, GetRequest, InsertRequest, Skyflow, Vault, VaultConfig,
};
use skyflow_emulator::EmbeddedVault;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::RwLock;

const TASKS: usize = 8;
const MIB: f64 = 1_048_576.0;
/// More than the life of a token.
const JUMP: Duration = Duration::from_secs(3_700);

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

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve().await.map(|()| ExitCode::SUCCESS),
        ["load", minutes] => load(Duration::from_secs(60 * minutes.parse::<u64>()?)).await,
        _ => Err("usage: soak load <minutes>".into()),
    }
}

/// Serves a vault until its standard input ends.
async fn serve() -> Result<(), Box<dyn Error>> {
    let vault = EmbeddedVault::builder().build()?;
    let server = vault.serve().await?;
    println!("{}", server.base_url());
    println!("{}", vault.vault_id());
    println!("{}", serde_json::from_str::<serde_json::Value>(server.credentials_json().expose())?);
    let end = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(end).await??;
    Ok(())
}

/// What the tasks have done.
#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    failed: AtomicUsize,
}

async fn load(duration: Duration) -> Result<ExitCode, Box<dyn Error>> {
    let mut server = tokio::process::Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(server.stdout.take().ok_or("no output")?).lines();
    let mut line = async || lines.next_line().await?.ok_or_else(|| std::io::Error::other("the server ended"));
    let (base_url, vault_id, credentials) = (line().await?, line().await?, line().await?);

    let clock = Arc::new(Ahead::default());
    let config =
        VaultConfig::with_base_url(vault_id, base_url).credentials(Credentials::from_json(&credentials)?);
    let client = Skyflow::builder().vault(config).clock(Arc::clone(&clock) as Arc<dyn Clock>).build()?;
    let (counts, gate) = (Arc::new(Counts::default()), Arc::new(RwLock::new(())));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (vault, counts, gate) = (client.default_vault(), Arc::clone(&counts), Arc::clone(&gate));
            tokio::spawn(async move {
                let vault = vault?;
                loop {
                    let under_way = gate.read().await;
                    if let Err(error) = turn(&vault, &counts).await {
                        eprintln!("{error:?}");
                        counts.failed.fetch_add(1, Ordering::Relaxed);
                    }
                    drop(under_way);
                    SystemClock.sleep(Duration::from_millis(20)).await;
                }
                #[expect(unreachable_code, reason = "it gives the task its type")]
                Ok::<(), skyflow::Error>(())
            })
        })
        .collect();

    println!(
        "{:>7} {:>9} {:>7} {:>8} {:>10} {:>11}",
        "seconds", "calls", "failed", "tokens", "rss KiB", "descriptors"
    );
    let (began, mut samples, mut tokens) = (SystemClock.monotonic(), Vec::new(), 1);
    let step = (duration / 100).max(Duration::from_secs(1));
    loop {
        SystemClock.sleep(step).await;
        let passed = SystemClock.monotonic() - began;
        let rss = resident()?;
        let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
        samples.push((passed, rss, descriptors));
        if samples.len().is_multiple_of(10) {
            let (calls, failed) =
                (counts.calls.load(Ordering::Relaxed), counts.failed.load(Ordering::Relaxed));
            println!(
                "{:>7} {calls:>9} {failed:>7} {tokens:>8} {:>10} {descriptors:>11}",
                passed.as_secs(),
                rss / 1024
            );
        }
        if passed >= duration {
            break;
        }
        if samples.len().is_multiple_of(3) {
            // No call is under way, so that none runs into its deadline.
            let quiet = gate.write().await;
            clock.0.fetch_add(JUMP.as_secs(), Ordering::SeqCst);
            tokens += 1;
            drop(quiet);
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(verdict(&samples, tokens, counts.failed.load(Ordering::Relaxed)))
}

/// Makes the calls of one turn. It deletes the rows that it inserts.
async fn turn(vault: &Vault, counts: &Counts) -> Result<(), skyflow::Error> {
    let card = json!({"card_number": "4111111111111111", "cardholder_name": "John Doe"});
    let inserted =
        vault.insert(InsertRequest::new("table1").record(card).return_tokens(true)).await?.single()?;
    let id = inserted.skyflow_id.clone();
    vault.get(GetRequest::new("table1").ids([id.as_str()])).await?;
    if let Some(token) = inserted.token("card_number") {
        vault.detokenize(DetokenizeRequest::new().token(token)).await?;
    }
    vault.delete(DeleteRequest::new("table1", [id])).await?;
    counts.calls.fetch_add(4, Ordering::Relaxed);
    Ok(())
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().next().ok_or("no VmRSS")?.parse::<u64>()? * 1024)
}

/// Compares the last third with the one before it.
fn verdict(samples: &[(Duration, u64, usize)], tokens: usize, failed: usize) -> ExitCode {
    let third = samples.len() / 3;
    let median = |part: &[(Duration, u64, usize)]| {
        let mut values: Vec<u64> = part.iter().map(|(_, rss, _)| *rss).collect();
        values.sort_unstable();
        values[values.len() / 2] as f64
    };
    let (before, after) = (&samples[third..2 * third], &samples[2 * third..]);
    let grown = median(after) - median(before);
    let between = after[after.len() / 2].0 - before[before.len() / 2].0;
    let slope = grown / MIB / (between.as_secs_f64() / 3_600.0);
    let most =
        |part: &[(Duration, u64, usize)]| part.iter().map(|(_, _, open)| *open).max().unwrap_or_default();
    let (open_before, open_after) = (most(before), most(after));
    println!(
        "memory {slope:+.2} MiB/h ({:+.0} KiB), descriptors {open_before} then {open_after}, {tokens} tokens, {failed} failed",
        grown / 1024.0
    );
    let is_short = between < Duration::from_secs(900);
    let memory_is_kept = slope < 1.0 || (is_short && grown < MIB);
    if memory_is_kept && open_after <= open_before && tokens >= 24 && failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
