//! Conversions of the `skyflow-types` vocabulary into the enums of this API.

#[cfg(feature = "detect")]
use skyflow_types::DetectEntity;
#[cfg(feature = "data")]
use skyflow_types::{Redaction, TokenMode};

#[cfg(any(feature = "data", feature = "detect"))]
use crate::types;

#[cfg(feature = "data")]
impl From<Redaction> for types::RedactionType {
    fn from(level: Redaction) -> Self {
        level.as_str().into()
    }
}

#[cfg(feature = "data")]
impl From<TokenMode> for types::TokenMode {
    fn from(mode: TokenMode) -> Self {
        mode.as_str().into()
    }
}

#[cfg(feature = "detect")]
impl From<DetectEntity> for types::EntityType {
    fn from(entity: DetectEntity) -> Self {
        entity.as_str().into()
    }
}

#[cfg(test)]
#[cfg(all(feature = "data", feature = "detect"))]
mod tests {
    use super::*;

    #[test]
    fn every_vocabulary_value_has_an_api_name() {
        for level in [Redaction::Default, Redaction::Redacted, Redaction::Masked, Redaction::PlainText] {
            assert!(!matches!(types::RedactionType::from(level), types::RedactionType::Other(_)), "{level}");
        }
        for mode in [TokenMode::Disable, TokenMode::Enable, TokenMode::EnableStrict] {
            assert!(!matches!(types::TokenMode::from(mode), types::TokenMode::Other(_)), "{mode}");
        }
        for entity in DetectEntity::ALL_KNOWN {
            assert!(
                !matches!(types::EntityType::from(entity.clone()), types::EntityType::Other(_)),
                "{entity}"
            );
        }
    }
}
