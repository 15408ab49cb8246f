use skyflow_types::DetectEntity;

use super::checksums;
use super::shape::{HYPHENS, SPACES, Shape, Shapes};

/// Accounts and banks.
pub(super) fn bank() -> Shapes {
    Shapes(vec![
        Shape::new(
            DetectEntity::BANK_ACCOUNT,
            0.99,
            &format!("[A-Z]{{2}}[0-9]{{2}}(?:[{SPACES}]?[A-Z0-9]{{4}}){{2,7}}(?:[{SPACES}]?[A-Z0-9]{{1,3}})?"),
        )
        .checked(checksums::iban),
        // The same number with a word behind it, which looks like its last group.
        Shape::new(
            DetectEntity::BANK_ACCOUNT,
            0.99,
            &format!("[A-Z]{{2}}[0-9]{{2}}(?:[{SPACES}]?[A-Z0-9]{{4}}){{2,7}}"),
        )
        .checked(checksums::iban),
        Shape::new(DetectEntity::ROUTING_NUMBER, 0.97, "[0-9]{9}")
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
    fn plain_bank_numbers_need_a_cue_before_them() {
        for (text, expected) in [
            ("routing number 021000021", &[("routing_number", "021000021")][..]),
            ("ABA: 111000025\r\n", &[("routing_number", "111000025")]),
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
