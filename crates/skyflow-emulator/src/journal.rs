//! Who called the vault, as its journal keeps it.

use std::fmt;

use serde_json::Value;

use crate::auth::{AuthKind, Role};

/// What the vault knows about the caller of a request.
///
/// `Debug` shows whether there is a context, and not the context.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalCaller {
    /// How the caller proved its identity.
    pub auth: AuthKind,
    /// The service account of the caller.
    pub client_id: Option<String>,
    /// The roles of the caller.
    pub roles: Vec<Role>,
    /// The context of the caller's bearer token, which the policies of a vault see as `request.context`.
    pub context: Option<Value>,
    /// The `user-agent` of the caller.
    pub user_agent: Option<String>,
    /// The `sky-metadata` of the caller.
    pub metadata: Option<String>,
}

/// One request as the journal keeps it: no path parameter, no header that could hold a secret, no body.
pub type JournalEntry = skyflow_testkit::JournalEntry<JournalCaller>;

impl Default for JournalCaller {
    fn default() -> Self {
        Self {
            auth: AuthKind::None,
            client_id: None,
            roles: Vec::new(),
            context: None,
            user_agent: None,
            metadata: None,
        }
    }
}

impl fmt::Debug for JournalCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalCaller")
            .field("auth", &self.auth)
            .field("client_id", &self.client_id)
            .field("roles", &self.roles)
            .field("has_context", &self.context.is_some())
            .field("user_agent", &self.user_agent)
            .field("metadata", &self.metadata)
            .finish()
    }
}
