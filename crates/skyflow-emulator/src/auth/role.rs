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
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::VaultOwner, Self::VaultEditor, Self::VaultViewer];

    /// Returns Skyflow's name of the role, such as `VAULT_OWNER`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VaultOwner => "VAULT_OWNER",
            Self::VaultEditor => "VAULT_EDITOR",
            Self::VaultViewer => "VAULT_VIEWER",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub(crate) fn allows(self, permission: Permission) -> bool {
        match self {
            Self::VaultOwner => true,
            Self::VaultEditor => permission != Permission::PlainText,
            Self::VaultViewer => permission == Permission::Read,
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
}
