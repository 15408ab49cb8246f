//! Who called the vault, as its journal keeps it.

use crate::auth::AuthKind;

/// What the vault knows about the caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalCaller {
    /// How the caller proved its identity.
    pub auth: AuthKind,
    /// The service account of the caller.
    pub client_id: Option<String>,
    /// The `user-agent` of the caller.
    pub user_agent: Option<String>,
    /// The `sky-metadata` of the caller.
    pub metadata: Option<String>,
}

/// One request as the journal keeps it: no path parameter, no header that could hold a secret, no body.
pub type JournalEntry = skyflow_testkit::JournalEntry<JournalCaller>;

impl Default for JournalCaller {
    fn default() -> Self {
        Self { auth: AuthKind::None, client_id: None, user_agent: None, metadata: None }
    }
}
