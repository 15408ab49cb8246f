#![doc = include_str!("../README.md")]

mod body;
pub mod clock;
mod error;
mod operation;
mod service;
mod uri;

pub use body::Body;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{BoxError, Error, ErrorKind};
pub use operation::{CallOptions, Deadline, Idempotency, OperationInfo, Progress, Setting};
pub use service::{DynLayer, HttpService, Request, Response};
pub use uri::{BaseUri, BaseUriError, RequestTarget, TargetError};
