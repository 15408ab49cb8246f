//! Connections: over a scripted third party, over real sockets, and over the embedded vault in between.

mod answers;
mod bodies;
mod corpus;
mod embedded;
mod management;
mod misbehaving;
mod redaction;
mod repeats;
mod third_party;
