//! Instructions and allocations of calls over http, counted by callgrind: figures that the load of a machine does not
//! change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::figures::{Cost, Counted, FLOOR, OURS};
use super::profile::Profile;
use super::programs::{Run, Server};

/// The calls that are counted; those before them open connections and fill caches.
const CALLS: usize = 100;

/// The areas that are kept of a case.
const AREAS: usize = 8;

/// The function of the client where counting begins. The rest of the process, such as the output, is small and the same
/// for both.
const COUNTED: &str = "bench_client::counted";

/// The most that a call may cost above the floor. Limits are lowered when a figure falls.
struct Limit {
    case: &'static str,
    /// Instructions, as a multiple of the floor's. A stack in memory has a floor that does next to nothing.
    ratio: Option<f64>,
    /// Allocations above those of the floor.
    allocations: f64,
}

const LIMITS: [Limit; 6] = [
    Limit { case: "insert-1", ratio: Some(1.37), allocations: 11.5 },
    Limit { case: "insert-100", ratio: Some(1.14), allocations: 213.5 },
    Limit { case: "detokenize-100", ratio: Some(1.26), allocations: 121.5 },
    Limit { case: "get-25", ratio: Some(1.16), allocations: 7.5 },
    Limit { case: "scaivault-read", ratio: Some(1.41), allocations: 11.5 },
    Limit { case: "stack", ratio: None, allocations: 8.5 },
];

/// The time that the server waits before each response, in ms. Without it, whether a response is there at the first
/// read is a matter of chance, and the count varies by 1 %; with it, by 0.02 %.
const PAUSE: u32 = 5;

/// Counts each case, on all cores.
pub fn count(programs: &Path) -> Result<Vec<Counted>, String> {
    let server = &Server::start_with_pause(programs, PAUSE)?;
    let jobs: Vec<(&str, &str)> =
        LIMITS.iter().flat_map(|limit| [(limit.case, FLOOR), (limit.case, OURS)]).collect();
    let profiles = on_all_cores(&jobs, |(case, contestant)| profile(programs, server, contestant, case));
    let mut costs = BTreeMap::new();
    for (job, profile) in jobs.into_iter().zip(profiles) {
        costs.insert(job, profile?);
    }
    let mut counted = Vec::new();
    for Limit { case, .. } in LIMITS {
        if let (Some(floor), Some(ours)) = (costs.get(&(case, FLOOR)), costs.get(&(case, OURS))) {
            let above = above(floor, ours);
            counted.push(Counted { case: case.to_owned(), floor: cost(floor), ours: cost(ours), above });
        }
    }
    print!("{}", table(&counted));
    Ok(counted)
}

/// Fails when a case is above its limits.
pub fn check(counted: &[Counted]) -> Result<(), String> {
    let mut above = Vec::new();
    for limit in &LIMITS {
        let Some(found) = counted.iter().find(|counted| counted.case == limit.case) else { continue };
        if let Some(most) = limit.ratio.filter(|most| found.ratio() > *most) {
            above.push(format!(
                "{}: {:.2} times the instructions, limit {most:.2}",
                limit.case,
                found.ratio()
            ));
        }
        if found.more_allocations() > limit.allocations {
            let (more, most) = (found.more_allocations(), limit.allocations);
            above.push(format!("{}: {more:.1} more allocations, limit {most}", limit.case));
        }
    }
    if above.is_empty() { Ok(()) } else { Err(format!("more than allowed: {}", above.join("; "))) }
}

/// Returns the counts as a table.
pub fn table(counted: &[Counted]) -> String {
    let mut table = "| case | floor, instructions | ours | ours / floor | limit | floor, allocations | ours | more | limit |\n\
                     |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for found in counted {
        let limit = LIMITS.iter().find(|limit| limit.case == found.case);
        let most_ratio =
            limit.and_then(|limit| limit.ratio).map_or("-".to_owned(), |most| format!("{most:.2}"));
        let ratio = if most_ratio == "-" { "-".to_owned() } else { format!("{:.2}", found.ratio()) };
        let most_allocations = limit.map_or("-".to_owned(), |limit| limit.allocations.to_string());
        let _ = writeln!(
            table,
            "| {} | {:.0} | {:.0} | {ratio} | {most_ratio} | {:.1} | {:.1} | {:+.1} | {most_allocations} |",
            found.case,
            found.floor.instructions,
            found.ours.instructions,
            found.floor.allocations,
            found.ours.allocations,
            found.more_allocations(),
        );
    }
    table
}

