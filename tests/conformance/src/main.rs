//! Replays a directory of recorded calls: `skyflow-conformance [DIR]`. With `--record` it replays all and writes the requests
//! that have no counterpart.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use skyflow_auth::CREDENTIALS_ENV;
use skyflow_conformance::recorded;
use skyflow_conformance::report::{Judged, Report, judge_file, unused_rules};
use skyflow_conformance::trace::{Trace, Unreadable};

fn main() -> ExitCode {
    // Some calls are made without credentials, and must find none.
    if env::var_os(CREDENTIALS_ENV).is_some() {
        return without_credentials();
    }
    let records = env::args_os().nth(1).is_some_and(|argument| argument == "--record");
    let given = env::args_os().nth(1).filter(|_| !records).map(PathBuf::from);
    let has_all_recordings = given.is_none();
    let directories = given.map_or_else(default_directories, |directory| vec![directory]);
    let mut judged = Vec::new();
    for directory in directories {
        match replay(&directory) {
            Ok(more) => judged.extend(more),
            Err(error) => {
                eprintln!("cannot read {}: {error}", directory.display());
                return ExitCode::FAILURE;
            }
        }
    }
    let report = Report(&judged);
    println!("{report}");
    if has_all_recordings && !every_rule_is_used(&judged) {
        return ExitCode::FAILURE;
    }
    if records {
        return match recorded::write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cannot write the requests: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let unknown = if has_all_recordings { recorded::problems() } else { Vec::new() };
    unknown.iter().for_each(|problem| println!("{problem}: review and write it with --record"));
    if !unknown.is_empty() {
        return ExitCode::FAILURE;
    }
    if report.counts().different == 0 && !judged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A rule that explains nothing in any recording, the variants included, may allow what was never recorded.
fn every_rule_is_used(judged: &[Judged]) -> bool {
    let variants = Path::new(env!("CARGO_MANIFEST_DIR")).join("variants/recorded.jsonl");
    let lines = match fs::read_to_string(&variants) {
        Ok(lines) => lines,
        Err(error) => {
            eprintln!("cannot read {}: {error}", variants.display());
            return false;
        }
    };
    let variants: Vec<Judged> = lines.lines().map(|line| judge_file("variant", Trace::parse(line))).collect();
    let unused = unused_rules(judged.iter().chain(&variants));
    unused.iter().for_each(|rule| println!("rule {rule} explains nothing in all recordings: remove it"));
    unused.is_empty()
}

/// The recordings of the official SDK, and those that are written by hand from published forms.
fn default_directories() -> Vec<PathBuf> {
    ["traces", "published"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).to_vec()
}

/// Replays every JSON file of a directory, in the order of their names.
fn replay(directory: &Path) -> io::Result<Vec<Judged>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let judged = files.iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(file).map_err(|error| Unreadable(error.to_string()));
        judge_file(&name, text.and_then(|text| Trace::parse(&text)))
    });
    Ok(judged.collect())
}

/// A program of several threads cannot change its own environment, so another run of it gets another one.
fn without_credentials() -> ExitCode {
    let run = env::current_exe().and_then(|program| {
        Command::new(program).args(env::args_os().skip(1)).env_remove(CREDENTIALS_ENV).status()
    });
    match run {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run again without {CREDENTIALS_ENV}: {error}");
            ExitCode::FAILURE
        }
    }
}
