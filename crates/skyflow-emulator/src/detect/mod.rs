//! The embedded Detect: finds entities in texts and files, and puts tokens in their place.

mod canned;
mod date_shift;
mod deidentifier;
mod detector;
mod dictionary;
mod files;
mod guardrails;
mod learned;
mod passage;
mod phrases;
mod policy;
mod recognizer;
mod reidentifier;
mod rewrite;
mod rules;
mod run_queue;
mod segmentation;
mod settings;
mod vault_tokens;
mod words;

pub use canned::CannedRun;
pub use dictionary::Dictionary;
pub use files::{Ocr, OcrError, OcrWord, Tesseract};
pub use passage::Passage;
pub use recognizer::{Finding, Recognizer};

pub(crate) use canned::{CannedRuns, Counts, failed, output, succeeded, without_output};
pub(crate) use deidentifier::{Deidentifier, Found, VaultTokens};
pub(crate) use detector::Detector;
pub(crate) use files::{FileOptions, FileProblem, MaskingMethod, process};
pub(crate) use guardrails::Verdict;
pub(crate) use policy::{Policy, PolicyOptions};
pub(crate) use reidentifier::{Format, FormatOptions, Reidentifier, TokenValues};
pub(crate) use rewrite::{Rewrite, apply};
pub(crate) use run_queue::RunQueue;
pub(crate) use settings::{DetectSettings, Settings};
pub(crate) use vault_tokens::{NoVaultTokens, StoredTokens, column_of};
