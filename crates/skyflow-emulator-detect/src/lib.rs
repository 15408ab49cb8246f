#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod date_shift;
mod deidentifier;
mod detector;
mod dictionary;
mod error;
mod escapes;
mod files;
mod folded;
mod guardrails;
mod learned;
mod mapped_text;
mod passage;
mod phrases;
mod policy;
mod policy_v2;
mod recognizer;
mod reidentifier;
mod rewrite;
mod rules;
mod segmentation;
mod whole_number;
mod words;

pub use deidentifier::{DeidentifiedText, Deidentifier, Found, NoVaultTokens, VaultTokens};
pub use detector::Detector;
pub use dictionary::Dictionary;
pub use error::DetectError;
pub use files::{
    FileOptions, FileProblem, MaskingMethod, Ocr, OcrError, OcrWord, ProcessedFile, ProcessedRun, Tesseract,
    TextCounts, missing_feature, process,
};
pub use guardrails::Verdict;
pub use passage::Passage;
pub use policy::{Policy, PolicyOptions};
pub use policy_v2::{ObjectRedaction, ReturnedEntities, Rules, RulesOptions};
pub use recognizer::{Finding, Recognizer};
pub use reidentifier::{Format, FormatOptions, Reidentifier, TokenValues, is_readable};
pub use rewrite::{Edit, Rewrite, apply};
pub use rules::built_in;
pub use whole_number::WholeNumber;
