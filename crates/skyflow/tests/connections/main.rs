//! What connections promise, over a third party that answers what a test tells it and remembers what it was sent.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod answers;
mod bodies;
mod corpus;
mod management;
mod redaction;
mod repeats;
mod third_party;
