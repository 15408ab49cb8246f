use skyflow_types::DetectEntity;

use crate::Finding;
use crate::phrases::Phrases;

/// How phrases of a list are written in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Case {
    /// In any letters.
    Any,
    /// With a capital at the start, at least.
    Capital,
}

/// The lists of words of one family of entities.
#[derive(Debug, Default)]
pub(super) struct Lexicon(Phrases<Sense>);

#[derive(Debug)]
struct Sense {
    entity: DetectEntity,
    score: f64,
    case: Case,
}

impl Lexicon {
    /// Adds a list of phrases.
    pub(super) fn with(
        mut self,
        entity: &DetectEntity,
        score: f64,
        case: Case,
        phrases: &[&'static str],
    ) -> Self {
        for phrase in phrases {
            self.0.add(phrase, Sense { entity: entity.clone(), score, case });
        }
        self
    }

    /// Returns every phrase of a text: of those that begin at a word, the longest of each entity.
    pub(super) fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for (range, sense) in self.0.find(text) {
            let begins = text.get(range.clone()).and_then(|phrase| phrase.chars().next());
            if sense.case == Case::Capital && !begins.is_some_and(char::is_uppercase) {
                continue;
            }
            let mut here = findings.iter_mut().rev().take_while(|earlier| earlier.range.start == range.start);
            match here.find(|earlier| earlier.entity == sense.entity) {
                Some(earlier) if earlier.range.end < range.end => earlier.range = range,
                Some(_) => {}
                None => findings.push(Finding::new(range, sense.entity.clone(), sense.score)),
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_phrase_of_each_entity_is_found() {
        let lexicon = Lexicon::default()
            .with(
                &DetectEntity::LOCATION_CITY,
                0.8,
                Case::Capital,
                &["new york", "new york city", "york", "st. louis"],
            )
            .with(&DetectEntity::CONDITION, 0.8, Case::Any, &["crohn's disease", "covid-19"]);
        let found = |text: &str| -> Vec<String> {
            lexicon.find(text).iter().map(|finding| text[finding.range.clone()].to_owned()).collect()
        };
        assert_eq!(found("in NEW YORK City!"), ["NEW YORK City", "YORK"]);
        assert_eq!(found("🙂Crohn’s  disease, crohn's disease"), ["Crohn’s  disease", "crohn's disease"]);
        assert_eq!(found("COVID-19\r\n, Covid 19; covid: 19"), ["COVID-19", "Covid 19"]);
        assert_eq!(found("St. Louis, St Louis; St, Louis"), ["St. Louis", "St Louis"]);
        assert_eq!(found("new york, york1, Yorke, Yo\u{301}rk"), [""; 0]);
    }
}
