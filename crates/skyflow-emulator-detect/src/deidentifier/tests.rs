use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use skyflow_types::Redaction;

use super::*;
use crate::{Dictionary, Format, FormatOptions, PolicyOptions, Reidentifier, TokenValues};

/// A vault of two maps.
#[derive(Default)]
struct Vault {
    tokens: HashMap<String, String>,
    values: HashMap<String, String>,
}

impl VaultTokens for Vault {
    fn token(&mut self, _: &DetectEntity, value: &str) -> Result<String, DetectError> {
        let next = format!("t{:06}", self.tokens.len());
        let token = self.tokens.entry(value.to_owned()).or_insert(next).clone();
        self.values.insert(token.clone(), value.to_owned());
        Ok(token)
    }
}

impl TokenValues for Vault {
    fn value(&mut self, _: &DetectEntity, token: &str, _: Redaction) -> Result<Option<String>, DetectError> {
        Ok(self.values.get(token).cloned())
    }
}

fn detector() -> Detector {
    let dictionary = Dictionary::new();
    for (phrase, entity) in [
        ("Jane Doe", DetectEntity::NAME),
        ("Zoë", DetectEntity::NAME),
        ("名前", DetectEntity::NAME),
        ("Falcon", DetectEntity::PROJECT),
        ("2020-02-28", DetectEntity::DOB),
        ("sometime", DetectEntity::DOB),
        ("ID", DetectEntity::NUMERICAL_PII),
    ] {
        dictionary.teach(phrase, entity);
    }
    Detector::new(Vec::new(), Arc::new(dictionary))
}

fn policy(options: Json) -> Policy {
    Policy::read(serde_json::from_value::<PolicyOptions>(options).unwrap()).unwrap()
}

fn deidentified(text: &str, options: Json) -> DeidentifiedText {
    Deidentifier::new(&detector(), &policy(options), &mut Vault::default(), 3).deidentify_text(text).unwrap()
}

fn characters(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start).take(end - start).collect()
}

#[test]
fn counters_skip_numbers_already_in_the_text() {
    let text = "Jane Doe, Zoë, Jane Doe [NAME_2] Falcon [PROJECT_x] [NAME_1x]";
    let response = deidentified(text, json!({}));
    assert_eq!(
        response.processed_text,
        "[NAME_1], [NAME_3], [NAME_1] [NAME_2] [PROJECT_1] [PROJECT_x] [NAME_1x]"
    );
    assert_eq!(response.entities.len(), 4);
    let first = &response.entities[0];
    assert_eq!((first.token.as_str(), first.value.as_str()), ("NAME_1", "Jane Doe"));
    assert_eq!((first.start, first.end, first.start_processed, first.end_processed), (0, 8, 0, 8));
    assert_eq!(first.scores[&DetectEntity::NAME], 1.0);
}

#[test]
fn each_kind_of_token_looks_as_it_should() {
    let options = json!({"token_type": {"default": "entity_only", "vault_token": ["name"]}});
    assert_eq!(deidentified("Zoë on Falcon", options).processed_text, "[NAME_t000000] on [PROJECT]");
    let options = json!({"entity_types": ["project"]});
    assert_eq!(deidentified("Zoë on Falcon", options).processed_text, "Zoë on [PROJECT_1]");
    let options = json!({"allow_regex": ["Zo"], "restrict_regex": ["Zoë", "Falcon"]});
    let response = deidentified("Zoë on Falcon", options);
    assert_eq!(response.processed_text, "Zoë on [RESTRICTED]");
    assert_eq!(response.entities.len(), 1);
    assert_eq!(response.entities[0].token, "RESTRICTED");
}

#[test]
fn unreadable_dates_get_a_token_others_shift() {
    let options =
        json!({"transformations": {"shift_dates": {"min_days": 1, "max_days": 2, "entity_types": ["dob"]}}});
    // The seed 3 chooses the second of two numbers of days.
    let response = deidentified("born 2020-02-28 or sometime", options.clone());
    assert_eq!(response.processed_text, "born 2020-03-01 or [DOB_1]");
    assert_eq!(response.entities[0].token, "2020-03-01");
    let detector = detector();
    let policy = policy(options);
    for (seed, date) in [(0, "2020-02-29"), (1, "2020-03-01"), (u64::MAX, "2020-03-01")] {
        let mut vault = Vault::default();
        let response =
            Deidentifier::new(&detector, &policy, &mut vault, seed).deidentify_text("2020-02-28").unwrap();
        assert_eq!(response.processed_text, date);
    }
}

#[test]
fn restricted_values_are_restricted_everywhere() {
    let detector = Detector::new(vec![Box::new(AfterCue)], Arc::default());
    let policy = policy(json!({"restrict_regex": ["Ann Lee"]}));
    let mut vault = Vault::default();
    let mut deidentifier = Deidentifier::new(&detector, &policy, &mut vault, 0);
    deidentifier.learning = true;
    deidentifier.edits(&Passage::new("name: Ann Lee")).unwrap();
    deidentifier.learning = false;
    let edits = deidentifier.edits(&Passage::new("by Ann Lee")).unwrap();
    assert_eq!(apply("by Ann Lee", &edits), "by [RESTRICTED]");
}

