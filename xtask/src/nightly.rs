//! Runs what takes longer than a change can wait for: `cargo xtask nightly`. Tests whose number of repeats can be raised
//! get as many as a night has time for.

use std::time::{Duration, Instant};

use crate::{bench, fuzz, guide, interop, msrv, programs, soak};

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
        args: &["--package", "skyflow", "--lib"],
    },
    Run {
        name: "properties of calls",
        variable: ("PROPTEST_CASES", "4096"),
        args: &["--package", "skyflow-tests", "--test", "facade", "properties"],
    },
    Run {
        name: "properties of batches",
        variable: ("PROPTEST_CASES", "4096"),
        args: &["--package", "skyflow-tests", "--test", "responses", "batch_properties"],
    },
    Run {
        name: "properties of Detect",
        variable: ("PROPTEST_CASES", "4096"),
        args: &["--package", "skyflow-emulator-detect", "--all-features", "--lib"],
    },
];

/// Something else that takes too long for every change.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

/// The steps that run beside the tests: each keeps one core busy, or sleeps most of the time.
const BESIDE: &[Step] = &[
    Step {
        name: "soak",
        about: "calls for an hour, and what they leave behind",
        run: || soak::run(&soak::Args { minutes: 60 }),
    },
    Step {
        name: "fuzz targets",
        about: "each fuzz target, for 10 minutes",
        run: || fuzz::run(&fuzz::Args::for_seconds(600)),
    },
];

/// The steps after the tests, which have the machine to themselves.
const STEPS: &[Step] = &[
    Step {
        name: "oldest Rust",
        about: "each published crate, compiled with the oldest Rust that it names",
        run: msrv::run,
    },
    Step {
        name: "instructions",
        about: "the instructions and allocations of calls, beside those of hyper doing the same",
        run: bench::check,
    },
    Step { name: "SQL", about: "the same queries in the embedded vault and in DuckDB", run: interop::sql },
    Step { name: "guide", about: "the guide, built with mdBook", run: guide::build },
];

/// How one run or step ended.
struct Ended {
    name: String,
    took: Duration,
    outcome: Result<(), String>,
}

/// Makes every run, also after one that failed, and prints a line for each at the end.
pub fn run() -> Result<(), String> {
    let mut ended = std::thread::scope(|scope| {
        let beside: Vec<_> = BESIDE.iter().map(|step| (step, scope.spawn(|| step.start()))).collect();
        let mut ended: Vec<Ended> = RUNS.iter().map(Run::start).collect();
        ended.extend(beside.into_iter().map(|(step, run)| run.join().unwrap_or_else(|_| step.panicked())));
        ended
    });
    ended.extend(STEPS.iter().map(Step::start));
    println!("==> nightly");
    for Ended { name, took, outcome } in &ended {
        let verdict = outcome.as_ref().map_or_else(String::as_str, |()| "passed");
        println!("  {name:<50} {:>6.0} s  {verdict}", took.as_secs_f64());
    }
    let failed: Vec<&str> =
        ended.iter().filter(|it| it.outcome.is_err()).map(|it| it.name.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

#[expect(clippy::disallowed_methods, reason = "elapsed times are shown to a person")]
fn timed(name: String, run: impl FnOnce() -> Result<(), String>) -> Ended {
    let started = Instant::now();
    let outcome = run();
    Ended { name, took: started.elapsed(), outcome }
}

impl Step {
    fn start(&self) -> Ended {
        println!("==> {}", self.about);
        timed(self.name.to_owned(), self.run)
    }

    fn panicked(&self) -> Ended {
        timed(self.name.to_owned(), || Err("panicked".to_owned()))
    }
}

impl Run {
    fn start(&self) -> Ended {
        let (variable, value) = self.variable;
        println!("==> {}: {variable}={value}", self.name);
        timed(format!("{} ({variable}={value})", self.name), || {
            let status = programs::cargo()
                .args(["test", "--locked", "--no-fail-fast"])
                .args(self.args)
                .env(variable, value)
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
                .status()
                .map_err(|error| format!("cannot run cargo: {error}"))?;
            if status.success() { Ok(()) } else { Err(status.to_string()) }
        })
    }
}
