use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use crate::is_metadata_address;

/// Reports a name that does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(super) struct Unresolved(#[source] io::Error);

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves names each time that a connection is opened, and fails with a type that can be told from other connect
/// errors.
///
/// Link-local addresses are left out: whoever controls a name could lead requests to the metadata service of a machine.
#[derive(Clone)]
pub(super) enum Resolver {
    OperatingSystem(GaiResolver),
    Own(Arc<dyn Fn(String) -> Addresses + Send + Sync>),
}

impl Resolver {
    pub(super) fn own<F, Fut>(resolve: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self::Own(Arc::new(move |name| Box::pin(resolve(name))))
    }

    /// Returns the addresses of a name, in the order in which they are tried.
    pub(super) async fn resolve(&self, name: Name) -> Result<Vec<SocketAddr>, Unresolved> {
        let resolved = match self {
            Self::OperatingSystem(resolver) => resolver.clone().call(name).await.map(Iterator::collect),
            Self::Own(resolve) => resolve(name.as_str().to_owned()).await,
        };
        usable(resolved.map_err(Unresolved)?)
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::OperatingSystem(GaiResolver::new())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OperatingSystem(_) => "OperatingSystem",
            Self::Own(_) => "Own",
        })
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { resolver.resolve(name).await.map(IntoIterator::into_iter) })
    }
}

fn usable(mut addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Unresolved> {
    if addresses.is_empty() {
        return Err(Unresolved(io::Error::new(io::ErrorKind::NotFound, "no address")));
    }
    addresses.retain(|address| !is_metadata_address(address.ip()));
    match addresses.is_empty() {
        true => Err(Unresolved(io::Error::other("the name has only link-local addresses"))),
        false => Ok(addresses),
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
        assert!(usable(metadata).is_err());
        let mixed = addresses(&["169.254.169.254:443", "10.0.0.1:443", "[::1]:443"]);
        assert_eq!(usable(mixed).unwrap(), addresses(&["10.0.0.1:443", "[::1]:443"]));
        assert!(usable(Vec::new()).is_err());
    }
}
