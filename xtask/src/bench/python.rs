//! The published Python SDK as a contestant. It speaks https only, and makes one call at a time.

#[path = "../../../tests/conformance/tests/python_sdk/pinned.rs"]
mod pinned;
#[path = "../../../tests/conformance/tests/python_sdk/venv.rs"]
mod venv;

use std::path::{Path, PathBuf};

use super::figures::Sample;
use super::programs::{Server, on_core, printed};

/// A call takes so much longer than those of the others that this share of their number is enough.
const SHARE_OF_CALLS: usize = 40;

const FEWEST_CALLS: usize = 20;

/// An interpreter that has the SDK.
pub struct Python {
    interpreter: PathBuf,
    driver: PathBuf,
}

impl Python {
    /// Returns the interpreter; without one, a notice is printed.
    pub fn find(root: &Path) -> Option<Self> {
        match pinned::SDK.python(&root.join("target/tmp")) {
            Ok(interpreter) => Some(Self { interpreter, driver: root.join("tests/bench/src/python.py") }),
            Err(problem) => {
                println!("  !! NOT MEASURED: the published Python SDK: {problem}");
                None
            }
        }
    }

    /// Returns the version of the SDK.
    pub fn version() -> &'static str {
        pinned::SDK.version
    }

    pub fn time(&self, server: &Server, case: &str, calls: usize) -> Result<Sample, String> {
        let calls = (calls / SHARE_OF_CALLS).max(FEWEST_CALLS);
        let mut command = on_core(0, &self.interpreter);
        command.arg(&self.driver).args([case, &calls.to_string()]);
        command.env("VAULT_ID", "vault1");
        // The SDK appends a domain; behind a slash it becomes a part of the path, which the server ignores.
        command.env("CLUSTER_ID", format!("{}/local", server.authority("https")));
        command.env("API_KEY", "sky-abcde-0123456789abcdef0123456789abcdef");
        command.env("SSL_CERT_FILE", server.certificate());
        command.env("NO_PROXY", "127.0.0.1").env_remove("SKYFLOW_CREDENTIALS");
        Sample::read(&printed(&mut command, "the Python SDK")?)
    }
}
