use std::cmp::Reverse;
use std::sync::Arc;

use skyflow_types::DetectEntity;

use super::folded::folded;
use super::mapped_text::MappedText;
use super::{Dictionary, Finding, Passage, Recognizer};

/// Everything that finds entities in a vault: the rules, what was taught, and the recognizers of the user.
#[derive(Debug)]
pub struct Detector {
    recognizers: Vec<Box<dyn Recognizer>>,
    dictionary: Arc<Dictionary>,
}

impl Detector {
    /// Combines these recognizers with a dictionary; [`built_in`](crate::built_in) returns the rules.
    pub fn new(recognizers: Vec<Box<dyn Recognizer>>, dictionary: Arc<Dictionary>) -> Self {
        Self { recognizers, dictionary }
    }

    /// Returns the phrases that were taught, so that more can be added.
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// Returns what is found in a passage, in order, with nothing over anything else.
    ///
    /// The recognizers see the text as it is, and also without invisible characters and with the plain form of
    /// look-alikes where it has any; ranges are those of the text as it is. `learned` recognizes what is known of this
    /// text beforehand. Only entities that are `wanted` count, so that one that is not asked for hides none that is.
    pub fn find(
        &self,
        passage: &Passage<'_>,
        learned: Option<&dyn Recognizer>,
        wanted: impl Fn(&DetectEntity) -> bool,
    ) -> Vec<Finding> {
        let mut found = self.recognized(passage, learned);
        let (text, label) = (folded(passage.text()), folded(passage.label()));
        if text.is_some() || label.is_some() {
            let plain = Passage::new(text.as_ref().map_or(passage.text(), MappedText::text))
                .labelled(label.as_ref().map_or(passage.label(), MappedText::text));
            found.extend(self.recognized(&plain, learned).into_iter().filter_map(|mut finding| {
                if let Some(text) = &text {
                    let _in_bounds = text.text().get(finding.range.clone())?;
                    finding.range = text.span(&finding.range);
                }
                Some(finding)
            }));
        }
        let text = passage.text();
        found.retain(|finding| {
            let value = text.get(finding.range.clone());
            value.is_some_and(|value| !value.is_empty()) && wanted(&finding.entity)
        });
        resolved(found)
    }

    fn recognized(&self, passage: &Passage<'_>, learned: Option<&dyn Recognizer>) -> Vec<Finding> {
        let mut found = learned.map(|learned| learned.recognize(passage)).unwrap_or_default();
        found.extend(self.dictionary.recognize(passage));
        found.extend(self.recognizers.iter().flat_map(|recognizer| recognizer.recognize(passage)));
        found
    }
}

/// Keeps the longest of what overlaps, and of the same length the one with the higher score. What a longer finding
/// covers lives on as a label of it, with its own score.
fn resolved(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by(|one, other| {
        let key = |finding: &Finding| (Reverse(finding.range.len()), finding.range.start);
        key(one).cmp(&key(other)).then(other.score.total_cmp(&one.score))
    });
    // Disjoint, and sorted by where they start: so one look-up tells whether a finding is free.
    let mut kept: std::collections::BTreeMap<usize, Finding> = std::collections::BTreeMap::new();
    for finding in found {
        let over = kept.range_mut(..finding.range.end).next_back().map(|(_, other)| other);
        match over.filter(|other| other.range.end > finding.range.start) {
            None => drop(kept.insert(finding.range.start, finding)),
            Some(other) => {
                let is_inside =
                    other.range.start <= finding.range.start && finding.range.end <= other.range.end;
                let is_known = other.entity == finding.entity
                    || other.labels.iter().any(|(label, _)| *label == finding.entity);
                if is_inside && !is_known {
                    other.labels.push((finding.entity, finding.score));
                }
            }
        }
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(Vec<Finding>);

    impl Recognizer for Fixed {
        fn recognize(&self, _: &Passage<'_>) -> Vec<Finding> {
            self.0.clone()
        }
    }

    fn found(text: &str, findings: Vec<Finding>) -> Vec<(String, DetectEntity)> {
        let detector = Detector::new(vec![Box::new(Fixed(findings))], Arc::default());
        let found = detector.find(&Passage::new(text), None, |entity| *entity != DetectEntity::AGE);
        found.into_iter().map(|finding| (text[finding.range].to_owned(), finding.entity)).collect()
    }

    #[test]
    fn the_longest_wins_and_then_the_surest() {
        let (date, name, city) = (DetectEntity::DATE, DetectEntity::NAME, DetectEntity::LOCATION_CITY);
        let findings = vec![
            Finding::new(0..4, date.clone(), 0.9),
            Finding::new(2..9, name.clone(), 0.5),
            Finding::new(9..10, date.clone(), 0.2),
            Finding::new(9..10, city.clone(), 0.3),
        ];
        assert_eq!(found("0123456789", findings), [("2345678".to_owned(), name), ("9".to_owned(), city)]);
    }

    #[test]
    fn unwanted_and_foreign_findings_are_ignored() {
        #[expect(clippy::reversed_empty_ranges, reason = "a recognizer may do anything")]
        let findings = vec![
            Finding::new(0..9, DetectEntity::AGE, 1.0),
            Finding::new(0..3, DetectEntity::NAME, 0.1),
            Finding::new(1..2, DetectEntity::DATE, 0.1),
            Finding::new(3..3, DetectEntity::DATE, 0.1),
            Finding::new(4..99, DetectEntity::DATE, 0.1),
            Finding::new(5..4, DetectEntity::DATE, 0.1),
        ];
        assert_eq!(found("éa 45678", findings), [("éa".to_owned(), DetectEntity::NAME)]);
    }

    #[test]
    fn what_a_longer_finding_covers_is_a_label_of_it() {
        let findings = vec![
            Finding::new(0..8, DetectEntity::NAME, 0.9),
            Finding::new(0..4, DetectEntity::NAME_GIVEN, 0.4),
            Finding::new(6..9, DetectEntity::LOCATION_CITY, 0.4),
        ];
        let detector = Detector::new(vec![Box::new(Fixed(findings))], Arc::default());
        let found = detector.find(&Passage::new("Jane Doe and"), None, |_| true);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels, [(DetectEntity::NAME_GIVEN, 0.4)]);
    }
}
