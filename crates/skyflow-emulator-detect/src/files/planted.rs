//! What the tests of all formats share: values that are planted in files, and the search for them.

#[cfg(feature = "office")]
use std::io::{Cursor, Read};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use super::{FileOptions, FileProblem, ProcessedRun, process};
use crate::rewrite::{Edit, Rewrite};
use crate::rules::built_in;
use crate::{Deidentifier, DetectError, Detector, NoVaultTokens, Passage, Policy, PolicyOptions};

pub(super) const NAME: &str = "Ada Quillfeather";
pub(super) const NUMBER: &str = "4929123456781234";
pub(super) const MAIL: &str = "ada@quill.example";

/// Replaces the planted words and notes under which labels they were shown.
#[derive(Default)]
pub(super) struct ReplacePlanted {
    pub(super) labels: Vec<String>,
    pub(super) passages: Vec<String>,
}

impl Rewrite for ReplacePlanted {
    fn edits(&mut self, passage: &Passage<'_>) -> Result<Vec<Edit>, DetectError> {
        self.passages.push(passage.text().to_owned());
        // A line end within a value is what a paragraph looks like.
        let text = passage.text().replace(['\n', '\t'], " ");
        let words = [(NAME, "[NAME_1]"), (NUMBER, "[CREDIT_CARD_1]"), (MAIL, "[EMAIL_ADDRESS_1]")];
        let edits = edits_of(&text, &words);
        self.labels.extend(edits.iter().map(|_| passage.label().to_owned()));
        Ok(edits)
    }
}

/// Replaces words.
struct Words<'a>(&'a [(&'a str, &'a str)]);

impl Rewrite for Words<'_> {
    fn edits(&mut self, passage: &Passage<'_>) -> Result<Vec<Edit>, DetectError> {
        Ok(edits_of(passage.text(), self.0))
    }
}

/// Finds each word and what takes its place.
fn edits_of(text: &str, words: &[(&str, &str)]) -> Vec<Edit> {
    let found = words.iter().flat_map(|(word, replacement)| {
        text.match_indices(word).map(move |(at, _)| (at..at + word.len(), *replacement))
    });
    let mut edits: Vec<Edit> =
        found.map(|(range, replacement)| Edit { range, replacement: replacement.to_owned() }).collect();
    edits.sort_by_key(|edit| edit.range.start);
    edits
}

/// Changes nothing.
pub(super) struct Keep;

impl Rewrite for Keep {
    fn edits(&mut self, _: &Passage<'_>) -> Result<Vec<Edit>, DetectError> {
        Ok(Vec::new())
    }
}

pub(super) fn run(format: &str, content: &[u8]) -> Result<ProcessedRun, FileProblem> {
    process(format, content, &FileOptions::default(), None, &mut ReplacePlanted::default())
}

/// Processes a file from which the planted words are replaced.
pub(super) fn redact(format: &str, content: &[u8]) -> Vec<u8> {
    match run(format, content) {
        Ok(mut run) => run.outputs.remove(0).content,
        Err(problem) => panic!("{format}: {problem}"),
    }
}

/// Processes a file in which words are replaced.
pub(super) fn replaced(format: &str, content: &[u8], words: &[(&str, &str)]) -> Vec<u8> {
    let run = process(format, content, &FileOptions::default(), None, &mut Words(words));
    run.unwrap().outputs.remove(0).content
}

/// Processes a file by the rules of the vault.
pub(super) fn by_the_rules(format: &str, content: &[u8], options: Value) -> Result<Vec<u8>, FileProblem> {
    let detector = Detector::new(built_in(), Arc::default());
    let policy = Policy::read(serde_json::from_value::<PolicyOptions>(options).unwrap()).unwrap();
    let mut tokens = NoVaultTokens;
    let mut deidentifier = Deidentifier::new(&detector, &policy, &mut tokens, 0);
    let run = deidentifier.twice(|rewrite| process(format, content, &FileOptions::default(), None, rewrite));
    Ok(run?.outputs.remove(0).content)
}

/// Processes a file in which nothing is replaced.
pub(super) fn keep(format: &str, content: &[u8]) -> Vec<u8> {
    process(format, content, &FileOptions::default(), None, &mut Keep).unwrap().outputs.remove(0).content
}

/// Asserts that nothing of a file holds a planted word, in any spelling and in anything that unfolds from it.
pub(super) fn assert_nothing_planted(content: &[u8]) {
    assert_nothing_of(&[NAME, NUMBER, MAIL], content);
}

/// Asserts that nothing of a file holds one of these values.
pub(super) fn assert_nothing_of(values: &[&str], content: &[u8]) {
    for (place, bytes) in unfold(content) {
        for planted in values {
            for spelling in spellings(planted) {
                let found = bytes.windows(spelling.len()).any(|window| window == spelling);
                assert!(!found, "{planted} survives in {place} as {}", String::from_utf8_lossy(&spelling));
            }
        }
    }
}

fn spellings(planted: &str) -> Vec<Vec<u8>> {
    let hex: String = planted.bytes().map(|byte| format!("{byte:02x}")).collect();
    let per_character = |start: &str, end: &str, radix: u32| -> Vec<u8> {
        let digits =
            |c: char| if radix == 16 { format!("{:04x}", u32::from(c)) } else { u32::from(c).to_string() };
        planted.chars().map(|c| format!("{start}{}{end}", digits(c))).collect::<String>().into_bytes()
    };
    let mut spellings = vec![
        planted.as_bytes().to_vec(),
        planted.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        planted.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        per_character("\\u", "", 16),
        per_character("&#", ";", 10),
        planted.replace(' ', "%20").replace('@', "%40").into_bytes(),
    ];
    // A text within base64 starts at one of three places; the characters at its borders depend on what is beside it.
    for offset in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(["\0".repeat(offset).as_str(), planted].concat());
        spellings.push(encoded.as_bytes()[(offset * 4).div_ceil(3)..encoded.len() - 2].to_vec());
    }
    spellings
}

/// Returns a file and what is packed in it.
pub(super) fn unfold(content: &[u8]) -> Vec<(String, Vec<u8>)> {
    #[cfg_attr(
        not(any(feature = "office", feature = "pdf")),
        expect(unused_mut, reason = "only Office files and PDF hold others")
    )]
    let mut unfolded = vec![("the file".to_owned(), content.to_vec())];
    #[cfg(feature = "office")]
    if let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(content)) {
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            unfolded.push((entry.name().unwrap().into_owned(), bytes));
        }
    }
    #[cfg(feature = "pdf")]
    if let Ok(document) = lopdf::Document::load_mem(content) {
        for (id, object) in &document.objects {
            let mut bytes = format!("{object:?}").into_bytes();
            if let Ok(stream) = object.as_stream() {
                bytes.extend(stream.get_plain_content().unwrap());
            }
            unfolded.push((format!("object {}", id.0), bytes));
        }
    }
    unfolded
}

/// Asserts that a cut file gives a problem or an output, and that both come without a panic.
pub(super) fn survive_cuts(format: &str, content: &[u8]) {
    for end in (0..content.len()).step_by(97) {
        let _ = run(format, &content[..end]);
    }
}
