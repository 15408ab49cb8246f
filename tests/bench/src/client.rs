//! One contestant that does one kind of call many times, and prints what it cost, as JSON on one line.
//!
//! The contestant `sizes` prints the size of the response instead.
//!
//! `bench-client <contestant> <case> <url> <certificate file> <calls> <at once>`

mod cases;
mod contestants;

use std::time::{Duration, Instant};

use cases::Case;
use contestants::{Contestant, Floor};
use cpu_time::ProcessTime;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The calls that open connections, and fill caches, before the measured ones.
const WARM_UP: usize = 64;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contestant, case, url, certificate, calls, at_once] = &arguments[..] else {
        return Err(
            "usage: bench-client <contestant> <case> <url> <certificate file> <calls> <at once>".into()
        );
    };
    let case = Case::named(case)?;
    let (calls, at_once): (usize, usize) = (calls.parse()?, at_once.parse()?);
    let certificate = std::fs::read(certificate)?;
    if contestant == "sizes" {
        return print_sizes(case, url, &certificate);
    }
    let contestant = Contestant::named(contestant, url, &certificate)?;
    let mut taken = Vec::with_capacity(calls);
    let (cpu, wall) = match contestant {
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
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                run(&contestant, case, WARM_UP, at_once, &mut Vec::new()).await?;
                let started = (cpu_time(), Instant::now());
                run(&contestant, case, calls, at_once, &mut taken).await?;
                Ok::<_, Failure>((cpu_time() - started.0, started.1.elapsed()))
            })?
        }
    };
    taken.sort_unstable();
    let p50 = taken.get(taken.len() / 2).copied().unwrap_or_default();
    let per_call = |time: Duration| time.as_secs_f64() * 1e6 / calls as f64;
    println!(
        "{}",
        json!({"cpu_us": per_call(cpu), "wall_us": per_call(wall), "p50_us": p50.as_secs_f64() * 1e6})
    );
    Ok(())
}

/// Prints how many bytes the response has as it is, and compressed.
fn print_sizes(case: Case, url: &str, certificate: &[u8]) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let size =
        |floor: Floor| runtime.block_on(async move { case.response(&floor).await.map(|body| body.len()) });
    let plain = size(Floor::new(url, certificate)?)?;
    let compressed = size(Floor::new(url, certificate)?.compressed())?;
    println!("{}", json!({"plain": plain, "compressed": compressed}));
    Ok(())
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
