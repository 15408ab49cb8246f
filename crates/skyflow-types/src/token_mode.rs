use crate::named_values::named_values;

/// Says who makes the tokens of a row: the vault, or the caller ("bring your own token").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

named_values!(TokenMode, "token_mode", {
    Disable => "DISABLE",
    Enable => "ENABLE",
    EnableStrict => "ENABLE_STRICT",
});
