use skyflow_types::DetectEntity;

use super::checksums;
use super::lexicon::{Case, Lexicon};
use super::shape::{Shape, Shapes};
use crate::words::medicine as lists;
use crate::{Finding, Passage, Recognizer};

/// Illnesses, injuries, drugs, treatments, and the codes and numbers of patients and those who treat them.
#[derive(Debug)]
pub(super) struct Medicine {
    lexicon: Lexicon,
    shapes: Shapes,
}

pub(super) fn medicine() -> Medicine {
    Medicine {
        lexicon: Lexicon::default()
            .with(&DetectEntity::DRUG, 0.88, Case::Any, lists::DRUGS)
            .with(&DetectEntity::CONDITION, 0.86, Case::Any, lists::CONDITIONS)
            .with(&DetectEntity::INJURY, 0.85, Case::Any, lists::INJURIES)
            .with(&DetectEntity::MEDICAL_PROCESS, 0.85, Case::Any, lists::PROCESSES),
        shapes: Shapes(vec![
            Shape::new(DetectEntity::CONDITION, 0.86, "AIDS"),
            Shape::new(DetectEntity::MEDICAL_CODE, 0.93, r"[A-TV-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
                .cued("icd(?:-?(?:9|10)(?:-?cm)?)?|diagnos(?:is|es|ed)(?: code)?s?|dx|diagnosis[ _]code"),
            // The 10 of "ICD-10" is a digit, which no cue reaches over.
            Shape::new(
                DetectEntity::MEDICAL_CODE,
                0.95,
                r"(?i-u:icd-?10(?:-?cm|-?pcs)?)(?i-u: codes?)?(?: is)?[ :#=]{1,3}((?i-u)[a-tv-z][0-9][0-9a-z](?:\.[0-9a-z]{1,4})?)",
            ),
            // With a point and digits behind it, the form alone says enough.
            Shape::new(DetectEntity::MEDICAL_CODE, 0.8, r"[A-TV-Z][0-9]{2}\.[0-9]{1,3}[A-Z]?").apart(),
            Shape::new(DetectEntity::MEDICAL_CODE, 0.9, "[0-9]{5}").cued("cpt(?: code)?|procedure code").apart(),
            Shape::new(DetectEntity::HEALTHCARE_NUMBER, 0.97, "[12](?:[ ./_-]?[0-9]){9}")
                .checked(checksums::provider)
                .cued("npi|national provider(?: identifier)?|provider (?:id|number|no)")
                .apart(),
            Shape::new(DetectEntity::HEALTHCARE_NUMBER, 0.94, "(?i-u)(?:[a-z]{1,4}-?)?[0-9](?:-?[0-9a-z]){4,14}")
                .cued("mrn|medical record(?: number| no| #)?|patient[ _]?(?:id|number|no)|health (?:insurance|plan|card)(?: (?:id|number|no))?|medicare(?: (?:id|number|no))?|medicaid(?: (?:id|number|no))?|(?:insurance|beneficiary|subscriber) (?:id|number|no)|chart (?:number|no)|nhs(?: number| no)?"),
            Shape::new(DetectEntity::HEALTHCARE_NUMBER, 0.94, "[0-9]{3}[ ./_-][0-9]{3}[ ./_-][0-9]{4}").cued("nhs(?: number| no)?").apart(),
            Shape::new(DetectEntity::BLOOD_TYPE, 0.94, "(?i-u:blood (?:type|group))(?i-u: is| was)?[ :=]{1,3}((?:AB|A|B|O|0)(?:[+\u{2212}-]|(?i-u: ?(?:positive|negative|pos|neg|rh[+-])))?)"),
            Shape::new(DetectEntity::BLOOD_TYPE, 0.9, "(?:AB|A|B|O)[ -]?(?i-u:positive|negative)|(?:AB|A|B|O) Rh ?[+-]"),
            Shape::new(DetectEntity::BLOOD_TYPE, 0.88, "((?:AB|A|B|O)[+\u{2212}-]) (?i-u:blood)"),
        ]),
    }
}

impl Recognizer for Medicine {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let text = passage.text();
        let mut findings = self.lexicon.find(text);
        // The verb is no syndrome.
        findings.retain(|finding| {
            text.get(finding.range.clone()).is_none_or(|part| part != "aids" && part != "Aids")
        });
        findings.extend(self.shapes.recognize(passage));
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn what_doctors_write_is_found() {
        for (text, entity, expected) in [
            ("takes Metformin daily", "drug", "Metformin"),
            ("🙂type 2 diabetes🙂", "condition", "type 2 diabetes"),
            ("has AIDS", "condition", "AIDS"),
            ("Crohn’s disease\r\n", "condition", "Crohn’s disease"),
            ("a sprained ankle", "injury", "sprained ankle"),
            ("after the MRI", "medical_process", "MRI"),
            ("ICD-10 E11.9.", "medical_code", "E11.9"),
            ("ICD-10 code: I10", "medical_code", "I10"),
            ("icd-10: e11.9", "medical_code", "e11.9"),
            ("diagnosis: J45", "medical_code", "J45"),
            ("NPI 1234567893", "healthcare_number", "1234567893"),
            ("npi 1234-567-893", "healthcare_number", "1234-567-893"),
            ("NPI: 1234 567 893 04", "healthcare_number", "1234 567 893"),
            ("MRN: 00123456", "healthcare_number", "00123456"),
            ("NHS number 943 476 5919", "healthcare_number", "943 476 5919"),
            ("blood type: O+", "blood_type", "O+"),
            ("blood group AB negative", "blood_type", "AB negative"),
            ("she is A positive", "blood_type", "A positive"),
        ] {
            let found = found(&medicine(), text);
            assert!(found.contains(&(entity.to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn ordinary_words_and_codes_are_not_medical() {
        for text in [
            "it aids us",
            "J45",
            "room B12",
            "1234567893",
            "NPI 123",
            "a positive result",
            "type O",
            "Falcon",
        ] {
            assert_finds(&medicine(), text, &[]);
        }
    }
}
