//! Reads a client and a vault from environment variables.

use std::ffi::OsString;

use skyflow_auth::{Credentials, CredentialsErrorKind, METADATA_ENV, TOKEN_HOSTS_ENV, variable};
use skyflow_http::BaseUri;
use skyflow_types::{ClusterId, Env, InvalidId, VaultId};

use crate::{Error, Skyflow, VaultConfig};

const VAULT_ID: &str = "SKYFLOW_VAULT_ID";
const CLUSTER_ID: &str = "SKYFLOW_CLUSTER_ID";
const VAULT_URL: &str = "SKYFLOW_VAULT_URL";
const ENV: &str = "SKYFLOW_ENV";
const CA_FILE: &str = "SKYFLOW_CA_FILE";

/// The lists of operating systems have some 200 KiB.
#[cfg(feature = "transport")]
const CA_FILE_LIMIT: usize = 1024 * 1024;

impl Skyflow {
    /// Makes a client of the vault that the environment describes; see [`VaultConfig::from_env`].
    ///
    /// `SKYFLOW_CA_FILE` names a PEM file with certificates to trust besides those of the operating system, of at most 1
    /// MiB. `SKYFLOW_TOKEN_HOSTS` names hosts, separated by commas, that tokens may come from besides Skyflow's; see
    /// [`SkyflowBuilder::allow_token_host`](crate::SkyflowBuilder::allow_token_host). `SKYFLOW_SDK_METADATA=off` is
    /// [`SkyflowBuilder::without_sdk_metadata`](crate::SkyflowBuilder::without_sdk_metadata).
    ///
    /// ```no_run
    /// # fn run() -> Result<(), skyflow::Error> {
    /// let vault = skyflow::Skyflow::from_env()?.default_vault()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a variable is missing, and when
    /// one cannot be used; [`Error::field`] names it.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_env_with(|name| std::env::var_os(name))
    }

    /// Makes a client from an environment that is looked up with `lookup`, as [`Skyflow::from_env`] does.
    ///
    /// # Errors
    ///
    /// Fails as [`Skyflow::from_env`] does.
    pub fn from_env_with<S: Into<OsString>>(lookup: impl Fn(&str) -> Option<S>) -> Result<Self, Error> {
        let config = VaultConfig::from_env_with(&lookup)?;
        if config.get_credentials_kind().is_none() {
            // A client without any looks into the environment of the process, which is not meant here.
            Credentials::from_env_with(&lookup)?;
        }
        let hosts = variable(&lookup, TOKEN_HOSTS_ENV)?.unwrap_or_default();
        let mut builder = Self::builder().vault(config);
        for host in hosts.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            builder = builder.allow_token_host(host);
        }
        if variable(&lookup, METADATA_ENV)?.is_some_and(|value| skyflow_auth::is_off(&value)) {
            builder = builder.without_sdk_metadata();
        }
        match variable(&lookup, CA_FILE)? {
            Some(path) => trusting(builder, &path)?.build(),
            None => builder.build(),
        }
    }
}

impl VaultConfig {
    /// Describes the vault of the environment variables `SKYFLOW_VAULT_ID` and either `SKYFLOW_CLUSTER_ID`, with
    /// `SKYFLOW_ENV` when it is not `PROD`, or `SKYFLOW_VAULT_URL`, which wins.
    ///
    /// The credentials are those of [`Credentials::from_env`]; without any, those of the client are used. A blank
    /// variable counts as unset.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when a variable is missing, and when
    /// one cannot be used; [`Error::field`] names it.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_env_with(|name| std::env::var_os(name))
    }

    /// Describes the vault of an environment that is looked up with `lookup`, as [`VaultConfig::from_env`] does.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// let variables = HashMap::from([
    ///     ("SKYFLOW_VAULT_ID", "d408485953784308a000f8dcf81901ef"),
    ///     ("SKYFLOW_CLUSTER_ID", "ebfc9bee4242"),
    ///     ("SKYFLOW_ENV", "SANDBOX"),
    /// ]);
    /// let config = skyflow::VaultConfig::from_env_with(|name| variables.get(name))?;
    /// assert_eq!(config.get_env(), skyflow::Env::Sandbox);
    /// # Ok::<(), skyflow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`VaultConfig::from_env`] does.
    pub fn from_env_with<S: Into<OsString>>(lookup: impl Fn(&str) -> Option<S>) -> Result<Self, Error> {
        let wrong_id = |name: &'static str| move |error: InvalidId| Error::invalid(name, error.problem());
        let vault_id = variable(&lookup, VAULT_ID)?.ok_or_else(|| Error::missing(VAULT_ID, "is not set"))?;
        VaultId::new(&vault_id).map_err(wrong_id(VAULT_ID))?;
        let cluster_id = variable(&lookup, CLUSTER_ID)?;
        if let Some(cluster_id) = &cluster_id {
            ClusterId::new(cluster_id).map_err(wrong_id(CLUSTER_ID))?;
        }
        let url = variable(&lookup, VAULT_URL)?;
        if let Some(url) = &url {
            BaseUri::parse(url).map_err(|error| Error::invalid(VAULT_URL, error.problem()))?;
        }
        let env = variable(&lookup, ENV)?.map(|env| env.trim().parse::<Env>()).transpose();
        let env = env.map_err(|error| Error::invalid(ENV, error.problem()))?;
        let config = Self::of_parts(vault_id, cluster_id, url, env);
        let config = config
            .ok_or_else(|| Error::missing(CLUSTER_ID, "is not set, and neither is SKYFLOW_VAULT_URL"))?;
        match Credentials::from_env_with(&lookup) {
            Ok(credentials) => Ok(config.credentials(credentials)),
            Err(error) if error.kind() == CredentialsErrorKind::Missing && error.variable().is_none() => {
                Ok(config)
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(feature = "transport")]
fn trusting(builder: crate::SkyflowBuilder, path: &str) -> Result<crate::SkyflowBuilder, Error> {
    let file = skyflow_http::files::SmallFile::read(path, CA_FILE_LIMIT).map_err(|error| {
        let problem = match error.kind() {
            std::io::ErrorKind::FileTooLarge => "names a file that is larger than 1 MiB",
            _ => "names a file that cannot be read",
        };
        Error::invalid(CA_FILE, problem).with_source(error)
    })?;
    let transport = skyflow_http::Transport::builder().add_root_certificates_pem(file.content());
    let transport = transport.map_err(|error| {
        Error::invalid(CA_FILE, "names a file without usable certificates").with_source(error)
    })?;
    Ok(builder.transport(transport.build()))
}

#[cfg(not(feature = "transport"))]
fn trusting(_: crate::SkyflowBuilder, _: &str) -> Result<crate::SkyflowBuilder, Error> {
    Err(Error::invalid(CA_FILE, "has no effect: enable the feature hyper, hyper-ring or transport"))
}
