use std::fmt;

use crate::errors::ApiError;

/// Why a file is not processed. None of the messages repeats anything of the file.
#[derive(Debug)]
pub(crate) enum FileProblem {
    /// The embedded vault does not process such files; the message says what can be done.
    Unsupported(String),
    /// The file is not what its format says.
    Broken(String),
    /// The file, or what it unfolds to, is larger than what is processed.
    TooLarge(String),
    /// The text engine refused a passage.
    Refused(ApiError),
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

impl From<ApiError> for FileProblem {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(message) | Self::Broken(message) | Self::TooLarge(message) => {
                f.write_str(message)
            }
            Self::Refused(error) => f.write_str(&error.message("")),
        }
    }
}
