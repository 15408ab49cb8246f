//! What the tests of this crate share: servers that misbehave on purpose, clients, and eyes on what was sent.

pub mod calls;
pub mod certificates;
pub mod clients;
pub mod polling;
pub mod recorder;
pub mod server;
