//! What a vault adds to the Detect engine: canned results, runs in the background and stored configurations.

mod canned;
mod configurations;
pub(crate) mod media;
mod run_queue;
mod settings;

pub use canned::CannedRun;

pub(crate) use canned::{Counts, failed, metrics, output, succeeded, without_output};
pub(crate) use configurations::{ColumnName, Configuration, Destinations, require_column};
pub(crate) use settings::{DetectSettings, Listed, Settings, Wanted};
