//! Calls over few HTTP/2 connections, beside plain hyper clients: `cargo xtask bench streams`.

use std::process::Command;

/// Options of `cargo xtask bench streams`.
#[derive(clap::Args)]
pub struct Args {
    /// How many tasks call.
    #[arg(long, default_value_t = 1_000)]
    tasks: usize,
    /// How long each row is measured, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Runs the benchmark in release mode.
pub fn run(args: &Args) -> Result<(), String> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--locked", "--package", "skyflow-http", "--bench", "streams", "--"])
        .args(["--tasks", &args.tasks.to_string(), "--seconds", &args.seconds.to_string()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .map_err(|error| format!("cannot run the benchmark: {error}"))?;
    if status.success() { Ok(()) } else { Err("the transport is slower than it should be".to_owned()) }
}
