use std::sync::{Arc, Mutex};

use http::Method;
use skyflow_http::{HttpService, Request};
use tokio::sync::oneshot;

/// Holds the responses to some requests until the test lets them go: the server has acted, and the client does not know
/// it yet.
#[derive(Clone)]
pub(crate) struct Gate {
    method: Method,
    path: &'static str,
    held: Arc<Mutex<Vec<Option<oneshot::Sender<()>>>>>,
}

impl Gate {
    /// Holds requests with this method whose path ends like this.
    pub(crate) fn new(method: Method, path: &'static str) -> Self {
        Self { method, path, held: Arc::default() }
    }

    pub(crate) fn around(&self, service: HttpService) -> HttpService {
        let gate = self.clone();
        HttpService::new(tower::service_fn(move |request: Request| {
            let (gate, service) = (gate.clone(), service.clone());
            async move {
                let is_held = request.method() == gate.method && request.uri().path().ends_with(gate.path);
                let response = service.send(request).await;
                if is_held {
                    let (send, receive) = oneshot::channel();
                    gate.held.lock().unwrap().push(Some(send));
                    // A gate that is gone holds nothing.
                    let _ = receive.await;
                }
                response
            }
        }))
    }

    /// Returns how many responses were held so far.
    pub(crate) fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// Lets one response go, by the order of their arrival.
    pub(crate) fn release(&self, at: usize) {
        self.held.lock().unwrap()[at].take().unwrap().send(()).unwrap();
    }
}
