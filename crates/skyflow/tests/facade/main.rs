//! What the facade promises, over a server that answers what a test tells it and remembers what it was sent.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod answers;
mod client_management;
mod detect_files;
mod detect_runs;
mod detect_text;
mod output_names;
mod pages;
mod properties;
mod refused_input;
mod server;
mod uploads;
