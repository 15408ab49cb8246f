use std::fmt;
use std::sync::Arc;

#[cfg(feature = "detect")]
use skyflow_emulator_detect::Dictionary;
use skyflow_http::{Endpoint, HttpService};
use skyflow_testkit::Fault;
use skyflow_types::Secret;

use crate::auth::{Role, keys};
use crate::journal::JournalEntry;
#[cfg(feature = "detect")]
use crate::operations::detect::runs;
use crate::service::VaultService;
use crate::state::State;

/// A vault inside this process. Clones share everything.
///
/// ```
/// use skyflow_emulator::EmbeddedVault;
///
/// let vault = EmbeddedVault::builder().build()?;
/// println!("vault {} of cluster {}", vault.vault_id(), vault.cluster_id());
/// let service = vault.service();
/// # Ok::<(), skyflow_emulator::BuildError>(())
/// ```
#[derive(Clone)]
pub struct EmbeddedVault {
    pub(crate) state: Arc<State>,
}

impl EmbeddedVault {
    /// Returns the id of the vault.
    pub fn vault_id(&self) -> &str {
        &self.state.vault_id
    }

    /// Returns the id of the cluster; it is a name only, nothing listens under it.
    pub fn cluster_id(&self) -> &str {
        &self.state.cluster_id
    }

    /// Returns the id of the account that owns the vault.
    pub fn account_id(&self) -> &str {
        &self.state.account_id
    }

    /// Returns an API key of the vault's owner.
    pub fn api_key(&self) -> &Secret {
        &self.state.api_key
    }

    /// Returns the id of a role, for the scope of a token request.
    pub fn role_id(&self, role: Role) -> &str {
        self.state.bearer_tokens.role_id(role)
    }

    /// Returns a `credentials.json` of the vault's owner with this token URI. From then on the vault accepts
    /// assertions that name the URI as their audience.
    pub fn credentials_json(&self, token_uri: &str) -> Secret {
        self.state.remember_audience(token_uri);
        self.state.owner_credentials(token_uri)
    }

    /// Returns the vault as a tower service, to be called without a socket.
    pub fn service(&self) -> VaultService {
        VaultService(Arc::clone(&self.state))
    }

    /// Returns what a client needs to be connected to this vault in process: `Skyflow::connect(vault.endpoint())`.
    pub fn endpoint(&self) -> Endpoint {
        let service = HttpService::new(self.service());
        Endpoint::new(self.vault_id(), self.cluster_id(), self.api_key().clone(), service)
    }

    /// Makes requests fail as the fault says.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.inject(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Returns the phrases that Detect finds in this vault, so that more can be taught while it runs.
    #[cfg(feature = "detect")]
    pub fn dictionary(&self) -> &Dictionary {
        self.state.detect.detector.dictionary()
    }

    /// Ends a run of Detect now, as it was going to end; false when there is no such run.
    #[cfg(feature = "detect")]
    pub fn finish_detect_run(&self, run_id: &str) -> bool {
        runs::finish(&self.state, run_id)
    }

    /// Ends a run of Detect now, as failed with this message; false when there is no such run.
    #[cfg(feature = "detect")]
    pub fn fail_detect_run(&self, run_id: &str, message: &str) -> bool {
        runs::fail(&self.state, run_id, message)
    }

    /// Forgets a run of Detect, as Skyflow does after some time: its status is `UNKNOWN` from then on. False when there is
    /// no such run.
    #[cfg(feature = "detect")]
    pub fn forget_detect_run(&self, run_id: &str) -> bool {
        runs::forget(&self.state, run_id)
    }

    /// Returns what was called, oldest first.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state.journal.entries()
    }

    /// Forgets what was called.
    pub fn clear_journal(&self) {
        self.state.journal.clear();
    }
}

impl State {
    pub(crate) fn owner_credentials(&self, token_uri: &str) -> Secret {
        keys::credentials_json(&self.owner, &self.owner_key, token_uri)
    }
}

impl fmt::Debug for EmbeddedVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedVault").field("vault_id", &self.state.vault_id).finish_non_exhaustive()
    }
}
