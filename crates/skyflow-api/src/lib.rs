#![doc = include_str!("../README.md")]

mod base64;
mod client;
mod convert;
mod error;
mod generated;
mod json;
mod multipart;
mod open_enum;
mod operation;
mod request_body;
mod response;
#[doc(hidden)]
pub mod runtime;
#[cfg(test)]
mod tests;

pub use base64::Base64;
pub use client::Client;
pub use error::{ApiError, DecodeError, DecodeErrorKind, EncodeError, Error};
pub use generated::*;
pub use json::Json;
pub use multipart::{FilePart, Multipart};
pub use operation::Operation;
pub use response::Response;
