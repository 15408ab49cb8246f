//! Who may call the vault: service accounts, their keys, bearer tokens, API keys and roles.

mod bearer;
mod caller;
mod jws;
mod key_set;
pub(crate) mod keys;
mod role;
mod signed_token;

pub(crate) use bearer::{BearerTokens, Grant, Proof};
pub use caller::AuthKind;
pub(crate) use caller::Caller;
pub(crate) use jws::{Jws, LEEWAY, is_in_future};
pub(crate) use key_set::KeySet;
pub(crate) use role::Permission;
pub use role::Role;
pub(crate) use signed_token::DataToken;

/// Reads role ids as they are stored: separated by spaces.
pub(crate) fn role_ids(stored: &str) -> impl Iterator<Item = &str> {
    stored.split(' ').filter(|id| !id.is_empty())
}
