//! Measures the client: `cargo xtask bench streams`.

use std::process::Command;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(clap::Subcommand)]
enum Suite {
    /// Calls a server with a limit of HTTP/2 streams from many tasks, beside eight plain hyper clients.
    Streams {
        /// How many tasks call.
        #[arg(long, default_value_t = 1_000)]
        tasks: usize,
        /// How long each row is measured.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
}

/// Runs the suite in release mode.
pub fn run(args: &Args) -> Result<(), String> {
    let Suite::Streams { tasks, seconds } = args.suite;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--locked", "--package", "skyflow-http", "--bench", "streams", "--"])
        .args(["--tasks", &tasks.to_string(), "--seconds", &seconds.to_string()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .map_err(|error| format!("cannot run the benchmark: {error}"))?;
    if status.success() { Ok(()) } else { Err("the transport is slower than it should be".to_owned()) }
}
