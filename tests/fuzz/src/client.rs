//! A client whose transport gives a chosen response, without a socket.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use skyflow::http::ManualClock;
use skyflow::{CallOptions, Credentials, Skyflow, Vault, VaultConfig};
use skyflow_http::{Body, Request, Response};

pub(crate) const API_KEY: &str = "sky-abcde-0123456789abcdef0123456789abcdef";
pub(crate) const REQUEST_ID: &str = "req-7f3a";

/// A response.
#[derive(Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) content_encoding: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

struct Client {
    runtime: tokio::runtime::Runtime,
    vault: Vault,
    next: Arc<Mutex<Reply>>,
}

thread_local! {
    static CLIENT: Client = Client::new();
}

/// Makes calls whose requests all get this response.
pub(crate) fn with_reply<T>(reply: Reply, calls: impl AsyncFnOnce(&Vault) -> T) -> T {
    CLIENT.with(|client| {
        *client.next.lock().unwrap_or_else(PoisonError::into_inner) = reply;
        client.runtime.block_on(calls(&client.vault))
    })
}

impl Client {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be started");
        let next: Arc<Mutex<Reply>> = Arc::default();
        let replies = Arc::clone(&next);
        let transport = tower::service_fn(move |_: Request| {
            let reply = replies.lock().unwrap_or_else(PoisonError::into_inner).clone();
            async move { Ok::<_, Infallible>(reply.into_response()) }
        });
        let credentials = Credentials::api_key(API_KEY).expect("the key has the form of one");
        let config = VaultConfig::new("vault1", "cluster1").credentials(credentials);
        let client = Skyflow::builder()
            .transport(transport)
            // No limit of time ends a call, so that a slow machine finds nothing that a fast one does not.
            .clock(Arc::new(ManualClock::new()))
            .vault(config)
            .build()
            .and_then(|client| client.default_vault())
            .expect("the configuration is complete");
        Self { runtime, vault: client.with_options(CallOptions::new().no_retry()), next }
    }
}

impl Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from(self.body)));
        *response.status_mut() = self.status.try_into().expect("the target chooses a status of HTTP");
        let headers = response.headers_mut();
        headers.insert("x-request-id", HeaderValue::from_static(REQUEST_ID));
        let chosen = [(CONTENT_TYPE, self.content_type), (CONTENT_ENCODING, self.content_encoding)];
        for (name, value) in chosen {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        response
    }
}
