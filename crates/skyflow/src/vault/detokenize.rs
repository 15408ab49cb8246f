use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::{Json, tokens, types};
use skyflow_types::{Redaction, RequestId};

pub use skyflow_api::types::DetokenizedValueType as ValueType;

use super::Vault;
use super::rows::not_blank;
use crate::Error;
use crate::handle::Call;
use crate::record::text_of;

/// Asks for the values behind tokens.
///
/// ```
/// use skyflow::{DetokenizeRequest, Redaction};
///
/// let request = DetokenizeRequest::new()
///     .token("5391-4629-3722-7102")
///     .token_with("0f6b8a2c-90ab-4cde-9def-567890abcdef", Redaction::Masked)
///     .continue_on_error(true);
/// ```
#[derive(Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::detokenize`"]
pub struct DetokenizeRequest {
    tokens: Vec<(String, Redaction)>,
    continue_on_error: bool,
    download_url: Option<bool>,
}

impl DetokenizeRequest {
    /// Starts without tokens; the first unknown one fails the call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token, shown as its column says.
    pub fn token(self, token: impl Into<String>) -> Self {
        self.token_with(token, Redaction::Default)
    }

    /// Adds a token and says how much of its value to show.
    pub fn token_with(mut self, token: impl Into<String>, redaction: Redaction) -> Self {
        self.tokens.push((token.into(), redaction));
        self
    }

    /// Adds tokens that are all shown in one way.
    pub fn tokens<S: Into<String>>(self, tokens: impl IntoIterator<Item = S>, redaction: Redaction) -> Self {
        tokens.into_iter().fold(self, |request, token| request.token_with(token, redaction))
    }

    /// Returns the values that can be had and reports the other tokens, instead of all or nothing.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Asks for links to the files behind tokens of file columns; they live 15 minutes.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    fn into_detokenize(self, vault_id: &str) -> Result<Call<tokens::Detokenize>, Error> {
        if self.tokens.is_empty() {
            return Err(Error::invalid("tokens", "must not be empty"));
        }
        let parameters = self.tokens.into_iter().enumerate().map(|(index, (token, redaction))| {
            not_blank(&format!("tokens[{index}]"), &token)?;
            Ok(types::DetokenizeParameter::new(token).redaction(redaction.as_str()))
        });
        let parameters = parameters.collect::<Result<_, Error>>()?;
        let mut body = types::DetokenizeRequest::new(parameters).continue_on_error(self.continue_on_error);
        body.download_url = self.download_url;
        Ok(Call::new(tokens::Detokenize::new(vault_id, body)))
    }
}

impl fmt::Debug for DetokenizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizeRequest")
            .field("tokens", &self.tokens.len())
            .field("continue_on_error", &self.continue_on_error)
            .field("download_url", &self.download_url)
            .finish()
    }
}

/// Tells what became of each token: every token of the request is in exactly one of the two lists.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeResponse {
    /// The values, in the order of the request; a token that was asked for twice is here twice.
    pub detokenized_fields: Vec<DetokenizedField>,
    /// The tokens without a value, in the order of the request; empty unless `continue_on_error` was set.
    pub errors: Vec<DetokenizeError>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

/// A token and its value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizedField {
    /// The token.
    pub token: String,
    /// The place of the token in the request, counted from 0.
    pub request_index: usize,
    /// The type that the vault gives the value.
    pub value_type: Option<ValueType>,
    value: Option<Json>,
}

impl DetokenizedField {
    /// Returns the value as text: strings as they are, numbers, booleans and nested values as JSON. `None` for null.
    /// Keep it out of logs.
    pub fn value(&self) -> Option<String> {
        self.value.as_ref().and_then(|value| text_of(value.get()))
    }

    /// Decodes the value into a type of yours.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the value does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.value {
            Some(value) => value.decode().map_err(Error::row),
            None => Err(Error::answer("the token has no value")),
        }
    }
}

impl fmt::Debug for DetokenizedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizedField")
            .field("request_index", &self.request_index)
            .field("value_type", &self.value_type)
            .finish_non_exhaustive()
    }
}

/// A token that has no value, and why.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeError {
    /// The token.
    pub token: String,
    /// The place of the token in the request, counted from 0.
    pub request_index: usize,
    /// The server's words about this token; they may repeat what was sent, so keep them out of logs.
    pub error: String,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

impl fmt::Debug for DetokenizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizeError")
            .field("request_index", &self.request_index)
            .field("error", &skyflow_types::redact_text(&self.error))
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Turns tokens back into values, as far as the caller's role and the redaction allow.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::{DetokenizeRequest, Redaction};
    ///
    /// let request = DetokenizeRequest::new().token_with("5391-4629-3722-7102", Redaction::PlainText);
    /// let answer = vault.detokenize(request).await?;
    /// let value = answer.detokenized_fields.first().and_then(|field| field.value());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no token or a blank one; fails as every call does afterwards, with
    /// 404 when a token is unknown and `continue_on_error` is not set.
    pub async fn detokenize(&self, request: DetokenizeRequest) -> Result<DetokenizeResponse, Error> {
        let asked: Vec<String> = request.tokens.iter().map(|(token, _)| token.clone()).collect();
        let call = request.into_detokenize(self.id().as_str());
        self.handle.call(call, |response| sort(asked, response.body.records, response.request_id)).await
    }
}

