//! Clients of an embedded vault.

use skyflow_auth::Credentials;
use skyflow_http::Endpoint;

use crate::{Error, Skyflow, SkyflowBuilder, VaultConfig};

impl Skyflow {
    /// Connects to an embedded vault, for tests: no account, no network, no configuration.
    ///
    /// ```
    /// use serde_json::json;
    /// use skyflow::{InsertRequest, Skyflow};
    /// use skyflow_emulator::EmbeddedVault;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let embedded = EmbeddedVault::builder().build()?;
    /// let client = Skyflow::connect(embedded.endpoint())?;
    /// client.default_vault()?.insert(InsertRequest::new("table1").record(json!({"name": "Ada"}))).await?;
    /// assert_eq!(embedded.journal().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when the ids or the API key cannot be used; [`Error::field`] names which.
    pub fn connect(endpoint: Endpoint) -> Result<Self, Error> {
        Self::builder().endpoint(endpoint)?.build()
    }
}

impl SkyflowBuilder {
    /// Adds the vault of an endpoint with its API key, and sends all requests through its service.
    ///
    /// [`Skyflow::connect`] is enough for a client with default settings.
    ///
    /// # Errors
    ///
    /// Fails when the API key has the wrong format.
    pub fn endpoint(self, endpoint: Endpoint) -> Result<Self, Error> {
        let key = Credentials::api_key(endpoint.api_key)
            .map_err(|source| Error::invalid("api_key", "is not an API key").with_source(source))?;
        let config = VaultConfig::new(endpoint.vault_id, endpoint.cluster_id).credentials(key);
        Ok(self.vault(config).transport(endpoint.service))
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Body, BoxError, HttpService, Request, Response};

    use super::*;
    use crate::ErrorKind;

    fn service() -> HttpService {
        HttpService::new(tower::service_fn(|_: Request| async {
            Ok::<_, BoxError>(Response::new(Body::empty()))
        }))
    }

    #[test]
    fn endpoint_with_unusable_parts_is_refused() {
        const KEY: &str = "sky-abcde-0123456789abcdef0123456789abcdef";
        for (vault, cluster, key, field) in [
            ("", "c", KEY, "vault_id"),
            ("v", "not a label", KEY, "cluster_id"),
            ("v", "c", "not a key", "api_key"),
        ] {
            let error = Skyflow::connect(Endpoint::new(vault, cluster, key, service())).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
        }
        assert!(Skyflow::connect(Endpoint::new("v", "c", KEY, service())).is_ok());
    }
}
