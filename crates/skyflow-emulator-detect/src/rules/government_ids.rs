use skyflow_types::DetectEntity;

use super::shape::{HYPHENS, SPACES, Shape, Shapes};

/// Numbers that a government gives to people and organizations.
pub(super) fn government_ids() -> Shapes {
    Shapes(vec![
        Shape::new(
            DetectEntity::SSN,
            0.98,
            &format!("[0-9]{{3}} ?[._/{HYPHENS}][ \\r\\n]{{0,2}}[0-9]{{2}} ?[._/{HYPHENS}][ \\r\\n]{{0,2}}[0-9]{{4}}"),
        )
        .checked(is_social_security_number)
        .apart()
        .attached(),
        // Nine digits alone are anything: a postal code with four more, an order.
        Shape::new(
            DetectEntity::SSN,
            0.96,
            &format!("[0-9]{{3}}[\\r\\n{SPACES}]{{0,2}}[0-9]{{2}}[\\r\\n{SPACES}]{{0,2}}[0-9]{{4}}"),
        )
        .checked(is_social_security_number)
        .cued("ssns?|s\\.s\\.n\\.?|social[ _-]?security|social")
        .apart()
        .attached(),
        Shape::new(DetectEntity::PASSPORT_NUMBER, 0.95, "(?i-u)[a-z]{0,2}[0-9]{6,9}[a-z]?")
            .cued("passports?"),
        Shape::new(
            DetectEntity::DRIVER_LICENSE,
            0.95,
            "(?i-u)[a-z]{0,3}[0-9][0-9-]{4,15}[0-9]|[a-z][0-9]{3}-[0-9]{4}-[0-9]{4}",
        )
        .cued("driver'?s?[ _-]?licen[sc]es?|driving licen[sc]e|driver[ _-]?lic|dln?|dl#"),
        Shape::new(DetectEntity::ORGANIZATION_ID, 0.93, "[0-9]{2}-?[0-9]{7}")
            .cued("ein|fein|employer identification(?: number)?|federal tax id|tax ?id(?:entification)?")
            .apart(),
        Shape::new(DetectEntity::ORGANIZATION_ID, 0.9, "(?i-u)[a-z]{2} ?[0-9]{8,12}")
            .cued("vat|ust-?id(?:nr)?|company (?:number|registration)"),
    ])
}

/// Tells whether the parts of a social security number are ones that are given out.
pub(super) fn is_social_security_number(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..)) else {
        return false;
    };
    digits.len() == 9
        && !matches!(area, "000" | "666")
        && !area.starts_with('9')
        && group != "00"
        && serial != "0000"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn assignable_social_security_numbers_are_found() {
        for (text, expected) in [
            ("my SSN is 123-45-6789.", &[("ssn", "123-45-6789")][..]),
            ("🙂123-45-6789🙂", &[("ssn", "123-45-6789")]),
            ("\u{200f}123-45-6789\u{200f}", &[("ssn", "123-45-6789")]),
            ("ssn 123456789", &[("ssn", "123456789")]),
            ("social security number: 123 45 6789\r\n", &[("ssn", "123 45 6789")]),
            ("the number 123.45.6789, 123_45_6789", &[("ssn", "123.45.6789"), ("ssn", "123_45_6789")]),
            ("123/45/6789 and 123 - 45 - 6789", &[("ssn", "123/45/6789"), ("ssn", "123 - 45 - 6789")]),
            ("ssn_123-45-6789_x", &[("ssn", "123-45-6789")]),
            ("ssn 123  45  6789", &[("ssn", "123  45  6789")]),
            ("123-45-6789/123-45-6788", &[("ssn", "123-45-6789"), ("ssn", "123-45-6788")]),
            ("123-45-\n6789", &[("ssn", "123-45-\n6789")]),
            ("ssn 123\r\n45 6789", &[("ssn", "123\r\n45 6789")]),
            ("order 123456789", &[]),
            ("123 45 6789", &[]),
            ("000-45-6789 666-45-6789 900-45-6789", &[]),
            ("123-00-6789 123-45-0000", &[]),
            ("1123-45-6789 123-45-67890", &[]),
            ("5-123-45-6789", &[]),
            ("123-45-6789-0", &[]),
        ] {
            assert_finds(&government_ids(), text, expected);
        }
    }

    #[test]
    fn other_government_ids_need_a_cue_before_them() {
        for (text, expected) in [
            ("Passport number: C01234567", &[("passport_number", "C01234567")][..]),
            ("passport 123456789", &[("passport_number", "123456789")]),
            ("driver's license D1234567", &[("driver_license", "D1234567")]),
            ("Driver license no. D123-4567-8901", &[("driver_license", "D123-4567-8901")]),
            ("EIN 12-3456789", &[("organization_id", "12-3456789")]),
            ("VAT DE123456789", &[("organization_id", "DE123456789")]),
            ("C01234567 and D1234567 and 12-3456789", &[]),
            ("her passport expired", &[]),
        ] {
            assert_finds(&government_ids(), text, expected);
        }
    }
}
