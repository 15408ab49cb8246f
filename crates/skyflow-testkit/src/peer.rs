use std::net::SocketAddr;

/// How a request reached a `Server` of this crate; it is in the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The address of the client.
    pub addr: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}
