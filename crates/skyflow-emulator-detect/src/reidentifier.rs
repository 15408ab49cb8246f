//! Puts values back into the place of vault tokens.

use std::collections::BTreeMap;

use serde::Deserialize;
use skyflow_types::{DetectEntity, Redaction};

use super::Passage;
use super::rewrite::{Edit, Rewrite};
use crate::DetectError;

/// Looks up the values of vault tokens.
pub trait TokenValues {
    /// Returns the value as it may be shown; `None` for a token that the vault does not have.
    ///
    /// # Errors
    ///
    /// Fails when the vault cannot be read.
    fn value(
        &mut self,
        entity: &DetectEntity,
        token: &str,
        asked: Redaction,
    ) -> Result<Option<String>, DetectError>;
}

/// Holds the redaction lists of a request in their wire form; null counts as absent.
#[derive(Deserialize, Clone, Default)]
pub struct FormatOptions {
    redacted: Option<Vec<DetectEntity>>,
    masked: Option<Vec<DetectEntity>>,
    plaintext: Option<Vec<DetectEntity>>,
}

/// Holds the redaction level of each entity; the default is plain text.
#[derive(Debug)]
pub struct Format(BTreeMap<DetectEntity, Redaction>);

impl Format {
    /// Reads and checks the lists of a request.
    ///
    /// # Errors
    ///
    /// Fails when a list names an unknown entity, or two lists name the same one.
    pub fn read(options: FormatOptions) -> Result<Self, DetectError> {
        let lists = [
            (Redaction::Redacted, options.redacted),
            (Redaction::Masked, options.masked),
            (Redaction::PlainText, options.plaintext),
        ];
        let mut levels = BTreeMap::new();
        for (level, entities) in lists {
            for entity in entities.unwrap_or_default() {
                if !entity.is_known() {
                    return Err(DetectError::invalid(
                        "Invalid request. format names an entity type that does not exist. Specify valid entity types.",
                    ));
                }
                if levels.insert(entity.clone(), level).is_some_and(|other| other != level) {
                    return Err(DetectError::invalid(format!(
                        "Invalid request. format names {entity} in two lists. Specify it in one."
                    )));
                }
            }
        }
        Ok(Self(levels))
    }

    /// Shows each of these entities at its level.
    pub fn of_levels(levels: impl IntoIterator<Item = (DetectEntity, Redaction)>) -> Self {
        Self(levels.into_iter().collect())
    }

    fn level(&self, entity: &DetectEntity) -> Redaction {
        let level = self.0.get(entity).or_else(|| self.0.get(&DetectEntity::ALL));
        level.copied().unwrap_or(Redaction::PlainText)
    }
}

const BRACKETS: [char; 2] = ['[', ']'];
/// The most characters between brackets where a token is looked for.
const LONGEST: usize = 512;

/// Tells whether a token in brackets can be read back from a text.
pub fn is_readable(token: &str) -> bool {
    !token.contains(BRACKETS) && token.chars().count() <= LONGEST / 2
}

/// Re-identifies the passages of a text or a file.
pub struct Reidentifier<'a> {
    format: &'a Format,
    values: &'a mut dyn TokenValues,
    refuses_unknown: bool,
}

impl<'a> Reidentifier<'a> {
    /// Shows values by this format.
    pub fn new(format: &'a Format, values: &'a mut dyn TokenValues) -> Self {
        Self { format, values, refuses_unknown: false }
    }

    /// Fails with [`DetectError::UnknownToken`] on a token that the vault does not have, which otherwise stays.
    pub fn refusing_unknown_tokens(self) -> Self {
        Self { refuses_unknown: true, ..self }
    }
}

impl Rewrite for Reidentifier<'_> {
    fn edits(&mut self, passage: &Passage<'_>) -> Result<Vec<Edit>, DetectError> {
        let text = passage.text();
        let mut edits = Vec::new();
        for (open, _) in text.match_indices('[') {
            let inside = text.get(open + 1..).unwrap_or_default();
            let mut near = inside.char_indices().take(LONGEST);
            let Some((end, ']')) = near.find(|(_, letter)| BRACKETS.contains(letter)) else { continue };
            let content = inside.get(..end).unwrap_or_default();
            let mut unknown = None;
            for (entity, token) in readings(content) {
                let level = self.format.level(&entity);
                if let Some(value) = self.values.value(&entity, token, level)? {
                    edits.push(Edit { range: open..open + content.len() + 2, replacement: value });
                    unknown = None;
                    break;
                }
                // A number counts the values of a request, and is no token.
                let is_counter = token.bytes().all(|byte| byte.is_ascii_digit());
                unknown = unknown.or((entity.is_known() && !is_counter).then_some(token));
            }
            if let Some(token) = unknown.filter(|_| self.refuses_unknown) {
                return Err(DetectError::UnknownToken { token: token.to_owned() });
            }
        }
        Ok(edits)
    }
}

