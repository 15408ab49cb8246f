//! Replaces entities with tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use skyflow_types::DetectEntity;

use super::date_shift::shifted;
use super::learned::Learned;
use super::policy::{Policy, Ruling, TokenKind};
use super::rewrite::{Edit, Rewrite, apply};
use super::{Detector, Finding, Passage};
use crate::DetectError;

const RESTRICTED: &str = "RESTRICTED";

/// Creates vault tokens for values.
pub trait VaultTokens {
    /// Returns the token of a value: the same token for the same value.
    ///
    /// # Errors
    ///
    /// Fails when the vault has no token for this entity or cannot store the value.
    fn token(&mut self, entity: &DetectEntity, value: &str) -> Result<String, DetectError>;
}

/// Refuses every token, for policies without vault tokens and for files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoVaultTokens;

impl VaultTokens for NoVaultTokens {
    fn token(&mut self, _: &DetectEntity, _: &str) -> Result<String, DetectError> {
        Err(DetectError::vault("no vault is there to store tokens"))
    }
}

/// An entity that was found and replaced. Positions are counted in characters.
#[non_exhaustive]
pub struct Found {
    /// The token, without brackets.
    pub token: String,
    /// The replaced value.
    pub value: String,
    /// The entity.
    pub entity: DetectEntity,
    /// The entity and the labels beside it, each with its score.
    pub scores: BTreeMap<DetectEntity, f64>,
    /// Where the value starts in the original text.
    pub start: usize,
    /// Where the value ends in the original text.
    pub end: usize,
    /// Where the replacement starts in the processed text.
    pub start_processed: usize,
    /// Where the replacement ends in the processed text.
    pub end_processed: usize,
}

/// A text whose entities are replaced by tokens.
#[non_exhaustive]
pub struct DeidentifiedText {
    /// The text with tokens.
    pub processed_text: String,
    /// The entities in the order of the text.
    pub entities: Vec<Found>,
}

/// De-identifies the passages of one text or one file: counters and the shift of dates are the same for all of them.
///
/// A file is gone through twice. In the first pass it learns which values there are; in the second one they are replaced
/// in any position, also without context that gives them away, such as a name in the properties of a document.
pub struct Deidentifier<'a> {
    detector: &'a Detector,
    policy: &'a Policy,
    tokens: &'a mut dyn VaultTokens,
    shift_seed: u64,
    is_out_of_time: Option<&'a dyn Fn() -> bool>,
    counters: Counters,
    learning: bool,
    learned: Learned,
    found: Vec<Found>,
}

impl<'a> Deidentifier<'a> {
    /// Starts with empty counters. `shift_seed` chooses by how many days the dates of this request are shifted.
    pub fn new(
        detector: &'a Detector,
        policy: &'a Policy,
        tokens: &'a mut dyn VaultTokens,
        shift_seed: u64,
    ) -> Self {
        Self {
            detector,
            policy,
            tokens,
            shift_seed,
            is_out_of_time: None,
            counters: Counters::default(),
            learning: false,
            learned: Learned::default(),
            found: Vec::new(),
        }
    }

    /// Ends the work with [`DetectError::OutOfTime`] as soon as this says so.
    pub fn until(self, is_out_of_time: &'a dyn Fn() -> bool) -> Self {
        Self { is_out_of_time: Some(is_out_of_time), ..self }
    }

    /// Runs a pass over a file twice: the first one learns and replaces nothing.
    ///
    /// # Errors
    ///
    /// Fails with the error of either pass.
    pub fn twice<T, E>(&mut self, mut pass: impl FnMut(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.learning = true;
        let learned = pass(self);
        self.learning = false;
        learned?;
        pass(self)
    }

    /// Returns the replaced entities; positions are those within each passage.
    pub fn into_found(self) -> Vec<Found> {
        self.found
    }

    /// Replaces the entities of a text.
    ///
    /// # Errors
    ///
    /// Fails when a vault token cannot be made.
    pub fn deidentify_text(mut self, text: &str) -> Result<DeidentifiedText, DetectError> {
        self.counters.reserve(text);
        let edits = self.edits(&Passage::new(text))?;
        Ok(DeidentifiedText { processed_text: apply(text, &edits), entities: self.found })
    }

    /// Returns the findings of a passage: by the rules, and among the learned values.
    fn findings(&self, passage: &Passage<'_>) -> Vec<Finding> {
        self.detector.find(passage, Some(&self.learned), |entity| self.policy.wants(entity))
    }

    /// The replacement of a value: the token, and whether it is in brackets.
    fn token(&mut self, entity: &DetectEntity, value: &str) -> Result<(String, bool), DetectError> {
        if let Some(shift) = self.policy.shift_of(entity) {
            let span = shift.end() - shift.start() + 1;
            let chosen = self.shift_seed.checked_rem(span.unsigned_abs()).unwrap_or_default();
            let days = shift.start() + i64::try_from(chosen).unwrap_or_default();
            if let Some(moved) = shifted(value, days) {
                return Ok((moved, false));
            }
        }
        let name = entity.to_uppercase();
        Ok((
            match self.policy.kind_of(entity) {
                TokenKind::EntityOnly => name,
                TokenKind::Counter => self.counters.token(&name, value),
                TokenKind::VaultToken => format!("{name}_{}", self.tokens.token(entity, value)?),
            },
            true,
        ))
    }
}

impl Rewrite for Deidentifier<'_> {
    fn check(&mut self) -> Result<(), DetectError> {
        match self.is_out_of_time {
            Some(is_out_of_time) if is_out_of_time() => Err(DetectError::OutOfTime),
            _ => Ok(()),
        }
    }

