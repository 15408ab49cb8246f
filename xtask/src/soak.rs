//! Runs the client for a long time: `cargo xtask soak --minutes 60`.

use std::process::Command;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub struct Args {
    /// How long the load lasts; a third of it is the time to warm up.
    #[arg(long, default_value_t = 5)]
    pub minutes: u64,
}

/// Runs the load, and fails when memory, descriptors or tasks grow, or a call fails.
pub fn run(args: &Args) -> Result<(), String> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--locked", "--package", "skyflow-tests", "--bin", "soak", "--"])
        .args(["load", &args.minutes.to_string()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .map_err(|error| format!("cannot run the soak: {error}"))?;
    if status.success() { Ok(()) } else { Err("the client did not stay as it was".to_owned()) }
}
