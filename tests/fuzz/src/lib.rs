//! What must hold for every input: one module for each fuzz target.
//!
//! A target panics when a rule is broken. Inputs are bytes; those of the corpus are text, so that they can be read.

mod client;
pub mod credentials_file;
pub mod error_body;
mod json;
pub mod path_template;
pub mod response_body;
pub mod retry_after;
mod shown;
