//! Phrases of one or more words, found at the borders of words.

use std::collections::HashMap;
use std::ops::Range;

use skyflow_types::DetectEntity;

/// Phrases, and what each of them is.
#[derive(Clone, Default)]
pub(super) struct Phrases {
    /// By the first word of each phrase, in small letters.
    by_first_word: HashMap<String, Vec<Phrase>>,
}

#[derive(Clone)]
struct Phrase {
    rest: Vec<String>,
    entity: DetectEntity,
}

impl Phrases {
    /// Adds a phrase; what it was before is forgotten. A phrase without a letter or digit is never found.
    pub(super) fn add(&mut self, phrase: &str, entity: DetectEntity) {
        let mut words = words(phrase).map(|(_, word)| word.to_lowercase());
        let Some(first) = words.next() else { return };
        let rest: Vec<String> = words.collect();
        let known = self.by_first_word.entry(first).or_default();
        known.retain(|other| other.rest != rest);
        known.push(Phrase { rest, entity });
    }

    pub(super) fn len(&self) -> usize {
        self.by_first_word.values().map(Vec::len).sum()
    }

    /// Finds phrases in capitals and small letters, with any white space between their words.
    pub(super) fn find(&self, text: &str) -> Vec<(Range<usize>, DetectEntity)> {
        if self.by_first_word.is_empty() {
            return Vec::new();
        }
        let words: Vec<(usize, &str)> = words(text).collect();
        let mut found = Vec::new();
        for (at, (start, first)) in words.iter().enumerate() {
            for phrase in self.by_first_word.get(&first.to_lowercase()).into_iter().flatten() {
                let following = words.get(at + 1..at + 1 + phrase.rest.len()).unwrap_or_default();
                let fits = following.len() == phrase.rest.len()
                    && following
                        .iter()
                        .zip(&phrase.rest)
                        .all(|((_, word), known)| word.to_lowercase() == *known);
                let end = following.last().map_or(start + first.len(), |(start, last)| start + last.len());
                // Between the words of a phrase stands no end of a sentence, except the point of an abbreviation.
                let is_one = text.get(*start..end).is_some_and(|found| {
                    !found.contains(['!', '?', ';', ':', '(', ')']) && !found.contains(". ")
                });
                if fits && is_one {
                    found.push((*start..end, phrase.entity.clone()));
                }
            }
        }
        found
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
