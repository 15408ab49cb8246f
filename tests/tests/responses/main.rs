//! The forms in which servers are known to respond: each member reaches the caller, wherever it is.

mod audit;
mod batch_forms;
mod batch_properties;
mod batch_references;
mod detect;
mod encodings;
mod mutations;
mod others;
mod plain_data;
mod rows;
mod table;
mod text;

use serde_json::Value;
use skyflow::Vault;
use skyflow_tests::clients::{responding, vault_over};

/// A vault whose server gives every request this JSON.
fn vault_responding(status: u16, body: &Value) -> Vault {
    vault_over(responding(status, Some("application/json"), body.to_string()))
}
