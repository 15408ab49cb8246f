use skyflow_types::DetectEntity;

use super::checked::{Checked, Written};
use super::checksums;
use super::shape::{HYPHENS, SPACES, Shape, Shapes};
use crate::{Finding, Passage, Recognizer};

/// Accounts and banks.
#[derive(Debug)]
pub(super) struct Bank {
    international: Checked,
    shapes: Shapes,
}

pub(super) fn bank() -> Bank {
    Bank {
        international: Checked {
            entity: DetectEntity::BANK_ACCOUNT,
            score: 0.99,
            lengths: 15..=34,
            begins: |group| {
                let mut letters = group.bytes();
                letters.by_ref().take(2).filter(u8::is_ascii_alphabetic).count() == 2
                    && letters.take(2).all(|letter| letter.is_ascii_digit())
            },
            accepts: is_international,
        },
        shapes: shapes(),
    }
}

impl Recognizer for Bank {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.international.recognize(passage);
        findings.extend(self.shapes.recognize(passage));
        findings
    }
}

/// Tells whether a number is an international one. That of a country without a known length is written in uppercase,
/// in groups of four.
fn is_international(written: &Written<'_>) -> bool {
    let compact = written.compact();
    let Some(country) = compact.get(..2).map(str::to_ascii_uppercase) else { return false };
    if !compact.bytes().skip(2).take(2).all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    let has_length = match checksums::iban_length(&country) {
        Some(length) => compact.len() == length,
        None => {
            let groups: Vec<usize> = written.groups().map(str::len).collect();
            let is_in_fours = groups
                .split_last()
                .is_some_and(|(last, others)| *last <= 4 && others.iter().all(|length| *length == 4));
            !compact.contains(|letter: char| letter.is_ascii_lowercase())
                && (groups.len() == 1 || is_in_fours)
        }
    };
    has_length && checksums::iban(compact)
}

fn shapes() -> Shapes {
    Shapes(vec![
        Shape::new(DetectEntity::ROUTING_NUMBER, 0.97, "[0-9](?:[ ./_-]?[0-9]){8}")
            .checked(checksums::routing)
            .cued("routing|rtn|aba|transit")
            .apart(),
        Shape::new(DetectEntity::BANK_ACCOUNT, 0.94, &format!("[0-9](?:[{SPACES}{HYPHENS}]?[0-9]){{5,16}}"))
            .cued("(?:bank|checking|savings?|current|deposit)[ _-](?:account|acct)(?:[ _-]?(?:number|no|num))?")
            .apart(),
        Shape::new(DetectEntity::ACCOUNT_NUMBER, 0.92, "(?i-u)(?:[a-z]{1,4}-?)?[0-9](?:-?[0-9]){4,19}")
            .cued("accounts?|acct|a/c|account[ _-]?(?:number|no|num|id)|customer (?:number|no|id)|member(?:ship)? (?:number|no|id)|policy (?:number|no)")
            .apart(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn ibans_with_valid_check_digits_are_found() {
        for (text, expected) in [
            ("IBAN GB82 WEST 1234 5698 7654 32.", &[("bank_account", "GB82 WEST 1234 5698 7654 32")][..]),
            ("DE89370400440532013000", &[("bank_account", "DE89370400440532013000")]),
            ("مرحبا DE89370400440532013000", &[("bank_account", "DE89370400440532013000")]),
            ("DE89370400440532013001", &[]),
            ("xDE89370400440532013000", &[]),
        ] {
            let found = crate::rules::tests::found(&bank(), text);
            assert_eq!(
                found.first().map(|(entity, part)| (&**entity, &**part)),
                expected.first().copied(),
                "{text}"
            );
        }
    }

    #[test]
    fn ibans_are_found_however_they_are_written() {
        for number in [
            "de89370400440532013000",
            "De89 3704 0044 0532 0130 00",
            "DE89-3704-0044-0532-0130-00",
            "DE89.3704.0044.0532.0130.00",
            "DE 89 370400440532013000",
            "de 89 3704 0044 0532 0130 00",
            "DE89  3704  0044  0532  0130  00",
            "GB82-WEST-1234-5698-7654-32",
            "gb82west12345698765432",
            "NO9386011117947",
            "FR14 2004 1010 0505 0001 3M02 606",
        ] {
            let text = format!("to {number} by friday, {number}/x");
            let expected = [("bank_account", number); 2];
            let found = crate::rules::tests::found_all(&bank(), &text);
            let found: Vec<_> = found.iter().map(|(entity, part)| (&**entity, &**part)).collect();
            assert_eq!(found, expected, "{text}");
        }
        for text in ["de89370400440532013001", "at 10 am we met 12 people of de89 and 3704 more 12345"] {
            assert_finds(&bank(), text, &[]);
        }
    }

    #[test]
    fn plain_bank_numbers_need_a_cue_before_them() {
        for (text, expected) in [
            ("routing number 021000021", &[("routing_number", "021000021")][..]),
            ("ABA: 111000025\r\n", &[("routing_number", "111000025")]),
            ("routing 0210-0002-1", &[("routing_number", "0210-0002-1")]),
            ("aba 021 000 021 now", &[("routing_number", "021 000 021")]),
            ("routing 021000022", &[]),
            ("code 021000021", &[]),
            ("account 12345678", &[("account_number", "12345678")]),
            ("Account number: AB-1234567!", &[("account_number", "AB-1234567")]),
            ("acct #99887766", &[("account_number", "99887766")]),
            ("12345678 accounts", &[]),
            ("my account balance", &[]),
        ] {
            assert_finds(&bank(), text, expected);
        }
        let found = crate::rules::tests::found(&bank(), "checking account 0012345678");
        assert!(found.contains(&("bank_account".to_owned(), "0012345678".to_owned())), "{found:?}");
    }
}
