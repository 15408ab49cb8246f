//! Service accounts, as a test sets them up.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use skyflow_types::Secret;

use crate::auth::{Role, keys};
use crate::clock::Now;
use crate::object_id::object_id;
use crate::state::State;
use crate::store::accounts::{self, AccountRow, ApiKeyRow, KeyRow};
use crate::vault::EmbeddedVault;

/// Describes a service account that is to be created.
///
/// ```
/// use skyflow_emulator::{EmbeddedVault, NewServiceAccount, Role};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vault = EmbeddedVault::builder().build()?;
/// let support = vault.create_service_account(NewServiceAccount::new("support").role(Role::VaultViewer))?;
/// let key = support.create_key()?;
/// let credentials = key.credentials_json("https://manage.example.test/v1/auth/sa/oauth/token");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NewServiceAccount {
    name: String,
    roles: Vec<Role>,
    require_context: bool,
    require_signed_tokens: bool,
}

impl NewServiceAccount {
    /// Starts an account without roles.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), roles: Vec::new(), require_context: false, require_signed_tokens: false }
    }

    /// Gives the account a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Refuses assertions without a `ctx` claim (Skyflow's `enforceContextID`).
    #[must_use]
    pub fn require_context(mut self) -> Self {
        self.require_context = true;
        self
    }

    /// Refuses to detokenize tokens that are not signed (Skyflow's `enforceSignedDataTokens`).
    #[must_use]
    pub fn require_signed_tokens(mut self) -> Self {
        self.require_signed_tokens = true;
        self
    }
}

/// A service account of the vault.
#[derive(Clone)]
pub struct ServiceAccount {
    state: Arc<State>,
    row: AccountRow,
}

impl ServiceAccount {
    /// Returns the client id.
    pub fn client_id(&self) -> &str {
        &self.row.client_id
    }

    /// Adds an RSA key of 2048 bits. An account may have several, for rotation.
    ///
    /// It computes for a fraction of a second; keep it off the threads of an async runtime that must not wait.
    ///
    /// # Errors
    ///
    /// Fails when the key cannot be generated or stored.
    pub fn create_key(&self) -> Result<ServiceAccountKey, AccountError> {
        let key = keys::generate(&self.row.client_id).map_err(|_| AccountError::Key)?;
        self.state.store.write(|transaction| accounts::put_key(transaction, &key))?;
        Ok(ServiceAccountKey { account: self.clone(), row: Arc::new(key) })
    }

    /// Finds a key of this account.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be read.
    pub fn key(&self, key_id: &str) -> Result<Option<ServiceAccountKey>, AccountError> {
        let row = self.state.store.read(|connection| accounts::key(connection, key_id))?;
        let own = row.filter(|row| row.client_id == self.row.client_id);
        Ok(own.map(|row| ServiceAccountKey { account: self.clone(), row: Arc::new(row) }))
    }

    /// Adds an API key.
    ///
    /// # Errors
    ///
    /// Fails when the key cannot be stored.
    pub fn create_api_key(&self) -> Result<Secret, AccountError> {
        let row =
            ApiKeyRow { api_key: keys::api_key(), client_id: self.row.client_id.clone(), enabled: true };
        self.state.store.write(|transaction| accounts::put_api_key(transaction, &row))?;
        Ok(Secret::new(row.api_key.as_str()))
    }

    /// Switches an API key off, or on again.
    ///
    /// # Errors
    ///
    /// Fails when there is no such key or the change cannot be stored.
    pub fn set_api_key_enabled(&self, api_key: &Secret, enabled: bool) -> Result<(), AccountError> {
        let known = self.state.store.write(|transaction| {
            accounts::set_api_key_enabled(transaction, &self.row.client_id, api_key.expose(), enabled)
        })?;
        if known { Ok(()) } else { Err(AccountError::Unknown) }
    }

    /// Deletes the account with its keys; its bearer tokens and API keys stop working.
    ///
    /// # Errors
    ///
    /// Fails when the change cannot be stored.
    pub fn delete(self) -> Result<(), AccountError> {
        let client_id = &self.row.client_id;
        self.state.store.write(|transaction| {
            accounts::delete_account(transaction, client_id)?;
            Ok(())
        })
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("client_id", &self.row.client_id).finish_non_exhaustive()
    }
}

