//! Spans, events and metrics of Skyflow calls. It has a separate binary, like every test that listens to call sites.

mod dashboard;
mod fields;
mod rows;
mod spans;
