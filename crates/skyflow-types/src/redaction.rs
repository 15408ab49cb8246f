use crate::named_values::named_values;

/// Chooses how much of a value a response shows.
///
/// The vault never shows more than its policies allow: the stricter of policy and request wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Redaction {
    /// The level set for the column in the vault.
    #[default]
    Default,
    /// Shows nothing of the value: the vault returns `*REDACTED*`.
    Redacted,
    /// The value with the column's mask, such as `XXXXXXXXXXXX1111`.
    Masked,
    /// The value itself.
    PlainText,
}

named_values!(Redaction, "redaction", {
    Default => "DEFAULT",
    Redacted => "REDACTED",
    Masked => "MASKED",
    PlainText => "PLAIN_TEXT",
});
