use skyflow_types::DetectEntity;

use super::lexicon::{Case, Lexicon};
use super::shape::{Shape, Shapes};
use crate::words::people as lists;
use crate::{Finding, Passage, Recognizer};

/// What people are: gender, state of marriage, religion, origin, language and more.
#[derive(Debug)]
pub(super) struct People {
    lexicon: Lexicon,
    cued: Shapes,
}

pub(super) fn people() -> People {
    // Most languages are origins as well: behind "speaks" it is the language that is meant.
    let tongues = lists::LANGUAGES.join("|").replace(' ', r"\ ");
    People {
        lexicon: Lexicon::default()
            .with(&DetectEntity::LANGUAGE, 0.7, Case::Capital, lists::LANGUAGES)
            .with(&DetectEntity::ORIGIN, 0.75, Case::Capital, lists::ORIGINS)
            .with(&DetectEntity::RELIGION, 0.85, Case::Capital, lists::RELIGIONS)
            .with(&DetectEntity::OCCUPATION, 0.8, Case::Any, lists::OCCUPATIONS)
            .with(&DetectEntity::GENDER, 0.85, Case::Any, lists::GENDERS)
            .with(&DetectEntity::MARITAL_STATUS, 0.85, Case::Any, lists::MARITAL_STATUSES)
            .with(&DetectEntity::SEXUALITY, 0.85, Case::Any, lists::SEXUALITIES)
            .with(&DetectEntity::ZODIAC_SIGN, 0.85, Case::Capital, lists::ZODIAC_SIGNS)
            .with(&DetectEntity::POLITICAL_AFFILIATION, 0.85, Case::Any, lists::POLITICAL_AFFILIATIONS),
        cued: Shapes(vec![
            Shape::new(
                DetectEntity::LANGUAGE,
                0.9,
                &format!(
                    r"(?i-u:speaks?|spoken|speaking|fluent in|languages?:?|native|translat(?:e|ed) (?:in)?to|learn(?:s|ing)?|in)\s(?i-u:some |good |broken )?((?i-u:{tongues}))"
                ),
            ),
            Shape::new(DetectEntity::GENDER, 0.9, "(?i-u:gender|sex) ?[:=] ?([MFX])"),
            Shape::new(
                DetectEntity::MARITAL_STATUS,
                0.9,
                "(?i-u:marital status|civil status)(?i-u: is)?[ :=]{1,3}((?i-u:single|separated|engaged))",
            ),
            Shape::new(
                DetectEntity::MARITAL_STATUS,
                0.85,
                "(?i-u:is|am|are|i'm|was|be) ((?i-u:single|engaged))(?:[.,;!]|$)",
            ),
            Shape::new(
                DetectEntity::ZODIAC_SIGN,
                0.85,
                "(?i-u:zodiac(?: sign)?|star sign|sun sign)(?i-u: is| an?|:)* (Leo|Cancer)",
            ),
            Shape::new(
                DetectEntity::POLITICAL_AFFILIATION,
                0.85,
                "(?i-u:votes?|voted|registered as|member of the|is|am|party:) (?i-u:an? )?(Republicans?|Conservatives?|Liberals?|Labour|Greens?|Independent)",
            ),
        ]),
    }
}

impl Recognizer for People {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.lexicon.find(passage.text());
        findings.extend(self.cued.recognize(passage));
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn what_people_are_is_found_by_its_word() {
        for (text, entity, expected) in [
            ("She speaks Spanish.", "language", "Spanish"),
            ("a 🙂French🙂 man", "origin", "French"),
            ("He is Roman Catholic\r\n", "religion", "Roman Catholic"),
            ("works as a software engineer", "occupation", "software engineer"),
            ("Gender: F", "gender", "F"),
            ("a Female patient", "gender", "Female"),
            ("she is divorced", "marital_status", "divorced"),
            ("Marital status: single", "marital_status", "single"),
            ("an openly gay man", "sexuality", "gay"),
            ("my sign is Virgo", "zodiac_sign", "Virgo"),
            ("her star sign is Leo", "zodiac_sign", "Leo"),
            ("a registered Democrat", "political_affiliation", "Democrat"),
            ("he voted Republican", "political_affiliation", "Republican"),
        ] {
            let found = found(&people(), text);
            assert!(found.contains(&(entity.to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn ordinary_words_are_not_what_people_are() {
        for text in [
            "a single file",
            "polish the table",
            "Manual",
            "womanly",
            "Falcon",
            "sex education",
            "a republic",
            "engineering",
        ] {
            assert_finds(&people(), text, &[]);
        }
    }
}
