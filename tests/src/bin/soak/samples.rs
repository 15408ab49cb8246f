//! What the process holds over time, and the verdict on it.
//!
//! The first third of a run warms up. Afterwards:
//!
//! - **memory**: the slope of a regression over the samples stays below 1 MiB in an hour. A run of minutes cannot tell
//!   that slope from noise: in 200 s it is 57 KiB, or 14 pages. Such a run fails when it has grown by
//!   [`SHORT_GROWTH`] or more: at the 26,000 calls that a busy machine makes in that time, a leak of 11 bytes in a call
//!   is above it.
//! - **descriptors and tasks**: while no call is under way, never more than before the first call, one idle connection
//!   for each task of the load, and one for the token endpoint. There are more restarts and tokens than that: one
//!   descriptor or task that each of them leaves is above it.
//! - **calls**: no more fail than responses were made unreadable; repeats of the call undo every other fault.

use std::process::ExitCode;
use std::time::Duration;

use crate::load::TASKS;

const MIB: f64 = 1_048_576.0;
/// The most that memory may grow after the warm-up of a run that is too short for a slope.
const SHORT_GROWTH: f64 = 0.25 * MIB;
/// Shorter runs have a slope that is noise.
const LONG: Duration = Duration::from_secs(1_800);
/// The fewest tokens of a run.
const TOKENS: usize = 24;

/// The process at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    /// Resident bytes.
    pub(crate) rss: u64,
    pub(crate) descriptors: usize,
    /// Tasks of the runtime.
    pub(crate) tasks: usize,
}

/// What a run has done.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    pub(crate) tokens: usize,
    pub(crate) restarts: usize,
    /// All of them, and those that fail a call.
    pub(crate) faults: (usize, usize),
}

impl Sample {
    pub(crate) fn take(at: Duration) -> std::io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
        let rss = kib.ok_or_else(|| std::io::Error::other("/proc/self/status has no VmRSS"))? * 1024;
        // Reading the directory takes a descriptor too, each time.
        let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Ok(Self { at, rss, descriptors, tasks })
    }
}

/// Prints the verdict and returns it.
pub(crate) fn verdict(unconnected: Sample, samples: &[Sample], totals: &Totals) -> ExitCode {
    let after = &samples[samples.len() / 3..];
    let Slope { per_second, error } = Slope::of(after);
    let per_hour = |slope: f64| slope * 3_600.0 / MIB;
    let span = after.last().map_or(Duration::ZERO, |last| last.at)
        - after.first().map_or(Duration::ZERO, |first| first.at);
    let grown = per_second * span.as_secs_f64();
    let is_long = span >= LONG;
    let memory_is_kept = match is_long {
        true => per_hour(per_second) < 1.0,
        false => grown < SHORT_GROWTH,
    };
    let most = |of: fn(&Sample) -> usize| after.iter().map(of).max().unwrap_or_default();
    let (descriptors, tasks) = (most(|sample| sample.descriptors), most(|sample| sample.tasks));
    // A connection has a task that drives it.
    let connections = TASKS + 1;
    let most_descriptors = unconnected.descriptors + connections;
    let most_tasks = unconnected.tasks + TASKS + connections;
    let Totals { calls, failed, tokens, restarts, faults } = *totals;
    let checks = [
        (
            format!(
                "memory: {:+.2} MiB/h, standard error {:.2}, {:+.0} KiB in {} s",
                per_hour(per_second),
                per_hour(error),
                grown / 1024.0,
                span.as_secs()
            ),
            memory_is_kept,
        ),
        (format!("descriptors: {descriptors} of {most_descriptors}"), descriptors <= most_descriptors),
        (format!("tasks: {tasks} of {most_tasks}"), tasks <= most_tasks),
        (
            format!("calls: {calls}, {failed} failed, {} faults, of which {} are fatal", faults.0, faults.1),
            calls > 0 && failed <= faults.1,
        ),
        (format!("tokens: {tokens}, restarts: {restarts}"), tokens >= TOKENS && restarts > connections),
    ];
    for (line, holds) in &checks {
        println!("{} {line}", if *holds { "ok  " } else { "FAIL" });
    }
    if checks.iter().all(|(_, holds)| *holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The line through the resident bytes, in bytes per second.
struct Slope {
    per_second: f64,
    /// The standard error of the slope.
    error: f64,
}

impl Slope {
    #[expect(clippy::cast_precision_loss, reason = "a resident set is far below 2^52 bytes")]
    fn of(samples: &[Sample]) -> Self {
        let points: Vec<(f64, f64)> =
            samples.iter().map(|sample| (sample.at.as_secs_f64(), sample.rss as f64)).collect();
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (mean_at, mean_rss) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|(at, _)| (at - mean_at).powi(2)).sum();
        let per_second =
            points.iter().map(|(at, rss)| (at - mean_at) * (rss - mean_rss)).sum::<f64>() / spread;
        let rest = |(at, rss): &(f64, f64)| (rss - mean_rss - per_second * (at - mean_at)).powi(2);
        let error = (points.iter().map(rest).sum::<f64>() / (count - 2.0) / spread).sqrt();
        Self { per_second, error }
    }
}
