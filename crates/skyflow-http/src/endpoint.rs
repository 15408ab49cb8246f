use skyflow_types::Secret;

use crate::HttpService;

/// A vault that a client can be connected to without any configuration: what an embedded vault hands to a test.
///
/// It lives in this crate because the client and the embedded vaults meet here: neither depends on the other.
///
/// ```
/// use skyflow_http::{Body, BoxError, Endpoint, HttpService, Request, Response};
///
/// let service = HttpService::new(tower::service_fn(|_: Request| async {
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// }));
/// let endpoint = Endpoint::new("vault-1", "cluster-1", "an API key", service);
/// assert_eq!(endpoint.vault_id, "vault-1");
/// assert!(!format!("{endpoint:?}").contains("an API key"));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Endpoint {
    /// The id of the vault.
    pub vault_id: String,
    /// The id of the cluster that the vault is in.
    pub cluster_id: String,
    /// An API key of the vault.
    pub api_key: Secret,
    /// The service that responds to requests for the vault, instead of a transport.
    pub service: HttpService,
}

impl Endpoint {
    /// Describes a vault behind a service. Nothing is checked before a client is connected.
    pub fn new(
        vault_id: impl Into<String>,
        cluster_id: impl Into<String>,
        api_key: impl Into<Secret>,
        service: HttpService,
    ) -> Self {
        Self { vault_id: vault_id.into(), cluster_id: cluster_id.into(), api_key: api_key.into(), service }
    }
}
