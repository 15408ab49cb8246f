//! What the tests of this crate share: calls and clients.

pub mod calls;
pub mod clients;
