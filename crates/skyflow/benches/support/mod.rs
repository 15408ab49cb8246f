//! What the benchmarks share: a server that does no work, and the floor under every client.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use skyflow::Credentials;
use skyflow_testkit::large_bodies::{self, Pieces};
use tokio::runtime::{Builder, Runtime};

/// Starts a server that does no work and sends the same body for each method; returns its URL.
pub(crate) fn server(body: impl Fn(&str) -> String) -> String {
    let [to_get, to_post] = ["GET", "POST"].map(|method| Bytes::from(body(method)));
    large_bodies::serve(move |request_line, _| {
        let body = if request_line.starts_with("GET") { &to_get } else { &to_post };
        Pieces { start: body.clone(), ..Pieces::default() }
    })
    .unwrap()
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn key() -> Credentials {
    Credentials::api_key(skyflow_testkit::API_KEY).unwrap()
}

/// hyper's client alone.
pub(crate) struct RawHyper(Client<HttpConnector, Full<Bytes>>);

impl RawHyper {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn call(&self, method: &str, uri: &str, body: Bytes) -> Bytes {
        let request = hyper::Request::builder().method(method).uri(uri);
        let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
        self.0.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    }
}
