use std::fmt;

use serde::{Deserialize, Serialize};

/// Says who makes the tokens of a row: the vault, or the caller ("bring your own token").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TokenMode {
    /// The vault makes every token; a request must not carry any.
    #[default]
    Disable,
    /// The tokens given are stored, the others are made by the vault.
    Enable,
    /// Every field must come with a token.
    EnableStrict,
}

impl TokenMode {
    /// Returns the name used on the wire, such as `ENABLE_STRICT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "DISABLE",
            Self::Enable => "ENABLE",
            Self::EnableStrict => "ENABLE_STRICT",
        }
    }
}

impl fmt::Display for TokenMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_as_str_agree_on_the_wire_name() {
        for mode in [TokenMode::Disable, TokenMode::Enable, TokenMode::EnableStrict] {
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
    }
}