/// A key pair of a service account.
#[derive(Clone)]
pub struct ServiceAccountKey {
    account: ServiceAccount,
    row: Arc<KeyRow>,
}

impl ServiceAccountKey {
    /// Returns the id of the key.
    pub fn key_id(&self) -> &str {
        &self.row.key_id
    }

    /// Returns a `credentials.json` with this key and this token URI. From then on the vault accepts assertions
    /// that name the URI as their audience.
    pub fn credentials_json(&self, token_uri: &str) -> Secret {
        self.account.state.remember_audience(token_uri);
        keys::credentials_json(&self.account.row, &self.row, token_uri)
    }

    /// Switches the key off, or on again. Bearer tokens that it has already bought go on working.
    ///
    /// # Errors
    ///
    /// Fails when the key is gone or the change cannot be stored.
    pub fn set_enabled(&self, enabled: bool) -> Result<(), AccountError> {
        let key_id = &self.row.key_id;
        let known = self
            .account
            .state
            .store
            .write(|transaction| accounts::set_key_enabled(transaction, key_id, enabled))?;
        if known { Ok(()) } else { Err(AccountError::Unknown) }
    }
}

impl ServiceAccountKey {
    /// Sets when the key expires; a fresh key does not. Bearer tokens that it has already bought go on working.
    ///
    /// # Errors
    ///
    /// Fails when the key is gone or the change cannot be stored.
    pub fn set_expiry(&self, end: SystemTime) -> Result<(), AccountError> {
        let (key_id, end) = (&self.row.key_id, Now(end).seconds());
        let known = self
            .account
            .state
            .store
            .write(|transaction| accounts::set_key_expiry(transaction, key_id, end))?;
        if known { Ok(()) } else { Err(AccountError::Unknown) }
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey").field("key_id", &self.row.key_id).finish_non_exhaustive()
    }
}

/// Reports a change to a service account that did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// No RSA key could be generated.
    #[error("the key could not be generated")]
    Key,
    /// The vault does not know the account or key.
    #[error("the account or key is not known to the vault")]
    Unknown,
    /// The change could not be stored.
    #[error("the change could not be stored")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<rusqlite::Error> for AccountError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl EmbeddedVault {
    /// Returns the service account that owns the vault.
    pub fn owner(&self) -> ServiceAccount {
        ServiceAccount { state: Arc::clone(&self.state), row: self.state.owner.clone() }
    }

    /// Finds a service account, such as one that a data file holds from before.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be read.
    pub fn service_account(&self, client_id: &str) -> Result<Option<ServiceAccount>, AccountError> {
        let row = self.state.store.read(|connection| accounts::account(connection, client_id))?;
        Ok(row.map(|row| ServiceAccount { state: Arc::clone(&self.state), row }))
    }

    /// Creates a service account, without a key.
    ///
    /// # Errors
    ///
    /// Fails when the account cannot be stored.
    pub fn create_service_account(&self, account: NewServiceAccount) -> Result<ServiceAccount, AccountError> {
        let roles: Vec<&str> = account.roles.iter().map(|role| self.role_id(*role)).collect();
        let row = AccountRow {
            client_id: object_id(),
            name: account.name,
            roles: roles.join(" "),
            enforce_context: account.require_context,
            enforce_signed_tokens: account.require_signed_tokens,
        };
        self.state.store.write(|transaction| accounts::put_account(transaction, &row))?;
        Ok(ServiceAccount { state: Arc::clone(&self.state), row })
    }

    /// Makes every bearer token issued so far invalid, as if it had been revoked; API keys go on working.
    ///
    /// # Errors
    ///
    /// Fails when the change cannot be stored.
    pub fn revoke_bearer_tokens(&self) -> Result<(), AccountError> {
        Ok(self.state.bearer_tokens.revoke_all(&self.state.store)?)
    }
}
