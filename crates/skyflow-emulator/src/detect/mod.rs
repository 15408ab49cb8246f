//! What a vault adds to the Detect engine: canned results, runs in the background and stored configurations.

mod canned;
mod run_queue;
mod settings;

pub use canned::CannedRun;

pub(crate) use canned::{Counts, failed, output, succeeded, without_output};
pub(crate) use settings::{DetectSettings, Settings};
