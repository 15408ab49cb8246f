//! The same vault over each protocol: HTTP, HTTP/1.1 and HTTP/2 over TLS, and in this process.

use skyflow::{Credentials, Skyflow, Vault, VaultConfig};
use skyflow_auth::{Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenProvider};
use skyflow_emulator::{EmbeddedVault, Server};
use skyflow_http::{HttpService, Transport};
use skyflow_testkit::Recorder;
use skyflow_tests::clients::{TOKEN_URI, over};

/// Where a vault is: behind a socket, or in this process.
pub(crate) enum Place {
    Socket(Server),
    Process(EmbeddedVault),
}

impl Place {
    /// A vault over HTTP, over TLS with HTTP/1.1 and with HTTP/2, and in this process.
    pub(crate) async fn all() -> [Self; 4] {
        let vault = || EmbeddedVault::builder().build().unwrap();
        [
            Self::Socket(vault().serve().await.unwrap()),
            Self::Socket(vault().serve_tls().http1_only().await.unwrap()),
            Self::Socket(vault().serve_tls().await.unwrap()),
            Self::Process(vault()),
        ]
    }

    pub(crate) fn vault(&self) -> &EmbeddedVault {
        match self {
            Self::Socket(server) => server.vault(),
            Self::Process(vault) => vault,
        }
    }

    pub(crate) fn credentials_json(&self) -> String {
        match self {
            Self::Socket(server) => server.credentials_json().expose().to_owned(),
            Self::Process(vault) => vault.credentials_json(TOKEN_URI).expose().to_owned(),
        }
    }

    pub(crate) fn transport(&self) -> HttpService {
        match self {
            Self::Socket(server) => match server.ca_pem() {
                Some(ca) => {
                    let transport = Transport::builder().add_root_certificates_pem(ca.as_bytes()).unwrap();
                    transport.build().into_service()
                }
                None => Transport::new().into_service(),
            },
            Self::Process(vault) => HttpService::new(vault.service()),
        }
    }

    /// A client of the vault, and of nothing else, over a transport.
    pub(crate) fn client_over(&self, transport: HttpService, credentials: Credentials) -> Skyflow {
        let id = self.vault().vault_id();
        let config = match self {
            Self::Socket(server) => VaultConfig::with_base_url(id, server.base_url()),
            Self::Process(vault) => VaultConfig::new(id, vault.cluster_id()),
        };
        over(transport).vault(config.credentials(credentials)).build().unwrap()
    }

    /// The vault through a client whose requests are recorded.
    pub(crate) fn vault_client(&self, credentials: Credentials, recorder: &Recorder) -> Vault {
        self.client_over(recorder.around(self.transport()), credentials).default_vault().unwrap()
    }

    /// Mints a token without the facade.
    pub(crate) async fn bearer_token(&self) -> String {
        let key = ServiceAccountKey::from_json(&self.credentials_json()).unwrap();
        let exchange = TokenExchange::new(self.transport());
        let tokens = Cached::new(ServiceAccountTokens::new(key, exchange));
        tokens.token().await.unwrap().expose().to_owned()
    }
}
