//! Runs the client for a long time: `cargo xtask soak --minutes 60`.

use crate::programs;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub struct Args {
    /// How long the load lasts; a third of it is the time to warm up.
    #[arg(long, default_value_t = 5)]
    pub minutes: u64,
}

/// Runs the load, and fails when memory, descriptors or tasks grow, or a call fails.
pub fn run(args: &Args) -> Result<(), String> {
    let args = ["load".to_owned(), args.minutes.to_string()];
    programs::run("soak", &args).map_err(|error| format!("the client did not stay as it was: {error}"))
}
