//! Every check that must pass before a change lands, besides `cargo test --workspace`: `cargo xtask ci`, or one of them
//! by its name.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::{
    bench, codegen, conformance, coverage, fuzz, guide, layers, msrv, path, programs, published, tools, words,
};

/// Options of `cargo xtask ci`.
#[derive(clap::Args)]
pub struct Args {
    /// Runs only the named checks. When none is named, all run but those that say otherwise, and `test`.
    #[arg(value_enum)]
    jobs: Vec<Job>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Job {
    /// `cargo fmt --check`.
    Fmt,
    /// The generated bindings are those that the generator makes.
    Codegen,
    /// `docs/api-coverage.md` has every operation as it is.
    Coverage,
    /// Dependency directions, restricted dependencies, the sizes of dependency trees, and features without tests.
    Layers,
    /// Clippy with default, no and all features; warnings are errors.
    Clippy,
    /// Recorded calls of the official SDK, replayed.
    Conformance,
    /// How many files of the crates a warm insert runs through.
    Path,
    /// The instructions and allocations of calls, beside those of hyper doing the same; they are not among those that
    /// run by default.
    Instructions,
    /// Each fuzz target, for 30 seconds; it is not among those that run by default.
    Fuzz,
    /// Rustdoc; warnings are errors.
    Doc,
    /// Licences, bans and sources of every dependency.
    Deny,
    /// The language of comments, documentation and error messages.
    Words,
    /// Pages, links and names of the guide. Its code is among the documentation tests, and `nightly` builds it.
    Guide,
    /// Each published crate, compiled with the oldest Rust that it names; it is not among those that run by default.
    Msrv,
    /// The published crates, packaged and built from their packages; it is not among those that run by default.
    Package,
    /// Unit, integration, example and documentation tests: `cargo test --workspace`, which has every feature.
    // No `--all-targets`: it would build the examples as tests, and not as the programs that a test runs.
    Test,
}

/// The checks that run when none is named. Tests are not among them: they are run by themselves, and once.
const CHECKS: &[Job] = &[
    Job::Fmt,
    Job::Codegen,
    Job::Coverage,
    Job::Layers,
    Job::Words,
    Job::Guide,
    Job::Clippy,
    Job::Conformance,
    Job::Path,
    Job::Doc,
];

/// The checks that run beside [`CHECKS`]: they build into directories apart.
const BESIDE: &[Job] = &[Job::Deny];

/// The crates that work without their default features.
const WITHOUT_DEFAULT_FEATURES: [&str; 7] = [
    "skyflow-http",
    "skyflow-auth",
    "skyflow-api",
    "skyflow",
    "skyflow-emulator-detect",
    "skyflow-emulator",
    "scaivault",
];

/// Runs the checks and stops at the first that fails.
pub fn run(args: &Args) -> Result<(), String> {
    if !args.jobs.is_empty() {
        return in_turn(&args.jobs);
    }
    let beside = std::thread::spawn(|| in_turn(BESIDE));
    in_turn(CHECKS)?;
    beside.join().unwrap_or_else(|_| Err("a check panicked".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "elapsed times are shown to a person")]
fn in_turn(jobs: &[Job]) -> Result<(), String> {
    for job in jobs {
        let started = Instant::now();
        println!("==> {job:?}");
        job.run().map_err(|problem| format!("{job:?} failed: {problem}"))?;
        println!("==> {job:?} passed in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

impl Job {
    fn run(self) -> Result<(), String> {
        match self {
            Self::Fmt => cargo(&["fmt", "--all", "--check"]),
            Self::Coverage => coverage::check(),
            Self::Codegen => codegen::check().map_err(|error| error.to_string()),
            Self::Layers => layers::run(),
            Self::Clippy => clippy(),
            Self::Conformance => conformance::run(&conformance::Args::default()),
            Self::Path => path::check(),
            Self::Instructions => bench::check(),
            Self::Fuzz => fuzz::run(&fuzz::Args::for_seconds(30)),
            Self::Doc => command(
                cargo_command(&["doc", "--workspace", "--no-deps", "--all-features", "--locked"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::Deny => {
                // Without optimization: it runs for seconds, and would be built for minutes.
                let deny = tools::ensure("cargo-deny", "0.20.2", &["--debug"])?;
                command(Command::new(deny).args(["--all-features", "check", "licenses", "bans", "sources"]))
            }
            Self::Words => words::run(&words::Args::default()),
            Self::Guide => guide::check(),
            Self::Msrv => msrv::run(),
            Self::Package => package(),
            Self::Test => cargo(&["test", "--workspace", "--locked"]),
        }
    }
}

fn clippy() -> Result<(), String> {
    let strict = ["--", "-D", "warnings"];
    let all = ["clippy", "--workspace", "--all-targets", "--locked"];
    cargo(&[&all[..], &strict].concat())?;
    cargo(&[&all[..], &["--all-features"], &strict].concat())?;
    for krate in WITHOUT_DEFAULT_FEATURES {
        cargo(&[&["clippy", "--package", krate, "--no-default-features", "--locked"][..], &strict].concat())?;
    }
    Ok(())
}

/// Packages the crates together, so that each is built with the packages of those that it depends on.
fn package() -> Result<(), String> {
    let mut command_line = cargo_command(&["package", "--locked", "--allow-dirty"]);
    for package in published::packages()? {
        command_line.args(["--package", package.name.as_str()]);
    }
    command(&mut command_line)
}

fn cargo(args: &[&str]) -> Result<(), String> {
    command(&mut cargo_command(args))
}

fn cargo_command(args: &[&str]) -> Command {
    let mut command = programs::cargo();
    command.args(args);
    command
}

fn command(command: &mut Command) -> Result<(), String> {
    let line = format!("{command:?}");
    println!("  {line}");
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is not below the workspace root")?;
    let status = command.current_dir(root).status().map_err(|error| format!("cannot run {line}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
}
