//! The memory that calls leave behind.

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::cases::Case;
use crate::contestants::Contestant;
use crate::{Failure, run};

/// The calls before the first reading: by then caches, pools and the allocator have grown.
const EARLY: usize = 10_000;

/// How many calls share one list of their times.
const CHUNK: usize = 1_000;

/// Returns the resident memory after the first calls and after all of them, in KiB.
pub fn measured(
    runtime: &Runtime,
    contestant: &Contestant,
    case: Case,
    calls: usize,
    at_once: usize,
) -> Result<Value, Failure> {
    let mut taken = Vec::with_capacity(CHUNK);
    let mut make = |calls: usize| {
        for made in (0..calls).step_by(CHUNK) {
            taken.clear();
            runtime.block_on(run(contestant, case, CHUNK.min(calls - made), at_once, &mut taken))?;
        }
        resident()
    };
    let early = make(EARLY.min(calls))?;
    let late = make(calls.saturating_sub(EARLY))?;
    Ok(json!({"early_kib": early, "late_kib": late}))
}

/// Reads what Linux tells about this process.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("the resident memory is unknown")?;
    Ok(kib.parse()?)
}
