use std::fmt;

use serde::{Deserialize, Serialize};

/// Chooses how much of a value an answer shows.
///
/// The vault never shows more than its policies allow: the stricter of policy and request wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Redaction {
    /// The level set for the column in the vault.
    #[default]
    Default,
    /// Nothing of the value: the vault answers `*REDACTED*`.
    Redacted,
    /// The value with the column's mask, such as `XXXXXXXXXXXX1111`.
    Masked,
    /// The value itself.
    PlainText,
}

impl Redaction {
    /// Returns the name used on the wire, such as `PLAIN_TEXT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::Redacted => "REDACTED",
            Self::Masked => "MASKED",
            Self::PlainText => "PLAIN_TEXT",
        }
    }
}

impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_as_str_agree_on_the_wire_name() {
        for level in [Redaction::Default, Redaction::Redacted, Redaction::Masked, Redaction::PlainText] {
            assert_eq!(serde_json::to_string(&level).unwrap(), format!("\"{level}\""));
        }
    }
}
