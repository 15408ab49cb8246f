//! Who may call the vault: service accounts, their keys, bearer tokens, API keys and roles.

pub(crate) mod bearer;
mod caller;
pub(crate) mod exchange;
mod jws;
mod key_set;
pub(crate) mod keys;
pub(crate) mod outside_token;
mod role;
mod signed_token;

pub use caller::AuthKind;
pub(crate) use caller::Caller;
pub(crate) use key_set::KeySet;
pub(crate) use outside_token::TokenExchange;
pub(crate) use role::Permission;
pub use role::Role;
pub(crate) use signed_token::DataToken;

/// Reads role ids as they are stored: separated by spaces.
pub(crate) fn role_ids(stored: &str) -> impl Iterator<Item = &str> {
    stored.split(' ').filter(|id| !id.is_empty())
}
