//! The runtime that REST bindings are written against: operations as plain data, and a client that sends them.

mod base64;
mod client;
mod element;
mod error;
mod finite;
mod json;
mod lenient;
mod media;
mod multipart;
mod open_enum;
mod open_object;
mod operation;
#[doc(hidden)]
pub mod runtime;
mod text;

pub use base64::Base64;
pub use client::{Client, Response};
pub use element::Element;
pub use error::{ApiError, DecodeError, DecodeErrorKind, EncodeError, Error, ErrorBody};
pub use json::Json;
pub use multipart::{FilePart, Multipart};
pub use operation::Operation;
