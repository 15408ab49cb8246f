//! Clients of a scripted vault.

use std::sync::Arc;

use serde_json::Value;
use skyflow::http::ManualClock;
use skyflow::{Credentials, Detect, Skyflow, Vault, VaultConfig};
use skyflow_testkit::{API_KEY, Reply};

pub(crate) use skyflow_testkit::Scripted;

/// Makes a service that sends these responses in order and repeats the last one.
pub(crate) fn script(responses: &[(u16, Value)]) -> Scripted {
    let reply = |(status, body): &(u16, Value)| Reply::json(*status, body).header("x-request-id", "req-1");
    Scripted::new(responses.iter().map(reply))
}

/// Clients of one scripted service, with an API key.
pub(crate) trait Clients {
    fn client_at(&self, config: VaultConfig, clock: &ManualClock) -> Skyflow;

    fn client(&self, config: VaultConfig) -> Skyflow {
        self.client_at(config, &ManualClock::auto_advancing())
    }

    fn vault(&self) -> Vault {
        self.client(VaultConfig::new("v1", "cluster")).default_vault().unwrap()
    }

    fn detect(&self) -> Detect {
        self.vault().detect()
    }

    fn detect_at(&self, clock: &ManualClock) -> Detect {
        self.client_at(VaultConfig::new("v1", "cluster"), clock).default_detect().unwrap()
    }
}

impl Clients for Scripted {
    fn client_at(&self, config: VaultConfig, clock: &ManualClock) -> Skyflow {
        Skyflow::builder()
            .vault(config)
            .credentials(Credentials::api_key(API_KEY).unwrap())
            .transport(self.clone())
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap()
    }
}
