//! Values that were found somewhere in a file, to be found everywhere in it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::RangeInclusive;

use skyflow_types::DetectEntity;

use super::folded::folded;
use super::segmentation::{is_word, words};
use super::{Finding, Passage, Recognizer};

/// How long values are that are looked for once they are known, in bytes: a shorter one may be any word, and a longer
/// one, such as an address of the web with its parameters, hardly occurs twice.
const LENGTHS: RangeInclusive<usize> = 4..=256;

/// How sure a value has to be. Below it, the value is taken for something because of its label.
const SURE: f64 = 0.6;

/// The values of one file.
#[derive(Default)]
pub(super) struct Learned {
    /// In lowercase.
    values: HashMap<String, (DetectEntity, f64)>,
    /// How long the values are that have this first word, so that each is looked up and none is searched for.
    shapes: HashMap<String, BTreeSet<Shape>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    length: usize,
    /// A value may begin before its first word: `+44 20 …`, `(415) …`.
    lead: usize,
}

impl Learned {
    /// Remembers a value that is the same thing in any position: names and numbers of people, accounts and machines.
    /// A value that is only a word or an amount elsewhere is left to the rules.
    pub(super) fn add(&mut self, finding: &Finding, text: &str) {
        const PLAIN_WORDS: [DetectEntity; 33] = [
            DetectEntity::AGE,
            DetectEntity::CONDITION,
            DetectEntity::CORPORATE_ACTION,
            DetectEntity::DATE,
            DetectEntity::DATE_INTERVAL,
            DetectEntity::DAY,
            DetectEntity::DOB,
            DetectEntity::DOSE,
            DetectEntity::DRUG,
            DetectEntity::DURATION,
            DetectEntity::EFFECT,
            DetectEntity::EVENT,
            DetectEntity::FINANCIAL_METRIC,
            DetectEntity::GENDER,
            DetectEntity::INJURY,
            DetectEntity::LANGUAGE,
            DetectEntity::LOCATION_ZIP,
            DetectEntity::MARITAL_STATUS,
            DetectEntity::MEDICAL_PROCESS,
            DetectEntity::MONEY,
            DetectEntity::MONTH,
            DetectEntity::OCCUPATION,
            DetectEntity::ORIGIN,
            DetectEntity::PHYSICAL_ATTRIBUTE,
            DetectEntity::POLITICAL_AFFILIATION,
            DetectEntity::RELIGION,
            DetectEntity::SEXUALITY,
            DetectEntity::STATISTICS,
            DetectEntity::TIME,
            DetectEntity::TREND,
            DetectEntity::YEAR,
            DetectEntity::ZODIAC_SIGN,
            DetectEntity::CVV,
        ];
        if finding.score < SURE || !LENGTHS.contains(&text.len()) || PLAIN_WORDS.contains(&finding.entity) {
            return;
        }
        // The detector shows folded texts as well, in which the value is found however it is written.
        let folded = folded(text);
        let text = folded.as_ref().map_or(text, |folded| folded.text());
        let Some((lead, first)) = words(text).next() else { return };
        let shape = Shape { length: text.len(), lead };
        self.shapes.entry(first.to_lowercase()).or_default().insert(shape);
        let value = (finding.entity.clone(), finding.score);
        self.values.entry(text.to_lowercase()).or_insert(value);
    }

    /// Finds values at the borders of words, the longest first.
    fn find(&self, text: &str) -> Vec<Finding> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Finding> = Vec::new();
        for (at, word) in words(text) {
            let end = found.last().map_or(0, |finding| finding.range.end);
            for shape in self.shapes.get(&word.to_lowercase()).into_iter().flatten().rev() {
                let Some(start) = at.checked_sub(shape.lead).filter(|start| *start >= end) else { continue };
                let range = start..start + shape.length;
                let Some(candidate) = text.get(range.clone()) else { continue };
                let ends_there = !text.get(range.end..).unwrap_or_default().starts_with(is_word)
                    || !candidate.ends_with(is_word);
                if let Some((entity, score)) =
                    ends_there.then(|| self.values.get(&candidate.to_lowercase())).flatten()
                {
                    found.push(Finding::new(range, entity.clone(), *score));
                    break;
                }
            }
        }
        found
    }
}

impl Recognizer for Learned {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        self.find(passage.text())
    }
}

/// Shows how many values there are, and none of them.
impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learned").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learned_values_match_in_any_case_and_script() {
        let mut learned = Learned::default();
        learned.add(&Finding::new(0..1, DetectEntity::NAME, 0.9), "Émile Дюпон");
        learned.add(&Finding::new(0..1, DetectEntity::NAME, 0.9), "名前");
        let text = "ÉMILE ДЮПОН, émile дюпон, Émiles, 名前";
        let found: Vec<_> = learned.find(text).into_iter().map(|finding| &text[finding.range]).collect();
        assert_eq!(found, ["ÉMILE ДЮПОН", "émile дюпон", "名前"]);
    }

    #[test]
    fn values_with_a_common_prefix_are_looked_up() {
        // A search through all of them at each place would not end in the life of a test.
        let mut learned = Learned::default();
        let values: Vec<String> = (0..100_000).map(|number| format!("+1 415 {number:07}")).collect();
        for value in &values {
            learned.add(&Finding::new(0..1, DetectEntity::PHONE_NUMBER, 0.9), value);
        }
        let text = values.join(", ");
        let found = learned.find(&text);
        assert_eq!(found.len(), values.len());
        assert!(found.iter().zip(&values).all(|(finding, value)| text[finding.range.clone()] == **value));
    }
}
