//! Runs what takes longer than a change can wait for: `cargo xtask nightly`. Tests whose number of repeats can be raised
//! get as many as a night has time for.

use std::process::Command;
use std::time::Instant;

use crate::{bench, fuzz, guide, msrv, soak};

/// A run of tests with more repeats than in `cargo test`.
struct Run {
    name: &'static str,
    /// The variable that raises the number of repeats.
    variable: (&'static str, &'static str),
    args: &'static [&'static str],
}

const RUNS: &[Run] = &[
    Run {
        name: "races for a token",
        variable: ("SKYFLOW_AUTH_REPEATS", "100"),
        args: &["--package", "skyflow-auth", "--all-features"],
    },
    Run {
        name: "seeds of chaos",
        variable: ("SKYFLOW_SEEDS", "1000"),
        args: &["--package", "skyflow-tests", "--test", "reliability", "chaos"],
    },
    Run {
        name: "properties of the client",
        variable: ("PROPTEST_CASES", "4096"),
        args: &["--package", "skyflow", "--package", "skyflow-tests"],
    },
    Run {
        name: "properties of Detect",
        variable: ("PROPTEST_CASES", "4096"),
        args: &["--package", "skyflow-emulator-detect", "--all-features"],
    },
];

/// Something else that takes too long for every change.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fuzz targets",
        about: "each fuzz target, for 10 minutes",
        run: || fuzz::run(&fuzz::Args::for_seconds(600)),
    },
    Step {
        name: "soak",
        about: "calls for an hour, and what they leave behind",
        run: || soak::run(&soak::Args { minutes: 60 }),
    },
    Step {
        name: "oldest Rust",
        about: "each published crate, compiled with the oldest Rust that it names",
        run: msrv::run,
    },
    Step {
        name: "instructions",
        about: "the instructions of calls, beside those of hyper doing the same",
        run: bench::check,
    },
    Step { name: "guide", about: "the guide, built with mdBook", run: guide::build },
];

/// Makes every run, also after one that failed, and prints a line for each at the end.
#[expect(clippy::disallowed_methods, reason = "elapsed times are shown to a person")]
pub fn run() -> Result<(), String> {
    let mut summary = Vec::new();
    let mut failed = Vec::new();
    for run in RUNS {
        let started = Instant::now();
        let outcome = run.start();
        let verdict = outcome.as_ref().map_or_else(Clone::clone, |()| "passed".to_owned());
        let (variable, value) = run.variable;
        summary.push(format!(
            "  {:<26} {variable}={value:<5} {:>6.0} s  {verdict}",
            run.name,
            started.elapsed().as_secs_f64()
        ));
        if outcome.is_err() {
            failed.push(run.name);
        }
    }
    for Step { name, about, run } in STEPS {
        println!("==> {about}");
        let outcome = run();
        let verdict = outcome.as_ref().map_or_else(Clone::clone, |()| "passed".to_owned());
        summary.push(format!("  {name:<26} {verdict}"));
        if outcome.is_err() {
            failed.push(name);
        }
    }
    println!("==> nightly\n{}", summary.join("\n"));
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

impl Run {
    fn start(&self) -> Result<(), String> {
        let (variable, value) = self.variable;
        println!("==> {}: {variable}={value}", self.name);
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["test", "--locked", "--no-fail-fast"])
            .args(self.args)
            .env(variable, value)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if status.success() { Ok(()) } else { Err(status.to_string()) }
    }
}
