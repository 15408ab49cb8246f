//! Files of every format, processed with the rules of the vault: unknown people leave no trace in any format.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::planted::{assert_nothing_of, by_the_rules};
use super::samples::person::Person;
use super::samples::{excel, pdf, slides, texts, word};

/// A card number with the check digit that belongs to it.
fn card() -> impl Strategy<Value = String> {
    "4[0-9]{14}".prop_map(|digits| {
        let doubled = digits.bytes().rev().enumerate().map(|(at, digit)| {
            let value = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        });
        let check = (10 - doubled.sum::<u32>() % 10) % 10;
        format!("{digits}{check}")
    })
}

fn deidentified(format: &str, content: &[u8], options: Value) -> Vec<u8> {
    by_the_rules(format, content, options).unwrap_or_else(|problem| panic!("{format}: {problem}"))
}

#[test]
fn text_without_entities_stays_byte_for_byte() {
    for (format, content) in [
        ("json", r#"{"fields":[{"name":"amount"}],"amount":{},"state":"active","note":"the amount is due"}"#),
        ("jsonl", "{\"name\":\"timeout\"}\n{\"text\":\"the timeout has ended\"}\n"),
        ("xml", r#"<a><property name="timeout" value="x"/>the timeout has ended<!-- a-b --></a>"#),
        ("csv", "item,note\r\nTotal,the total is fine\r\n"),
        ("txt", "Our office opens the background window as normal."),
    ] {
        let processed = deidentified(format, content.as_bytes(), json!({}));
        assert_eq!(String::from_utf8(processed).unwrap(), content, "{format}");
    }
}

#[test]
fn labelled_single_words_are_not_learned() {
    let content =
        r#"{"name":"Basic","last_name":"Long","note":"the basic and long way","zip":"2024","Basic":2024}"#;
    let processed = deidentified("json", content.as_bytes(), json!({}));
    let expected = r#"{"name":"[NAME_1]","last_name":"[NAME_FAMILY_1]","note":"the basic and long way","zip":"[LOCATION_ZIP_1]","Basic":2024}"#;
    assert_eq!(String::from_utf8(processed).unwrap(), expected);
}

#[test]
fn personal_data_is_removed_from_every_format() {
    // Names of no language and cards of no bank, so that no list of words has them.
    let person = ("Q[aeiou]zz[a-zéü]{2,6}", "V[aeiouå]xx[a-z]{2,6}", card(), "[a-z]{3,8}[0-9]{2}");
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&person, |(first, last, card, mail)| {
        let (name, mail) = (format!("{first} {last}"), format!("{mail}@post.example.com"));
        let person = Person { name: &name, card: &card, mail: &mail };
        // The maker of the PDF writes the bytes of a text into fonts that have no accents.
        let plain = name.replace('é', "e").replace('ü', "u").replace('å', "a");
        let without_accents = Person { name: &plain, ..person };
        let files = [
            ("docx", word::word(&person).unwrap()),
            ("xlsx", excel::excel(&person).unwrap()),
            ("pptx", slides::slides(&person).unwrap()),
            ("pdf", pdf::pdf(&without_accents).unwrap()),
        ];
        for (format, content) in texts::texts(&person).into_iter().chain(files) {
            for options in [json!({}), json!({"restrict_regex": [name, plain]})] {
                let processed = deidentified(format, &content, options);
                assert_nothing_of(&[&name, &plain, &card, &mail], &processed);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
