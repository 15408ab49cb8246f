use std::collections::HashMap;
use std::ops::Range;

use skyflow_types::DetectEntity;

use super::shape::is_word;
use crate::detect::Finding;

/// How phrases of a list are written in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Case {
    /// In any letters.
    Any,
    /// With a capital at the start, at least.
    Capital,
}

/// Phrases by their first word, with what each of them is.
#[derive(Debug, Default)]
pub(super) struct Lexicon(HashMap<&'static str, Vec<Phrase>>);

#[derive(Debug)]
struct Phrase {
    /// The words behind the first.
    rest: Vec<&'static str>,
    entity: DetectEntity,
    score: f64,
    case: Case,
}

impl Lexicon {
    /// Adds a list of phrases in small letters.
    pub(super) fn with(
        mut self,
        entity: &DetectEntity,
        score: f64,
        case: Case,
        phrases: &[&'static str],
    ) -> Self {
        for phrase in phrases {
            let mut words = phrase.split(|letter| !is_word(letter)).filter(|word| !word.is_empty());
            if let Some(first) = words.next() {
                let phrase = Phrase { rest: words.collect(), entity: entity.clone(), score, case };
                self.0.entry(first).or_default().push(phrase);
            }
        }
        self
    }

    /// Returns every phrase of a text: of those that begin at a word, the longest of each entity.
    pub(super) fn find(&self, text: &str) -> Vec<Finding> {
        let words = runs(text);
        let mut findings: Vec<Finding> = Vec::new();
        let mut small = String::new();
        for (place, range) in words.iter().enumerate() {
            let Some(first) = text.get(range.clone()) else { continue };
            let Some(phrases) = self.0.get(lower(first, &mut small)) else { continue };
            let capital = first.chars().next().is_some_and(char::is_uppercase);
            let begun = findings.len();
            for phrase in phrases.iter().filter(|phrase| capital || phrase.case == Case::Any) {
                let Some(end) = phrase.end(text, &words, place) else { continue };
                let found = Finding::new(range.start..end, phrase.entity.clone(), phrase.score);
                let earlier = findings.iter_mut().skip(begun).find(|earlier| earlier.entity == found.entity);
                match earlier {
                    Some(earlier) if earlier.range.end < end => *earlier = found,
                    Some(_) => {}
                    None => findings.push(found),
                }
            }
        }
        findings
    }
}

impl Phrase {
    /// Returns where the phrase ends, where its first word is this one.
    fn end(&self, text: &str, words: &[Range<usize>], place: usize) -> Option<usize> {
        let mut small = String::new();
        let mut end = words.get(place)?.end;
        for (step, expected) in self.rest.iter().enumerate() {
            let range = words.get(place + step + 1)?;
            let joint = text.get(end..range.start)?;
            let joined =
                matches!(joint, " " | "-" | "'" | "’" | "\u{a0}" | ". " | "\u{2011}" | "\n" | "\r\n");
            if !joined || lower(text.get(range.clone())?, &mut small) != *expected {
                return None;
            }
            end = range.end;
        }
        Some(end)
    }
}

/// Returns the runs of letters, digits and marks of a text.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        match (is_word(letter), start) {
            (true, None) => start = Some(at),
            (false, Some(begun)) => {
                runs.push(begun..at);
                start = None;
            }
            _ => {}
        }
    }
    runs.extend(start.map(|begun| begun..text.len()));
    runs
}

/// Writes a word in small letters into a buffer that is used again for every word.
fn lower<'a>(word: &str, buffer: &'a mut String) -> &'a str {
    buffer.clear();
    buffer.extend(word.chars().flat_map(char::to_lowercase));
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_phrase_of_each_entity_is_found() {
        let lexicon = Lexicon::default()
            .with(&DetectEntity::LOCATION_CITY, 0.8, Case::Capital, &["new york", "new york city", "york"])
            .with(&DetectEntity::CONDITION, 0.8, Case::Any, &["crohn's disease", "covid-19"]);
        let found = |text: &str| -> Vec<String> {
            lexicon.find(text).iter().map(|finding| text[finding.range.clone()].to_owned()).collect()
        };
        assert_eq!(found("in NEW YORK City!"), ["NEW YORK City", "YORK"]);
        assert_eq!(found("🙂Crohn’s  disease, crohn's disease"), ["crohn's disease"]);
        assert_eq!(found("COVID-19\r\n"), ["COVID-19"]);
        assert_eq!(found("new york, york1, Yorke, Yo\u{301}rk"), [""; 0]);
    }
}
