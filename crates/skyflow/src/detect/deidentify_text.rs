use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use skyflow_api::runtime::decode_json;
use skyflow_api::{DecodeError, Operation, Response, strings, types};
use skyflow_types::{DetectEntity, RequestId};

use super::Detect;
use super::options::{Options, fill_options, option_setters};
use crate::Error;
use crate::elements::{ElementError, Elements, Lenient, ReadBody, lenient, list_of, sorted};
use crate::handle::{Call, ReadAs};
use crate::record::{Origin, not_blank};

/// Replaces the sensitive data of a text with tokens.
///
/// ```
/// use skyflow::{DateShift, DeidentifyTextRequest, DetectEntity, TokenFormat, TokenKind};
///
/// let request = DeidentifyTextRequest::new("Jane Doe, born 5 June 1990, SSN 123-45-6789")
///     .entities([DetectEntity::NAME, DetectEntity::SSN, DetectEntity::DOB])
///     .token_format(TokenFormat::of(TokenKind::EntityUniqueCounter).vault_token([DetectEntity::SSN]))
///     .shift_dates(DateShift::days(10, 30).entities([DetectEntity::DOB]));
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Detect::deidentify_text`"]
pub struct DeidentifyTextRequest {
    text: String,
    options: Options,
}

impl DeidentifyTextRequest {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), options: Options::default() }
    }

    option_setters!();

    fn into_deidentify(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<strings::Deidentify, Deidentified>>, Error> {
        not_blank("text", &self.text)?;
        self.options.check()?;
        let stores = self.options.may_store_values();
        let mut body = types::DeidentifyStringRequest::new(self.text, vault_id);
        fill_options!(body, self.options);
        Ok(Call::new(ReadAs::new(strings::Deidentify::new(body))).read_only_if(!stores))
    }
}

impl fmt::Debug for DeidentifyTextRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeidentifyTextRequest")
            .field("entities", &self.options.entities)
            .field("token_format", &self.options.token_format)
            .field("shift_dates", &self.options.shift_dates)
            .field("configuration_id", &self.options.configuration_id)
            .finish_non_exhaustive()
    }
}

/// A text whose sensitive data was replaced with tokens.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DeidentifyTextResponse {
    /// The text with tokens.
    pub processed_text: String,
    /// The entities that were found, as the server lists them.
    pub entities: Vec<DetectedEntity>,
    /// The elements of the server's list that are no entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ElementError>,
    /// The words of the original text, when the server says so.
    pub word_count: Option<u64>,
    /// The characters of the original text, when the server says so.
    pub char_count: Option<u64>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl DeidentifyTextResponse {
    fn from_deidentify(response: Response<Deidentified>) -> Result<Self, Error> {
        let origin = Origin::of(strings::Deidentify::INFO.name, &response);
        let Deidentified { body, entities } = response.body;
        let (entities, errors) = sorted(entities, &origin, |entity| Ok(entity.into()));
        let count = |number: Option<i64>| number.and_then(|number| number.try_into().ok());
        Ok(Self {
            processed_text: body
                .processed_text
                .ok_or_else(|| Error::bad_response("the response has no text"))?,
            entities,
            errors,
            word_count: count(body.word_count),
            char_count: count(body.character_count),
            request_id: response.request_id,
        })
    }
}

/// The members of a response that are independent of each other, and its entities, each read on its own.
struct Deidentified {
    body: types::DeidentifyStringResponse,
    entities: Elements<types::DetectedEntity>,
}

impl ReadBody for Deidentified {
    type Value = Self;

    fn read(body: &Bytes) -> Result<Self, DecodeError> {
        let mut whole = match decode_json::<types::DeidentifyStringResponse>(body) {
            Ok(whole) => whole,
            Err(_) => {
                let whole = Lenient::<types::DeidentifyStringResponse>::read(body)?;
                let list = list_of(body, "entities").unwrap_or_default();
                return Ok(Self { body: whole, entities: list.into_iter().map(lenient).collect() });
            }
        };
        let entities = std::mem::take(&mut whole.entities);
        Ok(Self { body: whole, entities: entities.into_iter().map(Ok).collect() })
    }
}

impl fmt::Debug for DeidentifyTextResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeidentifyTextResponse")
            .field("entities", &self.entities)
            .field("word_count", &self.word_count)
            .field("char_count", &self.char_count)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// An entity that was found in a text.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetectedEntity {
    /// The token, without the brackets that it has in the text, such as `NAME_1`. Of a vault
    /// token such as `NAME_5RVywhc`, `5RVywhc` is what [`Vault::detokenize`](crate::Vault::detokenize) knows.
    pub token: String,
    /// The value. Keep it out of logs.
    pub value: String,
    /// What it is; `None` when the server does not say.
    pub entity: Option<DetectEntity>,
    /// The position of the value in the original text.
    pub text_index: Option<TextIndex>,
    /// The position of the token in the processed text, its brackets included.
    pub processed_index: Option<TextIndex>,
    /// How sure the server is of each label: from 0 to 1.
    pub scores: BTreeMap<DetectEntity, f64>,
}

impl fmt::Debug for DetectedEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectedEntity")
            .field("entity", &self.entity)
            .field("text_index", &self.text_index)
            .field("processed_index", &self.processed_index)
            .field("scores", &self.scores)
            .finish_non_exhaustive()
    }
}

impl From<types::DetectedEntity> for DetectedEntity {
    fn from(wire: types::DetectedEntity) -> Self {
        let location = wire.location.unwrap_or_default();
        Self {
            token: wire.token.map(without_brackets).unwrap_or_default(),
            value: wire.value.unwrap_or_default(),
            entity: wire.entity_type.map(DetectEntity::from),
            text_index: TextIndex::between(location.start_index, location.end_index),
            processed_index: TextIndex::between(location.start_index_processed, location.end_index_processed),
            scores: wire.entity_scores.into_iter().map(|(label, score)| (label.into(), score)).collect(),
        }
    }
}

/// One public server keeps the brackets that the token has in the text.
fn without_brackets(token: String) -> String {
    match token.strip_prefix('[').and_then(|token| token.strip_suffix(']')) {
        Some(inner) => inner.to_owned(),
        None => token,
    }
}

/// A part of a text, counted in characters: Unicode code points, neither bytes nor UTF-16 units.
///
/// That unit is inferred: Skyflow's documentation does not name one. Where it matters, compare the slice with
/// [`DetectedEntity::value`].
///
/// Rust's strings are counted in bytes, so a text must not be sliced by these numbers; [`TextIndex::slice`] does it.
///
/// ```
/// use skyflow::TextIndex;
///
/// let text = "Zoë is here";
/// assert_eq!(TextIndex { start: 0, end: 3 }.slice(text), Some("Zoë"));
/// assert_eq!(TextIndex { start: 8, end: 12 }.slice(text), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a range has two ends")]
pub struct TextIndex {
    /// The number of characters before the part.
    pub start: usize,
    /// The number of characters up to the end of the part: the last one is not included.
    pub end: usize,
}

