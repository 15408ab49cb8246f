//! One contestant that does one kind of call many times, and prints what it cost, as JSON on one line.
//!
//! `bench-client <measurement> <contestant> <case> <url> <certificate file> <calls> <at once>`
//!
//! The measurements are `time`, CPU and wall time of a call; `memory`, the resident memory after the first calls and
//! after all of them; and `sizes`, the bytes of a response. The certificate file may be empty where the URL is that of
//! http.

mod cases;
mod contestants;
mod memory;

use std::time::{Duration, Instant};

use cases::Case;
use contestants::{Contestant, Floor};
use cpu_time::ProcessTime;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The calls that open connections, and fill caches, before the measured ones.
const WARM_UP: usize = 64;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [measurement, contestant, case, url, certificate, calls, at_once] = &arguments[..] else {
        return Err(
            "usage: bench-client <measurement> <contestant> <case> <url> <certificate file> <calls> \
                    <at once>"
                .into(),
        );
    };
    let case = Case::named(case)?;
    let (calls, at_once): (usize, usize) = (calls.parse()?, at_once.parse()?);
    let certificate = std::fs::read(certificate)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let printed = match measurement.as_str() {
        "sizes" => sizes(&runtime, case, url, &certificate)?,
        "memory" => {
            let contestant = Contestant::named(contestant, case, url, &certificate)?;
            memory::measured(&runtime, &contestant, case, calls, at_once)?
        }
        "time" => {
            time(&runtime, Contestant::named(contestant, case, url, &certificate)?, case, calls, at_once)?
        }
        other => return Err(format!("no measurement is called {other}").into()),
    };
    println!("{printed}");
    Ok(())
}

fn time(
    runtime: &Runtime,
    contestant: Contestant,
    case: Case,
    calls: usize,
    at_once: usize,
) -> Result<Value, Failure> {
    let mut taken = Vec::with_capacity(calls);
    let (cpu, wall) = match contestant {
        #[cfg(feature = "tls")]
        Contestant::Blocking(clients) => {
            (0..WARM_UP).try_for_each(|_| case.blocking(&clients))?;
            let started = (cpu_time(), Instant::now());
            for _ in 0..calls {
                let begin = Instant::now();
                case.blocking(&clients)?;
                taken.push(begin.elapsed());
            }
            (cpu_time() - started.0, started.1.elapsed())
        }
        contestant => {
            let mut warm = Vec::with_capacity(WARM_UP);
            runtime.block_on(run(&contestant, case, WARM_UP, at_once, &mut warm))?;
            let started = (cpu_time(), Instant::now());
            counted(runtime, &contestant, case, calls, at_once, &mut taken)?;
            (cpu_time() - started.0, started.1.elapsed())
        }
    };
    taken.sort_unstable();
    let p50 = taken.get(taken.len() / 2).copied().unwrap_or_default();
    let per_call = |time: Duration| time.as_secs_f64() * 1e6 / calls as f64;
    Ok(json!({"cpu_us": per_call(cpu), "wall_us": per_call(wall), "p50_us": p50.as_secs_f64() * 1e6}))
}

/// Makes the calls that are measured. Callgrind counts from here to the end of the process, so it is never inlined.
#[inline(never)]
fn counted(
    runtime: &Runtime,
    contestant: &Contestant,
    case: Case,
    calls: usize,
    at_once: usize,
    taken: &mut Vec<Duration>,
) -> Result<(), Failure> {
    runtime.block_on(run(contestant, case, calls, at_once, taken))
}

/// Returns how many bytes the response has as it is, and compressed.
fn sizes(runtime: &Runtime, case: Case, url: &str, certificate: &[u8]) -> Result<Value, Failure> {
    let size =
        |floor: Floor| runtime.block_on(async move { case.response(&floor).await.map(|body| body.len()) });
    let plain = size(Floor::new(url, certificate)?)?;
    let compressed = size(Floor::new(url, certificate)?.compressed())?;
    Ok(json!({"plain": plain, "compressed": compressed}))
}

async fn run(
    contestant: &Contestant,
    case: Case,
    calls: usize,
    at_once: usize,
    taken: &mut Vec<Duration>,
) -> Result<(), Failure> {
    let mut running = FuturesUnordered::new();
    let mut left = calls;
    while left > 0 || !running.is_empty() {
        while left > 0 && running.len() < at_once {
            left -= 1;
            running.push(async move {
                let begin = Instant::now();
                case.call(contestant).await.map(|()| begin.elapsed())
            });
        }
        if let Some(ended) = running.next().await {
            taken.push(ended?);
        }
    }
    Ok(())
}

/// The CPU time of all threads of this process.
fn cpu_time() -> Duration {
    ProcessTime::now().as_duration()
}
