//! Recorded calls, made again through the public API of this SDK.

use skyflow::Vault;

use crate::outcome::Outcome;
use crate::trace::Call;

mod arguments;
mod auth;
mod batch;
mod connection;
mod detect;
mod records;
mod tokens;
mod upload;

pub(crate) use detect::file_content;
pub(crate) use upload::recorded_bytes;

pub use arguments::{REDACTIONS, Stop, inexpressible, unknown};
pub use auth::{Caller, auth_call};
pub use connection::connection_call;

/// Operations that need no vault.
pub fn is_auth(op: &str) -> bool {
    matches!(op, "bearer_token" | "signed_data_tokens")
}

/// The operation that needs a connection and no vault.
pub fn is_connection(op: &str) -> bool {
    op == "invoke"
}

/// Makes a call of a vault.
pub async fn vault_call(vault: &Vault, call: &Call) -> Outcome {
    let (op, args) = (call.op.as_str(), &call.args);
    let outcome = match op {
        "insert" => records::insert(vault, args).await,
        "batch" => batch::batch(vault, args).await,
        "get" => records::get(vault, args).await,
        "update" => records::update(vault, args).await,
        "delete" => records::delete(vault, args).await,
        "query" => records::query(vault, args).await,
        "tokenize" => tokens::tokenize(vault, args).await,
        "detokenize" => tokens::detokenize(vault, args).await,
        "upload_file" => upload::upload_file(vault, call).await,
        "deidentify_text" => detect::deidentify_text(&vault.detect(), args).await,
        "reidentify_text" => detect::reidentify_text(&vault.detect(), args).await,
        "deidentify_file" => detect::deidentify_file(&vault.detect(), call).await,
        "get_detect_run" => detect::get_detect_run(&vault.detect(), args).await,
        other => Err(unknown(format!("operation `{other}`"))),
    };
    outcome.unwrap_or_else(|stop| *stop)
}

/// Turns what a call returned into an outcome.
fn finished<T>(
    response: Result<T, skyflow::Error>,
    show: impl FnOnce(T) -> crate::json::Json,
) -> Result<Outcome, Stop> {
    Ok(match response {
        Ok(response) => Outcome::Returned(show(response)),
        Err(error) => error.into(),
    })
}

/// Shows a row as JSON, digit by digit.
fn shown(record: &skyflow::Record) -> crate::json::Json {
    crate::json::Json::parse(record.raw()).unwrap_or(crate::json::Json::Null)
}
