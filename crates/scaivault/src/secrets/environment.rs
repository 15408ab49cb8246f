//! Secrets as environment variables of another process.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::process::Command;

use skyflow_types::Secret as SecretText;

use super::{BatchResult, Secrets};
use crate::environment::CREDENTIALS;
use crate::handle::Handle;
use crate::mode::{Async, CallFuture, Mode};
use crate::{Error, InvalidInput, SecretData, SecretPath};

/// A set of environment variables that is not resolved yet.
#[must_use = "a call does nothing until it is sent"]
pub struct SecretEnvironment<M = Async> {
    secrets: Secrets<M>,
    sources: Result<Vec<Source>, Error>,
}

struct Source {
    path: SecretPath,
    /// Before the names of the variables.
    prefix: String,
}

/// Names and values of environment variables; the values are wiped when they are dropped.
#[derive(Clone, Default)]
pub struct EnvironmentVariables(BTreeMap<String, SecretText>);

impl<M: Mode> Secrets<M> {
    /// Resolves secrets to environment variables for a child process: one for each member of their data.
    ///
    /// The name is the member's, in uppercase, with `_` for every other character than letters and digits: `foo-bar` is
    /// `FOO_BAR`. Strings are passed as they are, and every other value as JSON.
    ///
    /// ```no_run
    /// # async fn run(client: scaivault::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let variables = client.secrets().environment(["app/db/password"]).await?;
    /// let mut command = std::process::Command::new("my-program");
    /// variables.apply_to(&mut command);
    /// let status = command.status()?;
    /// # let _ = status;
    /// # Ok(()) }
    /// ```
    pub fn environment<P>(&self, paths: impl IntoIterator<Item = P>) -> SecretEnvironment<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let sources = paths.into_iter().enumerate().map(|(at, path)| {
            let path = path.try_into().map_err(|error| error.into().in_field(format!("paths[{at}]")))?;
            Ok(Source { path, prefix: String::new() })
        });
        SecretEnvironment { secrets: self.clone(), sources: sources.collect() }
    }
}

impl<M: Mode> SecretEnvironment<M> {
    /// Adds a secret whose variables begin with a prefix, such as `DB_`.
    pub fn with_prefix<P>(mut self, prefix: impl Into<String>, path: P) -> Self
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let prefix = prefix.into();
        self.sources = self.sources.and_then(|mut sources| {
            let path = path.try_into().map_err(|error| Error::InvalidInput(error.into()))?;
            if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Error::invalid("prefix", "may hold only letters, digits and _"));
            }
            sources.push(Source { path, prefix });
            Ok(sources)
        });
        self
    }

    /// Reads the secrets.
    ///
    /// # Errors
    ///
    /// Fails when a secret cannot be read, when two members give one name, when a name begins with a digit or is empty,
    /// and when a value holds a NUL character. The error names variables and paths, never values.
    pub fn send(self) -> M::Outcome<EnvironmentVariables> {
        let mode = self.secrets.mode.clone();
        let handle = self.secrets.handle.clone();
        mode.run(resolve(handle, self.sources))
    }
}

async fn resolve(handle: Handle, sources: Result<Vec<Source>, Error>) -> Result<EnvironmentVariables, Error> {
    let sources = sources?;
    if sources.is_empty() {
        return Err(Error::invalid("paths", "must not be empty"));
    }
    let secrets = Secrets { mode: Async, handle };
    let mut batch = secrets.batch_read_all(sources.iter().map(|source| &source.path)).send().await?;
    let mut variables = EnvironmentVariables::default();
    for source in &sources {
        variables.add(source, &mut batch)?;
    }
    Ok(variables)
}

impl EnvironmentVariables {
    fn add(&mut self, source: &Source, batch: &mut BatchResult) -> Result<(), Error> {
        let path = source.path.as_str();
        if let Some(error) = batch.errors.remove(path) {
            return Err(error);
        }
        match batch.secrets.get(path) {
            Some(secret) => self.add_members(&source.prefix, path, &secret.data),
            None => Ok(()),
        }
    }

    fn add_members(&mut self, prefix: &str, of: &str, data: &SecretData) -> Result<(), Error> {
        for member in data.keys() {
            let name = format!("{prefix}{}", name_of(&member));
            if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
                return Err(Error::invalid(name, format!("of {of} is not the name of a variable")));
            }
            let Some(value) = data.get(&member) else { continue };
            if value.expose().contains('\0') {
                return Err(Error::invalid(name, format!("of {of} has a value with a NUL character")));
            }
            if self.0.contains_key(&name) {
                return Err(Error::invalid(name, format!("of {of} has the name of another variable")));
            }
            self.0.insert(name, value);
        }
        Ok(())
    }

    /// Adds a variable for each member of other data, such as the credentials of a lease, by the same rules. Errors name
    /// the data as `source`.
    ///
    /// # Errors
    ///
    /// Fails when a member gives the name of another variable or none, and when a value holds a NUL character.
    pub fn with_data(mut self, source: &str, data: &SecretData) -> Result<Self, Error> {
        self.add_members("", source, data)?;
        Ok(self)
    }

    /// Sets the variables for a child process, and keeps the client's own credentials from it: the child inherits neither
    /// `SCAIVAULT_TOKEN` nor `SCAIVAULT_TOKEN_FILE` nor `SCAIKEY_CLIENT_SECRET`. A child that calls ScaiVault itself gets
    /// what it needs by [`Command::env`] after this.
    pub fn apply_to(&self, command: &mut Command) {
        for name in CREDENTIALS {
            command.env_remove(name);
        }
        command.envs(self.iter().map(|(name, value)| (name, value.expose())));
    }

    /// Returns names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretText)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the value of a variable.
    pub fn get(&self, name: &str) -> Option<&SecretText> {
        self.0.get(name)
    }
}

fn name_of(member: &str) -> String {
    member.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Shows the names only.
impl fmt::Debug for EnvironmentVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<M> fmt::Debug for SecretEnvironment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.sources.as_ref().map_or(0, Vec::len);
        f.debug_struct("SecretEnvironment").field("paths", &paths).finish_non_exhaustive()
    }
}

impl IntoFuture for SecretEnvironment<Async> {
    type Output = Result<EnvironmentVariables, Error>;
    type IntoFuture = CallFuture<EnvironmentVariables>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}
