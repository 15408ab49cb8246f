use skyflow_types::DetectEntity;

use super::shape::{LETTERS, Shape, Shapes};

/// Organizations, by the word that their names end in.
pub(super) fn organizations() -> Shapes {
    let word = format!("[A-Z0-9\\x{{c0}}-\\x{{de}}](?:[{LETTERS}0-9&.'’-]*[{LETTERS}0-9])?");
    // A name begins with a capital, and small words may join its others.
    let name = format!(
        "(?:St\\. )?[A-Z\\x{{c0}}-\\x{{de}}][{LETTERS}0-9&.'’-]*(?: (?:of|and|the|for|&|de|und) {word}| {word}){{0,5}}?"
    );
    let ending = |endings: &str| format!("{name},? (?:{endings})");
    Shapes(vec![
        Shape::new(
            DetectEntity::ORGANIZATION,
            0.93,
            &ending("Incorporated|Inc|Corporation|Corp|Company|Limited|Ltd|LLC|L\\.L\\.C|LLP|LP|PLC|plc|GmbH(?: & Co\\. KG)?|AG|KG|SE|SA|S\\.A|S\\.p\\.A|SpA|SARL|SAS|BV|B\\.V|NV|AB|ASA|Oy|Pty Ltd|Pvt Ltd"),
        )
        .checked(begins_well),
        Shape::new(
            DetectEntity::ORGANIZATION,
            0.88,
            &ending("Bank|Group|Holdings|Partners|Industries|Technologies|Systems|Solutions|Foundation|Institute|Association|Insurance|Airlines|Motors|Pharmaceuticals|Laboratories|University|College"),
        )
        .checked(begins_well),
        Shape::new(DetectEntity::ORGANIZATION, 0.88, &format!("(?:University|Bank|Institute|Ministry|Department) of {word}(?: {word}){{0,2}}")),
        Shape::new(
            DetectEntity::ORGANIZATION_MEDICAL_FACILITY,
            0.94,
            &ending("Hospital|Clinic|Medical Cent(?:er|re)|Health Cent(?:er|re)|Healthcare|Hospice|Infirmary|Nursing Home|Cancer Cent(?:er|re)|Surgery Center|Urgent Care|Rehabilitation Center|Pharmacy"),
        )
        .checked(begins_well),
        Shape::new(DetectEntity::ORGANIZATION, 0.8, &format!("(?i-u:works? (?:for|at)|working (?:for|at)|employed (?:by|at)|employer:|company:) ({word}(?: {word}){{0,2}})"))
            .checked(|text| text.chars().next().is_some_and(char::is_alphabetic) && begins_well(text)),
    ])
}

/// Tells whether a name does not begin with a word that only has a capital because a sentence begins with it.
fn begins_well(text: &str) -> bool {
    let first = text.split([' ', ',']).next().unwrap_or_default();
    !matches!(
        first,
        "The"
            | "A"
            | "An"
            | "I"
            | "My"
            | "Our"
            | "Your"
            | "His"
            | "Her"
            | "This"
            | "That"
            | "In"
            | "At"
            | "On"
            | "To"
            | "From"
            | "For"
            | "We"
            | "And"
            | "By"
            | "With"
            | "Please"
            | "Every"
            | "No"
            | "Any"
            | "Each"
            | "Which"
            | "Monday"
    ) && !text.trim_start_matches("St. ").contains(". ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::rules::tests::{assert_finds, found};

    #[test]
    fn organizations_are_found_by_their_ending() {
        for (text, entity, expected) in [
            ("at Acme Widgets Inc.", "organization", "Acme Widgets Inc"),
            ("The Acme Widgets, LLC sold", "organization", "Acme Widgets, LLC"),
            ("🏢Müller & Söhne GmbH🏢", "organization", "Müller & Söhne GmbH"),
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
