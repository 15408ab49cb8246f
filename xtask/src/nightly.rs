//! Runs the tests whose number of repeats can be raised with as many as a night has time for: `cargo xtask nightly`.

use std::process::Command;
use std::time::Instant;

use crate::{guide, msrv};

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
    println!("==> each published crate, compiled with the oldest Rust that it names");
    let compiled = msrv::run();
    let verdict = compiled.as_ref().map_or_else(Clone::clone, |()| "passed".to_owned());
    summary.push(format!("  {:<26} {verdict}", "oldest Rust"));
    if compiled.is_err() {
        failed.push("oldest Rust");
    }
    println!("==> the guide, built with mdBook");
    let built = guide::build();
    summary.push(format!(
        "  {:<26} {}",
        "guide",
        built.as_ref().map_or_else(Clone::clone, |()| "passed".to_owned())
    ));
    if built.is_err() {
        failed.push("guide");
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
