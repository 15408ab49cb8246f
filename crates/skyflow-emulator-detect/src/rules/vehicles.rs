use skyflow_types::DetectEntity;

use super::checksums;
use super::shape::{Shape, Shapes};

/// Vehicles: their identification numbers everywhere, their plates behind a word that says so.
pub(super) fn vehicles() -> Shapes {
    Shapes(vec![
        Shape::new(DetectEntity::VEHICLE_ID, 0.98, "(?i-u)[a-hj-npr-z0-9]{17}").checked(is_identification),
        Shape::new(DetectEntity::VEHICLE_ID, 0.9, "[A-Z0-9]{1,3}[ -]?[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,3})?")
            .checked(|text| text.contains(|letter: char| letter.is_ascii_digit()) && text.len() > 4)
            .cued("licen[sc]e plate|number plate|plate (?:number|no)|vehicle registration"),
    ])
}

/// Tells whether 17 letters are an identification number; all digits are more likely another number.
fn is_identification(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_alphabetic()) && checksums::vehicle(text)
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
            ("VIN 1HGCM82633A004353", &[]),
            ("11111111111111111", &[]),
            ("7ABC123", &[]),
            ("A1HGCM82633A004352", &[]),
        ] {
            assert_finds(&vehicles(), text, expected);
        }
    }
}
