//! What the embedded Detect finds by itself: by grammar, check digits and short lists of words.

mod amounts;
mod bank;
mod cards;
mod checked;
mod checksums;
mod dates;
mod files;
mod government_ids;
mod labels;
mod lexicon;
mod medicine;
mod name_words;
mod names;
mod network;
mod organizations;
mod people;
mod phones;
mod places;
mod sentence;
mod shape;
mod vehicles;

#[cfg(test)]
mod disguise_tests;

use std::sync::LazyLock;

use super::{Finding, Passage, Recognizer};

pub(crate) use labels::{fits_label, is_known_label, names_labels};

/// Compiled when the first text is looked at, once for all vaults of the process: that takes longer than any text.
static RULES: LazyLock<Vec<Box<dyn Recognizer>>> = LazyLock::new(rules);

/// Returns the built-in recognizers.
pub fn built_in() -> Vec<Box<dyn Recognizer>> {
    vec![Box::new(BuiltIn)]
}

/// Every rule of this module.
#[derive(Debug)]
struct BuiltIn;

impl Recognizer for BuiltIn {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        RULES.iter().flat_map(|rule| rule.recognize(passage)).collect()
    }
}

fn rules() -> Vec<Box<dyn Recognizer>> {
    vec![
        Box::new(cards::cards()),
        Box::new(government_ids::government_ids()),
        Box::new(bank::bank()),
        Box::new(vehicles::vehicles()),
        Box::new(network::network()),
        Box::new(phones::phones()),
        Box::new(dates::dates()),
        Box::new(names::names()),
        Box::new(people::people()),
        Box::new(medicine::medicine()),
        Box::new(labels::labels()),
        Box::new(amounts::amounts()),
        Box::new(places::places()),
        Box::new(organizations::organizations()),
        Box::new(files::files()),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Detector;

    /// What a recognizer finds: entities and texts, in the order of the text.
    pub(super) fn found(recognizer: &dyn Recognizer, text: &str) -> Vec<(String, String)> {
        found_in(recognizer, &Passage::new(text))
    }

    /// What a recognizer finds, the same text as often as it is found.
    pub(super) fn found_all(recognizer: &dyn Recognizer, text: &str) -> Vec<(String, String)> {
        let findings = recognizer.recognize(&Passage::new(text));
        findings
            .into_iter()
            .map(|found| (found.entity.as_str().to_owned(), text[found.range].to_owned()))
            .collect()
    }

    pub(super) fn found_in(recognizer: &dyn Recognizer, passage: &Passage<'_>) -> Vec<(String, String)> {
        let mut findings = recognizer.recognize(passage);
        findings.sort_by_key(|finding| (finding.range.start, finding.range.end));
        let part = |finding: &Finding| passage.text()[finding.range.clone()].to_owned();
        let mut found: Vec<_> =
            findings.iter().map(|finding| (finding.entity.as_str().to_owned(), part(finding))).collect();
        found.dedup();
        found
    }

    #[track_caller]
    pub(super) fn assert_finds(recognizer: &dyn Recognizer, text: &str, expected: &[(&str, &str)]) {
        let found = found(recognizer, text);
        let found: Vec<(&str, &str)> = found.iter().map(|(entity, part)| (&**entity, &**part)).collect();
        assert_eq!(found, expected, "in {text:?}");
    }

    #[test]
    fn built_in_rules_compile() {
        assert!(rules().len() > 10);
        assert_eq!(built_in().len(), 1);
    }

    /// What a vault finds.
    fn resolved(text: &str) -> Vec<(String, String)> {
        let found = Detector::new(built_in(), Arc::default()).find(&Passage::new(text), None, |_| true);
        let named = |finding: Finding| (finding.entity.as_str().to_owned(), text[finding.range].to_owned());
        found.into_iter().map(named).collect()
    }

    #[test]
    fn whole_sentences_are_understood() {
        for (text, expected) in [
            (
                "My name is Jane Doe and my SSN is 123-45-6789.",
                &[("name", "Jane Doe"), ("ssn", "123-45-6789")][..],
            ),
            ("Card 4111 1111 1111 1111", &[("credit_card", "4111 1111 1111 1111")]),
            ("4111 1111 1111 1112", &[]),
            ("born 5 June 1990", &[("dob", "5 June 1990")]),
            ("on 2024-03-01", &[("date", "2024-03-01")]),
            ("from 1 May 2020 to 3 June 2021", &[("date_interval", "1 May 2020 to 3 June 2021")]),
            ("(415) 555-2671", &[("phone_number", "(415) 555-2671")]),
            ("+44 20 7946 0958", &[("phone_number", "+44 20 7946 0958")]),
            ("Falcon", &[]),
            (
                "Mail jane.doe@example.com or see https://example.com/x.",
                &[("email_address", "jane.doe@example.com"), ("url", "https://example.com/x")],
            ),
            (
                "John Smith lives at 123 Main Street, Springfield, IL 62704.",
                &[("name", "John Smith"), ("location_address", "123 Main Street, Springfield, IL 62704")],
            ),
            (
                "Dr. Maria Garcia of Mercy Hospital prescribed 500 mg amoxicillin for pneumonia on March 3, 2024",
                &[
                    ("name_medical_professional", "Maria Garcia"),
                    ("organization_medical_facility", "Mercy Hospital"),
                    ("dose", "500 mg"),
                    ("drug", "amoxicillin"),
                    ("condition", "pneumonia"),
                    ("date", "March 3, 2024"),
                ],
            ),
            (
                "Wire $2,500 to IBAN DE89 3704 0044 0532 0130 00 by Friday",
                &[("money", "$2,500"), ("bank_account", "DE89 3704 0044 0532 0130 00"), ("day", "Friday")],
            ),
            ("The quick brown fox jumps over the lazy dog. Will it? It may, I hope; mark my words.", &[]),
            ("Hello, how can I help you with your account today?", &[]),
            ("Please review the quarterly report and send me your comments. Thanks!", &[]),
        ] {
            let found = resolved(text);
            let found: Vec<(&str, &str)> = found.iter().map(|(entity, part)| (&**entity, &**part)).collect();
            assert_eq!(found, expected, "in {text:?}");
        }
    }

    #[test]
    fn odd_texts_give_valid_ranges_without_panic() {
        let pieces = [
            "",
            " ",
            "\0",
            "\r\n",
            "é",
            "e\u{301}",
            "\u{200f}",
            "\u{202e}",
            "🙂",
            "👩‍👩‍👧",
            "王",
            "ß",
            "İ",
            "K",
            "'",
            "’",
            "-",
            ".",
            ",",
            "@",
            ":",
            "::",
            "/",
            "\\",
            "#",
            "$",
            "(",
            ")",
            "1",
            "12",
            "123-45-6789",
            "4111 1111 1111 1111",
            "Jane",
            "Dr.",
            "my name is ",
            "O'",
            "Doe",
            "ssn ",
            "New",
            "York",
            "5 June",
            "1990",
            " to ",
            "a@b.de",
            "https://",
            "192.168.0.1",
            "::1",
            "DE89",
            "Inc.",
            "123 Main St",
            "born ",
            "°",
            "\u{a0}",
            "\u{feff}",
            "١٢٣",
            "password: ",
            "x",
        ];
        let labels = ["", "name", "ssn", "🙂", "cardNumber", "a.b/c:", "é"];
        let mut seed = 7_usize;
        let mut next = |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let rules = built_in();
        for _ in 0..400 {
            let text: String = (0..next(12)).map(|_| pieces[next(pieces.len())]).collect();
            let passage = Passage::new(&text).labelled(labels[next(labels.len())]);
            for finding in rules.iter().flat_map(|rule| rule.recognize(&passage)) {
                let part = text.get(finding.range.clone()).expect("a range on the borders of characters");
                assert!(!part.is_empty(), "{finding:?} in {text:?}");
                assert_eq!(part.trim(), part, "{finding:?} in {text:?}");
                assert!(finding.score > 0.0 && finding.score <= 1.0, "{finding:?}");
                assert!(finding.labels.iter().all(|(_, score)| *score > 0.0 && *score < 1.0), "{finding:?}");
            }
        }
    }
}
