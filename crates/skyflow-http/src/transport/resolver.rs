use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use crate::is_metadata_address;

/// Reports a name that does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(super) struct Unresolved(#[source] io::Error);

/// Resolves names with the operating system, and fails with a type that can be told from other connect errors.
///
/// Link-local addresses are left out: whoever controls a name could lead requests to the metadata service of a machine.
#[derive(Clone)]
pub(super) struct Resolver(GaiResolver);

impl Resolver {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        self.0.poll_ready(cx).map_err(Unresolved)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { usable(resolving.await.map_err(Unresolved)?) })
    }
}

fn usable(addresses: impl Iterator<Item = SocketAddr>) -> Result<std::vec::IntoIter<SocketAddr>, Unresolved> {
    let usable: Vec<_> = addresses.filter(|address| !is_metadata_address(address.ip())).collect();
    match usable.is_empty() {
        true => Err(Unresolved(io::Error::other("the name has only link-local addresses"))),
        false => Ok(usable.into_iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_not_connected_to() {
        let addresses =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let metadata = addresses(&["169.254.169.254:443", "[fe80::1]:443", "[::ffff:169.254.169.254]:443"]);
        assert!(usable(metadata.iter().copied()).is_err());
        let mixed = addresses(&["169.254.169.254:443", "10.0.0.1:443", "[::1]:443"]);
        assert!(usable(mixed.into_iter()).unwrap().eq(addresses(&["10.0.0.1:443", "[::1]:443"])));
        assert!(usable(std::iter::empty()).is_err());
    }
}
