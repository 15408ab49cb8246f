use std::fmt;

use serde::Serialize;
use skyflow_api::{Response, strings, types};
use skyflow_types::{DetectEntity, RequestId};

use super::Detect;
use super::options::entity_types;
use crate::Error;
use crate::elements::Lenient;
use crate::handle::{Call, ReadAs};
use crate::record::not_blank;

/// How each entity is shown when it is put back.
#[derive(Debug, Clone, Default)]
pub(super) struct Format {
    pub(super) redacted: Vec<DetectEntity>,
    pub(super) masked: Vec<DetectEntity>,
    pub(super) plain_text: Vec<DetectEntity>,
}

impl Format {
    pub(super) fn to_wire(&self) -> Option<types::DisplayFormat> {
        let mut wire = types::DisplayFormat::default();
        wire.redacted = entity_types(&self.redacted);
        wire.masked = entity_types(&self.masked);
        wire.plaintext = entity_types(&self.plain_text);
        let says_something = wire.redacted.is_some() || wire.masked.is_some() || wire.plaintext.is_some();
        says_something.then_some(wire)
    }
}

/// Writes the setters that the requests for re-identified text and files share.
macro_rules! format_setters {
    () => {
        /// Shows these entities as `*REDACTED*`.
        pub fn redacted_entities(
            mut self,
            entities: impl IntoIterator<Item = impl Into<skyflow_types::DetectEntity>>,
        ) -> Self {
            self.format.redacted.extend(entities.into_iter().map(Into::into));
            self
        }

        /// Shows these entities masked, such as `XXXXX6789`.
        pub fn masked_entities(
            mut self,
            entities: impl IntoIterator<Item = impl Into<skyflow_types::DetectEntity>>,
        ) -> Self {
            self.format.masked.extend(entities.into_iter().map(Into::into));
            self
        }

        /// Shows these entities in clear.
        pub fn plain_text_entities(
            mut self,
            entities: impl IntoIterator<Item = impl Into<skyflow_types::DetectEntity>>,
        ) -> Self {
            self.format.plain_text.extend(entities.into_iter().map(Into::into));
            self
        }
    };
}

pub(super) use format_setters;

/// Replaces vault tokens with their values.
///
/// The entities that are in no list are shown as the vault sees fit: in clear, as far as the caller's role allows.
///
/// ```
/// use skyflow::{DetectEntity, ReidentifyTextRequest};
///
/// let request = ReidentifyTextRequest::new("[NAME_5RVywhc], SSN [SSN_pX4c91d]")
///     .plain_text_entities([DetectEntity::NAME])
///     .masked_entities([DetectEntity::SSN]);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Detect::reidentify_text`"]
pub struct ReidentifyTextRequest {
    text: String,
    format: Format,
}

impl ReidentifyTextRequest {
    /// Takes the text with tokens.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: Format::default() }
    }

    format_setters!();

    fn into_reidentify(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<strings::Reidentify, Lenient<types::ReidentifyStringResponse>>>, Error> {
        not_blank("text", &self.text)?;
        let mut body = types::ReidentifyStringRequest::new(self.text, vault_id);
        body.format = self.format.to_wire();
        Ok(Call::new(ReadAs::new(strings::Reidentify::new(body))))
    }
}

impl fmt::Debug for ReidentifyTextRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReidentifyTextRequest").field("format", &self.format).finish_non_exhaustive()
    }
}

/// A text whose tokens were replaced with values.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct ReidentifyTextResponse {
    /// The text. Keep it out of logs.
    pub processed_text: String,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl fmt::Debug for ReidentifyTextResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReidentifyTextResponse").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl Detect {
    /// Replaces the vault tokens of a text with their values.
    ///
    /// ```
    /// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
    /// use skyflow::ReidentifyTextRequest;
    ///
    /// let response = detect.reidentify_text(ReidentifyTextRequest::new("Dear [NAME_5RVywhc]")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text is blank; fails as every call does afterwards.
    pub async fn reidentify_text(
        &self,
        request: ReidentifyTextRequest,
    ) -> Result<ReidentifyTextResponse, Error> {
        let call = request.into_reidentify(self.vault_id().as_str());
        let read = |response: Response<types::ReidentifyStringResponse>| {
            let (processed_text, request_id) = (response.body.text, response.request_id);
            Ok(ReidentifyTextResponse { processed_text, request_id })
        };
        self.vault.handle.call(call, read).await
    }
}
