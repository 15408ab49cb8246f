//! The check digits of numbers.

/// Returns the digits of a text, in order.
pub(super) fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|letter| letter.to_digit(10))
}

/// Tells whether the last digit is right by the formula of Luhn.
pub(super) fn luhn(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { (digit * 2) / 10 + (digit * 2) % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// Returns whether an international bank account number is 1 modulo 97.
pub(super) fn iban(text: &str) -> bool {
    let letters: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(36)).collect();
    let (Some(head), Some(tail)) = (letters.get(..4), letters.get(4..)) else { return false };
    let shift = |rest: u32, value: &u32| {
        if *value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 }
    };
    (15..=34).contains(&letters.len()) && tail.iter().chain(head).fold(0, shift) == 1
}

/// Returns how long the international bank account numbers of a country are.
pub(super) fn iban_length(country: &str) -> Option<usize> {
    #[rustfmt::skip]
    const LENGTHS: [(usize, &str); 18] = [
        (15, "NO"), (16, "BE"), (18, "DK FI FK FO GL NL SD"), (19, "MK SI"), (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH HR LI LV"), (22, "BG BH CR DE GB GE IE ME RS VA"), (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"), (25, "LY PT ST"), (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"), (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
        (29, "BR EG PS QA UA"), (30, "JO KW MU YE"), (31, "MT SC"), (32, "LC"), (33, "RU"),
    ];
    let of = LENGTHS.iter().find(|(_, countries)| countries.split(' ').any(|known| known == country));
    of.map(|(length, _)| *length)
}

/// Tells whether nine digits are a routing number: their sum, weighted with 3, 7 and 1, is a multiple of ten.
pub(super) fn routing(text: &str) -> bool {
    let prefix = digits(text).take(2).fold(0, |prefix, digit| prefix * 10 + digit);
    let assigned = matches!(prefix, 1..=12 | 21..=32 | 61..=72 | 80);
    assigned
        && digits(text).count() == 9
        && digits(text).zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum::<u32>() % 10
            == 0
}

/// Tells whether the ninth letter of a vehicle identification number is right for the others.
pub(super) fn vehicle(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |letter: char| match letter.to_ascii_uppercase() {
        digit @ '0'..='9' => digit.to_digit(10),
        'A' | 'J' => Some(1),
        'B' | 'K' | 'S' => Some(2),
        'C' | 'L' | 'T' => Some(3),
        'D' | 'M' | 'U' => Some(4),
        'E' | 'N' | 'V' => Some(5),
        'F' | 'W' => Some(6),
        'G' | 'P' | 'X' => Some(7),
        'H' | 'Y' => Some(8),
        'R' | 'Z' => Some(9),
        _ => None,
    };
    let values: Option<Vec<u32>> = text.chars().map(value).collect();
    let Some(values) = values.filter(|values| values.len() == WEIGHTS.len()) else { return false };
    let rest = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum::<u32>() % 11;
    let check = text.chars().nth(8).map(|letter| letter.to_ascii_uppercase());
    check == if rest == 10 { Some('X') } else { char::from_digit(rest, 10) }
}

/// Tells whether ten digits are a national provider identifier: the formula of Luhn with 80840 before them.
pub(super) fn provider(text: &str) -> bool {
    luhn([8, 0, 8, 4, 0].into_iter().chain(digits(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_is_noticed() {
        for (check, good, bad) in [
            ((|text| luhn(digits(text))) as fn(&str) -> bool, "4111111111111111", "4111111111111112"),
            (iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
            (iban, "DE89370400440532013000", "DE89370400440532013001"),
            (routing, "021000021", "021000022"),
            (routing, "111000025", "993999999"),
            (vehicle, "1HGCM82633A004352", "1HGCM82633A004353"),
            (vehicle, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
            (provider, "1234567893", "1234567890"),
        ] {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
