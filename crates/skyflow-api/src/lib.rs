#![doc = include_str!("../README.md")]

mod client;
mod convert;
mod error;
mod generated;
mod json;
mod multipart;
mod open_enum;
mod operation;
mod response;
#[doc(hidden)]
pub mod runtime;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use error::{ApiError, DecodeError, DecodeErrorKind, EncodeError, Error};
pub use generated::*;
pub use json::Json;
pub use multipart::{FilePart, Multipart};
pub use operation::Operation;
pub use response::Response;
