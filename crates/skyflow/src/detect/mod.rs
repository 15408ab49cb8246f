//! Detect: finds sensitive data in text and files, replaces it with tokens, and replaces tokens with values.
//!
//! Every response implements `Serialize`, so that it can be handed on as JSON. That writes all of it, values and file
//! contents (as Base64) included; `Debug` shows neither.

mod deidentify_file;
mod deidentify_text;
mod file_format;
mod guardrails;
mod options;
mod output;
mod output_file;
mod poller;
mod reidentify_file;
mod reidentify_text;
mod run;
mod start;
#[cfg(feature = "detect-v2")]
mod version_2;

use skyflow_http::HttpLayer;
use skyflow_types::VaultId;

pub use deidentify_file::{Bleep, DeidentifyFileRequest, MaskingMethod, Transcription};
pub use deidentify_text::{DeidentifyTextRequest, DeidentifyTextResponse, DetectedEntity, TextIndex};
pub use guardrails::{GuardrailsRequest, GuardrailsResponse};
pub use options::{DateShift, TokenFormat, TokenKind};
pub use output::{DetectOutput, OutputKind};
pub use poller::RunPoller;
pub use reidentify_file::{ReidentifyFileRequest, ReidentifyFileResponse};
pub use reidentify_text::{ReidentifyTextRequest, ReidentifyTextResponse};
pub use run::{DetectRun, RunStatus};
#[cfg(feature = "detect-v2")]
pub use version_2::DetectV2;

use crate::{CallOptions, Vault};

/// A handle on Detect in one vault of a client; cheap to clone.
///
/// ```
/// # async fn run(client: skyflow::Skyflow) -> Result<(), skyflow::Error> {
/// use skyflow::DeidentifyTextRequest;
///
/// let request = DeidentifyTextRequest::new("My name is Jane Doe.");
/// let response = client.default_detect()?.deidentify_text(request).await?;
/// assert_eq!(response.processed_text, "My name is [NAME_1].");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Detect {
    vault: Vault,
}

impl Detect {
    pub(crate) fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// Returns the id of the vault.
    pub fn vault_id(&self) -> &VaultId {
        self.vault.id()
    }

    /// Returns a handle whose calls have other options: time limits, attempts, idempotency, headers, end user.
    ///
    /// They hold for each request; how long a run is waited for is the business of
    /// [`DeidentifyFileRequest::wait_time`] and [`RunPoller`].
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self::new(self.vault.with_options(options))
    }

    /// Returns a handle whose calls pass through one more operation layer: any tower layer, outside all others.
    pub fn with_layer(&self, layer: impl HttpLayer) -> Self {
        Self::new(self.vault.with_layer(layer))
    }

    /// Returns a handle whose calls are made for an end user; see [`CallOptions::context`].
    pub fn with_context(&self, context: impl Into<serde_json::Value>) -> Self {
        Self::new(self.vault.with_context(context))
    }

    /// Returns a handle whose requests carry one more header; see [`CallOptions::header`].
    pub fn with_header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(self.vault.with_header(name, value))
    }
}
