//! What the embedded Detect finds by itself: by grammar, check digits and short lists of words.

mod amounts;
mod bank;
mod cards;
mod checksums;
mod dates;
mod files;
mod government_ids;
mod labels;
mod lexicon;
mod medicine;
mod names;
mod network;
mod organizations;
mod people;
mod phones;
mod places;
mod sentence;
mod shape;
mod vehicles;

use super::Recognizer;

/// Returns the built-in recognizers.
pub(crate) fn built_in() -> Vec<Box<dyn Recognizer>> {
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
    use super::*;
    use crate::detect::Passage;

    /// What a recognizer finds: entities and texts, in the order of the text.
    pub(super) fn found(recognizer: &dyn Recognizer, text: &str) -> Vec<(String, String)> {
        found_in(recognizer, &Passage::new(text))
    }

    pub(super) fn found_in(recognizer: &dyn Recognizer, passage: &Passage<'_>) -> Vec<(String, String)> {
        let mut findings = recognizer.recognize(passage);
        findings.sort_by_key(|finding| (finding.range.start, finding.range.end));
        let part = |finding: &crate::detect::Finding| passage.text()[finding.range.clone()].to_owned();
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
        assert!(!built_in().is_empty());
    }
}
