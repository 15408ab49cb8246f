use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::{Json, tokens, types};
use skyflow_types::{Redaction, RequestId};

pub use skyflow_api::types::DetokenizedValueType as ValueType;

use super::Vault;
use crate::Error;
use crate::handle::Call;
use crate::record::not_blank;
use crate::record::text_of;

/// Requests the values of tokens.
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

    /// Returns the available values and reports the other tokens, instead of all or nothing.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Returns links to the files of tokens of file columns; they are valid for 15 minutes.
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

/// Reports the outcome of each token: every token of the request is in exactly one of the two lists.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeResponse {
    /// The values, in the order of the request; a token that was requested twice is here twice.
    pub detokenized_fields: Vec<DetokenizedField>,
    /// The tokens without a value, in the order of the request; empty unless `continue_on_error` was set.
    pub errors: Vec<DetokenizeError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// Holds a token and its value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizedField {
    /// The token.
    pub token: String,
    /// The index of the token in the request, from 0.
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

    /// Decodes the value into your own type.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the value does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.value {
            Some(value) => value.decode().map_err(Error::row),
            None => Err(Error::bad_response("the token has no value")),
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

/// Describes why a token has no value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeError {
    /// The token.
    pub token: String,
    /// The index of the token in the request, from 0.
    pub request_index: usize,
    /// The server's message about this token; it may repeat what was sent, so keep it out of logs.
    pub error: String,
    /// The request id of the response.
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
    /// let response = vault.detokenize(request).await?;
    /// let value = response.detokenized_fields.first().and_then(|field| field.value());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no token or a blank one; fails as every call does afterwards, with
    /// 404 when a token is unknown and `continue_on_error` is not set.
    pub async fn detokenize(&self, request: DetokenizeRequest) -> Result<DetokenizeResponse, Error> {
        let requested: Vec<String> = request.tokens.iter().map(|(token, _)| token.clone()).collect();
        let call = request.into_detokenize(self.id().as_str());
        self.handle.call(call, |response| sort(requested, response.body.records, response.request_id)).await
    }
}

/// Puts each token that was requested into exactly one of the two lists.
///
/// An entry belongs to the token it names, in any position. An entry that names none of the tokens (a signed data token
/// may come back without its signature) belongs to its position, if there are as many entries as tokens.
fn sort(
    requested: Vec<String>,
    entries: Vec<types::DetokenizedRecord>,
    request_id: Option<RequestId>,
) -> Result<DetokenizeResponse, Error> {
    let by_place = entries.len() == requested.len();
    let wanted: HashSet<&str> = requested.iter().map(String::as_str).collect();
    let mut named: HashMap<String, VecDeque<types::DetokenizedRecord>> = HashMap::new();
    let mut placed: HashMap<usize, types::DetokenizedRecord> = HashMap::new();
    for (place, mut entry) in entries.into_iter().enumerate() {
        // Some servers write an empty text where others write null.
        entry.error = entry.error.filter(|message| !message.is_empty());
        match entry.token.take() {
            Some(token) if wanted.contains(token.as_str()) => {
                named.entry(token).or_default().push_back(entry)
            }
            _ if by_place => drop(placed.insert(place, entry)),
            _ => return Err(Error::bad_response("the response names a token that was not requested")),
        }
    }
    let mut response = DetokenizeResponse { detokenized_fields: Vec::new(), errors: Vec::new(), request_id };
    for (request_index, token) in requested.into_iter().enumerate() {
        let entry = match named.get_mut(&token).and_then(VecDeque::pop_front) {
            Some(entry) => Some(entry),
            None => placed.remove(&request_index),
        };
        match entry {
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
                    .and_then(|entry| entry.error)
                    .unwrap_or_else(|| "the response does not mention this token".to_owned());
                let request_id = response.request_id.clone();
                response.errors.push(DetokenizeError { token, request_index, error, request_id });
            }
        }
    }
    let surplus = !placed.is_empty() || named.values().any(|rest| !rest.is_empty());
    if surplus {
        Err(Error::bad_response("the response has more values than the request has tokens"))
    } else {
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(token: Option<&str>, value: &str) -> types::DetokenizedRecord {
        let json = serde_json::json!({"token": token, "valueType": "STRING", "value": value});
        serde_json::from_value(json).unwrap()
    }

    fn sorted(
        requested: &[&str],
        entries: Vec<types::DetokenizedRecord>,
    ) -> Result<Vec<(usize, String)>, Error> {
        let response = sort(requested.iter().map(ToString::to_string).collect(), entries, None)?;
        Ok(response.detokenized_fields.iter().map(|f| (f.request_index, f.value().unwrap())).collect())
    }

    #[test]
    fn values_are_never_given_to_the_wrong_token() {
        let in_order = vec![entry(Some("a"), "1"), entry(Some("b"), "2"), entry(Some("a"), "1")];
        let expected = [(0, "1".to_owned()), (1, "2".to_owned()), (2, "1".to_owned())];
        assert_eq!(sorted(&["a", "b", "a"], in_order).unwrap(), expected);
        let shuffled = vec![entry(Some("b"), "2"), entry(Some("a"), "1"), entry(Some("a"), "1")];
        assert_eq!(sorted(&["a", "b", "a"], shuffled).unwrap(), expected);
    }

    #[test]
    fn bare_signed_token_keeps_its_position() {
        let entries = vec![entry(Some("b"), "2"), entry(Some("bare"), "1")];
        assert_eq!(
            sorted(&["b", "signed_token_x"], entries).unwrap(),
            [(0, "2".to_owned()), (1, "1".to_owned())]
        );
        assert_eq!(sorted(&["a"], vec![entry(None, "1")]).unwrap(), [(0, "1".to_owned())]);
    }

    #[test]
    fn missing_entry_is_an_error_of_its_token() {
        let response = sort(vec!["a".into(), "b".into()], vec![entry(Some("b"), "2")], None).unwrap();
        assert_eq!(response.detokenized_fields[0].request_index, 1);
        assert_eq!((response.errors.len(), response.errors[0].request_index), (1, 0));
        assert!(sorted(&["a", "b"], vec![entry(Some("c"), "3")]).is_err());
        let surplus = vec![entry(Some("a"), "1"), entry(Some("a"), "1")];
        assert!(sorted(&["a"], surplus).is_err());
    }
}
