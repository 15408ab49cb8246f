use skyflow_types::DetectEntity;

use super::checked::{Checked, Written};
use super::checksums;
use super::shape::{Shape, Shapes};
use crate::{Finding, Passage, Recognizer};

/// Vehicles: their identification numbers everywhere, their plates behind a word that says so.
#[derive(Debug)]
pub(super) struct Vehicles {
    identification: Checked,
    plates: Shapes,
}

pub(super) fn vehicles() -> Vehicles {
    Vehicles {
        identification: Checked {
            entity: DetectEntity::VEHICLE_ID,
            score: 0.98,
            lengths: 17..=17,
            begins: |_| true,
            accepts: is_identification,
        },
        plates: Shapes(vec![
            Shape::new(
                DetectEntity::VEHICLE_ID,
                0.9,
                "[A-Z0-9]{1,3}[ -]?[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,3})?",
            )
            .checked(|text| text.contains(|letter: char| letter.is_ascii_digit()) && text.len() > 4)
            .cued("licen[sc]e plate|number plate|plate (?:number|no)|vehicle registration"),
        ]),
    }
}

impl Recognizer for Vehicles {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.identification.recognize(passage);
        findings.extend(self.plates.recognize(passage));
        findings
    }
}

/// Tells whether 17 letters are an identification number; all digits are more likely another number. Words of a
/// sentence may have the check digit too: a divided number ends in a serial number of four digits or more, and its
/// groups are joined by one character.
fn is_identification(written: &Written<'_>) -> bool {
    let compact = written.compact();
    let is_divided = written.groups().count() > 1;
    let has_serial = written.groups().last().is_some_and(|last| {
        last.len() >= 4 && last.bytes().rev().take(4).all(|digit| digit.is_ascii_digit())
    });
    let is_one_case = !compact.contains(|letter: char| letter.is_ascii_lowercase())
        || !compact.contains(|letter: char| letter.is_ascii_uppercase());
    compact.contains(|letter: char| letter.is_ascii_alphabetic())
        && compact.contains(|letter: char| letter.is_ascii_digit())
        && (!is_divided
            || has_serial && is_one_case && written.joints().all(|joint| joint.chars().count() == 1))
        && checksums::vehicle(compact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn vins_with_a_valid_check_digit_are_found() {
        for (text, expected) in [
            ("VIN 1HGCM82633A004352.", &[("vehicle_id", "1HGCM82633A004352")][..]),
            ("🚗1m8gdm9axkp042788", &[("vehicle_id", "1m8gdm9axkp042788")]),
            ("license plate: 7ABC123", &[("vehicle_id", "7ABC123")]),
            ("VIN 1HGCM-82633-A004352", &[("vehicle_id", "1HGCM-82633-A004352")]),
            ("vin 1hg.cm8.26.33a004352", &[("vehicle_id", "1hg.cm8.26.33a004352")]),
            ("VIN 1HGCM 82633 A004352 2003", &[("vehicle_id", "1HGCM 82633 A004352")]),
            ("VIN 1HGCM82633A004353", &[]),
            ("11111111111111111", &[]),
            ("7ABC123", &[]),
            ("A1HGCM82633A004352", &[]),
        ] {
            assert_finds(&vehicles(), text, expected);
        }
    }
}
