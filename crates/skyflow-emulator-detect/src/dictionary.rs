use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use skyflow_types::DetectEntity;

use super::phrases::Phrases;
use super::{Finding, Passage, Recognizer};

/// How sure a phrase is that somebody taught.
const SCORE: f64 = 1.0;

/// Phrases that are entities because somebody said so: names of projects and products, events, whatever no rule knows.
///
/// A phrase is found at the borders of words, in uppercase and lowercase, and with white space or a hyphen between
/// its words. It can be taught while it is in use:
///
/// ```
/// use skyflow_emulator_detect::{Dictionary, Passage, Recognizer};
/// use skyflow_types::DetectEntity;
///
/// let dictionary = Dictionary::new();
/// dictionary.teach("Acme Falcon", DetectEntity::PROJECT);
/// let found = dictionary.recognize(&Passage::new("the acme-falcon launch"));
/// assert_eq!((found[0].range.clone(), found[0].entity.clone()), (4..15, DetectEntity::PROJECT));
/// ```
#[derive(Default)]
pub struct Dictionary(RwLock<Phrases<DetectEntity>>);

impl Dictionary {
    /// Starts without phrases.
    pub fn new() -> Self {
        Self::default()
    }

    /// Teaches a phrase; what it was before is forgotten. Only letters and digits count: `C++` is found wherever a `C` is a
    /// separate word, and a phrase without any is never found.
    pub fn teach(&self, phrase: impl AsRef<str>, entity: impl Into<DetectEntity>) {
        let mut phrases = self.0.write().unwrap_or_else(PoisonError::into_inner);
        phrases.remove(phrase.as_ref());
        phrases.add(phrase.as_ref(), entity.into());
    }

    fn phrases(&self) -> RwLockReadGuard<'_, Phrases<DetectEntity>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recognizer for Dictionary {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let phrases = self.phrases();
        let found = phrases.find(passage.text()).into_iter();
        found.map(|(range, entity)| Finding::new(range, entity.clone(), SCORE)).collect()
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("phrases", &self.phrases().len()).finish()
    }
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
        dictionary.teach("Dr. Strange", DetectEntity::EVENT);
        dictionary.teach("Jeopardy! Masters", DetectEntity::EVENT);
        let findings = dictionary.recognize(&Passage::new(text));
        findings.into_iter().map(|finding| (&text[finding.range], finding.entity)).collect()
    }

    #[test]
    fn phrases_match_at_word_boundaries_in_any_case() {
        let (project, event, product) = (DetectEntity::PROJECT, DetectEntity::EVENT, DetectEntity::PRODUCT);
        assert_eq!(found("😀falcon, Falcons"), [("falcon", event.clone())]);
        assert_eq!(
            found("ACME\r\n falcon"),
            [("ACME\r\n falcon", project.clone()), ("falcon", event.clone())]
        );
        assert_eq!(found("Acme. Falcon"), [("Falcon", event.clone())]);
        assert_eq!(found("acme-falcon"), [("acme-falcon", project), ("falcon", event.clone())]);
        assert_eq!(
            found("dr.  strange, Dr Strange"),
            [("dr.  strange", event.clone()), ("Dr Strange", event.clone())]
        );
        assert_eq!(found("jeopardy! masters; jeopardy? masters"), [("jeopardy! masters", event)]);
        assert_eq!(found("ein ÅNGSTRÖM"), [("ÅNGSTRÖM", product)]);
        assert_eq!(found("falcon\u{301} !!"), []);
    }
}
