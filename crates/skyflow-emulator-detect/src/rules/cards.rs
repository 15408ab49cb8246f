use skyflow_types::DetectEntity;

use super::checksums::{digits, luhn};
use super::shape::{HYPHENS, SPACES, Shape, Shapes};

/// Payment cards: the number, the month it ends in, the code on its back.
pub(super) fn cards() -> Shapes {
    Shapes(vec![
        Shape::new(
            DetectEntity::CREDIT_CARD,
            0.99,
            &format!("[2-6][0-9]{{3}}(?:[{SPACES}{HYPHENS}]?[0-9]){{9,15}}"),
        )
        .checked(is_card)
        .apart(),
        Shape::new(
            DetectEntity::CREDIT_CARD_EXPIRATION,
            0.95,
            r"(?:0[1-9]|1[0-2]) ?[/-] ?(?:20[0-9]{2}|[0-9]{2})",
        )
        .cued("exp|expiry|expires?|expiration|expiring|valid (?:thru|through|until|to)|good thru")
        .apart(),
        Shape::new(DetectEntity::CVV, 0.95, "[0-9]{3,4}")
            .cued("cvv2?|cvc2?|cid|csc|card (?:verification|security) (?:code|value|number)|security code")
            .apart(),
    ])
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
        ] {
            assert_finds(&cards(), text, expected);
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