#[test]
fn learned_value_wins_over_a_shorter_finding() {
    let detector = Detector::new(vec![Box::new(AfterCue)], Arc::default());
    detector.dictionary().teach("Mill", DetectEntity::LOCATION_CITY);
    let policy = policy(json!({}));
    let mut vault = Vault::default();
    let mut deidentifier = Deidentifier::new(&detector, &policy, &mut vault, 0);
    deidentifier.learning = true;
    deidentifier.edits(&Passage::new("name: Old Mill House")).unwrap();
    deidentifier.learning = false;
    let edits = deidentifier.edits(&Passage::new("at Old Mill House, Mill")).unwrap();
    assert_eq!(apply("at Old Mill House, Mill", &edits), "at [NAME_1], [LOCATION_CITY_1]");
}

#[test]
fn values_found_once_are_replaced_throughout() {
    let detector = Detector::new(vec![Box::new(AfterCue)], Arc::default());
    let policy = policy(json!({"allow_regex": ["^Allowed"]}));
    let mut vault = Vault::default();
    let mut deidentifier = Deidentifier::new(&detector, &policy, &mut vault, 0);
    let passages = [
        "+49 (30) 1",
        "name: Ann Lee",
        "ann lee, Ann Leeds, xAnn Lee, ANN LEE",
        "name: Al",
        "Al",
        "name: Allowed One",
        "Allowed One",
        "name: +49 (30) 1",
    ];
    deidentifier.learning = true;
    for passage in passages {
        assert!(deidentifier.edits(&Passage::new(passage)).unwrap().is_empty());
    }
    deidentifier.learning = false;
    let processed: Vec<String> =
        passages.iter().map(|text| apply(text, &deidentifier.edits(&Passage::new(text)).unwrap())).collect();
    assert_eq!(
        processed,
        [
            "[NAME_1]",
            "name: [NAME_2]",
            "[NAME_3], Ann Leeds, xAnn Lee, [NAME_4]",
            "name: [NAME_5]",
            "Al",
            "name: Allowed One",
            "Allowed One",
            "name: [NAME_1]"
        ]
    );
    assert_eq!(deidentifier.into_found().len(), 6);
}

/// Finds whatever follows `name: `.
#[derive(Debug)]
struct AfterCue;

impl crate::Recognizer for AfterCue {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let start = passage.text().starts_with("name: ").then_some("name: ".len());
        start
            .map(|start| Finding::new(start..passage.text().len(), DetectEntity::NAME, 0.9))
            .into_iter()
            .collect()
    }
}

/// Any text, with values planted in it.
fn planted() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        ".{0,12}",
        "[\\PC\\s\u{0}\u{301}\u{202e}😀é\r\n]{0,6}",
        Just("Jane Doe".to_owned()),
        Just("Zoë".to_owned()),
        Just("名前".to_owned()),
        Just(" ".to_owned()),
        Just("[NAME_1]".to_owned()),
        Just("2020-02-28".to_owned()),
        Just("Jane\r\n\u{a0}Doe".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn positions_slice_back_to_values_and_tokens(text in planted()) {
        let response = deidentified(&text, json!({}));
        let mut end = 0;
        for found in &response.entities {
            prop_assert_eq!(&characters(&text, found.start, found.end), &found.value);
            let token = characters(&response.processed_text, found.start_processed, found.end_processed);
            prop_assert_eq!(token, format!("[{}]", found.token));
            prop_assert!(found.start >= end);
            end = found.end;
        }
    }

    #[test]
    fn vault_tokens_reidentify_to_the_same_text(text in planted()) {
        let mut vault = Vault::default();
        let detector = detector();
        let policy = policy(json!({"token_type": {"default": "vault_token"}}));
        let response = Deidentifier::new(&detector, &policy, &mut vault, 0).deidentify_text(&text).unwrap();
        let format = Format::read(FormatOptions::default()).unwrap();
        let edits = Reidentifier::new(&format, &mut vault).edits(&Passage::new(&response.processed_text)).unwrap();
        prop_assert_eq!(apply(&response.processed_text, &edits), text);
    }
}

#[test]
fn work_ends_when_its_time_is_over() {
    let detector = Detector::new(Vec::new(), Arc::default());
    let policy = Policy::read(PolicyOptions::default()).unwrap();
    let mut tokens = NoVaultTokens;
    let passages = std::cell::Cell::new(0);
    let is_out_of_time = || passages.replace(passages.get() + 1) == 2;
    let mut deidentifier = Deidentifier::new(&detector, &policy, &mut tokens, 0).until(&is_out_of_time);
    let content = b"a,b\nc,d\n";
    let options = crate::FileOptions::default();
    let run = deidentifier.twice(|rewrite| crate::process("csv", content, &options, None, rewrite));
    let problem = run.err().unwrap();
    assert!(matches!(problem, crate::FileProblem::Refused(DetectError::OutOfTime)), "{problem}");
    assert_eq!(passages.get(), 3);
}
