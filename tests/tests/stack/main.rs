//! The default stack over an in-memory transport, polled step by step.

mod cancelled;
mod deadlines;
