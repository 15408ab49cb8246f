//! How clients are configured, and what errors say about a configuration or a call that failed.

mod build;
mod environment;
mod errors;
mod files;
