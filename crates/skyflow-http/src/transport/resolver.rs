use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Reports a name that does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(super) struct Unresolved(#[source] io::Error);

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves names each time that a connection is opened, and fails with a type that can be told from other connect
/// errors.
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
        match resolved {
            Ok(addresses) if addresses.is_empty() => {
                Err(Unresolved(io::Error::new(io::ErrorKind::NotFound, "no address")))
            }
            other => other.map_err(Unresolved),
        }
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
