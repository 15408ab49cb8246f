//! Tries mutated inputs on the fuzz targets of `tests/fuzz`: `cargo xtask fuzz --seconds 30`.
//!
//! The targets are built by the pinned stable toolchain with LLVM's coverage of edges, and run by libFuzzer. Build
//! scripts and macros are not instrumented, because the target is named.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The targets of `tests/fuzz/fuzz_targets`.
const TARGETS: [&str; 5] =
    ["response_body", "error_body", "credentials_file", "retry_after", "path_template"];

/// What `cargo fuzz` sets for a build without a sanitizer.
const INSTRUMENTATION: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Targets that run at the same time.
const AT_ONCE: usize = 2;

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Runs only the named targets.
    targets: Vec<String>,
    /// How long each target tries inputs.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Runs one target with this input alone, such as one that a run has saved.
    #[arg(long, conflicts_with = "seconds")]
    replay: Option<PathBuf>,
}

impl Args {
    /// Runs every target for so long.
    pub fn for_seconds(seconds: u64) -> Self {
        Self { seconds, ..Self::default() }
    }
}

/// Runs the targets, also after one that failed, and fails when one has found an input that breaks a rule.
pub fn run(args: &Args) -> Result<(), String> {
    let chosen: Vec<&str> = match args.targets.as_slice() {
        [] => TARGETS.to_vec(),
        named => named.iter().map(String::as_str).collect(),
    };
    if let Some(unknown) = chosen.iter().find(|target| !TARGETS.contains(target)) {
        return Err(format!("there is no target {unknown}; there are {}", TARGETS.join(", ")));
    }
    let fuzz = Fuzz::build()?;
    if let Some(input) = &args.replay {
        let [target] = chosen[..] else { return Err("name one target to replay an input".to_owned()) };
        return fuzz.replay(target, input);
    }
    let mut failed = Vec::new();
    for at_once in chosen.chunks(AT_ONCE) {
        let started: Vec<_> =
            at_once.iter().map(|target| (*target, fuzz.start(target, args.seconds))).collect();
        for (target, run) in started {
            match run.and_then(Run::finish) {
                Ok(summary) => println!("  {target:<18} {summary}"),
                Err(problem) => {
                    println!("  {target:<18} failed\n{problem}");
                    failed.push(target);
                }
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("inputs that break a rule: {}", failed.join(", "))) }
}

/// The built targets.
struct Fuzz {
    root: PathBuf,
    programs: PathBuf,
}

/// A target that is trying inputs.
struct Run {
    target: String,
    child: Child,
    log: PathBuf,
    saved: PathBuf,
}

impl Fuzz {
    fn build() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is not below the root")?;
        let (triple, directory) = (host()?, root.join("target/fuzz"));
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml", "--target", &triple])
            .arg("--target-dir")
            .arg(&directory)
            .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"))
            .current_dir(root)
            .status()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if !status.success() {
            return Err(format!("the fuzz targets cannot be built: {status}"));
        }
        Ok(Self { root: root.to_owned(), programs: directory.join(triple).join("debug") })
    }

    fn start(&self, target: &str, seconds: u64) -> Result<Run, String> {
        let failed = |what: &Path, error| format!("cannot write {}: {error}", what.display());
        let own = self.root.join("target/fuzz/inputs").join(target);
        let saved = own.join("failing");
        let found = own.join("found");
        for directory in [&saved, &found] {
            std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        }
        let log = own.join("log");
        let output = File::create(&log).map_err(|error| failed(&log, error))?;
        let child = Command::new(self.programs.join(target))
            .arg(format!("-max_total_time={seconds}"))
            // An input that takes so long, or so many MiB, breaks a rule too.
            .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
            .arg(format!("-dict={}", self.root.join("tests/fuzz/json.dict").display()))
            .arg(format!("-artifact_prefix={}/", saved.display()))
            .arg(&found)
            .arg(self.root.join("tests/fuzz/corpus").join(target))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .map_err(|error| format!("cannot run {target}: {error}"))?;
        Ok(Run { target: target.to_owned(), child, log, saved })
    }

    fn replay(&self, target: &str, input: &Path) -> Result<(), String> {
        let status = Command::new(self.programs.join(target))
            .arg(input)
            .status()
            .map_err(|error| format!("cannot run {target}: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the input breaks a rule of {target}: {status}")) }
    }
}

impl Run {
    /// Returns how many inputs were tried, or what failed and how to run it again.
    fn finish(mut self) -> Result<String, String> {
        let status = self.child.wait().map_err(|error| format!("cannot wait: {error}"))?;
        let log = std::fs::read(&self.log).map_err(|error| format!("cannot read the log: {error}"))?;
        let log = String::from_utf8_lossy(&log);
        if status.success() {
            let tried = after(&log, "stat::number_of_executed_units:").unwrap_or("no");
            let edges = log.lines().rev().find_map(|line| after(line, " cov: ")).unwrap_or("no");
            return Ok(format!("{tried} inputs, {edges} edges"));
        }
        let start = log.find("panicked at").or_else(|| log.find("ERROR: libFuzzer")).unwrap_or_default();
        let reason: Vec<&str> = log.get(start..).unwrap_or_default().lines().take(2).collect();
        let input = log.split("Test unit written to ").nth(1).and_then(|rest| rest.lines().next());
        let input = input.map_or_else(|| self.saved.display().to_string(), ToOwned::to_owned);
        Err(format!(
            "    {}\n    replay it: cargo xtask fuzz {} --replay {input}",
            reason.join("\n    "),
            self.target
        ))
    }
}

/// Returns the word behind a label.
fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.split_once(label)?.1.split_whitespace().next()
}

/// Returns the target triple of this machine.
fn host() -> Result<String, String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(|triple| triple.trim().to_owned()).ok_or_else(|| "rustc does not name its host".to_owned())
}
