//! Connections over real sockets: third parties that misbehave, and the embedded vault in between.

mod embedded;
mod misbehaving;
