use std::collections::HashMap;

use super::sentence::Word;
use crate::words::names as lists;

/// What a word is known as.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) given: bool,
    pub(super) given_and_more: bool,
    pub(super) family: bool,
    pub(super) family_and_more: bool,
    pub(super) title: bool,
    pub(super) medical: bool,
    pub(super) particle: bool,
    pub(super) suffix: bool,
    pub(super) never: bool,
    pub(super) place_end: bool,
    pub(super) place_start: bool,
}

/// What the words of the lists are known as.
#[derive(Debug)]
pub(super) struct KnownWords(HashMap<&'static str, Known>);

impl KnownWords {
    pub(super) fn new() -> Self {
        let mut known: HashMap<&'static str, Known> = HashMap::new();
        let mut learn = |words: &[&'static str], mark: fn(&mut Known)| {
            for word in words {
                mark(known.entry(word).or_default());
            }
        };
        learn(lists::GIVEN, |word| word.given = true);
        learn(lists::GIVEN_AND_MORE, |word| word.given_and_more = true);
        learn(lists::FAMILY, |word| word.family = true);
        learn(lists::FAMILY_AND_MORE, |word| {
            word.family = true;
            word.family_and_more = true;
        });
        learn(lists::TITLES, |word| word.title = true);
        learn(lists::MEDICAL_TITLES, |word| word.medical = true);
        learn(lists::PARTICLES, |word| word.particle = true);
        learn(lists::SUFFIXES, |word| word.suffix = true);
        learn(lists::NEVER, |word| word.never = true);
        learn(lists::PLACE_ENDS, |word| word.place_end = true);
        learn(lists::PLACE_STARTS, |word| word.place_start = true);
        Self(known)
    }

    /// Returns what a word of a text is known as.
    pub(super) fn find(&self, text: &str, word: &Word) -> Known {
        let Some(word) = text.get(word.start..word.end) else { return Known::default() };
        if !word.chars().any(char::is_uppercase) {
            return self.0.get(word).copied().unwrap_or_default();
        }
        let small = word.to_lowercase().replace('’', "'");
        match self.0.get(small.as_str()) {
            Some(known) => *known,
            // Of a name with a hyphen, each half counts.
            None => small
                .split(['-', '\u{2010}', '\u{2011}'])
                .filter(|half| half.len() < small.len())
                .find_map(|half| self.0.get(half).copied())
                .map(|known| Known { given: known.given, family: known.family, ..Known::default() })
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sentence::words;
    use super::*;

    #[test]
    fn words_are_known_in_any_case_and_by_half() {
        let known = KnownWords::new();
        let text = "JANE O’Neill Smith-Xyz jane Falcon";
        let kinds: Vec<Known> = words(text).iter().map(|word| known.find(text, word)).collect();
        let marks: Vec<_> = kinds.iter().map(|kind| (kind.given, kind.family)).collect();
        assert_eq!(marks, [(true, false), (false, true), (false, true), (true, false), (false, false)]);
    }
}
