//! The environment variables that a client reads.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::credentials::Source;

const BASE_URL: [&str; 2] = ["SCAIVAULT_BASE_URL", "SCAIVAULT_URL"];
const TOKEN: &str = "SCAIVAULT_TOKEN";
const TOKEN_FILE: &str = "SCAIVAULT_TOKEN_FILE";
const CLIENT_ID: &str = "SCAIKEY_CLIENT_ID";
const CLIENT_SECRET: &str = "SCAIKEY_CLIENT_SECRET";
const TENANT: &str = "SCAIVAULT_TENANT_ID";
#[cfg(feature = "transport")]
const CA_FILE: &str = "SCAIVAULT_CA_FILE";

/// The variables that let a program act as this client.
pub(crate) const CREDENTIALS: [&str; 3] = [TOKEN, TOKEN_FILE, CLIENT_SECRET];

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where variables are looked up.
#[derive(Clone)]
pub(crate) struct Environment(Arc<Lookup>);

impl Environment {
    pub(crate) fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// Uses the environment of the process.
    pub(crate) fn process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Returns a variable; an empty one counts as missing.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    pub(crate) fn base_url(&self) -> Option<(&'static str, String)> {
        self.first(&BASE_URL)
    }

    pub(crate) fn tenant(&self) -> Option<(&'static str, String)> {
        self.first(&[TENANT])
    }

    #[cfg(feature = "transport")]
    pub(crate) fn ca_file(&self) -> Option<(&'static str, String)> {
        self.first(&[CA_FILE])
    }

    /// Returns the credentials: a token before a file before client credentials.
    pub(crate) fn credentials(&self) -> Result<Source, Error> {
        if let Some(token) = self.get(TOKEN) {
            return Ok(Source::Token(token.into()));
        }
        if let Some(path) = self.get(TOKEN_FILE) {
            return Ok(Source::File(PathBuf::from(path)));
        }
        match (self.get(CLIENT_ID), self.get(CLIENT_SECRET)) {
            (Some(id), Some(secret)) => Ok(Source::Client { id, secret: secret.into() }),
            (Some(_), None) => Err(Error::config(CLIENT_SECRET, format!("is missing: {CLIENT_ID} is set"))),
            (None, Some(_)) => Err(Error::config(CLIENT_ID, format!("is missing: {CLIENT_SECRET} is set"))),
            (None, None) => Err(Error::config(
                "token",
                format!(
                    "is missing: pass credentials, or set {TOKEN}, {TOKEN_FILE}, or {CLIENT_ID} and {CLIENT_SECRET}"
                ),
            )),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}
