use skyflow_types::DetectEntity;

use super::checksums::digits;
use super::shape::{HYPHENS, SPACES, Shape, Shapes};

/// Phone numbers: those of North America as they are written there, others with the code of their country.
pub(super) fn phones() -> Shapes {
    let phone = |score, text: &str| Shape::new(DetectEntity::PHONE_NUMBER, score, text).apart();
    Shapes(vec![
        phone(
            0.96,
            &format!(r"(?:\+?1[.{SPACES}{HYPHENS}]?)?(?:\([2-9][0-9]{{2}}\)[{SPACES}]?|[2-9][0-9]{{2}}[.{HYPHENS}])[2-9][0-9]{{2}}[.{SPACES}{HYPHENS}][0-9]{{4}}(?: ?(?i-u:x|ext\.?|extension) ?[0-9]{{1,6}})?"),
        ),
        phone(0.96, &format!(r"\+[1-9][0-9]{{0,2}}(?:[.{SPACES}{HYPHENS}]?(?:\([0-9]{{1,5}}\)|[0-9]{{1,5}})){{2,7}}")).checked(is_international),
        phone(0.93, &format!(r"\(?\+?[0-9](?:[./(){SPACES}{HYPHENS}]{{0,2}}[0-9]){{5,14}}"))
            .checked(|text| (6..=15).contains(&digits(text).count()))
            .cued("phones?|telephone|tel|mobile|cell(?:phone)?|fax|call(?: me)?(?: (?:at|on))?|ring|text me at|whats ?app|phone[ _-]?(?:number|no)|(?:reach|contact) (?:me|us|him|her) (?:at|on)|dial"),
        phone(0.8, &format!("[2-9][0-9]{{2}}[{SPACES}][2-9][0-9]{{2}}[{SPACES}][0-9]{{4}}")),
        phone(0.75, r"0[1-9][0-9]{1,3}[ /-][0-9]{3,4}[ -]?[0-9]{3,5}").checked(|text| digits(text).count() >= 9),
    ])
}

fn is_international(text: &str) -> bool {
    (8..=15).contains(&digits(text).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn phone_numbers_are_found_as_they_are_written() {
        for (text, expected) in [
            ("Call (415) 555-2671.", "(415) 555-2671"),
            ("call 415-555-2671, please", "415-555-2671"),
            ("415.555.2671", "415.555.2671"),
            ("+1 415 555 2671\r\n", "+1 415 555 2671"),
            ("☎️+44 20 7946 0958☎️", "+44 20 7946 0958"),
            ("+49 (0)30 1234567", "+49 (0)30 1234567"),
            ("+14155552671", "+14155552671"),
            ("(415) 555-2671 ext. 12", "(415) 555-2671 ext. 12"),
            ("phone: 5552671", "5552671"),
            ("020 7946 0958", "020 7946 0958"),
        ] {
            let found = crate::rules::tests::found(&phones(), text);
            assert!(found.contains(&("phone_number".to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn other_numbers_are_no_phone_numbers() {
        for text in
            ["123-45-6789", "2024-03-01", "4111 1111 1111 1111", "1,234,567", "5552671", "+12", "3.14159265"]
        {
            assert_finds(&phones(), text, &[]);
        }
    }
}
