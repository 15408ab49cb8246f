//! Who calls.

use serde::{Deserialize, Serialize};

/// The scopes that the documentation names.
pub(crate) const SCOPES: &[&str] = &[
    "secrets:read",
    "secrets:write",
    "secrets:delete",
    "secrets:list",
    "secrets:rotate",
    "policies:read",
    "policies:write",
    "audit:read",
    "audit:export",
    "pki:issue",
    "pki:admin",
    "dynamic:read",
    "dynamic:manage",
    "subscriptions:read",
    "subscriptions:write",
    "federation:read",
    "federation:write",
    "identity:read",
    "identity:admin",
    "admin",
];

/// An identity that calls: a user, a service account or a group of them.
///
/// ```
/// use scaivault_emulator::Identity;
///
/// let alice = Identity::new("user:alice@acme.example").scopes(["secrets:read"]).groups(["group:developers"]);
/// # let _ = alice;
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    pub(crate) id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) mfa: bool,
    pub(crate) tenant: Option<String>,
    /// Policies do not apply.
    pub(crate) root: bool,
}

impl Identity {
    /// Names an identity, such as `user:alice@acme.example` or `sa:billing`. It has every scope, and no right that a policy
    /// does not give.
    pub fn new(id: impl Into<String>) -> Self {
        let scopes = SCOPES.iter().map(ToString::to_string).collect();
        Self { id: id.into(), scopes, groups: Vec::new(), mfa: false, tenant: None, root: false }
    }

    /// Sets what its tokens may be used for.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Makes it a member of groups.
    #[must_use]
    pub fn groups<S: Into<String>>(mut self, groups: impl IntoIterator<Item = S>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// Says whether it has proven a second factor.
    #[must_use]
    pub fn mfa(mut self, yes: bool) -> Self {
        self.mfa = yes;
        self
    }

    /// Puts it into another tenant than the server's own.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Lets policies not apply to it: an administrator.
    #[must_use]
    pub fn administrator(mut self) -> Self {
        self.root = true;
        self
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.id.split(':').next() {
            Some("sa") => "service_account",
            Some("group") => "group",
            _ => "user",
        }
    }
}

/// The caller of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) expires_at: Option<i64>,
}