fn cost(profile: &Profile) -> Cost {
    Cost {
        instructions: profile.instructions as f64 / CALLS as f64,
        allocations: profile.allocations as f64 / CALLS as f64,
    }
}

/// Returns the areas where ours costs more than the floor, per call, from the largest.
fn above(floor: &Profile, ours: &Profile) -> Vec<(String, f64)> {
    let areas: BTreeSet<&String> = floor.by_area.keys().chain(ours.by_area.keys()).collect();
    let of = |profile: &Profile, area: &String| profile.by_area.get(area).copied().unwrap_or(0) as f64;
    let mut above: Vec<(String, f64)> = areas
        .into_iter()
        .map(|area| (area.clone(), ((of(ours, area) - of(floor, area)) / CALLS as f64).round()))
        .filter(|(_, more)| *more > 0.0)
        .collect();
    above.sort_by(|one, other| other.1.total_cmp(&one.1));
    above.truncate(AREAS);
    above
}

/// Does the jobs with as many threads as there are cores. Returns the results in the order of the jobs.
fn on_all_cores<J: Copy + Sync, T: Send>(jobs: &[J], work: impl Fn(J) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number) else { return };
                    let result = work(*job);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn profile(programs: &Path, server: &Server, contestant: &str, case: &str) -> Result<Profile, String> {
    let file = programs.join(format!("callgrind.{contestant}.{case}"));
    let run = Run { measurement: "time", contestant, case, scheme: "http", calls: CALLS, at_once: 1 };
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        // `--toggle-collect` would leave the allocations of the warm-up in: it is for costs, not for numbers of calls.
        .arg(format!("--zero-before={COUNTED}*"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(programs.join("bench-client"))
        .args(server.arguments(run))
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("callgrind failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let _ = std::fs::remove_file(&file);
    match Profile::parse(&text) {
        profile if profile.instructions == 0 => Err(format!("callgrind did not find {COUNTED}")),
        profile => Ok(profile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(case: &str, ours: f64, allocations: f64) -> Counted {
        let cost = |instructions, allocations| Cost { instructions, allocations };
        let (floor, ours) = (cost(1000.0, 10.0), cost(ours, 10.0 + allocations));
        Counted { case: case.to_owned(), floor, ours, above: Vec::new() }
    }

    #[test]
    fn each_limit_can_be_exceeded() {
        assert_eq!(check(&[counted("insert-1", 1000.0, 0.0), counted("stack", 9000.0, 0.0)]), Ok(()));
        let error = check(&[counted("insert-1", 1900.0, 0.0)]).unwrap_err();
        assert!(error.contains("insert-1: 1.90 times the instructions"), "{error}");
        for limit in &LIMITS {
            let error = check(&[counted(limit.case, 1000.0, limit.allocations + 1.0)]).unwrap_err();
            assert!(error.contains("more allocations"), "{error}");
        }
    }

    #[test]
    fn areas_above_the_floor_begin_with_the_largest() {
        let profile = |areas: &[(&str, u64)]| Profile {
            by_area: areas.iter().map(|(area, cost)| ((*area).to_owned(), *cost)).collect(),
            ..Profile::default()
        };
        let floor = profile(&[("hyper", 900), ("std", 500)]);
        let ours = profile(&[("hyper", 800), ("skyflow/vault", 300), ("std", 1500)]);
        assert_eq!(above(&floor, &ours), [("std".to_owned(), 10.0), ("skyflow/vault".to_owned(), 3.0)]);
    }

    #[test]
    fn results_have_the_order_of_the_jobs() {
        assert_eq!(on_all_cores(&[3, 1, 2], |job| job * 2), [6, 2, 4]);
    }
}
