use std::fmt;
use std::sync::{Arc, PoisonError};

use skyflow_http::HttpService;
use skyflow_testkit::{Fault, JournalEntry};
use skyflow_types::Secret;

use crate::auth::{ClientDocument, TokenDocument, fingerprint};
use crate::build_error::BuildError;
use crate::identity::Identity;
use crate::operations::dynamic::LeaseDocument;
use crate::order_fault::OrderFault;
use crate::service::VaultService;
use crate::state::State;
use crate::store::StoreError;

/// A ScaiVault server in this process. Clones share everything.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use scaivault::Client;
/// use scaivault_emulator::EmbeddedScaiVault;
///
/// let vault = EmbeddedScaiVault::builder().build()?;
/// let client = Client::builder()
///     .base_url("https://scaivault.example")
///     .token(vault.token().clone())
///     .transport(vault.service())
///     .build()?;
/// client.secrets().write("app/db", &serde_json::json!({"password": "p"})).await?;
/// assert_eq!(client.secrets().read("app/db").await?.version, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EmbeddedScaiVault {
    pub(crate) state: Arc<State>,
    pub(crate) token: Secret,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
}

impl EmbeddedScaiVault {
    /// Returns the token of the owner, who may do everything. It does not expire.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Returns the id of the owner's client credentials.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the secret of the owner's client credentials.
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// Returns the tenant of the server's own tokens.
    pub fn tenant(&self) -> &str {
        &self.state.tenant
    }

    /// Issues a token that does not expire by itself.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be written.
    pub fn issue_token(&self, identity: Identity) -> Result<Secret, BuildError> {
        let _working = self.state.working();
        self.state.store.put("membership", "", &identity.id, &identity.groups)?;
        let token =
            self.state.issue_token(identity, self.state.now(), None).map_err(|_| StoreError::Sealed)?;
        Ok(token.into())
    }

    /// Adds client credentials.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be written.
    pub fn add_client(&self, id: &str, secret: &str, identity: Identity) -> Result<(), BuildError> {
        let _working = self.state.working();
        let document = ClientDocument { secret: secret.to_owned(), identity };
        Ok(self.state.store.put("client", "", id, &document)?)
    }

    /// Revokes a token.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be used.
    pub fn revoke_token(&self, token: &Secret) -> Result<(), BuildError> {
        self.change_token(token, |document| document.revoked = true)
    }

    /// Lets a token expire now.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be used.
    pub fn expire_token(&self, token: &Secret) -> Result<(), BuildError> {
        let now = self.state.now();
        self.change_token(token, |document| document.expires_at = Some(now))
    }

    /// Lets every token expire now that was issued for client credentials.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be used.
    pub fn expire_exchanged_tokens(&self) -> Result<(), BuildError> {
        let _working = self.state.working();
        let now = self.state.now();
        for (id, mut token) in self.state.store.list::<TokenDocument>("token", "")? {
            if token.expires_at.is_some() {
                token.expires_at = Some(now);
                self.state.store.put("token", "", &id, &token)?;
            }
        }
        Ok(())
    }

    fn change_token(
        &self,
        token: &Secret,
        change: impl FnOnce(&mut TokenDocument),
    ) -> Result<(), BuildError> {
        let _working = self.state.working();
        let id = fingerprint(token.expose());
        if let Some(mut document) = self.state.store.get::<TokenDocument>("token", "", &id)? {
            change(&mut document);
            self.state.store.put("token", "", &id, &document)?;
        }
        Ok(())
    }

    /// Returns the server as a tower service, to be called without a socket.
    pub fn service(&self) -> HttpService {
        HttpService::new(VaultService(Arc::clone(&self.state)))
    }

    /// Makes requests fail as the fault says; its operations are those of [`scaivault::api`].
    pub fn inject(&self, fault: Fault) {
        self.state.faults.inject(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Lets ACME orders of a domain fail or hang.
    pub fn fail_orders(&self, domain: impl Into<String>, fault: OrderFault) {
        self.state.order_faults.lock().unwrap_or_else(PoisonError::into_inner).insert(domain.into(), fault);
    }

    /// Returns how many leases are live.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be read.
    pub fn live_leases(&self) -> Result<usize, BuildError> {
        let _working = self.state.working();
        let now = self.state.now();
        let mut live = 0;
        for tenant in self.state.store.tenants("lease")? {
            let leases = self.state.store.list::<LeaseDocument>("lease", &tenant)?;
            live += leases.iter().filter(|(_, lease)| lease.is_live(now)).count();
        }
        Ok(live)
    }

    /// Returns what was called, oldest first; `caller` is the identity.
    pub fn journal(&self) -> Vec<JournalEntry<Option<String>>> {
        self.state.journal.entries()
    }

    /// Returns how often an operation was called.
    pub fn calls_of(&self, operation: &str) -> usize {
        self.journal().iter().filter(|entry| entry.operation == Some(operation)).count()
    }

    /// Forgets what was called.
    pub fn clear_journal(&self) {
        self.state.journal.clear();
    }
}

impl fmt::Debug for EmbeddedScaiVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedScaiVault").field("tenant", &self.state.tenant).finish_non_exhaustive()
    }
}
