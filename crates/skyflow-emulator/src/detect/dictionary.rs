use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use skyflow_types::DetectEntity;

use super::{Finding, Passage, Recognizer};

/// How sure a phrase is that somebody taught.
const SCORE: f64 = 1.0;

/// Phrases that are entities because somebody said so: names of projects and products, events, whatever no rule knows.
///
/// A phrase is found at the borders of words, in capitals and small letters, and with any white space between its
/// words. It is taught before a vault is built or while it runs:
///
/// ```
/// use skyflow_emulator::{Dictionary, EmbeddedVault};
/// use skyflow_types::DetectEntity;
///
/// let dictionary = Dictionary::new();
/// dictionary.teach("Acme Falcon", DetectEntity::PROJECT);
/// let vault = EmbeddedVault::builder().dictionary(dictionary).build()?;
/// vault.dictionary().teach("Blue Fox", DetectEntity::PRODUCT);
/// # Ok::<(), skyflow_emulator::BuildError>(())
/// ```
#[derive(Default)]
pub struct Dictionary {
    /// By the first word of each phrase, in small letters; the rest of its words, and what it is.
    phrases: RwLock<BTreeMap<String, Vec<Phrase>>>,
}

#[derive(Clone, PartialEq)]
struct Phrase {
    rest: Vec<String>,
    entity: DetectEntity,
}

impl Dictionary {
    /// Starts without phrases.
    pub fn new() -> Self {
        Self::default()
    }

    /// Teaches a phrase; what it was before is forgotten. A phrase without a letter or digit is never found.
    pub fn teach(&self, phrase: impl AsRef<str>, entity: impl Into<DetectEntity>) {
        let mut words = words(phrase.as_ref()).map(|(_, word)| word.to_lowercase());
        let Some(first) = words.next() else { return };
        let phrase = Phrase { rest: words.collect(), entity: entity.into() };
        let mut phrases = self.phrases.write().unwrap_or_else(PoisonError::into_inner);
        let known = phrases.entry(first).or_default();
        known.retain(|other| other.rest != phrase.rest);
        known.push(phrase);
    }
}

impl Recognizer for Dictionary {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let phrases = self.phrases.read().unwrap_or_else(PoisonError::into_inner);
        if phrases.is_empty() {
            return Vec::new();
        }
        let text = passage.text();
        let words: Vec<(usize, &str)> = words(text).collect();
        let mut found = Vec::new();
        for (at, (start, first)) in words.iter().enumerate() {
            for phrase in phrases.get(&first.to_lowercase()).into_iter().flatten() {
                let following = words.get(at + 1..at + 1 + phrase.rest.len()).unwrap_or_default();
                let fits = following.len() == phrase.rest.len()
                    && following
                        .iter()
                        .zip(&phrase.rest)
                        .all(|((_, word), taught)| word.to_lowercase() == *taught);
                if !fits {
                    continue;
                }
                let end = following.last().map_or(start + first.len(), |(start, last)| start + last.len());
                let range = *start..end;
                // Between the words of a phrase stands what stands between words: no end of a sentence.
                if text.get(range.clone()).is_some_and(|found| !found.contains(['.', '!', '?', ';', ':'])) {
                    found.push(Finding::new(range, phrase.entity.clone(), SCORE));
                }
            }
        }
        found
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phrases = self.phrases.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Dictionary").field("phrases", &phrases.values().map(Vec::len).sum::<usize>()).finish()
    }
}

/// The words of a text, each with where it starts: letters, digits, and the marks that go with them.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find(is_of_word)?;
        let rest = text.get(start..)?;
        at = start + rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
        Some((start, text.get(start..at)?))
    })
}

/// Tells whether a character is part of a word; combining marks belong to the letter before them.
pub(super) fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || ('\u{300}'..='\u{36f}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, DetectEntity)> {
        let dictionary = Dictionary::new();
        dictionary.teach("Falcon", DetectEntity::PRODUCT);
        dictionary.teach(" acme   FALCON! ", DetectEntity::PROJECT);
        dictionary.teach("Ångström", DetectEntity::PRODUCT);
        dictionary.teach("Falcon", DetectEntity::EVENT);
        dictionary.teach("!!", DetectEntity::EVENT);
        let findings = dictionary.recognize(&Passage::new(text));
        findings.into_iter().map(|finding| (&text[finding.range], finding.entity)).collect()
    }

    #[test]
    fn phrases_are_found_at_the_borders_of_words_in_any_case() {
        let (project, event, product) = (DetectEntity::PROJECT, DetectEntity::EVENT, DetectEntity::PRODUCT);
        assert_eq!(found("😀falcon, Falcons"), [("falcon", event.clone())]);
        assert_eq!(found("ACME\r\n falcon"), [("ACME\r\n falcon", project), ("falcon", event.clone())]);
        assert_eq!(found("Acme. Falcon"), [("Falcon", event)]);
        assert_eq!(found("ein ÅNGSTRÖM"), [("ÅNGSTRÖM", product)]);
        assert_eq!(found("falcon\u{301} !!"), []);
    }
}