    fn edits(&mut self, passage: &Passage<'_>) -> Result<Vec<Edit>, DetectError> {
        self.check()?;
        let text = passage.text();
        if self.learning {
            self.counters.reserve(text);
            for finding in self.detector.find(passage, None, |entity| self.policy.wants(entity)) {
                let value = text.get(finding.range.clone()).unwrap_or_default();
                if self.policy.ruling(value) != Ruling::Allowed {
                    self.learned.add(&finding, value);
                }
            }
            return Ok(Vec::new());
        }
        let mut edits: Vec<Edit> = Vec::new();
        let mut positions = Positions::default();
        for finding in self.findings(passage) {
            let Some(value) = text.get(finding.range.clone()) else { continue };
            let (token, in_brackets) = match self.policy.ruling(value) {
                Ruling::Allowed => continue,
                Ruling::Restricted => (RESTRICTED.to_owned(), true),
                Ruling::Labelled(label) => (label, true),
                Ruling::Replaced => self.token(&finding.entity, value)?,
            };
            let replacement = if in_brackets { format!("[{token}]") } else { token.clone() };
            let (start, start_processed) = positions.advance(text, finding.range.start);
            let length = value.chars().count();
            let length_processed = replacement.chars().count();
            positions.replaced(finding.range.end, length, length_processed);
            let mut scores: BTreeMap<_, _> = finding.labels.into_iter().collect();
            scores.insert(finding.entity.clone(), finding.score);
            self.found.push(Found {
                token,
                value: value.to_owned(),
                entity: finding.entity,
                scores,
                start,
                end: start + length,
                start_processed,
                end_processed: start_processed + length_processed,
            });
            edits.push(Edit { range: finding.range, replacement });
        }
        Ok(edits)
    }
}

/// Counts characters in parallel through a text and its processed form.
#[derive(Default)]
struct Positions {
    at: usize,
    characters: usize,
    processed: usize,
}

impl Positions {
    fn advance(&mut self, text: &str, to: usize) -> (usize, usize) {
        let passed = text.get(self.at..to).map_or(0, |between| between.chars().count());
        self.at = to;
        self.characters += passed;
        self.processed += passed;
        (self.characters, self.processed)
    }

    fn replaced(&mut self, to: usize, characters: usize, processed: usize) {
        self.at = to;
        self.characters += characters;
        self.processed += processed;
    }
}

/// The numbers of counted tokens: one for each value of an entity.
#[derive(Default)]
struct Counters {
    values: HashMap<(String, String), String>,
    used: HashMap<String, u64>,
    /// Tokens that the text has already: none of them is given to a value.
    taken: BTreeSet<String>,
}

impl Counters {
    fn reserve(&mut self, text: &str) {
        for part in text.split('[').skip(1) {
            if let Some((token, _)) = part.split_once(']')
                && token.ends_with(|last: char| last.is_ascii_digit())
            {
                self.taken.insert(token.to_owned());
            }
        }
    }

    fn token(&mut self, name: &str, value: &str) -> String {
        let key = (name.to_owned(), value.to_owned());
        if let Some(token) = self.values.get(&key) {
            return token.clone();
        }
        let used = self.used.entry(name.to_owned()).or_default();
        let token = loop {
            *used += 1;
            let token = format!("{name}_{used}");
            if !self.taken.contains(&token) {
                break token;
            }
        };
        self.values.insert(key, token.clone());
        token
    }
}

#[cfg(test)]
mod tests;
