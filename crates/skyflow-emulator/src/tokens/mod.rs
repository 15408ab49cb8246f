//! How tokens look and where their characters come from.

mod entropy;
mod pattern;
mod shape;

pub(crate) use entropy::{Entropy, TokenKey};
pub(crate) use pattern::TokenPattern;

use crate::schema::{CompiledColumn, TokenPolicy};

/// Makes one token for a value of a column.
///
/// The same entropy makes the same token: keyed entropy for deterministic policies, fresh entropy for the others.
pub(crate) fn make_token(
    column: &CompiledColumn,
    policy: TokenPolicy,
    text: &str,
    entropy: &mut Entropy,
) -> String {
    match policy {
        TokenPolicy::DeterministicUuid | TokenPolicy::NonDeterministicUuid | TokenPolicy::Transient => {
            entropy.uuid()
        }
        TokenPolicy::DeterministicFormatPreserving
        | TokenPolicy::NonDeterministicFormatPreserving
        | TokenPolicy::FormatPreserving => match &column.token_pattern {
            Some(pattern) => pattern.generate(entropy),
            None => shape::like(text, entropy),
        },
        TokenPolicy::Random => shape::alphanumeric(16, entropy),
        TokenPolicy::PreserveLeftSixRightFour => shape::keep_card_ends(text, entropy),
        TokenPolicy::PreserveEmailDomain => shape::keep_email_domain(text, entropy),
    }
}
