use crate::DetectError;

/// Reports why a file is not processed. No message repeats anything of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// Such files are not supported; the message says what can be done.
    #[error("{0}")]
    Unsupported(String),
    /// The file does not have its format.
    #[error("{0}")]
    Broken(String),
    /// The file, or what it unfolds to, exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// The [`Rewrite`](crate::Rewrite) failed.
    #[error(transparent)]
    Refused(#[from] DetectError),
}

impl FileProblem {
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported(message.into())
    }

    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::Broken(message.into())
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::TooLarge(message.into())
    }
}
