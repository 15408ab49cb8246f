//! A recorded call of the official SDK: what was asked, what went over the wire, what came out.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::json::Json;

mod read;

/// The path of the token endpoint, whatever the credentials say about it.
pub const TOKEN_PATH: &str = "/v1/auth/sa/oauth/token";

/// Says why a file is no trace that can be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One recorded file.
#[derive(Debug, Clone)]
pub struct Trace {
    pub case: String,
    pub op: String,
    pub credentials: Json,
    pub config: Json,
    pub overrides: Vec<Override>,
    pub steps: Vec<Step>,
    /// Whether the calls were made at once and not one after the other.
    pub parallel: bool,
}

/// What a trace does, one after the other or at once.
#[derive(Debug, Clone)]
pub enum Step {
    Call(Call),
    Sleep(Duration),
}

/// One call of the SDK, with what belongs to it.
#[derive(Debug, Clone)]
pub struct Call {
    pub op: String,
    pub args: Json,
    /// The requests for a token that were made for it.
    pub tokens: Vec<Exchange>,
    /// Its own requests.
    pub exchanges: Vec<Exchange>,
    pub result: Json,
}

/// A request and its response, which is missing when the connection failed.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Recorded,
    pub reply: Option<Reply>,
}

/// A request as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: String,
    pub tls: bool,
    pub headers: Json,
    pub body: Json,
}

/// A response: recorded, or made up for a request that the recording does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// A string holds the bytes themselves, any other value is sent as JSON.
    pub body: Json,
}

/// A response that the recording server was told to send instead of its default.
#[derive(Debug, Clone)]
pub struct Override {
    pub path: Option<String>,
    pub times: Option<usize>,
    pub status: u16,
    pub headers: Json,
    pub body: Json,
}

impl Trace {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let file = Json::parse(text).map_err(|error| Unreadable(error.to_string()))?;
        Self::from_json(&file)
    }

    pub fn from_json(file: &Json) -> Result<Self, Unreadable> {
        read::trace(file)
    }

    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Sleep(_) => None,
        })
    }

    /// Returns the id of the vault that is called.
    pub fn vault_id(&self) -> &str {
        self.config.get("vault_id").as_str().unwrap_or("vault0001")
    }

    pub fn cluster_id(&self) -> &str {
        self.config.get("cluster_id").as_str().unwrap_or("peerlab")
    }
}

impl Call {
    /// Tells whether the recorded call failed, with whatever error.
    pub fn raised(&self) -> bool {
        self.result.has("raised")
    }

    /// Returns the words of the error.
    pub fn message(&self) -> &str {
        self.result.get("message").as_str().unwrap_or_default()
    }

    /// Tells whether the official SDK has no way to make the call.
    pub fn has_no_form(&self) -> bool {
        self.result.has("unsupported")
            || (self.raised() && self.message().contains("unexpected keyword argument"))
    }

    /// Tells whether the official SDK refused the call itself.
    pub fn refused(&self) -> bool {
        self.raised() && self.exchanges.is_empty() && self.tokens.is_empty() && !self.network_failed()
    }

    /// Tells whether the call failed because there was no connection, or it broke.
    pub fn network_failed(&self) -> bool {
        let message = self.message();
        let without_response =
            self.exchanges.iter().chain(&self.tokens).any(|exchange| exchange.reply.is_none());
        let phrases = [
            "[Errno",
            "[SSL",
            "certificate verify failed",
            "timed out",
            "Server disconnected",
            "Name or service",
        ];
        self.raised()
            && (without_response
                || (self.exchanges.is_empty()
                    && !message.starts_with("Skyflow Python SDK")
                    && phrases.iter().any(|word| message.contains(word))))
    }

    /// Returns the path of the request whose response decided the outcome.
    pub fn last_path(&self) -> &str {
        self.exchanges.last().map_or("", |exchange| &exchange.request.path)
    }

    /// Returns the response that decided the outcome.
    pub fn last_reply(&self) -> Option<&Reply> {
        self.exchanges.last().and_then(|exchange| exchange.reply.as_ref())
    }
}

impl Exchange {
    pub fn is_for_a_token(&self) -> bool {
        self.request.path == TOKEN_PATH
    }
}

impl Reply {
    /// Returns the bytes that are sent.
    pub fn text(&self) -> String {
        match &self.body {
            Json::Text(text) => text.clone(),
            json => json.to_string(),
        }
    }

    /// Returns the body as JSON, if it is that.
    pub fn json(&self) -> Option<Json> {
        match &self.body {
            Json::Text(text) => Json::parse(text).ok(),
            json => Some(json.clone()),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn is_json_by_header(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.contains("application/json"))
    }

    pub fn header_map(&self) -> HeaderMap {
        let pairs = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        });
        pairs.collect()
    }
}

impl Override {
    pub fn is_for(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
    }
}
