//! The synchronous API: the same requests, responses and errors, with methods that block their thread.
//!
//! ```no_run
//! use serde_json::json;
//! use skyflow::{Credentials, InsertRequest, VaultConfig, blocking};
//!
//! # fn main() -> Result<(), skyflow::Error> {
//! let client = blocking::Skyflow::builder()
//!     .vault(VaultConfig::new("d408485953784308a000f8dcf81901ef", "ebfc9bee4242"))
//!     .credentials(Credentials::from_path("credentials.json"))
//!     .build_blocking()?;
//! let request = InsertRequest::new("table1").record(json!({"cardholder_name": "John Doe"}));
//! let response = client.default_vault()?.insert(request)?;
//! # Ok(()) }
//! ```
//!
//! A client has one background thread, which drives its connections and timers also between two calls; clones and
//! handles share it, and any number of threads may call at the same time. The thread ends with the last of them.
//!
//! Calls work on every thread: a plain one, `spawn_blocking`, `block_in_place`, and inside an async task. In a task
//! they block the worker of the runtime, and whatever else it would run, such as a server in the same process; in async
//! programs use [`crate::Skyflow`]. Only a layer, token source or callback of the client itself cannot call it: it runs
//! on the thread that the call would need, and gets an error of [`ErrorKind::Custom`](crate::ErrorKind::Custom).

mod client;
mod connection;
mod detect;
mod vault;

pub use client::Skyflow;
pub use connection::Connection;
#[cfg(feature = "detect-v2")]
pub use detect::DetectV2;
pub use detect::{Detect, RunPoller};
pub use vault::{Events, Rows, Vault};

use std::pin::Pin;

use futures_core::Stream;
use futures_util::StreamExt;
use skyflow_http::blocking::BlockingRuntime;

use crate::Error;

/// Blocks the current thread until a call has ended.
fn wait<T>(runtime: &BlockingRuntime, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    runtime.block_on(call).unwrap_or_else(|deadlock| Err(Error::deadlock(deadlock)))
}

/// The elements of a stream, each of which blocks the thread until it has arrived.
struct Elements<T> {
    runtime: BlockingRuntime,
    stream: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
    has_ended: bool,
}

impl<T> Elements<T> {
    fn new(runtime: &BlockingRuntime, stream: impl Stream<Item = Result<T, Error>> + Send + 'static) -> Self {
        Self { runtime: runtime.clone(), stream: Box::pin(stream), has_ended: false }
    }

    fn next(&mut self) -> Option<Result<T, Error>> {
        if self.has_ended {
            return None;
        }
        let next = self.runtime.block_on(self.stream.next());
        let next = next.unwrap_or_else(|deadlock| Some(Err(Error::deadlock(deadlock))));
        // A stream must not be polled after its end, and iterators may be.
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Defines methods that call the async method of the same name of `self.handle` and block until it has ended.
macro_rules! blocking_methods {
    ($handle:ident: $($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        #[doc = concat!("Does what [`", stringify!($handle), "::", stringify!($name), "`](crate::", stringify!($handle), "::", stringify!($name), ") does, and blocks the thread until it has ended.")]
        ///
        /// # Errors
        ///
        #[doc = concat!("Fails as [`", stringify!($handle), "::", stringify!($name), "`](crate::", stringify!($handle), "::", stringify!($name), ") does.")]
        $(#[$attribute])*
        pub fn $name(&self, $($argument: $type),*) -> Result<$output, $crate::Error> {
            $crate::blocking::wait(&self.runtime, self.handle.$name($($argument),*))
        }
    )*};
}

/// Defines the methods that every handle has: those that return a handle with other settings.
macro_rules! handle_methods {
    ($handle:ident) => {
        pub(super) fn new(handle: crate::$handle, runtime: skyflow_http::blocking::BlockingRuntime) -> Self {
            Self { handle, runtime }
        }

        fn changed(&self, handle: crate::$handle) -> Self {
            Self::new(handle, self.runtime.clone())
        }

        /// Returns the handle for async code; both share connections, tokens and settings.
        pub fn as_async(&self) -> &crate::$handle {
            &self.handle
        }

        /// Returns a handle whose calls have other options: time limits, attempts, idempotency, headers, end user.
        pub fn with_options(&self, options: crate::CallOptions) -> Self {
            self.changed(self.handle.with_options(options))
        }

        /// Returns a handle whose calls pass through one more operation layer: any tower layer, outside all others.
        pub fn with_layer(&self, layer: impl skyflow_http::HttpLayer) -> Self {
            self.changed(self.handle.with_layer(layer))
        }

        /// Returns a handle whose calls are made for an end user; see
        /// [`CallOptions::context`](crate::CallOptions::context).
        pub fn with_context(&self, context: impl Into<serde_json::Value>) -> Self {
            self.changed(self.handle.with_context(context))
        }

        /// Returns a handle whose requests carry one more header; see
        /// [`CallOptions::header`](crate::CallOptions::header).
        pub fn with_header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.changed(self.handle.with_header(name, value))
        }
    };
}

use {blocking_methods, handle_methods};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The names of the public methods in the `impl` blocks of a type, in all source files below a directory.
    fn methods(directory: &Path, skipped: &str, of: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with(skipped) {
                    methods(&path, skipped, of, found);
                }
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let start = format!("\nimpl {of} {{\n");
            let blocks = text.split(&start).skip(1);
            for line in blocks.flat_map(|block| block.split("\n}\n").next().unwrap().lines()) {
                let line = line.trim_start();
                let generated = line.strip_prefix("fn ").filter(|_| line.ends_with(';'));
                let name = ["pub async fn ", "pub fn "].iter().find_map(|start| line.strip_prefix(start));
                if let Some(name) = name.or(generated) {
                    found.insert(name.split(['(', '<']).next().unwrap().to_owned());
                }
            }
            if text.contains(&format!("handle_methods!({of})")) {
                let common = ["with_options", "with_layer", "with_context", "with_header"];
                found.extend(common.map(str::to_owned));
            }
        }
    }

    #[test]
    fn both_apis_have_the_same_methods() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for of in ["Skyflow", "Vault", "Detect", "DetectV2", "Connection", "RunPoller"] {
            let (mut asynchronous, mut synchronous) = (BTreeSet::new(), BTreeSet::new());
            methods(&source, "blocking", of, &mut asynchronous);
            methods(&source.join("blocking"), "", of, &mut synchronous);
            assert!(asynchronous.len() > 1 && synchronous.len() > 1, "{of}");
            // A synchronous caller has no future that could end the waiting; `RunPoller::within` bounds it.
            asynchronous.remove("wait_until");
            // The way from one to the other.
            synchronous.remove("as_async");
            synchronous.remove("new");
            asynchronous.remove("new");
            assert_eq!(synchronous, asynchronous, "{of}");
        }
    }
}