impl TextIndex {
    fn between(start: Option<i64>, end: Option<i64>) -> Option<Self> {
        Some(Self { start: start?.try_into().ok()?, end: end?.try_into().ok()? })
    }

    /// Returns the part of the text; `None` when the text has no such part.
    pub fn slice(self, text: &str) -> Option<&str> {
        text.get(self.byte_range(text)?)
    }

    /// Returns the part of the text in bytes; `None` when the text has no such part.
    pub fn byte_range(self, text: &str) -> Option<Range<usize>> {
        let mut borders = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let start = borders.nth(self.start)?;
        match self.end.checked_sub(self.start)? {
            0 => Some(start..start),
            length => Some(start..borders.nth(length - 1)?),
        }
    }
}

impl Detect {
    /// Replaces the sensitive data of a text with tokens.
    ///
    /// Only vault tokens store anything, so a request without them is repeated after failures as a read is.
    ///
    /// ```
    /// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
    /// use skyflow::DeidentifyTextRequest;
    ///
    /// let text = "My name is Jane Doe.";
    /// let response = detect.deidentify_text(DeidentifyTextRequest::new(text)).await?;
    /// for entity in &response.entities {
    ///     assert_eq!(entity.text_index.and_then(|index| index.slice(text)), Some(entity.value.as_str()));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text or a pattern is blank, days do not fit, or options are given beside
    /// a configuration id; fails as every call does afterwards, and when the response has no text.
    pub async fn deidentify_text(
        &self,
        request: DeidentifyTextRequest,
    ) -> Result<DeidentifyTextResponse, Error> {
        let call = request.into_deidentify(self.vault_id().as_str());
        self.vault.handle.call(call, DeidentifyTextResponse::from_deidentify).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_index_of_any_part_slices_back_to_the_part(before in ".*", part in ".*", after in ".*") {
            let text = format!("{before}{part}{after}");
            let start = before.chars().count();
            let index = TextIndex { start, end: start + part.chars().count() };
            prop_assert_eq!(index.slice(&text), Some(part.as_str()));
        }

        #[test]
        fn index_beyond_text_or_reversed_has_no_slice(text in ".*", start in 0..50_usize, end in 0..50_usize) {
            let length = text.chars().count();
            let index = TextIndex { start, end };
            prop_assert_eq!(index.slice(&text).is_some(), start <= end && end <= length);
        }
    }

    #[test]
    fn debug_shows_no_text_and_no_value() {
        let wire = serde_json::json!({"token": "CANARY_1", "value": "CANARY", "entity_type": "NAME"});
        let entity = DetectedEntity::from(serde_json::from_value::<types::DetectedEntity>(wire).unwrap());
        let request = DeidentifyTextRequest::new("CANARY").allow_regex(["CANARY"]).restrict_regex(["CANARY"]);
        for shown in [format!("{entity:?}"), format!("{request:?}")] {
            assert!(!shown.contains("CANARY"), "{shown}");
        }
    }
}
