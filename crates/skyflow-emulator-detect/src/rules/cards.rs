use skyflow_types::DetectEntity;

use super::checked::{Checked, Written};
use super::checksums::{digits, luhn};
use super::shape::{Shape, Shapes};
use crate::{Finding, Passage, Recognizer};

/// Payment cards: the number, the month it ends in, the code on its back.
#[derive(Debug)]
pub(super) struct Cards {
    numbers: Checked,
    codes: Shapes,
}

pub(super) fn cards() -> Cards {
    Cards {
        numbers: Checked {
            entity: DetectEntity::CREDIT_CARD,
            score: 0.99,
            lengths: 13..=19,
            begins: |group| group.starts_with(['2', '3', '4', '5', '6']) && is_digits(group),
            accepts: |written| {
                is_divided_as_a_card(written)
                    && is_card(written.compact())
                    && (written.is_grouped() || !written.is_joined())
            },
        },
        codes: Shapes(vec![
            Shape::new(
                DetectEntity::CREDIT_CARD_EXPIRATION,
                0.95,
                r"(?:0[1-9]|1[0-2]) ?[/-] ?(?:20[0-9]{2}|[0-9]{2})",
            )
            .cued("exp|expiry|expires?|expiration|expiring|valid (?:thru|through|until|to)|good thru")
            .apart(),
            Shape::new(DetectEntity::CVV, 0.95, "[0-9]{3,4}")
                .cued(
                    "cvv2?|cvc2?|cid|csc|card (?:verification|security) (?:code|value|number)|security code",
                )
                .apart(),
        ]),
    }
}

impl Recognizer for Cards {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.numbers.recognize(passage);
        findings.extend(self.codes.recognize(passage));
        findings
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether digits are divided as those of one card, and not as several numbers: into groups of four or more, of
/// which the last may have fewer, or each digit by itself.
fn is_divided_as_a_card(written: &Written<'_>) -> bool {
    if !written.groups().all(is_digits) {
        return false;
    }
    let sizes: Vec<usize> = written.groups().map(str::len).collect();
    let is_spelled = sizes.iter().all(|size| *size == 1) && {
        let mut joints = written.joints();
        let joint = joints.next();
        joints.all(|other| Some(other) == joint)
    };
    is_spelled || sizes.split_last().is_some_and(|(_, others)| others.iter().all(|size| *size >= 4))
}

/// Tells whether digits are a card number: of a known network, of the length it uses, with the right check digit.
pub(super) fn is_card(text: &str) -> bool {
    let all: Vec<u32> = digits(text).collect();
    let prefix = |length: usize| all.iter().take(length).fold(0, |number, digit| number * 10 + digit);
    let lengths: &[usize] = match (prefix(1), prefix(2), prefix(3), prefix(4)) {
        (4, ..) => &[13, 16, 19],
        (_, 34 | 37, ..) => &[15],
        (_, 51..=55, ..) | (_, _, _, 2221..=2720) => &[16],
        (_, 36 | 38 | 39, ..) | (_, _, 300..=305, _) => &[14, 16],
        (_, 35, ..) => &[16],
        (_, 60 | 62 | 64 | 65, ..) => &[16, 17, 18, 19],
        (_, 50 | 56..=58 | 63 | 67, ..) => &[13, 14, 15, 16, 17, 18, 19],
        _ => &[],
    };
    // A row of one digit may have the right check digit, and is never a card.
    lengths.contains(&all.len())
        && luhn(all.iter().copied())
        && all.iter().any(|digit| Some(digit) != all.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn card_numbers_with_a_valid_checksum_are_found() {
        for (text, expected) in [
            ("Card 4111 1111 1111 1111", &[("credit_card", "4111 1111 1111 1111")][..]),
            ("4111-1111-1111-1111.", &[("credit_card", "4111-1111-1111-1111")]),
            ("💳4111111111111111💳", &[("credit_card", "4111111111111111")]),
            ("amex 378282246310005\r\n", &[("credit_card", "378282246310005")]),
            (
                "5555555555554444, 2223003122003222",
                &[("credit_card", "5555555555554444"), ("credit_card", "2223003122003222")],
            ),
            ("6011 1111 1111 1117", &[("credit_card", "6011 1111 1111 1117")]),
            ("30569309025904", &[("credit_card", "30569309025904")]),
            ("Card 4111 1111 1111 1112", &[]),
            ("order 14111111111111111", &[]),
            ("x4111111111111111", &[]),
            ("4111111111111111-2", &[]),
            ("0000 0000 0000 0000", &[]),
            ("qty 3 4111 1111 1111 1111", &[("credit_card", "4111 1111 1111 1111")]),
            ("1, 2, 3, 4, 8, 16, 32, 64, 128, 256", &[]),
            ("40 45 50 55 60 65 70 76", &[]),
        ] {
            assert_finds(&cards(), text, expected);
        }
    }

    #[test]
    fn longer_candidates_hide_no_card_within_them() {
        for (text, expected) in [
            ("4111 1111 1111 1111 04/27 123", &["4111 1111 1111 1111"][..]),
            ("4111 1111 1111 1111 123", &["4111 1111 1111 1111"]),
            ("4111 1111 1111 1111 5555 5555 5555 4444", &["4111 1111 1111 1111", "5555 5555 5555 4444"]),
            ("4111111111111111 378282246310005", &["4111111111111111", "378282246310005"]),
            ("2024 4111 1111 1111 1111 2025", &["4111 1111 1111 1111"]),
            ("4111-1111-1111-1111-0427-123", &["4111-1111-1111-1111"]),
            ("4111111111111111/0427", &["4111111111111111"]),
            ("4111111111111111=25121010000", &["4111111111111111"]),
            ("4111111111111111|04|27|123", &["4111111111111111"]),
            ("tel 415 555 2671 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
            ("call 415-555-2671 123 or 123-45-6789-1", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|part| ("credit_card", *part)).collect();
            assert_finds(&cards(), text, &expected);
        }
    }

    #[test]
    fn cards_are_found_however_they_are_divided() {
        for number in [
            "4111.1111.1111.1111",
            "4111-1111 1111.1111",
            "4111_1111_1111_1111",
            "4111/1111/1111/1111",
            "4111,1111,1111,1111",
            "4111  1111  1111  1111",
            "4111 - 1111 - 1111 - 1111",
            "4111\t1111\t1111\t1111",
            "4111 1111\r\n1111 1111",
            "4111\u{2013}1111\u{2013}1111\u{2013}1111",
            "4111\u{b7}1111\u{b7}1111\u{b7}1111",
            "4111+1111+1111+1111",
            "41111111 11111111",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "3782.822463.10005",
            "3056 930902 5904",
        ] {
            assert_finds(&cards(), &format!("Card: {number}, thanks"), &[("credit_card", number)]);
            assert_finds(&cards(), &format!("card_{number}_x"), &[("credit_card", number)]);
        }
    }

    #[test]
    fn card_codes_and_expiry_need_a_cue_before_them() {
        for (text, expected) in [
            ("exp 04/27, cvv 123", &[("credit_card_expiration", "04/27"), ("cvv", "123")][..]),
            ("Expiration date: 12/2030", &[("credit_card_expiration", "12/2030")]),
            ("CVC: 0123", &[("cvv", "0123")]),
            ("security code is 999", &[("cvv", "999")]),
            ("on 04/27 we met 123 people", &[]),
            ("exp 13/27", &[]),
            ("cvv 12345", &[]),
        ] {
            assert_finds(&cards(), text, expected);
        }
    }
}