/// The ways to read `NAME_GIVEN_x4fQ2b1`: an entity and its token, the longest entity first. A vault may find entities
/// that Skyflow does not name.
fn readings(content: &str) -> impl Iterator<Item = (DetectEntity, &str)> {
    /// No name of an entity is longer.
    const NAME_LIMIT: usize = 64;
    let borders = content.match_indices('_').map(|(at, _)| at).take_while(|at| *at <= NAME_LIMIT);
    let borders: Vec<usize> = borders.collect();
    borders.into_iter().rev().filter_map(|border| {
        let (name, token) = (content.get(..border)?, content.get(border + 1..)?);
        // Tokens are written with the entity in capitals.
        let is_written_so = name.starts_with(|letter: char| letter.is_ascii_uppercase())
            && name.chars().all(|letter| matches!(letter, 'A'..='Z' | '0'..='9' | '_'))
            && !token.is_empty();
        is_written_so.then(|| (DetectEntity::new(name), token))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rewrite::apply;
    use super::*;

    struct Known;

    impl TokenValues for Known {
        fn value(
            &mut self,
            entity: &DetectEntity,
            token: &str,
            asked: Redaction,
        ) -> Result<Option<String>, DetectError> {
            let value = match (entity.as_str(), token) {
                ("name", "5RVywhc") => "Jane Doe",
                ("name_given", "x") => "Zoë",
                ("email_address", "a@b.com") => "jane@example.com",
                _ => return Ok(None),
            };
            Ok(Some(if asked == Redaction::PlainText { value.to_owned() } else { asked.to_string() }))
        }
    }

    fn reidentified(text: &str, format: serde_json::Value) -> String {
        let format = Format::read(serde_json::from_value(format).unwrap()).unwrap();
        let edits = Reidentifier::new(&format, &mut Known).edits(&Passage::new(text)).unwrap();
        apply(text, &edits)
    }

    #[test]
    fn known_tokens_become_values_all_else_stays() {
        for (text, expected) in [
            ("é[NAME_5RVywhc]!", "éJane Doe!"),
            ("[[NAME_5RVywhc]]", "[Jane Doe]"),
            ("[NAME_GIVEN_x][EMAIL_ADDRESS_a@b.com]", "Zoëjane@example.com"),
            (
                "[NAME_1] [NAME] [name_5RVywhc] [NAME_5RVywhc [NAME_ 5RVywhc]",
                "[NAME_1] [NAME] [name_5RVywhc] [NAME_5RVywhc [NAME_ 5RVywhc]",
            ),
            ("[ORGANIZATION_MEDICAL_FACILITY_x]", "[ORGANIZATION_MEDICAL_FACILITY_x]"),
            ("[SSN_5RVywhc] [] [_] [NAME_] [", "[SSN_5RVywhc] [] [_] [NAME_] ["),
        ] {
            assert_eq!(reidentified(text, json!({})), expected);
        }
    }

    #[test]
    fn token_candidates_are_read_in_one_pass() {
        let text = format!("[{}] [NAME_{}]", "_A".repeat(500_000), "_".repeat(500_000));
        assert_eq!(reidentified(&text, json!({})), text);
        let text = "[NAME_".repeat(100_000);
        assert_eq!(reidentified(&text, json!({})), text);
    }

    #[test]
    fn each_entity_is_shown_as_its_list_says() {
        let text = "[NAME_5RVywhc] [NAME_GIVEN_x]";
        assert_eq!(reidentified(text, json!({"masked": ["name"], "redacted": null})), "MASKED Zoë");
        assert_eq!(
            reidentified(text, json!({"redacted": ["ALL"], "plaintext": ["name"]})),
            "Jane Doe REDACTED"
        );
    }

    #[test]
    fn a_format_that_cannot_be_meant_is_refused() {
        for format in [json!({"masked": ["name"], "plaintext": ["name"]}), json!({"masked": ["canary"]})] {
            let error = Format::read(serde_json::from_value(format).unwrap()).unwrap_err();
            assert!(!error.to_string().contains("canary"));
        }
    }
}
