use skyflow_types::DetectEntity;

use super::shape::{LETTERS, Shape, Shapes};
use crate::{Finding, Passage, Recognizer};

/// Organizations, by the word that their names end in.
#[derive(Debug)]
pub(super) struct Organizations(Shapes);

pub(super) fn organizations() -> Organizations {
    let word = format!("[A-Z0-9\\x{{c0}}-\\x{{de}}](?:[{LETTERS}0-9&.'’-]*[{LETTERS}0-9])?");
    // A name begins with a capital, and small words may join its others.
    let name =
        format!("(?:St\\. )?[A-Z\\x{{c0}}-\\x{{de}}][{LETTERS}0-9&.'’-]*(?: (?:& |und )?{word}){{0,5}}?");
    let ending = |endings: &str| format!("{name},? (?:{endings})");
    Organizations(Shapes(vec![
        Shape::new(
            DetectEntity::ORGANIZATION,
            0.93,
            &ending("Incorporated|Inc|Corporation|Corp|Company|Limited|Ltd|LLC|L\\.L\\.C|LLP|LP|PLC|plc|GmbH(?: & Co\\. KG)?|AG|KG|SE|SA|S\\.A|S\\.p\\.A|SpA|SARL|SAS|BV|B\\.V|NV|AB|ASA|Oy|Pty Ltd|Pvt Ltd"),
        ),
        Shape::new(
            DetectEntity::ORGANIZATION,
            0.88,
            &ending("Bank|Group|Holdings|Partners|Industries|Technologies|Systems|Solutions|Foundation|Institute|Association|Insurance|Airlines|Motors|Pharmaceuticals|Laboratories|University|College"),
        ),
        Shape::new(DetectEntity::ORGANIZATION, 0.88, &format!("(?:University|Bank|Institute|Ministry|Department) of {word}(?: {word}){{0,2}}")),
        Shape::new(
            DetectEntity::ORGANIZATION_MEDICAL_FACILITY,
            0.94,
            &ending("Hospital|Clinic|Medical Cent(?:er|re)|Health Cent(?:er|re)|Healthcare|Hospice|Infirmary|Nursing Home|Cancer Cent(?:er|re)|Surgery Center|Urgent Care|Rehabilitation Center|Pharmacy"),
        ),
        Shape::new(DetectEntity::ORGANIZATION, 0.8, &format!("(?i-u:works? (?:for|at)|working (?:for|at)|employed (?:by|at)|employer:|company:) ({word}(?: {word}){{0,2}})"))
            .checked(|text| text.starts_with(char::is_alphabetic)),
    ]))
}

/// Words that only have a capital because a sentence begins with them, or that belong to no name.
const OPENERS: &[&str] = &[
    "A",
    "After",
    "All",
    "An",
    "And",
    "Any",
    "As",
    "At",
    "Because",
    "Before",
    "But",
    "By",
    "Did",
    "Does",
    "Each",
    "Every",
    "For",
    "From",
    "Has",
    "Her",
    "His",
    "How",
    "I",
    "If",
    "In",
    "Is",
    "Its",
    "My",
    "No",
    "On",
    "Or",
    "Our",
    "Please",
    "Since",
    "So",
    "That",
    "The",
    "Their",
    "Then",
    "This",
    "To",
    "Today",
    "Tomorrow",
    "We",
    "What",
    "When",
    "Where",
    "Which",
    "While",
    "Who",
    "Why",
    "With",
    "Yesterday",
    "Your",
];

impl Recognizer for Organizations {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.0.recognize(passage);
        findings.retain_mut(|finding| {
            let Some(mut name) = passage.text().get(finding.range.clone()) else { return false };
            let announced = !name.contains(' ');
            while let Some((first, rest)) = name.split_once(' ')
                && OPENERS.contains(&first)
            {
                name = rest;
            }
            finding.range.start = finding.range.end - name.len();
            // An ending alone is no name, and neither are the ends of two sentences.
            let whole = name.contains(' ') || (announced && !OPENERS.contains(&name));
            whole && !name.trim_start_matches("St. ").contains(". ")
        });
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn organizations_are_found_by_their_ending() {
        for (text, entity, expected) in [
            ("at Acme Widgets Inc.", "organization", "Acme Widgets Inc"),
            ("The Acme Widgets, LLC sold", "organization", "Acme Widgets, LLC"),
            ("🏢Müller & Söhne GmbH🏢", "organization", "Müller & Söhne GmbH"),
            ("If Acme Ltd pays", "organization", "Acme Ltd"),
            ("Bank of Springfield", "organization", "Bank of Springfield"),
            ("she works at Initech.", "organization", "Initech"),
            ("Stanford University\r\n", "organization", "Stanford University"),
            ("in St. Mary's Hospital", "organization_medical_facility", "St. Mary's Hospital"),
            ("to Mercy General Hospital, then", "organization_medical_facility", "Mercy General Hospital"),
            ("Springfield Medical Center", "organization_medical_facility", "Springfield Medical Center"),
        ] {
            let found = found(&organizations(), text);
            let expected = (entity.to_owned(), expected.to_owned());
            assert!(found.contains(&expected), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn endings_alone_are_no_organizations() {
        for text in
            ["Inc.", "the hospital", "The Hospital", "My Company", "a Group", "Falcon", "Acme Incline"]
        {
            assert_finds(&organizations(), text, &[]);
        }
    }
}
