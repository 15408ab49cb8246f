use serde_json::Value;
use skyflow_types::Redaction;

use super::role::{Permission, Role};
use crate::errors::{ApiError, ApiResult};
use crate::schema::CompiledColumn;

/// How a request proved who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthKind {
    /// It did not, or not well enough.
    None,
    /// A bearer token that the vault issued.
    BearerToken,
    /// An API key.
    ApiKey,
    /// A bearer token that the vault issued for the token of another issuer.
    ExchangedToken,
}

/// Who sends a request, and what it may do.
pub(crate) struct Caller {
    pub(crate) kind: AuthKind,
    pub(crate) client_id: String,
    /// The id of the bearer token.
    pub(crate) token_id: Option<String>,
    /// The id of the API key, or of the key that bought the bearer token.
    pub(crate) key_id: Option<String>,
    /// The user of another issuer whom the account acts for.
    pub(crate) subject: Option<String>,
    pub(crate) roles: Vec<Role>,
    pub(crate) context: Option<Value>,
    pub(crate) enforce_signed_tokens: bool,
}

impl Caller {
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.allows(permission))
    }

    pub(crate) fn require(&self, permission: Permission) -> ApiResult<()> {
        if self.may(permission) {
            return Ok(());
        }
        Err(ApiError::forbidden("The request is forbidden. Make sure you have the required permissions."))
    }

    /// The level at which this caller sees a column: the stricter of what it asks for and what it may see.
    pub(crate) fn level(&self, column: &CompiledColumn, asked: Redaction) -> Redaction {
        let asked = if asked == Redaction::Default { column.redaction } else { asked };
        if self.may(Permission::PlainText) || strictness(asked) >= strictness(column.redaction) {
            asked
        } else {
            column.redaction
        }
    }
}

fn strictness(level: Redaction) -> u8 {
    match level {
        Redaction::PlainText => 0,
        Redaction::Masked => 1,
        _ => 2,
    }
}
