/// The roles that every vault has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Reads and writes everything, in plain text where it asks for it.
    VaultOwner,
    /// Reads and writes; reads show at most what each column shows by default.
    VaultEditor,
    /// Reads; reads show at most what each column shows by default.
    VaultViewer,
    /// Invokes connections, and nothing else.
    ConnectionInvoker,
    /// Invokes Detect, and nothing else.
    DetectInvoker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::VaultOwner,
        Self::VaultEditor,
        Self::VaultViewer,
        Self::ConnectionInvoker,
        Self::DetectInvoker,
    ];

    /// Returns Skyflow's name of the role, such as `VAULT_OWNER`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VaultOwner => "VAULT_OWNER",
            Self::VaultEditor => "VAULT_EDITOR",
            Self::VaultViewer => "VAULT_VIEWER",
            Self::ConnectionInvoker => "CONNECTION_INVOKER",
            Self::DetectInvoker => "DETECT_INVOKER",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub(crate) fn allows(self, permission: Permission) -> bool {
        match self {
            Self::VaultOwner => true,
            Self::VaultEditor => matches!(permission, Permission::Read | Permission::Write),
            Self::VaultViewer => permission == Permission::Read,
            Self::ConnectionInvoker => permission == Permission::InvokeConnection,
            Self::DetectInvoker => matches!(permission, Permission::Deidentify | Permission::Reidentify),
        }
    }
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    Write,
    /// See values beyond what their columns show by default.
    PlainText,
    InvokeConnection,
    /// Change who may call the vault.
    Manage,
    /// Replace values with tokens, which may store the values.
    #[cfg_attr(not(feature = "detect"), expect(dead_code, reason = "only Detect asks for it"))]
    Deidentify,
    /// Put values back, as far as their columns show them.
    #[cfg_attr(not(feature = "detect"), expect(dead_code, reason = "only Detect asks for it"))]
    Reidentify,
    /// Store, read and delete the configurations of Detect.
    #[cfg(feature = "detect")]
    ConfigureDetect,
}
