#![doc = include_str!("../README.md")]

mod base64;
mod client;
mod convert;
mod element;
mod error;
mod generated;
mod json;
mod media;
mod multipart;
mod open_enum;
mod open_object;
mod operation;
mod request_body;
mod response;
#[doc(hidden)]
pub mod runtime;
#[cfg(test)]
#[cfg(all(feature = "data", feature = "detect", feature = "detect-v2", feature = "flow", feature = "auth"))]
mod tests;

pub use base64::Base64;
pub use client::Client;
pub use element::Element;
pub use error::{ApiError, DecodeError, DecodeErrorKind, EncodeError, Error};
pub use generated::*;
pub use json::Json;
pub use multipart::{FilePart, Multipart};
pub use operation::Operation;
pub use response::Response;
