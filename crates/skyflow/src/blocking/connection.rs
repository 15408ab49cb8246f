use skyflow_http::blocking::BlockingRuntime;
use skyflow_types::ConnectionId;

use super::{blocking_methods, handle_methods};
use crate::{InvokeConnectionRequest, InvokeConnectionResponse};

/// A handle on one connection of a synchronous client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    handle: crate::Connection,
    runtime: BlockingRuntime,
}

impl Connection {
    handle_methods!(Connection);

    /// Returns the connection's id.
    pub fn id(&self) -> &ConnectionId {
        self.handle.id()
    }

    blocking_methods! { Connection:
        fn invoke(request: InvokeConnectionRequest) -> InvokeConnectionResponse;
    }
}
