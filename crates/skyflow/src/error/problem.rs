//! Errors that this crate finds, and what is added to an error on its way to the caller.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use skyflow_api::DecodeErrorKind;
use skyflow_api::runtime::clean;
use skyflow_auth::{CredentialsError, CredentialsErrorKind};
use skyflow_types::RequestId;

use super::{Error, ErrorKind, Text};
use crate::record::Origin;

impl Error {
    /// A request or a setting that cannot be used; `problem` holds no value.
    pub(crate) fn invalid(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        let field = field.into();
        let mut error = Self::of(ErrorKind::InvalidInput, Text::Own(format!("{field} {problem}")));
        error.0.field = Some(field);
        error.0.http_code = Some(400);
        error.0.http_status = Some("Bad Request".to_owned());
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A part of the configuration that is missing.
    pub(crate) fn missing(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        let mut error = Self::invalid(field, problem);
        error.0.kind = ErrorKind::Configuration;
        error
    }

    /// A context or roles that the calls of a handle cannot be made with; nothing was sent.
    pub(crate) fn call_credentials(source: CredentialsError) -> Self {
        let field = source.field();
        let problem = match source.kind() {
            CredentialsErrorKind::NotApplicable => {
                "cannot be set: API keys and bearer tokens have none, use a service account".to_owned()
            }
            _ => format!("cannot be used: {source}"),
        };
        Self::invalid(field, problem)
    }

    /// A context or roles in a client whose service was handed over whole.
    pub(crate) fn no_end_users() -> Self {
        Self::invalid("context", "cannot be set: the client's own service does the authentication")
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn no_background_thread(source: std::io::Error) -> Self {
        let text = "the background thread of the client cannot be started".to_owned();
        Self::of(ErrorKind::Configuration, Text::Own(text)).with_source(source)
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn deadlock(source: skyflow_http::blocking::WouldDeadlock) -> Self {
        Self::of(ErrorKind::Custom, Text::Own(source.to_string())).with_source(source)
    }

    /// A response that was received completely and cannot be used.
    pub(crate) fn bad_response(problem: &'static str) -> Self {
        Self::of(ErrorKind::Decode, Text::Own(problem.to_owned()))
    }

    /// A row that does not fit the caller's type. The names in the message are those of the type.
    pub(crate) fn row(source: skyflow_api::DecodeError) -> Self {
        let text = match (source.missing_field(), source.kind()) {
            (Some(field), _) => format!("the row lacks the field `{field}` of the requested type"),
            (None, DecodeErrorKind::Surrogate) => {
                "the row has text with an unpaired surrogate, which Rust strings cannot hold".to_owned()
            }
            (None, _) => "the row does not fit the requested type".to_owned(),
        };
        Self::of(ErrorKind::Decode, Text::Own(text)).with_source(source)
    }

    /// An element of a response that does not have the form that the operation defines.
    pub(crate) fn misshapen(index: usize) -> Self {
        let text =
            format!("element {index} of the response does not have the form that this operation defines");
        Self::of(ErrorKind::Decode, Text::Own(text))
    }

    /// An element of a response that belongs to nothing in the request.
    pub(crate) fn surplus(index: usize) -> Self {
        let text = format!("element {index} of the response belongs to nothing in the request");
        Self::of(ErrorKind::Decode, Text::Own(text))
    }

    /// Keeps the elements of a response, so that the ids in them are not lost.
    pub(crate) fn with_elements(mut self, elements: &[skyflow_api::Json]) -> Self {
        let elements: Vec<&str> = elements.iter().map(skyflow_api::Json::get).collect();
        self.0.body = format!("[{}]", elements.join(",")).into();
        self
    }

    /// A number at a path below `field` that JSON does not have.
    pub(crate) fn not_finite(field: &str, path: &str) -> Self {
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let problem = "must be a finite number: JSON has neither NaN nor infinities";
        Self::invalid(format!("{field}{dot}{path}"), problem)
    }

    /// Names the row among others.
    pub(crate) fn at_row(mut self, index: usize) -> Self {
        if let Text::Own(text) = &mut self.0.text {
            *text = format!("records[{index}]: {text}");
        }
        self
    }

    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Adds status and request id of the response.
    pub(crate) fn with_status(mut self, status: StatusCode, request_id: Option<RequestId>) -> Self {
        self.0.status = Some(status);
        self.0.http_code = Some(status.as_u16());
        self.with_request_id(request_id)
    }

    /// Says which response the row came in.
    pub(crate) fn in_response(self, origin: &Origin) -> Self {
        let error = self.in_operation(origin.operation).with_status(origin.status, origin.request_id.clone());
        error.after_attempts(origin.progress.attempts())
    }

    /// Says which response a refused row came in, and keeps the code of the row.
    pub(crate) fn of_row(self, origin: &Origin) -> Self {
        let code = self.0.http_code;
        let mut error = self.in_response(origin);
        error.0.http_code = code;
        error
    }

    fn after_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<RequestId>) -> Self {
        self.0.request_id = request_id;
        self
    }

    /// Says which run of Detect it was.
    pub(crate) fn with_run_id(mut self, run_id: impl Into<String>) -> Self {
        self.0.run_id = Some(run_id.into());
        self
    }

    /// A row that the server refused while the call as a whole succeeded.
    pub(crate) fn refused_row(message: String, http_code: Option<u16>) -> Self {
        let mut error = Self::of(ErrorKind::Api, Text::Server(clean(&message)));
        error.0.http_code = http_code;
        error
    }

    /// A run that did not succeed, with the server's message. It was started, so starting it again does not help.
    pub(crate) fn run(message: &str, from_server: Option<String>) -> Self {
        let text =
            from_server.map_or_else(|| Text::Own(message.to_owned()), |text| Text::Server(clean(&text)));
        Self::of(ErrorKind::Run, text).applied()
    }

    /// Outputs that could not be written.
    pub(crate) fn unsaved(source: std::io::Error) -> Self {
        let text = "the output cannot be written into the output directory".to_owned();
        Self::of(ErrorKind::Output, Text::Own(text)).with_source(source)
    }

    /// The write succeeded, and only its response cannot be used.
    pub(crate) fn applied(mut self) -> Self {
        self.0.may_have_been_applied = true;
        self
    }
}
