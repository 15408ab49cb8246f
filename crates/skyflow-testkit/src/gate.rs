//! Responses that wait until a test lets them go.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skyflow_http::{HttpService, Request};
use tokio::sync::oneshot;

/// Holds the responses to some requests until the test releases them: the server has acted, and the client does not know
/// it yet. Clones share everything.
///
/// ```
/// use std::task::Poll;
/// use skyflow_http::Body;
/// use skyflow_testkit::polling::Stepped;
/// use skyflow_testkit::{Gate, Reply, Scripted};
///
/// let server = Scripted::new([Reply::status(204)]);
/// let gate = Gate::new(|request| request.uri().path() == "/slow");
/// let service = gate.around(server.service());
///
/// let request = http::Request::get("https://api.example/slow").body(Body::empty())?;
/// let mut call = Stepped::new(service.send(request));
/// assert!(call.step().is_pending());
/// assert_eq!((server.count(), gate.held()), (1, 1));
/// gate.release(0);
/// assert!(call.step().is_ready());
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct Gate(Arc<State>);

struct State {
    holds: Box<dyn Fn(&Request) -> bool + Send + Sync>,
    held: Mutex<Vec<Option<oneshot::Sender<()>>>>,
}

impl Gate {
    /// Holds the responses to the requests for which the function returns true.
    pub fn new(holds: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(State { holds: Box::new(holds), held: Mutex::default() }))
    }

    /// Returns the service with this gate around it.
    pub fn around(&self, service: HttpService) -> HttpService {
        let gate = self.clone();
        HttpService::new(tower::service_fn(move |request: Request| {
            let (gate, service) = (gate.clone(), service.clone());
            async move {
                let is_held = (gate.0.holds)(&request);
                let response = service.send(request).await;
                if is_held {
                    let (release, released) = oneshot::channel();
                    gate.lock().push(Some(release));
                    // A gate that is gone holds nothing.
                    let _ = released.await;
                }
                response
            }
        }))
    }

    /// Returns how many responses were held so far, the released ones included.
    pub fn held(&self) -> usize {
        self.lock().len()
    }

    /// Releases one response, by the order of their arrival from 0. Does nothing when it is not held.
    pub fn release(&self, at: usize) {
        if let Some(response) = self.lock().get_mut(at).and_then(Option::take) {
            // A caller that is gone waits for nothing.
            let _ = response.send(());
        }
    }

    /// Releases all responses that are held now.
    pub fn release_all(&self) {
        for response in self.lock().iter_mut().filter_map(Option::take) {
            let _ = response.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<oneshot::Sender<()>>>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("held", &self.held()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use skyflow_http::Body;

    use super::*;
    use crate::polling::Stepped;
    use crate::{Reply, Scripted};

    fn request(path: &str) -> Request {
        http::Request::get(format!("https://api.example{path}")).body(Body::empty()).unwrap()
    }

    #[test]
    fn gate_holds_only_what_it_is_told_to() {
        let gate = Gate::new(|request| request.uri().path() == "/slow");
        let service = gate.around(Scripted::new([Reply::status(200)]).service());
        let Poll::Ready(Ok(_)) = Stepped::new(service.send(request("/fast"))).step() else {
            panic!("no other request is held")
        };
        let mut calls: Vec<_> = (0..3).map(|_| Stepped::new(service.send(request("/slow")))).collect();
        assert!(calls.iter_mut().all(|call| call.step().is_pending()));
        gate.release(1);
        gate.release(9);
        assert_eq!(
            calls.iter_mut().map(|call| call.step().is_ready()).collect::<Vec<_>>(),
            [false, true, false]
        );
        calls.remove(1);
        gate.release_all();
        assert!(calls.iter_mut().all(|call| call.step().is_ready()));
        assert_eq!(gate.held(), 3);
    }
}
