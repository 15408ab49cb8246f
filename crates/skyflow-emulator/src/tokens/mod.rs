//! How tokens look and where their characters come from.

mod entropy;
mod pattern;
pub(crate) mod shape;

pub(crate) use entropy::{Entropy, TokenKey};
pub(crate) use pattern::TokenPattern;
