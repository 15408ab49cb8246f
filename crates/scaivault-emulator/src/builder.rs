use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skyflow_http::{Clock, SystemClock};
use skyflow_testkit::{Faults, Journal, Random};
use skyflow_types::Secret;
use tokio::sync::Notify;

use crate::auth::ClientDocument;
use crate::build_error::BuildError;
use crate::identity::Identity;
use crate::rates::Rates;
use crate::state::State;
use crate::store::{Store, StoreError};
use crate::vault::EmbeddedScaiVault;

/// How many requests the journal keeps.
const JOURNAL: usize = 10_000;

/// Configures an embedded server.
#[must_use = "a server is made by `build`"]
pub struct EmbeddedScaiVaultBuilder {
    clock: Arc<dyn Clock>,
    random: Random,
    data_file: Option<PathBuf>,
    tenant: String,
    tenants: Vec<String>,
    rate_limits: bool,
    token_lifetime: Duration,
    retention: Duration,
}

impl EmbeddedScaiVault {
    /// Starts to configure a server.
    pub fn builder() -> EmbeddedScaiVaultBuilder {
        EmbeddedScaiVaultBuilder::new()
    }
}

impl EmbeddedScaiVaultBuilder {
    fn new() -> Self {
        Self {
            clock: SystemClock::shared(),
            random: Random::system(),
            data_file: None,
            tenant: "tnt_emulator".to_owned(),
            tenants: Vec::new(),
            rate_limits: false,
            token_lifetime: Duration::from_secs(3600),
            retention: Duration::from_secs(30 * 86_400),
        }
    }

    /// Uses this clock; a movable one makes rotations and expiries testable.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the same ids, tokens and generated values in every run. Keys of certificates are still random.
    pub fn deterministic(mut self) -> Self {
        self.random = Random::seeded(0x5ca1_7a17);
        self
    }

    /// Keeps everything in this file instead of in memory; a key beside it, named `<file>.key`, opens it.
    pub fn data_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_file = Some(path.into());
        self
    }

    /// Names the tenant of the server's own tokens; `tnt_emulator` by default.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Adds a tenant, which the administrator's calls may name.
    pub fn add_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenants.push(tenant.into());
        self
    }

    /// Enforces the documented rate limits; off by default.
    pub fn rate_limits(mut self, yes: bool) -> Self {
        self.rate_limits = yes;
        self
    }

    /// Sets how long tokens of client credentials are valid; an hour by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets how long a deleted secret can be restored; 30 days by default.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Starts the server, without a socket.
    ///
    /// # Errors
    ///
    /// Fails when the data file cannot be used.
    pub fn build(self) -> Result<EmbeddedScaiVault, BuildError> {
        let store = Store::open(self.data_file.as_deref(), &self.random)?;
        let epoch = self.random.hex(8);
        let state = State {
            store,
            clock: self.clock,
            random: self.random,
            faults: Faults::new(),
            journal: Journal::new(JOURNAL),
            rates: Rates::new(self.rate_limits),
            tenant: self.tenant,
            token_lifetime: self.token_lifetime,
            retention: self.retention,
            epoch,
            work: Mutex::new(()),
            news: Notify::new(),
            last_schedule: AtomicI64::new(i64::MIN),
            outbox: Mutex::default(),
            order_faults: Mutex::new(HashMap::new()),
        };
        for tenant in self.tenants.iter().chain([&state.tenant]) {
            state.store.put("tenant", "", tenant, &true)?;
        }
        let token = owner_token(&state)?;
        let (client_id, client_secret) = client(&state)?;
        Ok(EmbeddedScaiVault { state: Arc::new(state), token, client_id, client_secret })
    }
}

fn owner() -> Identity {
    Identity::new("user:owner@emulator.example").administrator().mfa(true)
}

/// Returns the token of the owner: the one of the data file, or a new one.
fn owner_token(state: &State) -> Result<Secret, StoreError> {
    if let Some(token) = state.store.get::<String>("setting", "", "owner_token")? {
        return Ok(token.into());
    }
    let token = state.issue_token(owner(), state.now(), None).map_err(|_| StoreError::Sealed)?;
    state.store.put("setting", "", "owner_token", &token)?;
    Ok(token.into())
}

/// Returns the client credentials of the owner.
fn client(state: &State) -> Result<(String, Secret), StoreError> {
    let id = "emulator-client".to_owned();
    let known: Option<ClientDocument> = state.store.get("client", "", &id)?;
    let secret = match known {
        Some(known) => known.secret,
        None => {
            let secret = state.random.hex(40);
            state.store.put(
                "client",
                "",
                &id,
                &ClientDocument { secret: secret.clone(), identity: owner() },
            )?;
            secret
        }
    };
    Ok((id, secret.into()))
}

impl fmt::Debug for EmbeddedScaiVaultBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedScaiVaultBuilder").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
