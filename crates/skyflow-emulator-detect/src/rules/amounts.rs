use skyflow_types::DetectEntity;

use super::shape::{Shape, Shapes};

const NUMBER: &str = "(?:[0-9]{1,3}(?:[,.' ][0-9]{3})+|[0-9]+)(?:[.,][0-9]{1,2})?";
const CODES: &str =
    "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|INR|BRL|MXN|SEK|NOK|DKK|PLN|ZAR|KRW|SGD|HKD|TRY|ILS|AED";
const SCALES: &str = "(?: ?(?:[kKM]|[mb]n|(?i-u:thousand|million|billion|trillion|grand)))?";

/// Sums of money, ages, doses of drugs.
pub(super) fn amounts() -> Shapes {
    let amount = |entity, score, text: String| Shape::new(entity, score, &text);
    Shapes(vec![
        amount(DetectEntity::MONEY, 0.95, format!("-?(?:US|CA|A|C|NZ|HK|R)?[$€£¥₹₽₩₺₪] ?{NUMBER}{SCALES}")),
        amount(DetectEntity::MONEY, 0.95, format!("(?:{CODES}) ?{NUMBER}{SCALES}")),
        amount(
            DetectEntity::MONEY,
            0.93,
            format!("{NUMBER}{SCALES} ?(?:[€£¥₹₽₩₺₪]|{CODES}|(?i-u:(?:us )?dollars?|euros?|pounds sterling|pounds|cents|bucks|yen|rupees|francs|pesos))"),
        ),
        amount(
            DetectEntity::AGE,
            0.93,
            "(?:1[01][0-9]|[1-9]?[0-9])[ -](?i-u:years?|yrs?|months?|weeks?|days?)[ -](?i-u:olds?|of age)".to_owned(),
        ),
        amount(DetectEntity::AGE, 0.9, "(?:1[01][0-9]|[1-9]?[0-9]) ?(?i-u:y/?o|yo)".to_owned()),
        Shape::new(DetectEntity::AGE, 0.9, "1[01][0-9]|[1-9]?[0-9]")
            .cued("aged?|aged? (?:is|of)|age ?[:=]|at the age of|turn(?:s|ed|ing)|my age")
            .apart(),
        amount(
            DetectEntity::AGE,
            0.85,
            "(?i-u:i'm|i am|he is|she is|he's|she's|who is) ([1-9][0-9]|1[01][0-9])(?:[.,;!?]| and | now|$)".to_owned(),
        ),
        amount(DetectEntity::AGE, 0.85, "(?i-u:in (?:his|her|their|my) (?:early |mid-? ?|late )?)([2-9]0s|(?i-u:twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties))".to_owned()),
        amount(
            DetectEntity::DOSE,
            0.93,
            "[0-9]{1,5}(?:[.,][0-9]{1,3})? ?(?:mg|mcg|µg|μg|ug|ml|mL|cc|IU|mEq|(?i-u:milligrams?|micrograms?|millilit(?:er|re)s?|international units|tablets?|capsules?|pills?|puffs?|drops|teaspoons?|tablespoons?))(?:/(?:kg|ml|mL|day|dose|h))?".to_owned(),
        ),
        amount(DetectEntity::DOSE, 0.85, "(?i-u:one|two|three|four|half a) (?i-u:tablets?|capsules?|pills?|puffs?|drops|teaspoons?)".to_owned()),
        Shape::new(DetectEntity::DOSE, 0.85, "[0-9]{1,3} units").cued("insulin|inject(?:s|ed)?|takes?|dose"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn amounts_are_found_with_their_units() {
        for (text, entity, expected) in [
            ("pay $1,234.56.", "money", "$1,234.56"),
            ("€ 20 now", "money", "€ 20"),
            ("💰£5 million💰", "money", "£5 million"),
            ("20.000,50 EUR\r\n", "money", "20.000,50 EUR"),
            ("USD 100", "money", "USD 100"),
            ("50 dollars", "money", "50 dollars"),
            ("a 45-year-old man", "age", "45-year-old"),
            ("45 years old", "age", "45 years old"),
            ("aged 7", "age", "7"),
            ("Age: 101", "age", "101"),
            ("I am 34.", "age", "34"),
            ("in her 40s", "age", "40s"),
            ("take 500 mg daily", "dose", "500 mg"),
            ("2.5ml", "dose", "2.5ml"),
            ("two tablets", "dose", "two tablets"),
            ("insulin 10 units", "dose", "10 units"),
        ] {
            let found = found(&amounts(), text);
            assert!(found.contains(&(entity.to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn numbers_alone_are_no_amounts() {
        for text in ["1,234.56", "45", "page 45", "10 units", "x$", "the 40s", "$HOME", "he is 45th", "5 mgr"]
        {
            assert_finds(&amounts(), text, &[]);
        }
    }
}
