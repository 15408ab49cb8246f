use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::Resolver;
use super::tls::Roots;
use crate::{BoxError, Clock};

/// Reports that name resolution, TCP and TLS together took too long.
#[derive(Debug, thiserror::Error)]
#[error("connecting timed out")]
pub(super) struct ConnectTimedOut;

/// Opens connections: plain TCP for `http://`, TLS for `https://`, under one time limit.
#[derive(Clone)]
pub(super) struct Connector {
    plain: HttpConnector<Resolver>,
    // A machine without trusted certificates can still reach loopback, so the error waits for the first `https://`.
    tls: Result<HttpsConnector<HttpConnector<Resolver>>, rustls::Error>,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Connector {
    pub(super) fn new(roots: &Roots, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let mut plain = HttpConnector::new_with_resolver(Resolver::new());
        plain.set_nodelay(true);
        plain.enforce_http(false);
        plain.set_connect_timeout(Some(limit));
        let tls = roots.client_config().map(|config| {
            HttpsConnectorBuilder::new()
                .with_tls_config(config)
                .https_only()
                .enable_all_versions()
                .wrap_connector(plain.clone())
        });
        Self { plain, tls, limit, clock }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Both connectors are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting: Self::Future = if uri.scheme_str() == Some("http") {
            let connecting = self.plain.call(uri);
            Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
        } else {
            match &mut self.tls {
                Ok(tls) => Box::pin(tls.call(uri)),
                Err(error) => {
                    let error = error.clone();
                    Box::pin(async move { Err(error.into()) })
                }
            }
        };
        let sleep = self.clock.sleep(self.limit);
        Box::pin(async move {
            match select(connecting, sleep).await {
                Either::Left((connected, _)) => connected,
                Either::Right(_) => Err(ConnectTimedOut.into()),
            }
        })
    }
}
