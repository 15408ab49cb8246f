//! What the generated code of this crate is written in: the runtime of all bindings, and the error body of this API.

pub use skyflow_http::rest::runtime::*;

pub use crate::error::ErrorBody;
