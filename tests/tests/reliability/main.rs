//! Reliability goals over every public operation, and over many calls.

mod cancelled;
mod chaos;
mod child;
mod client_settings;
mod descriptors;
mod environment_proxies;
mod memory;
mod operations;
mod partitions;
mod retry_matrix;
