//! Connections: over a scripted third party, over real sockets, and over the embedded vault in between.

mod bodies;
mod corpus;
mod embedded;
mod management;
mod misbehaving;
mod redaction;
mod repeats;
mod responses;
mod third_party;
