//! XML as a sequence of tokens that know their bytes, so that a rewrite keeps everything else as it was written.

mod characters;
mod comment;
mod document;
mod encoding;
mod labels;
mod normalized;
mod section;
mod tokens;

pub(super) use characters::{decode, escape, escape_attribute};
pub(super) use document::{process, rewrite_document};
pub(super) use encoding::Document;
pub(super) use normalized::normalized;
pub(super) use tokens::{Attribute, Token, local, tokens};
