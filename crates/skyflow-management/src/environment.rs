//! A client from environment variables.

use std::ffi::OsString;

use skyflow_auth::{Credentials, variable};
use skyflow_types::Env;

use crate::{Client, Error};

/// The environment variable that holds the id of the account.
pub const ACCOUNT_ID_ENV: &str = "SKYFLOW_ACCOUNT_ID";

/// The environment variable that names the environment, such as `SANDBOX`.
pub const ENVIRONMENT_ENV: &str = "SKYFLOW_ENV";

impl Client {
    /// Makes a client from the environment: `SKYFLOW_ACCOUNT_ID`, `SKYFLOW_ENV` when it is not `PROD`, and the
    /// credentials of [`Credentials::from_env`]. A blank variable counts as unset.
    ///
    /// # Errors
    ///
    /// Fails when a variable is missing, and when one cannot be used; [`Error::field`] names it.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_env_with(|name| std::env::var_os(name))
    }

    /// Makes a client from an environment that is looked up with `lookup`, as [`Client::from_env`] does.
    ///
    /// ```
    /// # #[cfg(feature = "transport")] {
    /// use std::collections::HashMap;
    ///
    /// let variables = HashMap::from([
    ///     ("SKYFLOW_ACCOUNT_ID", "a451b783713e4424a7d761bb7bbc84eb"),
    ///     ("SKYFLOW_ENV", "SANDBOX"),
    ///     ("SKYFLOW_API_KEY", "sky-abcde-0123456789abcdef0123456789abcdef"),
    /// ]);
    /// let client = skyflow_management::Client::from_env_with(|name| variables.get(name))?;
    /// assert_eq!(client.base().to_string(), "https://manage.skyflowapis-preview.com");
    /// # }
    /// # Ok::<(), skyflow_management::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Client::from_env`] does.
    pub fn from_env_with<S: Into<OsString>>(lookup: impl Fn(&str) -> Option<S>) -> Result<Self, Error> {
        let account_id =
            variable(&lookup, ACCOUNT_ID_ENV)?.ok_or_else(|| Error::setting(ACCOUNT_ID_ENV, "is not set"))?;
        let env = variable(&lookup, ENVIRONMENT_ENV)?.map(|env| env.trim().parse::<Env>()).transpose();
        let env = env.map_err(|error| Error::setting(ENVIRONMENT_ENV, error.problem()))?;
        let credentials = Credentials::from_env_with(&lookup)?;
        let builder = Self::builder().account_id(account_id).environment(env.unwrap_or_default());
        builder.credentials(credentials).build()
    }
}