/// Puts each token that was asked for into exactly one of the two lists.
///
/// An answer belongs to the token it names, wherever it stands. One that names none of the tokens (a signed data
/// token may come back without its signature) belongs to its place, if there are as many answers as tokens.
fn sort(
    asked: Vec<String>,
    answers: Vec<types::DetokenizedRecord>,
    request_id: Option<RequestId>,
) -> Result<DetokenizeResponse, Error> {
    let by_place = answers.len() == asked.len();
    let wanted: HashSet<&str> = asked.iter().map(String::as_str).collect();
    let mut named: HashMap<String, VecDeque<types::DetokenizedRecord>> = HashMap::new();
    let mut placed: HashMap<usize, types::DetokenizedRecord> = HashMap::new();
    for (place, mut answer) in answers.into_iter().enumerate() {
        // Some servers write an empty text where others write null.
        answer.error = answer.error.filter(|words| !words.is_empty());
        match answer.token.take() {
            Some(token) if wanted.contains(token.as_str()) => {
                named.entry(token).or_default().push_back(answer)
            }
            _ if by_place => drop(placed.insert(place, answer)),
            _ => return Err(Error::answer("the answer names a token that was not asked for")),
        }
    }
    let mut response = DetokenizeResponse { detokenized_fields: Vec::new(), errors: Vec::new(), request_id };
    for (request_index, token) in asked.into_iter().enumerate() {
        let answer = match named.get_mut(&token).and_then(VecDeque::pop_front) {
            Some(answer) => Some(answer),
            None => placed.remove(&request_index),
        };
        match answer {
            Some(types::DetokenizedRecord { error: None, value, value_type, .. }) => {
                response.detokenized_fields.push(DetokenizedField {
                    token,
                    request_index,
                    value_type,
                    value,
                });
            }
            missing_or_failed => {
                let error = missing_or_failed
                    .and_then(|answer| answer.error)
                    .unwrap_or_else(|| "the answer does not say what became of this token".to_owned());
                let request_id = response.request_id.clone();
                response.errors.push(DetokenizeError { token, request_index, error, request_id });
            }
        }
    }
    let surplus = !placed.is_empty() || named.values().any(|rest| !rest.is_empty());
    if surplus {
        Err(Error::answer("the answer holds more values than tokens were asked for"))
    } else {
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(token: Option<&str>, value: &str) -> types::DetokenizedRecord {
        let json = serde_json::json!({"token": token, "valueType": "STRING", "value": value});
        serde_json::from_value(json).unwrap()
    }

    fn sorted(asked: &[&str], answers: Vec<types::DetokenizedRecord>) -> Result<Vec<(usize, String)>, Error> {
        let response = sort(asked.iter().map(ToString::to_string).collect(), answers, None)?;
        Ok(response.detokenized_fields.iter().map(|f| (f.request_index, f.value().unwrap())).collect())
    }

    #[test]
    fn values_are_never_given_to_the_wrong_token() {
        let in_order = vec![answer(Some("a"), "1"), answer(Some("b"), "2"), answer(Some("a"), "1")];
        let expected = [(0, "1".to_owned()), (1, "2".to_owned()), (2, "1".to_owned())];
        assert_eq!(sorted(&["a", "b", "a"], in_order).unwrap(), expected);
        let shuffled = vec![answer(Some("b"), "2"), answer(Some("a"), "1"), answer(Some("a"), "1")];
        assert_eq!(sorted(&["a", "b", "a"], shuffled).unwrap(), expected);
    }

    #[test]
    fn a_signed_token_that_comes_back_bare_keeps_its_place() {
        let answers = vec![answer(Some("b"), "2"), answer(Some("bare"), "1")];
        assert_eq!(
            sorted(&["b", "signed_token_x"], answers).unwrap(),
            [(0, "2".to_owned()), (1, "1".to_owned())]
        );
        assert_eq!(sorted(&["a"], vec![answer(None, "1")]).unwrap(), [(0, "1".to_owned())]);
    }

    #[test]
    fn a_token_without_an_answer_is_an_error_of_its_own_and_a_stray_answer_fails_the_call() {
        let response = sort(vec!["a".into(), "b".into()], vec![answer(Some("b"), "2")], None).unwrap();
        assert_eq!(response.detokenized_fields[0].request_index, 1);
        assert_eq!((response.errors.len(), response.errors[0].request_index), (1, 0));
        assert!(sorted(&["a", "b"], vec![answer(Some("c"), "3")]).is_err());
        let surplus = vec![answer(Some("a"), "1"), answer(Some("a"), "1")];
        assert!(sorted(&["a"], surplus).is_err());
    }
}
