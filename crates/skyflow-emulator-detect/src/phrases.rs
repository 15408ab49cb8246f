//! Phrases of one or more words, found at the borders of words.

use std::collections::HashMap;
use std::ops::Range;

use super::segmentation::words;

/// Phrases, and what each of them means.
#[derive(Debug)]
pub(super) struct Phrases<T> {
    /// By the first word of each phrase, in lowercase.
    by_first_word: HashMap<String, Vec<Phrase<T>>>,
}

#[derive(Debug)]
struct Phrase<T> {
    /// The words behind the first, each with the text before it besides white space.
    rest: Vec<(String, String)>,
    meaning: T,
}

impl<T> Default for Phrases<T> {
    fn default() -> Self {
        Self { by_first_word: HashMap::new() }
    }
}

impl<T> Phrases<T> {
    /// Adds a phrase, beside what it means already. A phrase without a word is never found.
    pub(super) fn add(&mut self, phrase: &str, meaning: T) {
        if let Some((first, rest)) = split(phrase) {
            self.by_first_word.entry(first).or_default().push(Phrase { rest, meaning });
        }
    }

    /// Forgets what a phrase means.
    pub(super) fn remove(&mut self, phrase: &str) {
        if let Some((first, rest)) = split(phrase)
            && let Some(known) = self.by_first_word.get_mut(&first)
        {
            known.retain(|other| other.rest != rest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_first_word.values().map(Vec::len).sum()
    }

    /// Finds phrases in uppercase and lowercase, in the order of their first words.
    pub(super) fn find(&self, text: &str) -> Vec<(Range<usize>, &T)> {
        if self.by_first_word.is_empty() {
            return Vec::new();
        }
        let words: Vec<(usize, &str)> = words(text).collect();
        let mut found = Vec::new();
        let mut small = String::new();
        for (at, (start, first)) in words.iter().enumerate() {
            let Some(phrases) = self.by_first_word.get(lower(first, &mut small)) else { continue };
            for phrase in phrases {
                let Some(these) = words.get(at..=at + phrase.rest.len()) else { continue };
                let mut joined = joints(text, these).zip(&phrase.rest);
                if joined.all(|((joint, word), (known_joint, known))| {
                    joins(joint, known_joint) && lower(word, &mut small) == known
                }) && let Some((last_start, last)) = these.last()
                {
                    found.push((*start..last_start + last.len(), &phrase.meaning));
                }
            }
        }
        found
    }
}

/// Returns the first word of a phrase, and the others with the text before each.
fn split(phrase: &str) -> Option<(String, Vec<(String, String)>)> {
    let words: Vec<(usize, &str)> = words(phrase).collect();
    let (_, first) = words.first()?;
    let rest = joints(phrase, &words).map(|(joint, word)| (joint.trim().to_owned(), word.to_lowercase()));
    Some((first.to_lowercase(), rest.collect()))
}

/// Words behind the first, each with the text between it and the one before.
fn joints<'a>(text: &'a str, words: &[(usize, &'a str)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    words.windows(2).filter_map(|pair| match pair {
        [(start, before), (next, word)] => Some((text.get(start + before.len()..*next)?, *word)),
        _ => None,
    })
}

/// Tells whether two words of a phrase are adjacent: as the phrase has them, with white space, or with one mark that
/// ties words.
fn joins(joint: &str, known: &str) -> bool {
    matches!(joint.trim(), "" | "-" | "\u{2011}" | "'" | "’") || joint.trim() == known
}

/// Writes a word in lowercase into a buffer that is used again for every word.
fn lower<'a>(word: &str, buffer: &'a mut String) -> &'a str {
    buffer.clear();
    buffer.extend(word.chars().flat_map(char::to_lowercase));
    buffer
}
