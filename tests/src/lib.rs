//! What the tests of this crate share: a server that misbehaves on purpose, certificates, and calls to send.

pub mod calls;
pub mod certificates;
pub mod polling;
pub mod server;
