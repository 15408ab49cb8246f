use std::fmt;

use serde::Serialize;
use skyflow_api::{Response, guardrails, types};
use skyflow_types::RequestId;

use super::Detect;
use crate::Error;
use crate::elements::Lenient;
use crate::handle::{Call, ReadAs};
use crate::record::{none_blank, not_blank};

/// Checks text for toxicity and denied topics.
///
/// ```
/// use skyflow::GuardrailsRequest;
///
/// let request = GuardrailsRequest::new("How do I …?").check_toxicity(true).deny_topics(["weapons"]);
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Detect::check_guardrails`"]
pub struct GuardrailsRequest {
    text: String,
    check_toxicity: Option<bool>,
    deny_topics: Vec<String>,
}

impl GuardrailsRequest {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), check_toxicity: None, deny_topics: Vec::new() }
    }

    /// Checks the text for toxicity, which is the default of the server too.
    pub fn check_toxicity(mut self, yes: bool) -> Self {
        self.check_toxicity = Some(yes);
        self
    }

    /// Checks the text for these topics.
    pub fn deny_topics(mut self, topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.deny_topics.extend(topics.into_iter().map(Into::into));
        self
    }

    fn into_check(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<guardrails::Check, Lenient<types::CheckGuardrailsResponse>>>, Error> {
        not_blank("text", &self.text)?;
        check_limits(&self.text, &self.deny_topics)?;
        let mut body = types::CheckGuardrailsRequest::new(self.text, vault_id);
        body.check_toxicity = self.check_toxicity;
        if !self.deny_topics.is_empty() {
            none_blank("deny_topics", &self.deny_topics)?;
            body.deny_topics = Some(self.deny_topics);
        }
        Ok(Call::new(ReadAs::new(guardrails::Check::new(body))))
    }
}

/// Checks the limits of the published description.
pub(super) fn check_limits(text: &str, topics: &[String]) -> Result<(), Error> {
    let is_longer = |text: &str, limit: usize| text.chars().nth(limit).is_some();
    if is_longer(text, 500_000) {
        return Err(Error::invalid("text", "must not have more than 500000 characters"));
    }
    if topics.len() > 100 {
        return Err(Error::invalid("deny_topics", "must not have more than 100 topics"));
    }
    match topics.iter().position(|topic| is_longer(topic, 60)) {
        Some(index) => {
            let field = format!("deny_topics[{index}]");
            Err(Error::invalid(field, "must not have more than 60 characters"))
        }
        None => Ok(()),
    }
}

impl fmt::Debug for GuardrailsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardrailsRequest")
            .field("check_toxicity", &self.check_toxicity)
            .field("deny_topics", &self.deny_topics.len())
            .finish_non_exhaustive()
    }
}

/// What the guardrails say about a text.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GuardrailsResponse {
    /// Whether the text passed: the server's verdict.
    pub passed: bool,
    /// Whether it is toxic; `None` when the server does not say.
    pub toxic: Option<bool>,
    /// Whether it is about a denied topic; `None` when the server does not say.
    pub denied_topic: Option<bool>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl GuardrailsResponse {
    fn from_check(response: Response<types::CheckGuardrailsResponse>) -> Result<Self, Error> {
        let body = response.body;
        let passed = match body.validation {
            Some(types::GuardrailsValidation::Passed) => true,
            Some(types::GuardrailsValidation::Failed) => false,
            // A verdict that is not understood must not let a text pass.
            _ => return Err(Error::bad_response("the response has no verdict")),
        };
        Ok(Self {
            passed,
            toxic: body.toxic.or(body.toxicity),
            denied_topic: body.denied_topic.or(body.denied_topics),
            request_id: response.request_id,
        })
    }
}

impl Detect {
    /// Checks a text for toxicity and denied topics. No official SDK has it.
    ///
    /// Both generations of the response are read: `toxic` and `denied_topic`, and the older `toxicity` and
    /// `denied_topics`.
    ///
    /// ```
    /// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
    /// use skyflow::GuardrailsRequest;
    ///
    /// let response = detect.check_guardrails(GuardrailsRequest::new("Hello").check_toxicity(true)).await?;
    /// assert!(response.passed);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text or a topic is blank; fails as every call does afterwards, and when
    /// the response has no verdict.
    pub async fn check_guardrails(&self, request: GuardrailsRequest) -> Result<GuardrailsResponse, Error> {
        let call = request.into_check(self.vault_id().as_str());
        self.vault.handle.call(call, GuardrailsResponse::from_check).await
    }
}
