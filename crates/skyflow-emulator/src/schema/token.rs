use super::{CompiledColumn, TokenPolicy};
use crate::tokens::{Entropy, shape};

impl CompiledColumn {
    /// Makes one token for a value.
    ///
    /// The same entropy makes the same token: keyed entropy for deterministic policies, fresh entropy for the others.
    pub(crate) fn make_token(&self, policy: TokenPolicy, text: &str, entropy: &mut Entropy) -> String {
        match policy {
            TokenPolicy::DeterministicUuid | TokenPolicy::NonDeterministicUuid | TokenPolicy::Transient => {
                entropy.uuid()
            }
            TokenPolicy::DeterministicFormatPreserving
            | TokenPolicy::NonDeterministicFormatPreserving
            | TokenPolicy::FormatPreserving => match &self.token_pattern {
                Some(pattern) => pattern.generate(entropy),
                None => shape::like(text, entropy),
            },
            TokenPolicy::Random => shape::alphanumeric(16, entropy),
            TokenPolicy::PreserveLeftSixRightFour => shape::keep_card_ends(text, entropy),
            TokenPolicy::PreserveEmailDomain => shape::keep_email_domain(text, entropy),
        }
    }
}
