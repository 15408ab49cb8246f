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
    /// The words behind the first, each with what stands before it.
    rest: Vec<(String, String)>,
    entity: DetectEntity,
}

impl Phrases {
    /// Adds a phrase; what it was before is forgotten. A phrase without a letter or digit is never found.
    pub(super) fn add(&mut self, phrase: &str, entity: DetectEntity) {
        let words: Vec<(usize, &str)> = words(phrase).collect();
        let Some((_, first)) = words.first() else { return };
        let rest = joints(phrase, &words).map(|(joint, word)| (joint.trim().to_owned(), word.to_lowercase()));
        let rest: Vec<(String, String)> = rest.collect();
        let known = self.by_first_word.entry(first.to_lowercase()).or_default();
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
                let Some(these) = words.get(at..=at + phrase.rest.len()) else { continue };
                let fits =
                    joints(text, these).zip(&phrase.rest).all(|((joint, word), (known_joint, known))| {
                        (joins(joint) || joint.trim() == known_joint) && word.to_lowercase() == *known
                    });
                if let (true, Some((last_start, last))) = (fits, these.last()) {
                    found.push((*start..last_start + last.len(), phrase.entity.clone()));
                }
            }
        }
        found
    }
}

/// Words behind the first, each with what stands between it and the one before.
fn joints<'a>(text: &'a str, words: &[(usize, &'a str)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    words.windows(2).filter_map(|pair| match pair {
        [(start, before), (next, word)] => Some((text.get(start + before.len()..*next)?, *word)),
        _ => None,
    })
}

/// Tells whether what stands between two words leaves them in one phrase: it ends no sentence.
fn joins(joint: &str) -> bool {
    !joint.contains(['!', '?', ';', ':', '(', ')']) && !joint.contains(". ")
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
