//! Replays recorded calls of the official SDK: `cargo xtask conformance [DIR]`.

use std::path::PathBuf;

use crate::programs;

/// Options of `cargo xtask conformance`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// The directory of recorded calls; the ones that come with the project when none is given.
    directory: Option<PathBuf>,
}

/// Replays a directory in a program apart, so that these commands do not depend on the SDK.
pub fn run(args: &Args) -> Result<(), String> {
    let directory = args.directory.as_ref().map(|directory| directory.display().to_string());
    programs::run("skyflow-conformance", directory.as_slice())
        .map_err(|error| format!("the replay found differences, or did not run: {error}"))
}
